#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]"
#define PLAIN "'request': {'url': '@/a'}"

/* Of two days, a window each, which are history: of no pull but the first. */
static void two_days(char blocks[600])
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE];

    (void)snprintf(blocks, 600,
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': "
                   "'${window.end}'}}, 'window': {'from': '%s', 'until': '%s', 'step': 'P1D', "
                   "'format': 'date'}, 'outcomes': [{'body_has': 'no', 'do': 'fail'}]",
                   it_day(-20, from), it_day(-18, until));
}

static void test_a_pull_that_was_asked_for_before_its_progress_is_known_is_not_lost(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW "}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    it_restarts(); /* the next one is due in an hour */
    it_declares(PLAIN);
    it_asks_for_a_pull();
    UNTIL(it_count("windows") == 1 && it_is_resting());
    it_restarts();
    it_tells_wishes(); /* which that pull has served */
    it_declares(PLAIN);
    UNTIL(it_is_resting());
    it_declares_so("t", false, PLAIN);
    UNTIL(it_says("t", "state", "resting") && !it_says("t", "succeeded", "null"));
    assert_int_equal(it_count("windows"), 0);
}

static void test_what_is_asked_for_while_another_node_pulls_waits_for_the_lease(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW "}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    puller_close(it.puller);
    it.leases = true;
    it_start();
    it_declares(PLAIN);
    UNTIL(it_says("s", "state", "elsewhere"));
    it_asks_for_a_pull();
    it_declares(PLAIN);
    it.leased = true;
    UNTIL(it_count("windows") == 1);
}

/* Nothing of it was asked before the node died; the next one finds those windows done. */
static void test_a_backfill_is_not_lost_with_the_node_that_was_to_do_it(void **state)
{
    char blocks[600];

    (void)state;
    two_days(blocks);
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_declares(blocks);
    UNTIL(it_count("windows") == 2 && it_is_resting());
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "no"});
    it_asks_for(it_day_ns(-20), it_day_ns(-19));
    UNTIL(it_count("failures") == 1);
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_restarts();
    it_tells_wishes();
    it_declares(blocks);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(it.site.asked_count, 1);
    it_restarts();
    it_tells_wishes();
    it_declares(blocks);
    UNTIL(it_is_resting());
    it_asks_for(it_day_ns(-19), it_day_ns(-18)); /* and that one alone */
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(it.site.asked_count, 2);
}

/* Windows in pages; what says "no" fails. */
static void paged(char blocks[700], int first, int end, const char *more)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE];

    (void)snprintf(blocks, 700,
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': "
                   "'${window.end}'}}, 'window': {'from': '%s', 'until': '%s', 'step': 'P1D', "
                   "'format': 'date'}, 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}, "
                   "'outcomes': [{'body_has': 'no', 'do': 'fail'}]%s",
                   it_day(first, from), it_day(end, until), more);
}

/* What was told before is taken up. */
static void is_heard(void)
{
    it_declares_so("heard", true, PLAIN);
    UNTIL(it_says("heard", "state", "paused"));
}

static const struct site_rule middle_out[] = {
    {.when = "c=3", .body = "{'data': []}"      },
    {.when = "c=2", .body = ROW ", 'next': '3'}", .held = true},
    {.when = "GET",             .body = ROW ", 'next': '2'}"                            },
};
static const struct site_rule last_out[] = {
    {.when = "c=2", .body = "{'data': []}", .held = true},
    {.when = "GET",             .body = ROW ", 'next': '2'}"                      },
};
static const struct site_rule middle_out_and_no_more[] = {
    {.when = "c=3", .body = "no"                },
    {.when = "c=2", .body = ROW ", 'next': '3'}", .held = true},
    {.when = "GET",             .body = ROW ", 'next': '2'}"                            },
};

/* Its pages that came are of before. */
static void test_a_window_that_is_asked_for_in_its_middle_begins_again(void **state)
{
    static const struct {
        const struct site_rule *rules;
        size_t count, asked;
    } cases[] = {
        {middle_out, COUNT_OF(middle_out), 5},
        {last_out,   COUNT_OF(last_out),   4},
    };
    char blocks[700];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        paged(blocks, -20 - (int)i, -19 - (int)i, "");
        site_answers(&it.site, cases[i].rules, cases[i].count);
        it_declares(blocks);
        UNTIL(site_asked(&it.site, "c=2") == 1);
        it_asks_for(it_day_ns(-40), it_day_ns(-30)); /* another range */
        it_asks_for(it_day_ns(-20 - (int)i), it_day_ns(-19 - (int)i));
        is_heard();
        site_release(&it.site);
        UNTIL(it_count("windows") == 1 + (int64_t)i && it_is_resting());
        assert_int_equal(it.site.asked_count, cases[i].asked);
        assert_int_equal(site_asked(&it.site, "c="), cases[i].asked - 2);
        site_was_asked(&it.site, 3, "c=2");
    }
}

/* Whoever takes over knows it by when the window was begun: the page that was out came behind. */
static void
test_a_window_that_was_asked_for_in_its_middle_is_begun_again_by_who_takes_over(void **state)
{
    char blocks[700];

    (void)state;
    for (int last = 0; last < 2; last++) {
        it_restarts();
        paged(blocks, -20 - last, -19 - last, "");
        if (last)
            site_answers(&it.site, last_out, COUNT_OF(last_out));
        else
            site_answers(&it.site, middle_out_and_no_more, COUNT_OF(middle_out_and_no_more));
        it_declares(blocks);
        UNTIL(site_asked(&it.site, "c=2") == 1);
        source_wish_backfill(&it.wishes, it_day_ns(-20 - last), it_day_ns(-19 - last),
                             clock_wall_ns(&it.clock.clock)); /* it dies before it hears of that */
        site_release(&it.site);
        UNTIL(it_count(last ? "windows" : "failures") == 1 && it_is_resting());
        it_restarts();
        site_answers(&it.site, last_out, COUNT_OF(last_out));
        site_release(&it.site);
        it_tells_wishes();
        it_declares(blocks);
        UNTIL(it_count("windows") == 1 && it_is_resting());
        assert_int_equal(it.site.asked_count, 2);
        site_was_asked(&it.site, 1, "c=2");
    }
}

/* Of two partitions with one request at a time; both stand at page 2 of the first day. */
static void test_a_window_that_was_begun_and_waits_begins_again(void **state)
{
    static struct site_rule rules[2][3] = {
        {{.body = "{'data': []}"},
         {.when = "c=2", .body = "no"},
         {.when = "GET", .body = ROW ", 'next': '2'}"}},
        {{.body = "{'data': []}"},
         {.when = "c=2", .body = "{'data': []}", .held = true},
         {.when = "GET", .body = ROW ", 'next': '2'}"}},
    };
    static char second[32];
    char day[TIMESTAMP_TEXT_SIZE], blocks[700];

    (void)state;
    (void)snprintf(second, sizeof(second), "a=%.10s", it_day(-19, day));
    rules[0][0].when = rules[1][0].when = second;
    paged(blocks, -20, -18, ", 'foreach': [{'x': '1'}, {'x': '2'}], 'limits': {'concurrency': 1}");
    site_answers(&it.site, rules[0], 3);
    it_declares(blocks);
    UNTIL(it_count("windows") == 2 && it_count("failures") == 2 && it_is_resting());
    it_restarts();
    site_answers(&it.site, rules[1], 3);
    it_declares(blocks);
    UNTIL(site_asked(&it.site, "c=2") == 1);
    it_asks_for(it_day_ns(-20), it_day_ns(-19));
    is_heard();
    site_release(&it.site);
    UNTIL(it_count("windows") == 2 && it_is_resting());
    assert_int_equal(it.site.asked_count, 5);
    assert_int_equal(site_asked(&it.site, "c=2"), 3);
}

/* A wish is a new version of the record: what is under way goes on in its place. */
static void test_a_record_whose_document_is_the_same_disturbs_nothing(void **state)
{
    static const char cursor[] =
        "'request': {'url': '@/list'}, 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}";

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW "}"},
                 {.when = "/list", .body = ROW ", 'next': 'b'}", .held = true});
    it_declares(cursor);
    UNTIL(site_asked(&it.site, "/list") == 1);
    it_declares(cursor);
    it_asks_for_a_pull(); /* one is under way */
    site_release(&it.site);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(it.site.asked_count, 2);
}

/* What has no credential is due when it is due. */
static void test_a_secret_that_is_set_has_those_that_failed_tried_again(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /a", .status = "401 \"No\"", .body = "no", .times = 1},
                 {.when = "GET /b", .status = "401 \"No\"", .body = "no"},
                 {.when = "GET", .body = ROW "}"});
    it_declares("'request': {'url': '@/a'}, 'auth': {'type': 'bearer', 'token': '${secret:key}'}");
    it_declares_so("t", false, "'request': {'url': '@/b'}");
    UNTIL(it_count("failures") == 1 && it_is_resting() && it_says("t", "error", "answered 401") &&
          it_says("t", "state", "resting"));
    assert_int_equal(puller_secrets(it.puller, BYTES("other"), NULL), OK);
    assert_int_equal(puller_secrets(it.puller, TENANT, NULL), OK);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(site_asked(&it.site, "GET /a"), 2);
    assert_int_equal(site_asked(&it.site, "GET /b"), 1);
    assert_int_equal(puller_secrets(it.puller, TENANT, NULL), OK); /* nobody failed */
    it_declares_so("u", false, "'request': {'url': '@/u'}");
    UNTIL(it_says("u", "succeeded", "20"));
    assert_int_equal(site_asked(&it.site, "GET /a"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_pull_that_was_asked_for_before_its_progress_is_known_is_not_lost),
        IT_TEST(test_what_is_asked_for_while_another_node_pulls_waits_for_the_lease),
        IT_TEST(test_a_backfill_is_not_lost_with_the_node_that_was_to_do_it),
        IT_TEST(test_a_window_that_is_asked_for_in_its_middle_begins_again),
        IT_TEST(test_a_window_that_was_asked_for_in_its_middle_is_begun_again_by_who_takes_over),
        IT_TEST(test_a_window_that_was_begun_and_waits_begins_again),
        IT_TEST(test_a_record_whose_document_is_the_same_disturbs_nothing),
        IT_TEST(test_a_secret_that_is_set_has_those_that_failed_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
