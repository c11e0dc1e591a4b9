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

static void test_validators_of_the_last_answer_are_sent_after_a_restart(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "GET",
                  .headers = "ETag: 'x'\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
                  .body = ROW(1, 1) "}"});
    it_declares(PLAIN);
    UNTIL(it_count("windows") == 1);
    it_restarts();
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "304 Same"});
    it_declares(PLAIN);
    it_pulls(1);
    site_was_asked(&it.site, 0, "If-None-Match: \"x\"\r\n");
    site_was_asked(&it.site, 0, "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\r\n");
    assert_int_equal(it_count("unchanged"), 1);
}

static enum code
recall_nothing(void *context, struct bytes tenant, struct bytes measurement,
               const struct series_tag *matched, uint32_t matched_count, int64_t start, int64_t end,
               enum code (*take)(void *taker, const struct recalled_row *row, struct error *err),
               void *taker, bool *partial, struct error *err)
{
    (void)context, (void)tenant, (void)measurement, (void)matched, (void)matched_count;
    (void)start, (void)end, (void)take, (void)taker, (void)err;
    *partial = false;
    return OK;
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
    it.recall = (struct recall){.rows = recall_nothing};
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

/* --- what cannot be compared --- */

/* Who knows what the source delivered does not answer. */
static _Atomic bool away;

static enum code rows_but_of_who_is_away(
    void *context, struct bytes tenant, struct bytes measurement, const struct series_tag *matched,
    uint32_t matched_count, int64_t start, int64_t end,
    enum code (*take)(void *taker, const struct recalled_row *row, struct error *err), void *taker,
    bool *partial, struct error *err)
{
    if (away && bytes_equal(measurement, BYTES("\x01s\x01m"))) {
        *partial = true;
        return OK;
    }
    return recall_of(&it.app).rows(context, tenant, measurement, matched, matched_count, start, end,
                                   take, taker, partial, err);
}

#define WITHOUT_A_MEMBER                                                                           \
    "'retry': {'base': '1ms', 'cap': '2ms', 'max': 3}, "                                           \
    "'request': {'url': '@/w', 'query': {'a': '${window.start}', 'b': '${window.end}'}}, "

static char answered[3][256]; /* of days */

static const char *row_of(int index, int day, double value, const char *more)
{
    char date[TIMESTAMP_TEXT_SIZE];

    (void)snprintf(answered[index], sizeof(answered[index]), "{'data': [{'at': '%.10s', 'v': %g}%s",
                   it_day(day, date), value, more);
    return answered[index];
}

/* A row of that day was delivered by "s" with 1, and corrected to 100 by somebody else. */
static void corrects(const char *blocks, int day, int64_t windows)
{
    static struct site_rule rules[2];

    rules[0] = (struct site_rule){.when = "/hand", .body = row_of(0, day, 100, "]}")};
    rules[1] = (struct site_rule){.when = "GET", .body = row_of(1, day, 1, "]}")};
    away = false;
    it.recall.rows = rows_but_of_who_is_away;
    site_answers(&it.site, rules, 2);
    it_declares(blocks);
    UNTIL(it_count("windows") == windows && it_is_resting());
    it_declares_so("hand", false, "'request': {'url': '@/hand'}");
    UNTIL(it_rows("m").sum == 100);
    it_takes_away("hand");
}

static int64_t told_time(const char *key)
{
    struct json *status = it_status("s");
    struct error err = {0};
    int64_t ns = 0;

    assert_int_equal(timestamp_parse(json_text_of(json_member(status, key)), &ns, &err), OK);
    json_doc_free(status);
    return ns;
}

/* A day later there is one row more, that was not had before. */
static void goes_on_without_a_member(const char *blocks, const struct site_rule *rules,
                                     size_t count)
{
    int64_t had_ns;

    corrects(blocks, -1, 1);
    had_ns = told_time("newest");
    away = true;
    it.clock.wall_more += INT64_C(86400000000000);
    site_answers(&it.site, rules, count);
    it_asks_for_a_pull();
    UNTIL(it_says("s", "error", "did not answer") && it_rows("m").count == 2);
    for (int pulls = 1; pulls <= 3; pulls++) {
        UNTIL(it_count("failures") == pulls && it_is_resting());
        assert_int_equal(it_count("retries"), 3 * pulls);
        if (pulls < 3)
            it_asks_for_a_pull();
    } /* none of them puts the next one off */
    assert_true(told_time("next") <=
                clock_wall_ns(&it.clock.clock) + INT64_C(3600) * INT64_C(1000000000));
    assert_true(it_rows("m").sum == 102);
    assert_int_equal(it_count("windows"), 1);
    it_restarts();
    it_declares(blocks);
    UNTIL(it_count("failures") == 1 && it_is_resting());
    assert_int_equal(told_time("newest"), had_ns);
    away = false;
    it_pulls(1);
    assert_true(told_time("newest") > had_ns);
    assert_int_equal(it_rows("m").count, 2);
    assert_true(it_rows("m").sum == 102);
    assert_false(it_says("s", "error", "did not answer"));
}

#define MONTH "'window': {'from': '%s', 'step': 'P30D'}"

/* The correction stays, and what is new does not wait for who is away. */
static void test_what_cannot_be_compared_comes_again(void **state)
{
    static struct site_rule rule;
    char from[TIMESTAMP_TEXT_SIZE], new[64], date[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks), WITHOUT_A_MEMBER MONTH, it_day(-2, from));
    (void)snprintf(new, sizeof(new), ", {'at': '%.10s', 'v': 2}]}", it_day(1, date));
    rule = (struct site_rule){.when = "GET", .body = row_of(2, -1, 1, new)};
    goes_on_without_a_member(blocks, &rule, 1);
}

static void test_pages_behind_what_cannot_be_compared_are_asked_for(void **state)
{
    static struct site_rule rules[2];
    static char last[256];
    char from[TIMESTAMP_TEXT_SIZE], blocks[600];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   WITHOUT_A_MEMBER MONTH
                   ", 'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}",
                   it_day(-2, from));
    (void)snprintf(last, sizeof(last), "%s", row_of(2, 1, 2, "]}"));
    rules[0] = (struct site_rule){.when = "c=b", .body = last};
    rules[1] = (struct site_rule){.when = "GET", .body = row_of(2, -1, 1, "], 'next': 'b'}")};
    goes_on_without_a_member(blocks, rules, 2);
}

/* Whoever asks for it again has had it: also behind a restart. */
static void test_what_is_asked_again_takes_no_correction_back(void **state)
{
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[600];
    size_t asked;

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   WITHOUT_A_MEMBER "'window': {'from': '%s', 'until': '%s', 'step': 'P1D'}",
                   it_day(-5, from), it_day(-1, until));
    corrects(blocks, -3, 4);
    away = true;
    asked = it.site.asked_count;
    it_asks_for(it_day_ns(-4), it_day_ns(-2));
    UNTIL(it_count("windows") == 5 && it_says("s", "error", "did not answer") && it_is_resting());
    assert_int_equal(it.site.asked_count - asked, 1 + 4); /* and no more before the next pull */
    assert_true(it_rows("m").sum == 100);
    it_restarts();
    it_tells_wishes();
    it_declares(blocks);
    UNTIL(it_says("s", "error", "did not answer") && it_is_resting());
    assert_true(it_rows("m").sum == 100);
    away = false;
    it_pulls(1);
    assert_true(it_rows("m").count == 1 && it_rows("m").sum == 100);
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
        IT_TEST(test_what_cannot_be_compared_comes_again),
        IT_TEST(test_pages_behind_what_cannot_be_compared_are_asked_for),
        IT_TEST(test_what_is_asked_again_takes_no_correction_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
