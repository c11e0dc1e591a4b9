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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IT_TEST(test_a_value_that_no_row_has_is_told_until_one_has_it),
        IT_TEST(test_another_document_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
