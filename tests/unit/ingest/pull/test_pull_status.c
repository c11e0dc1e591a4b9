#include "tests/unit/ingest/pull/puller_ground.h"

#define ROW "{'data': [{'at': '2026-01-01', 'v': 1}]}"

static void test_counts_are_of_what_was_asked_and_came(void **state)
{
    struct json *status, *fetches;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .status = "503 \"No\"", .body = "no", .times = 1},
                 {.when = "GET", .body = ROW});
    it_declares("'request': {'url': '@/a'}, 'retry': {'base': '1ms'}");
    UNTIL(it_count("windows") == 1 && it_is_resting());
    status = it_status("s");
    assert_int_equal(it_number(status, "requests"), 2);
    assert_int_equal(it_number(status, "pages"), 2);
    assert_int_equal(it_number(status, "retries"), 1);
    assert_int_equal(it_number(status, "failures"), 0);
    assert_int_equal(it_number(status, "rows"), 1);
    assert_int_equal(it_number(status, "written"), 1);
    assert_int_equal(it_number(status, "bytes"), 2 + (int64_t)strlen(ROW));
    assert_true(it_is_text(status, "next", "20"));
    assert_true(it_is_text(status, "error", "answered 503")); /* until the next pull is over */
    json_doc_free(status);
    fetches = it_fetches("s", 5);
    assert_int_equal(json_count(fetches), 2);
    assert_true(it_is_text(json_element(fetches, 0), "outcome", "ok")); /* the newest first */
    assert_int_equal(it_number(json_element(fetches, 0), "written"), 1);
    assert_true(it_is_text(json_element(fetches, 1), "outcome", "retry"));
    assert_int_equal(it_number(json_element(fetches, 1), "status"), 503);
    json_doc_free(fetches);
    fetches = it_fetches("s", 1);
    assert_int_equal(json_count(fetches), 1);
    json_doc_free(fetches);
}

static void expect_changes(const struct json *of, int64_t added, int64_t changed, int64_t same)
{
    assert_int_equal(it_number(of, "new"), added);
    assert_int_equal(it_number(of, "changed"), changed);
    assert_int_equal(it_number(of, "same"), same);
    assert_int_equal(it_number(of, "written"), added + changed);
}

static void test_rows_that_are_new_changed_and_the_same_are_told_apart(void **state)
{
    static const char first[] = "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': '2026-01-02', 'v': "
                                "2}]}",
                      second[] =
                          "{'data': [{'at': '2026-01-01', 'v': 1}, {'at': '2026-01-02', 'v': "
                          "3}, {'at': '2026-01-03', 'v': 4}, {'at': '2026-01-04', 'v': 5}]}";
    struct json *status, *fetches;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = first, .times = 1},
                 {.when = "GET", .body = second});
    it_declares("'request': {'url': '@/a'}");
    UNTIL(it_count("windows") == 1 && it_is_resting());
    it_pulls(1);
    status = it_status("s");
    expect_changes(status, 4, 1, 1);
    json_doc_free(status);
    fetches = it_fetches("s", 2);
    expect_changes(json_element(fetches, 0), 2, 1, 1);
    expect_changes(json_element(fetches, 1), 2, 0, 0);
    json_doc_free(fetches);
}

static int64_t lag_of(const char *name)
{
    struct json *status = it_status(name);
    int64_t lag = it_number(status, "lag_seconds");

    json_doc_free(status);
    return lag;
}

/* Of windows what is behind now is its lag; of what has an end, what is behind that. */
static void test_a_lag_is_from_what_it_has_to_now_or_the_end(void **state)
{
    static const struct {
        const char *window;
        int64_t least, most;
    } cases[] = {
        {"",                                                         0,             60            }, /* none: since the last success */
        {", 'window': {'from': '%s', 'step': 'P1D', 'until': '%s'}", 0,             0             },
        {", 'window': {'from': '%s', 'step': 'P1D', 'lag': 'P2D'}",  2 * 86400 - 1, 3 * 86400 + 60},
    };

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = "{'data': []}"});
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char name[16], blocks[512], window[256], from[TIMESTAMP_TEXT_SIZE],
            until[TIMESTAMP_TEXT_SIZE];

        (void)snprintf(window, sizeof(window), cases[i].window, it_day(-5, from),
                       it_day(-1, until));
        (void)snprintf(blocks, sizeof(blocks), "'request': {'url': '@/%zu'%s}%s", i,
                       *window ? ", 'query': {'s': '${window.start}'}" : "", window);
        (void)snprintf(name, sizeof(name), "s%zu", i);
        it_declares_so(name, false, blocks);
        UNTIL(it_says(name, "state", "resting") && it_says(name, "succeeded", "20"));
        UNTIL(lag_of(name) >= cases[i].least && lag_of(name) <= cases[i].most); /* history ends */
    }
}

static void test_one_that_is_paused_says_so(void **state)
{
    struct json *status;

    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    it_declares_so("s", true, "'request': {'url': '@/a'}");
    UNTIL(it_says("s", "state", "paused"));
    it.version--; /* the same document */
    it_declares("'request': {'url': '@/a'}");
    UNTIL(it_count("windows") == 1 && it_is_resting());
    it.version--;
    it_declares_so("s", true, "'request': {'url': '@/a'}");
    UNTIL(it_says("s", "state", "paused"));
    status = it_status("s");
    assert_int_equal(json_kind(json_member(status, "next")), JSON_KIND_NULL);
    assert_true(it_is_text(status, "succeeded", "20"));
    json_doc_free(status);
}

static void test_a_document_that_is_wrong_is_told(void **state)
{
    (void)state;
    it_declares("'nonsense': 1");
    UNTIL(it_says("s", "state", "wrong"));
    assert_true(it_says("s", "error", "nonsense"));
    assert_int_equal(it_count("failures"), 1);
}

static void test_what_ingest_does_not_take_now_is_told_and_waits(void **state)
{
    (void)state;
    SITE_ANSWERS(&it.site, {.when = "GET", .body = ROW});
    *it.ground.tenant->undelivered = it.ground.limits.outbox_bytes_max + 1;
    it_declares("'request': {'url': '@/a'}");
    UNTIL(it_says("s", "waits_for", "packs of"));
    assert_int_equal(it_count("windows"), 0);
    *it.ground.tenant->undelivered = 0;
    UNTIL(it_count("windows") == 1);
    assert_false(it_says("s", "waits_for", ""));
    assert_int_equal(site_asked(&it.site, "GET"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_one_that_is_paused_says_so),
        IT_TEST(test_counts_are_of_what_was_asked_and_came),
        IT_TEST(test_what_ingest_does_not_take_now_is_told_and_waits),
        IT_TEST(test_a_document_that_is_wrong_is_told),
        IT_TEST(test_rows_that_are_new_changed_and_the_same_are_told_apart),
        IT_TEST(test_a_lag_is_from_what_it_has_to_now_or_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
