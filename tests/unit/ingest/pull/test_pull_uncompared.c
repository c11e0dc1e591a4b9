/* Rows that were delivered, and corrected since, while who knows of them does not answer. */
#include "tests/unit/ingest/pull/puller_ground.h"

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
    site_answers(&it.site, rules, count);
    it_lets_a_day_pass();
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

/* It had been had, begins again, and its node dies before it is done: the row that said so is that
 * of a page by now, be it by a clock that is an hour ahead. */
static void test_what_was_had_is_known_in_the_middle_of_a_window(void **state)
{
    static struct site_rule rules[2][2];
    const int64_t start_ns = it_day_ns(-3), end_ns = it_day_ns(-2);
    char from[TIMESTAMP_TEXT_SIZE], until[TIMESTAMP_TEXT_SIZE], blocks[700];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   WITHOUT_A_MEMBER "'window': {'from': '%s', 'until': '%s', 'step': 'P1D'}, "
                                    "'page': {'type': 'cursor', 'param': 'c', 'path': '/next'}",
                   it_day(-5, from), it_day(-1, until));
    corrects(blocks, -3, 4);
    for (int ahead = 0; ahead < 2; ahead++) {
        away = false;
        it.clock.wall_more = ahead * 3600 * MOMENT_SECOND;
        rules[0][0] = (struct site_rule){.when = "c=b", .status = "404 No"};
        rules[0][1] =
            (struct site_rule){.when = "GET", .body = row_of(2, -30, 1, "], 'next': 'b'}")};
        site_answers(&it.site, rules[0], 2);
        it_asks_for(start_ns, end_ns);
        UNTIL(it_says("s", "error", "answered 404") && it_is_resting());
        puller_close(it.puller);
        it.clock.wall_more = 0;
        it_start();
        away = true;
        rules[1][0] = (struct site_rule){.when = "GET", .body = row_of(1, -3, 1, "]}")};
        site_answers(&it.site, rules[1], 1);
        it_declares(blocks);
        UNTIL(it_says("s", "error", "did not answer") && it_is_resting());
        assert_true(it_rows("m").sum == 100);
    }
}

/* What it noted is of a time that is to come, so it is asked again. */
static void test_what_was_had_is_known_though_the_clock_was_ahead(void **state)
{
    static struct site_rule rule;
    char from[TIMESTAMP_TEXT_SIZE], blocks[700];

    (void)state;
    (void)snprintf(blocks, sizeof(blocks),
                   WITHOUT_A_MEMBER "'window': {'from': '%s', 'step': 'P1D'}", it_day(-3, from));
    it.clock.wall_more = 24 * 3600 * MOMENT_SECOND;
    corrects(blocks, -2, 5);
    puller_close(it.puller);
    it.clock.wall_more = 0;
    it_start();
    away = true;
    it_declares(blocks);
    UNTIL(it_says("s", "error", "did not answer") && it_is_resting());
    assert_true(it_rows("m").sum == 100);
    it.clock.wall_more = 24 * 3600 * MOMENT_SECOND; /* that day nobody had in truth */
    rule = (struct site_rule){.when = "GET", .body = row_of(2, 0, 2, "]}")};
    site_answers(&it.site, &rule, 1);
    it_asks_for_a_pull();
    UNTIL(it_rows("m").sum == 102 && it_is_resting());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_what_cannot_be_compared_comes_again),
        IT_TEST(test_pages_behind_what_cannot_be_compared_are_asked_for),
        IT_TEST(test_what_is_asked_again_takes_no_correction_back),
        IT_TEST(test_what_was_had_is_known_in_the_middle_of_a_window),
        IT_TEST(test_what_was_had_is_known_though_the_clock_was_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
