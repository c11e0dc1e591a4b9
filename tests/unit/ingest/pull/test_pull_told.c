#include "tests/unit/ingest/pull/puller_ground.h"

#define VALUES "'values': [{'path': 'v', 'field': 'v'}, {'path': 'w', 'field': 'w'}]"

static size_t warnings(void)
{
    struct json *status = it_status("s");
    size_t count = json_count(json_member(status, "warnings"));

    json_doc_free(status);
    return count;
}

static void expect_warning(const char *pointer, const char *detail)
{
    struct json *status = it_status("s");
    const struct json *first = json_element(json_member(status, "warnings"), 0);

    assert_true(it_is_text(first, "pointer", pointer) && it_is_text(first, "detail", detail));
    json_doc_free(status);
}

/* The rows of all windows count, and a row that has it ends it. */
static void test_a_value_that_no_row_has_is_told_until_one_has_it(void **state)
{
    struct json *fetches;

    (void)state;
    SITE_ANSWERS(&it.site,
                 {.when = "GET /a",
                  .body = "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': '2026-01-02'}]}",
                  .times = 1},
                 {.when = "GET /a", .body = "{'data': [{'at': '2026-01-03', 'v': 1}]}", .times = 1},
                 {.when = "GET", .body = "{'data': [{'at': '2026-01-04', 'w': null}]}"});
    it_declares("'request': {'url': '@/a'}, " VALUES);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(warnings(), 1);
    expect_warning("/values/1/path", "\"w\" stood in none of 2 rows");
    assert_int_equal(it_count("without_values"), 1);
    fetches = it_fetches("s", 1);
    assert_int_equal(it_number(json_element(fetches, 0), "without_values"), 1);
    json_doc_free(fetches);
    it_pulls(1);
    expect_warning("/values/1/path", "\"w\" stood in none of 3 rows");
    it_pulls(1);
    assert_int_equal(warnings(), 0);
    assert_int_equal(it_count("without_values"), 2);
}

static void test_another_document_begins_anew(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /a", .body = "{'data': [{'at': '2026-01-01', 'v': 1}]}"},
                 {.when = "GET", .body = "{'data': [{'at': '2026-01-02', 'v': 1}]}"});
    it_declares("'request': {'url': '@/a'}, " VALUES);
    UNTIL(it_count("windows") == 1 && it_is_resting());
    assert_int_equal(warnings(), 1);
    it_declares("'request': {'url': '@/b'}, 'values': [{'path': 'u', 'field': 'u'}]");
    UNTIL(warnings() == 0);
    it_pulls(1);
    expect_warning("/values/0/path", "\"u\" stood in none of 1 row");
}

/* With what was asked, but for credentials; and what the page says goes behind its status. */
static void test_an_error_says_what_was_asked_and_answered(void **state)
{
    (void)state;
    SITE_ANSWERS(
        &it.site, {.when = "GET /a", .status = "404 \"No\"", .body = "no"},
        {.when = "GET", .status = "401 \"No\"", .body = "{'detail': 'Invalid password.'}"});
    it_declares("'request': {'url': '@/a', 'query': {'x': '1'}}, 'auth': {'type': 'query', 'name': "
                "'key', 'value': '${secret:key}'}");
    UNTIL(it_says("s", "error", "answered 404: http://") && it_says("s", "error", "/a?x=1"));
    assert_false(it_says("s", "error", "canary"));
    it_declares_so("t", false,
                   "'request': {'url': '@/b'}, 'outcomes': [{'status': 401, 'do': 'fail', "
                   "'message': '/detail'}]");
    UNTIL(it_says("t", "error", "answered 401: Invalid password."));
}

/* What a source with five days of history waits for, once two requests were made. */
static void expect_waits(const char *name, const char *limits, const char *waits, bool until)
{
    char blocks[512], from[TIMESTAMP_TEXT_SIZE], today[TIMESTAMP_TEXT_SIZE];
    struct json *status;

    (void)snprintf(blocks, sizeof(blocks),
                   "'request': {'url': '@/%s', 'query': {'s': '${window.start}'}}, 'window': "
                   "{'from': '%s', 'step': 'P1D'}, 'limits': %s",
                   name, it_day(-5, from), limits);
    it_declares_so(name, false, blocks);
    UNTIL(it_says(name, "state", "filling") && it_says(name, "waits_for", waits));
    status = it_status(name);
    assert_true(it_is_text(status, "waits_until", "20") == until);
    (void)it_day(0, today);
    today[10] = from[10] = '\0'; /* the day alone */
    assert_true(it_is_text(status, "newest", today));
    assert_true(it_is_text(status, "reached", from));
    json_doc_free(status);
}

/* It rests, by its schedule, and is not done: which would take minutes to be seen by its counts. */
static void test_one_that_fills_its_history_says_so_and_what_it_waits_for(void **state)
{
    struct json *status;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET /told", .body = "{'data': []}", .times = 1},
                 {.when = "GET /told", .status = "429 \"No\"", .headers = "Retry-After: 3600\r\n"},
                 {.when = "GET", .body = "{'data': []}"});
    expect_waits("rate", "{'host': 'a', 'rates': ['2/1h', '9/1d']}", "the rate 2/1h", true);
    expect_waits("day", "{'host': 'b', 'daily': 2}", "the next day", true);
    expect_waits("told", "{'host': 'c', 'concurrency': 1}", "the host, which said how long", true);
    it_takes_away("rate");
    it_declares_so("free", false,
                   "'request': {'url': '@/free', 'query': {'s': '${window.start}'}}, 'window': "
                   "{'from': '2026-01-01', 'until': '2026-01-05', 'step': 'P1D'}");
    UNTIL(it_says("free", "state", "resting") && it_says("free", "reached", "2026-01-05"));
    status = it_status("free");
    assert_int_equal(json_kind(json_member(status, "waits_for")), JSON_KIND_NULL);
    assert_int_equal(json_kind(json_member(status, "waits_until")), JSON_KIND_NULL);
    json_doc_free(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_value_that_no_row_has_is_told_until_one_has_it),
        IT_TEST(test_another_document_begins_anew),
        IT_TEST(test_an_error_says_what_was_asked_and_answered),
        IT_TEST(test_one_that_fills_its_history_says_so_and_what_it_waits_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
