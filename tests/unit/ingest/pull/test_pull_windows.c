#include "tests/unit/ingest/pull/puller_ground.h"

/* A window of history that fails is not asked again before the next pull. */
static void test_history_that_fails_waits_for_the_next_pull(void **state)
{
    static struct site_rule rules[2] = {
        {.body = "no"           },
        { .when = "GET", .body = "{'data': []}"}
    };
    char from[TIMESTAMP_TEXT_SIZE], bad[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': "
                   "'${window.end}'}}, 'window': {'from': '%s', 'step': 'P1D', 'format': 'date'}, "
                   "'outcomes': [{'body_has': 'no', 'do': 'fail'}]",
                   it_day(-3, from));
    (void)snprintf(bad, sizeof(bad), "a=%.10s", it_day(-2, from));
    rules[0].when = bad;
    site_answers(&it.site, rules, 2);
    it_declares(blocks);
    UNTIL(it_count("windows") == 3);
    assert_int_equal(site_asked(&it.site, bad), 1);
    assert_int_equal(it_count("failures"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_history_that_fails_waits_for_the_next_pull),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
