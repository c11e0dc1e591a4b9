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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
