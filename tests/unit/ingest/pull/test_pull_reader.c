#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW(day, v) "{'data': [{'at': '2026-01-0" #day "', 'v': " #v "}]"
#define PLAIN "'request': {'url': '@/a'}"

static uint64_t records_written(void)
{
    store_measure(it.ground.store);
    return metric_value(
        metrics_get(it.ground.metrics, "weir_head_records_total", "", METRIC_COUNTER, ""));
}

static void test_a_page_and_how_far_it_has_come_are_one_record(void **state)
{
    uint64_t before = records_written();

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW(1, 1) "}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    assert_int_equal(records_written() - before, 1);
    assert_int_equal(it_rows("m").count, 1);
    assert_int_equal(it_rows("\x01s").count, 1);
    assert_int_equal(it_rows("\x01s\x01m").count, 1);
}

/* Neither rows nor a word of having been there. */
static void test_what_is_no_page_writes_nothing(void **state)
{
    static const struct {
        const char *blocks;
        struct site_rule rule;
    } cases[] = {
        {PLAIN,                                                        {.when = "GET", .body = "{'data': [{'at': '2026-01-01', 'v'"}},
        {PLAIN,                                                        {.when = "GET", .status = "403 No", .body = ROW(1, 1) "}"}   },
        {PLAIN,
         {.when = "GET",
          .body = "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': 'noon', 'v': 2}]}"}                                               },
        {PLAIN ", 'page': {'type': 'none', 'expect_total': '/total'}",
         {.when = "GET", .body = ROW(1, 1) ", 'total': 2}"}                                                                         },
        {PLAIN ", 'outcomes': [{'body_has': 'sorry', 'do': 'fail'}]",
         {.when = "GET", .body = ROW(1, 1) ", 'note': 'sorry'}"}                                                                    },
    };
    uint64_t before = records_written();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char name[2] = {(char)('a' + i), '\0'}, note[3] = {1, (char)('a' + i), '\0'};
        char blocks[256];

        site_answers(&it.site, &cases[i].rule, 1);
        (void)snprintf(blocks, sizeof(blocks), "%s, 'retry': {'max': 0}", cases[i].blocks);
        it_declares_so(name, false, blocks);
        UNTIL(it_says(name, "error", "") && it_says(name, "state", "resting"));
        assert_int_equal(it_rows("m").count, 0);
        assert_int_equal(it_rows(note).count, 0);
    }
    assert_int_equal(records_written() - before, 0);
}

static void test_rows_that_are_no_fault_are_taken_beside_those_that_are(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "GET",
                  .body = "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': 'noon', 'v': 2}]}"});
    it_declares(PLAIN ", 'faults_max': 1");
    UNTIL(it_count("windows") == 1);
    assert_true(it_rows("m").sum == 1);
    assert_int_equal(it_count("faulty"), 1);
}

#define WINDOWS(more)                                                                              \
    "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': '${window.end}'}}, "         \
    "'window': {'from': '%s', 'until': '%s', 'step': 'P1D', 'format': 'date'" more "}"

static void test_a_window_that_is_done_is_not_asked_again_after_a_restart(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], added[32], blocks[600];

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    (void)snprintf(blocks, sizeof(blocks), WINDOWS(""), it_day(-5, from), it_day(-2, until));
    it_declares(blocks);
    UNTIL(it_count("windows") == 3);
    it_restarts();
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    (void)snprintf(blocks, sizeof(blocks), WINDOWS(""), it_day(-5, from), it_day(-1, until));
    it_declares(blocks);
    it_pulls(1);
    (void)snprintf(added, sizeof(added), "a=%.10s", it_day(-2, from));
    site_was_asked(&it.site, 0, added);
    assert_int_equal(it.site.asked_count, 1);
    assert_true(it_says("s", "reached", until));
}

/* By itself: a pull that was not over is no pull to count the next one from. */
static void test_a_window_that_is_not_done_goes_on_at_its_page_after_a_restart(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   WINDOWS(", 'clip': false") ", 'page': {'type': 'cursor', 'param': 'c', 'path': "
                                              "'/next', 'expect_total': '/total'}",
                   it_day(-2, from), it_day(-1, until));
    SITE_ANSWERS(&it.site, {.when = "c=b", .held = true},
                 {.when = "GET", .body = ROW(1, 1) ", 'next': 'b', 'total': 2}"});
    it_declares(blocks);
    UNTIL(site_asked(&it.site, "c=b") == 1);
    it_restarts();
    SITE_ANSWERS(&it.site, {.when = "c=b", .body = ROW(2, 2) ", 'total': 2}"});
    it_declares(blocks);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    site_was_asked(&it.site, 0, "c=b");
    assert_int_equal(it.site.asked_count, 1);
    assert_true(it_rows("m").sum == 3);
}

static _Atomic bool is_sealed;

static void note_sealed(void *context, enum code code, const struct error *err)
{
    (void)context;
    (void)err;
    is_sealed = code == OK;
}

static void test_validators_of_the_last_answer_are_sent_after_a_restart(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "GET",
                  .headers = "ETag: 'x'\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
                  .body = ROW(1, 1) "}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    store_flush(it.ground.store, note_sealed, NULL);
    UNTIL(is_sealed); /* what is in memory stays where it is */
    it_restarts();
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "304 Same"});
    it_declares(PLAIN);
    it_pulls(1);
    site_was_asked(&it.site, 0, "If-None-Match: \"x\"\r\n");
    site_was_asked(&it.site, 0, "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
    assert_int_equal(it_count("unchanged"), 1);
}

#define THREE_ROWS                                                                                 \
    "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': '2026-01-02', 'v': 2}, {'at': '2026-01-03', "  \
    "'v': 3}]}"

/* Whoever has the lease then has had newer pages, which those that wait would take back. */
static void test_a_page_that_waits_is_not_written_once_the_lease_is_lost(void **state)
{
    (void)state;
    puller_close(it.puller);
    it.ground.limits.points_per_second_max = 1;
    it.leases = it.leased = true;
    it_start();
    SITE_ANSWERS(&it.site, {.when = "GET", .body = THREE_ROWS});
    it_declares_so("first", false, PLAIN);
    UNTIL(it_says("first", "succeeded", "20")); /* and owes for seven points */
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW(4, 4) "}"});
    it_declares("'request': {'url': '@/b'}");
    UNTIL(it_says("s", "waits_for", "points_per_second_max"));
    it.leased = false;
    it_asks_for_a_pull(); /* wakes it */
    UNTIL(it_says("s", "state", "elsewhere") && !it_says("s", "waits_for", "points"));
    it.leased = true;
    UNTIL(site_asked(&it.site, "GET /b") == 2);
    assert_int_equal(it_rows("m").count, 3);
}

static bool other_is_done(void)
{
    struct buf text = BUF_INIT(1 << 16);
    bool done = puller_status(it.puller, BYTES("other"), BYTES("o"), &text) &&
                memmem(text.data, text.size, "\"windows\":1", 11) != NULL;

    buf_release(&text);
    return done;
}

/* Their pages wait for as long as it takes; they are more than there are readers. */
static void test_a_tenant_that_may_not_write_more_holds_no_other_up(void **state)
{
    enum { SOURCES = 70 };
    size_t asked;

    (void)state;
    puller_close(it.puller);
    it.ground.limits.points_per_second_max = 1;
    it.other = catalog_tenant(it.ground.catalog, BYTES("other"));
    it.recall = (struct recall){.rows = it_recall_nothing};
    it_start();
    SITE_ANSWERS(&it.site, {.when = "GET", .body = THREE_ROWS});
    it_declares_so("first", false, PLAIN);
    UNTIL(it_says("first", "succeeded", "20")); /* and owes for seven points */
    for (int i = 0; i < SOURCES; i++) {
        char name[8], blocks[64];

        (void)snprintf(name, sizeof(name), "s%d", i);
        (void)snprintf(blocks, sizeof(blocks), "'request': {'url': '@/%s'}", name);
        it_declares_so(name, false, blocks);
        if (i == 0) /* from then on no more of them are asked for */
            UNTIL(it_says("s0", "waits_for", "points_per_second_max"));
    }
    asked = site_asked(&it.site, "GET /s");
    it_declares_for(BYTES("other"), "o", false, "'request': {'url': '@/other'}");
    UNTIL(other_is_done());
    assert_in_range(asked, 1, 3);
    assert_true(it_says("s0", "waits_for", "points_per_second_max"));
}

/* Who mends his document waits for no change of the API's. */
static void test_another_document_asks_in_full(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "If-None-Match", .status = "304 Same"},
                 {.when = "GET", .headers = "ETag: 'x'\r\n", .body = ROW(1, 4) "}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    it_pulls(1);
    assert_int_equal(it_count("unchanged"), 1);
    it_declares(PLAIN ", 'values': [{'path': 'v', 'field': 'v', 'scale': 0.5}]");
    it_pulls(1);
    assert_int_equal(it_count("unchanged"), 1);
    assert_true(it_rows("m").sum == 2);
    it_pulls(1);
    assert_int_equal(it_count("unchanged"), 2);
    it_restarts();
    it_declares(PLAIN ", 'values': [{'path': 'v', 'field': 'v', 'scale': 0.5}]");
    UNTIL(it_is_resting());
    it_pulls(1);
    assert_int_equal(it_count("unchanged"), 1);
}

/* An API counts all its rows: a page whose rows are others' is not its last one. */
static void test_rows_that_are_left_out_are_rows_of_their_page(void **state)
{
    static const char *const rest[] = {
        "'stop': ['empty_page']}",
        "'limit': 2, 'stop': ['short_page']}",
        "'stop': ['total'], 'expect_total': '/total'}",
        "'stop': ['empty_page']}, 'outcomes': [{'count': 0, 'do': 'empty'}]",
    };

    (void)state;
    SITE_ANSWERS(
        &it.site,
        {.when = "n=1",
         .body = "{'data': [{'at': '2026-01-01', 'v': 1, 'k': 'b'}, {'at': '2026-01-02', 'v': 2, "
                 "'k': 'b'}], 'total': 3}"},
        {.when = "n=2", .body = "{'data': [{'at': '2026-01-03', 'v': 4, 'k': 'a'}], 'total': 3}"},
        {.when = "n=3", .body = "{'data': [], 'total': 3}"});
    for (size_t i = 0; i < COUNT_OF(rest); i++) {
        char blocks[300], name[] = "m0";

        name[1] = (char)('0' + i);
        (void)snprintf(blocks, sizeof(blocks),
                       "'request': {'url': '@/where'}, 'where': {'k': 'a'}, 'measurement': '%s', "
                       "'page': {'type': 'page', 'param': 'n', %s",
                       name, rest[i]);
        it_declares_so(name, false, blocks);
        UNTIL(it_rows(name).count == 1);
    }
}

/* Clocks of London show 01:00 to 02:00 twice, and the page ends in between. */
static void test_pages_go_on_within_an_hour_told_twice(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "c=b",
                  .body = "{'data': [{'at': '2025-10-26T01:00', 'v': 4}, "
                          "{'at': '2025-10-26T01:30', 'v': 8}]}"},
                 {.when = "GET",
                  .body = "{'data': [{'at': '2025-10-26T01:00', 'v': 1}, "
                          "{'at': '2025-10-26T01:30', 'v': 2}], 'next': 'b'}"});
    it_declares("'request': {'url': '@/local'}, 'time': {'path': 'at', 'tz': 'Europe/London'}, "
                "'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}");
    UNTIL(it_count("windows") == 1);
    assert_int_equal(it_rows("m").count, 4);
    assert_true(it_rows("m").sum == 15);
}

/* What was before is known to who asks from the first page on, and to nobody behind a restart. */
static void test_a_window_with_an_hour_told_twice_begins_again_after_a_restart(void **state)
{
    static const char blocks[] =
        "'request': {'url': '@/local', 'query': {'from': '${window.start}'}}, 'page': {'type': "
        "'cursor', 'param': 'c', 'path': '/next'}, 'time': {'path': 'at', 'tz': 'Europe/London'}, "
        "'window': {'from': '2025-10-26', 'until': '2025-10-27', 'step': 'P1D'}";
    static const char first[] = "{'data': [{'at': '2025-10-26T01:00', 'v': 1}, "
                                "{'at': '2025-10-26T01:30', 'v': 2}], 'next': 'b'}";

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "c=b", .held = true}, {.when = "GET", .body = first});
    it_declares(blocks);
    UNTIL(site_asked(&it.site, "c=b") == 1);
    it_restarts();
    SITE_ANSWERS(&it.site,
                 {.when = "c=b", .body = "{'data': [{'at': '2025-10-26T01:00', 'v': 4}]}"},
                 {.when = "GET", .body = first});
    it_declares(blocks);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(it_rows("m").count, 3);
    assert_true(it_rows("m").sum == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_page_and_how_far_it_has_come_are_one_record),
        IT_TEST(test_what_is_no_page_writes_nothing),
        IT_TEST(test_rows_that_are_no_fault_are_taken_beside_those_that_are),
        IT_TEST(test_a_window_that_is_done_is_not_asked_again_after_a_restart),
        IT_TEST(test_a_window_that_is_not_done_goes_on_at_its_page_after_a_restart),
        IT_TEST(test_a_window_with_an_hour_told_twice_begins_again_after_a_restart),
        IT_TEST(test_another_document_asks_in_full),
        IT_TEST(test_rows_that_are_left_out_are_rows_of_their_page),
        IT_TEST(test_pages_go_on_within_an_hour_told_twice),
        IT_TEST(test_validators_of_the_last_answer_are_sent_after_a_restart),
        IT_TEST(test_a_page_that_waits_is_not_written_once_the_lease_is_lost),
        IT_TEST(test_a_tenant_that_may_not_write_more_holds_no_other_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
