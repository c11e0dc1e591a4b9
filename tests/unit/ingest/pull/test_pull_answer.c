#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW(day, v) "{'data': [{'at': '2026-01-0" #day "', 'v': " #v "}]"
#define SOON "'retry': {'base': '1ms', 'cap': '2ms', 'max': 3}"
#define CURSOR                                                                                     \
    "'request': {'url': '@/list'}, 'page': {'type': 'cursor', 'param': 'c', 'path': "              \
    "'/next'}, " SOON

static void test_pages_are_asked_in_order_by_what_each_says(void **state)
{
    static const struct {
        const char *blocks;
        const char *asked[3];
    } cases[] = {
        {CURSOR,                                                                       {"GET /list HTTP", "GET /list?c=b HTTP", "GET /list?c=c HTTP"}          },
        {"'request': {'url': '@/url'}, 'page': {'type': 'next_url', 'path': '/next'}",
         {"GET /url HTTP", "GET /url2 HTTP", "GET /url3?c=c HTTP"}                                                                                             },
        {"'request': {'url': '@/offset'}, 'page': {'type': 'offset', 'param': 'o', "
         "'limit_param': 'n', 'limit': 1, 'stop': ['short_page']}",           {"GET /offset?o=0&n=1 ", "GET /offset?o=1&n=1 ", "GET /offset?o=2&n=1 "}},
    };
    static const char *const names[] = {"s", "t", "u"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        SITE_ANSWERS(&it.site, {.when = "/list?c=b", .body = ROW(2, 2) ", 'next': 'c'}"},
                     {.when = "/list?c=c", .body = ROW(3, 4) "}"},
                     {.when = "/list ", .body = ROW(1, 1) ", 'next': 'b'}"},
                     {.when = "/url2 ", .body = ROW(2, 2) ", 'next': '@/url3?c=c'}"},
                     {.when = "/url3", .body = ROW(3, 4) "}"},
                     {.when = "/url ", .body = ROW(1, 1) ", 'next': 'url2'}"},
                     {.when = "o=0", .body = ROW(1, 1) "}"}, {.when = "o=1", .body = ROW(2, 2) "}"},
                     {.when = "o=2", .body = "{'data': []}"});
        it_declares_so(names[i], false, cases[i].blocks);
        UNTIL(it_says(names[i], "succeeded", "20"));
        for (size_t page = 0; page < 3; page++)
            site_was_asked(&it.site, page, cases[i].asked[page]);
        assert_int_equal(it.site.asked_count, 3);
        assert_true(it_rows("m").sum == 7);
    }
}

/* However many good pages are in between: else a cursor that goes round is asked for ever. */
static void test_a_cursor_that_comes_again_is_begun_again_and_given_up(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW(2, 2) ", 'next': 'c'}"},
                 {.when = "c=c", .body = ROW(3, 4) ", 'next': 'b'}"},
                 {.when = "/list", .body = ROW(1, 1) ", 'next': 'b'}"});
    it_declares(CURSOR);
    UNTIL(it_count("failures") == 1);
    assert_true(it_says("s", "error", "what stands for the next page was there before"));
    assert_int_equal(site_asked(&it.site, "GET /list HTTP"), 4);
    assert_int_equal(site_asked(&it.site, "c=c"), 4);
    assert_int_equal(it_count("windows"), 0);
}

static void test_a_cursor_that_is_gone_is_begun_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "c=b", .status = "410 Gone", .times = 1},
                 {.when = "c=b", .body = ROW(2, 2) "}"},
                 {.when = "/list", .body = ROW(1, 1) ", 'next': 'b'}"});
    it_declares(CURSOR);
    UNTIL(it_count("windows") == 1);
    site_was_asked(&it.site, 2, "GET /list HTTP");
    assert_int_equal(it.site.asked_count, 4);
    SITE_ANSWERS(&it.site, {.when = "c=b", .status = "410 Gone"},
                 {.when = "/list", .body = ROW(1, 1) ", 'next': 'b'}"});
    it_asks_for_a_pull();
    UNTIL(it_count("failures") == 1);
    assert_int_equal(site_asked(&it.site, "c=b"), 4);
}

/* Whatever status an API has for a cursor that it does not know any more. */
static void test_a_rule_begins_a_window_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "c=b", .status = "400 No", .body = "cursor expired", .times = 1},
                 {.when = "c=b", .body = ROW(2, 2) "}"},
                 {.when = "/list", .body = ROW(1, 1) ", 'next': 'b'}"});
    it_declares(CURSOR ", 'outcomes': [{'status': 400, 'body_has': 'cursor', 'do': 'restart'}]");
    UNTIL(it_count("windows") == 1);
    site_was_asked(&it.site, 2, "GET /list HTTP");
    assert_int_equal(it.site.asked_count, 4);
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "400 No", .body = "cursor expired"});
    it_asks_for_a_pull();
    UNTIL(it_count("failures") == 1); /* it ends */
    assert_int_equal(site_asked(&it.site, "GET /list HTTP"), 4);
}

static void test_an_outcome_that_fails_is_not_asked_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "GET", .status = "403 No", .body = "{'why': 'the key is no more'}"});
    it_declares("'request': {'url': '@/a'}, 'outcomes': [{'status': 403, 'do': 'fail', "
                "'message': '/why'}]");
    UNTIL(it_count("failures") == 1);
    assert_true(it_says("s", "error", "the key is no more"));
    assert_int_equal(it.site.asked_count, 1);
    assert_int_equal(it_count("retries"), 0);
}

static void test_a_window_is_split_down_to_its_least(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "b=24", .status = "413 Much"},
                 {.when = "GET", .body = "{'data': []}"});
    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': "
                   "'${window.end}'}}, 'window': {'from': '%s', 'until': '%s', 'step': 'P1D', "
                   "'step_min': '6h'}, 'outcomes': [{'status': 413, 'do': 'split'}]",
                   it_day(-2, from), it_day(-1, until));
    SITE_ANSWERS(&it.site, {.when = "T00%3A00%3A00Z&b=", .status = "413 Much", .times = 2},
                 {.when = "GET", .body = "{'data': []}"});
    it_declares(blocks);
    UNTIL(it_count("windows") == 3);
    assert_int_equal(it.site.asked_count, 5);
    assert_true(it_says("s", "reached", until));
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "413 Much"});
    it_asks_for(it_day_ns(-2), it_day_ns(-1));
    it_asks_for_a_pull();
    UNTIL(it_says("s", "error", "as small as step_min"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_pages_are_asked_in_order_by_what_each_says),
        IT_TEST(test_a_cursor_that_comes_again_is_begun_again_and_given_up),
        IT_TEST(test_a_cursor_that_is_gone_is_begun_again),
        IT_TEST(test_a_rule_begins_a_window_again),
        IT_TEST(test_an_outcome_that_fails_is_not_asked_again),
        IT_TEST(test_a_window_is_split_down_to_its_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
