#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]"
#define CURSOR                                                                                     \
    "'request': {'url': '@/list'}, 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}"

/* The page behind the one that was under way is not asked any more. */
static void test_a_document_is_replaced_while_a_page_is_under_way(void **state)
{
    static const char *const wrong[] = {"", ", 'nonsense': 1"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char blocks[128];

        SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW "}"},
                     {.when = "/list", .body = ROW ", 'next': 'b'}", .held = true},
                     {.when = "/other", .body = ROW "}"});
        it_takes_away("s");
        UNTIL(it_count("windows") == -1);
        it_declares(CURSOR);
        UNTIL(it_is_resting() || site_asked(&it.site, "/list") > 0);
        if (site_asked(&it.site, "/list") == 0)
            it_asks_for_a_pull();
        UNTIL(site_asked(&it.site, "/list") == 1);
        (void)snprintf(blocks, sizeof(blocks), "'request': {'url': '@/other'}%s", wrong[i]);
        it_declares(blocks);
        site_release(&it.site);
        UNTIL(it_says("s", "state", i == 0 ? "resting" : "wrong"));
        assert_int_equal(site_asked(&it.site, "c=b"), 0);
    }
}

static void test_a_lease_that_is_lost_ends_what_would_be_asked(void **state)
{
    (void)state;
    puller_close(it.puller);
    it.leases = true;
    it_start();
    SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW "}"},
                 {.when = "/list", .body = ROW ", 'next': 'b'}", .held = true});
    it_declares(CURSOR);
    UNTIL(it_says("s", "state", "elsewhere"));
    it.leased = true;
    UNTIL(site_asked(&it.site, "/list") == 1);
    it.leased = false;
    it_asks_for_a_pull();
    UNTIL(it_says("s", "state", "elsewhere"));
    site_release(&it.site);
    UNTIL(it_count("pages") == 1 && it_says("s", "state", "elsewhere"));
    assert_int_equal(site_asked(&it.site, "c=b"), 0);
}

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
        IT_TEST(test_a_document_is_replaced_while_a_page_is_under_way),
        IT_TEST(test_a_lease_that_is_lost_ends_what_would_be_asked),
        IT_TEST(test_history_that_fails_waits_for_the_next_pull),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
