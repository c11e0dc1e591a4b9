#include "tests/unit/ingest/pull/puller_ground.h"

#include "ingest/pace/schedule.h"

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

/* The answer that was under way leads to a page that nobody would ask for. */
static void test_a_lease_that_is_lost_and_had_again_goes_on(void **state)
{
    (void)state;
    puller_close(it.puller);
    it.leases = it.leased = true;
    it_start();
    SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW "}"},
                 {.when = "/list", .body = ROW ", 'next': 'b'}", .held = true});
    it_declares(CURSOR);
    UNTIL(site_asked(&it.site, "/list") == 1);
    it.leased = false;
    it_asks_for_a_pull();
    UNTIL(it_says("s", "state", "elsewhere"));
    it.leased = true;
    site_release(&it.site);
    UNTIL(it_count("windows") == 1);
}

/* Reading its work waits until it is let go. */
static _Atomic bool let_go;

static enum code
slow_rows(void *context, struct bytes tenant, struct bytes measurement,
          const struct series_tag *matched, uint32_t matched_count, int64_t start, int64_t end,
          enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
          void *taker, bool *partial, struct error *err)
{
    while (!let_go)
        peer_wait(1);
    return recall_of(&it.app).rows(context, tenant, measurement, matched, matched_count, start, end,
                                   take, taker, partial, err);
}

static void loads_slowly(const char *blocks)
{
    let_go = false;
    it.recall.rows = slow_rows;
    it_restarts();
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_declares(blocks);
    UNTIL(it_says("s", "state", "loading"));
}

/* It was pulled a moment ago: by the schedule nothing is asked for an hour. */
static void test_what_is_asked_for_while_it_loads_is_done_then(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], old[32], blocks[600];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': "
                   "'${window.end}'}}, 'window': {'from': '%s', 'until': '%s', 'step': 'P1D', "
                   "'overlap': 'P2D', 'format': 'date'}",
                   it_day(-5, from), it_day(-1, until));
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_declares(blocks);
    UNTIL(it_count("windows") == 4 && it_is_resting());

    loads_slowly(blocks);
    it_asks_for_a_pull();
    let_go = true;
    UNTIL(it_count("windows") == 2 && it_is_resting());
    assert_int_equal(it.site.asked_count, 2); /* what overlaps */

    loads_slowly(blocks);
    it_asks_for(it_day_ns(-5), it_day_ns(-4));
    let_go = true;
    UNTIL(it_count("windows") == 1 && it_is_resting());
    (void)snprintf(old, sizeof(old), "a=%.10s", it_day(-5, from));
    site_was_asked(&it.site, 0, old);
    assert_int_equal(it.site.asked_count, 1);
}

/* Then it is at its own place: those who were declared together do not stay so. */
static void test_what_is_new_is_pulled_at_once(void **state)
{
    const struct source_schedule schedule = {.every_ns = 36000 * MOMENT_SECOND,
                                             .jitter_ns = 36000 * MOMENT_SECOND};
    char next[TIMESTAMP_TEXT_SIZE];
    int64_t next_ns, before_ns = clock_wall_ns(&it.clock.clock);

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW "}"});
    it_declares("'request': {'url': '@/a'}, 'schedule': {'every': '10h', 'jitter': '10h'}");
    UNTIL(it_count("windows") == 1 && it_is_resting());
    next_ns = before_ns + schedule.every_ns +
              schedule_spread(&schedule, schedule_place(TENANT, BYTES("s")));
    next[timestamp_print(next_ns, next)] = '\0';
    next[13] = '\0'; /* to the hour: some milliseconds passed */
    if (!it_says("s", "next", next)) {
        next[timestamp_print(next_ns + 30 * MOMENT_SECOND, next)] = '\0';
        next[13] = '\0';
        assert_true(it_says("s", "next", next));
    }
}

/* By a clock that was an hour ahead it was pulled, and has a window of the time to come. */
static void test_a_clock_that_is_set_back_holds_nothing_up(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    for (int restart = 0; restart < 2; restart++) {
        size_t asked;

        it_takes_away("s");
        UNTIL(it_count("windows") == -1);
        it.clock.wall_more = 3600 * MOMENT_SECOND;
        (void)snprintf(blocks, sizeof(blocks),
                       "'schedule': {'every': '1s', 'jitter': '0s'}, 'request': {'url': '@/w%d', "
                       "'query': {'a': '${window.start}', 'b': '${window.end}'}}, "
                       "'window': {'from': '%s', 'step': 'P1D'}",
                       restart, it_day(0, from));
        SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
        it_declares(blocks);
        UNTIL(it_count("windows") > 0 && it_is_resting());
        if (restart)
            puller_close(it.puller);
        it.clock.wall_more = 0;
        if (restart) {
            it_start();
            it_declares(blocks);
        }
        asked = site_asked(&it.site, "HTTP/1.1");
        UNTIL(site_asked(&it.site, "HTTP/1.1") > asked + 1);
    }
}

static _Atomic bool all_read;
static _Atomic unsigned looks;

static enum code read_of_others(void *context, struct bytes tenant, int64_t since_ns,
                                struct error *err)
{
    (void)context;
    assert_in_range(since_ns, 1, clock_monotonic_ns(&it.clock.clock));
    assert_true(bytes_equal(tenant, TENANT));
    looks++;
    return all_read ? OK : error_set(err, E_NOT_READY, "what member 1 delivered is not read yet");
}

/* What is told only now is asked for all the same, after a while. */
static void test_what_others_had_is_known_before_windows_are_asked(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   "'schedule': {'every': '1s', 'jitter': '0s'}, 'request': {'url': '@/a', "
                   "'query': {'a': '${window.start}', 'b': '${window.end}'}}, "
                   "'window': {'from': '%s', 'step': 'P1D'}",
                   it_day(0, from));
    for (int windowed = 0; windowed < 2; windowed++) {
        all_read = false;
        it.recall.ready = read_of_others;
        SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
        it_declares(windowed ? blocks
                             : "'schedule': {'every': '1s', 'jitter': '0s'}, "
                               "'request': {'url': '@/a'}");
        UNTIL(it_says("s", "waits_for", "what member 1 delivered is not read yet"));
        assert_true(it_says("s", "state", "loading") && !it_says("s", "error", ""));
        assert_int_equal(site_asked(&it.site, "HTTP/1.1"), 0);
        it.clock.monotonic_more += 31 * MOMENT_SECOND;
        if (windowed) {
            unsigned before = looks;

            UNTIL(looks > before + 1);
            assert_true(it_says("s", "state", "loading"));
            assert_int_equal(site_asked(&it.site, "HTTP/1.1"), 0);
            all_read = true;
        }
        UNTIL(site_asked(&it.site, "HTTP/1.1") > 0 && it_is_resting());
        assert_false(it_says("s", "waits_for", ""));
        it_takes_away("s");
        UNTIL(it_count("windows") == -1);
    }
}

/* It may be about to start, or gone for good. */
static void test_a_member_that_does_not_answer_is_waited_for_a_moment(void **state)
{
    (void)state;
    it.partial = true;
    it.recall.rows = it_recall_nothing;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    it_declares("'schedule': {'every': '1s', 'jitter': '0s'}, 'request': {'url': '@/a'}");
    UNTIL(it_says("s", "waits_for", "another member does not answer"));
    assert_int_equal(site_asked(&it.site, "HTTP/1.1"), 0);
    it.clock.monotonic_more += 16 * MOMENT_SECOND;
    UNTIL(site_asked(&it.site, "HTTP/1.1") > 0 && it_is_resting());
}

/* The page is that of before; what the document makes of it is not. */
static void test_a_document_that_was_mended_has_what_came_before_asked_for_in_full(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "If-None-Match", .status = "304 \"Not Modified\""},
                 {.when = "GET",
                  .headers = "ETag: \"1\"\r\n",
                  .body = "{'data': [{'at': '2026-01-01', 'v': 1}]}"});
    it_declares("'request': {'url': '@/a'}, 'values': [{'path': 'misspelt', 'field': 'v'}]");
    UNTIL(it_count("windows") == 1 && it_is_resting());
    it_pulls(1);
    assert_int_equal(it_count("unchanged"), 1);
    it_declares("'request': {'url': '@/a'}, 'values': [{'path': 'v', 'field': 'v'}]");
    it_pulls(1);
    assert_int_equal(it_count("written"), 1);
    it_pulls(1);
    assert_int_equal(it_count("unchanged"), 2);
    assert_int_equal(it_rows("m").count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_document_is_replaced_while_a_page_is_under_way),
        IT_TEST(test_a_lease_that_is_lost_ends_what_would_be_asked),
        IT_TEST(test_a_lease_that_is_lost_and_had_again_goes_on),
        IT_TEST(test_what_is_asked_for_while_it_loads_is_done_then),
        IT_TEST(test_what_is_new_is_pulled_at_once),
        IT_TEST(test_what_others_had_is_known_before_windows_are_asked),
        IT_TEST(test_a_member_that_does_not_answer_is_waited_for_a_moment),
        IT_TEST(test_a_clock_that_is_set_back_holds_nothing_up),
        IT_TEST(test_a_document_that_was_mended_has_what_came_before_asked_for_in_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
