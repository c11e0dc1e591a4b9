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
    UNTIL(it_count("windows") == 3 && it_count("failures") == 1);
    assert_int_equal(site_asked(&it.site, bad), 1);
}

/* What was missed comes behind what is of now, and is asked all the same, pages and partitions too.
 */
static void test_of_the_windows_of_a_pull_the_newest_is_asked_first(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], day[32], blocks[600];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': "
                   "'${window.end}', 'x': '${each.x}'}}, 'foreach': [{'x': '1'}, {'x': '2'}], "
                   "'window': {'from': '%s', 'step': 'P1D', 'overlap': 'P3D', 'format': 'date'}, "
                   "'limits': {'concurrency': 1}",
                   it_day(-4, from));
    it_declares(blocks);
    UNTIL(it_count("windows") == 10);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(day, sizeof(day), "a=%.10s", it_day(-i / 2, from));
        site_was_asked(&it.site, (size_t)i, day);
        (void)snprintf(day, sizeof(day), "x=%d", i % 2 + 1);
        if (i < 8) /* these are of the pull */
            site_was_asked(&it.site, (size_t)i, day);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_history_that_fails_waits_for_the_next_pull),
        IT_TEST(test_of_the_windows_of_a_pull_the_newest_is_asked_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
