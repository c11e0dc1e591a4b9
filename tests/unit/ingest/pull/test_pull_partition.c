#include "tests/unit/ingest/pull/puller_ground.h"

#define EACH(list)                                                                                 \
    "'request': {'url': '@/${each.x}', 'query': {'a': '${window.start}', 'b': '${window.end}'}}, " \
    "'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'format': 'date'}, 'foreach': [" list  \
    "]"

/* By what a partition is, not by where it stands. */
static void test_what_was_done_of_a_partition_stays_done_in_another_list(void **state)
{
    static const char *const lists[] = {
        EACH("{'x': 'one'}, {'x': 'two'}"),
        EACH("{'x': 'new'}, {'x': 'two'}"),
        EACH("{'x': 'two'}, {'x': 'one'}, {'x': 'new'}"),
    };
    static const size_t asked[] = {4, 2, 0};
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        it_restarts();
        SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
        (void)snprintf(blocks, sizeof(blocks), lists[i], it_day(-4, from), it_day(-2, until));
        it_declares(blocks);
        if (i == 0)
            UNTIL(it_count("windows") == 4 && it_is_resting());
        else
            it_pulls(asked[i]);
        assert_true(it_says("s", "reached", until));
        assert_int_equal(it.site.asked_count, asked[i]);
        assert_int_equal(site_asked(&it.site, "GET /new"), i == 1 ? 2 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_what_was_done_of_a_partition_stays_done_in_another_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
