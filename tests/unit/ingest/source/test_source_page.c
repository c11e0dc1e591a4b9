#include "tests/unit/ingest/source/source_fixture.h"

static void test_one_page_without_it(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_int_equal(source->page.kind, SOURCE_PAGE_NONE);
    assert_int_equal(source->page.path_slot, SOURCE_NO_SLOT);
    assert_int_equal(source->page.pages_max, 10000);
    fixture_release(&fixture);
}

static void test_offsets(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'page': {'type': 'offset', 'param': 'skip', 'limit_param': "
                               "'limit', 'limit': 2500, 'stop': ['empty_body', 'short_page', "
                               "'total'], 'expect_total': '/response/total', 'max': 7}");

    (void)state;
    assert_int_equal(source->page.kind, SOURCE_PAGE_OFFSET);
    assert_true(fixture_is(source->page.param, "skip"));
    assert_int_equal(source->page.limit, 2500);
    assert_int_equal(source->page.first, 0);
    assert_true(source->page.stop_empty_page);
    assert_true(source->page.stop_empty_body);
    assert_true(source->page.stop_short_page);
    assert_true(source->page.stop_total);
    assert_int_not_equal(source->page.total_slot, SOURCE_NO_SLOT);
    assert_int_equal(source->page.pages_max, 7);
    fixture_release(&fixture);
}

static void test_numbers_begin_with_one(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'page': {'type': 'page', 'param': 'page'}");

    (void)state;
    assert_int_equal(source->page.kind, SOURCE_PAGE_NUMBER);
    assert_int_equal(source->page.first, 1);
    assert_false(source->page.stop_short_page);
    fixture_release(&fixture);
}

static void test_numbers_may_begin_elsewhere(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'request': {'url': 'https://a.example/x', 'query': {'p': '${page.value}', 'l': "
                  "'${page.limit}'}}, 'page': {'type': 'page', 'first': 0, 'limit': 5}");

    (void)state;
    assert_int_equal(source->page.first, 0);
    fixture_release(&fixture);
}

static void test_addresses(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'page': {'type': 'next_url', 'path': '/next', 'same_host': false}");

    (void)state;
    assert_int_equal(source->page.kind, SOURCE_PAGE_NEXT_URL);
    assert_false(source->page.same_host);
    assert_false(source->page.stop_empty_page);
    assert_int_not_equal(source->page.path_slot, SOURCE_NO_SLOT);
    fixture_release(&fixture);
}

static void test_links(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'page': {'type': 'link', 'stop': ['empty_page']}");

    (void)state;
    assert_int_equal(source->page.kind, SOURCE_PAGE_LINK);
    assert_true(source->page.same_host);
    assert_true(source->page.stop_empty_page);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'page': {'limit': 1}", "/page/type", "it is missing"},
        {"'page': {'type': 'pages'}", "/page/type",
         "want none, offset, page, cursor, next_url or link"},
        {"'page': {'type': 'offset', 'param': 'o'}", "/page/limit", "the offset grows by it"},
        {"'page': {'type': 'offset', 'param': 'o', 'limit': 0}", "/page/limit", "outside of 1"},
        {"'page': {'type': 'offset', 'limit': 5}", "/page/param",
         "each request would be for the first page"},
        {"'page': {'type': 'cursor', 'param': 'c'}", "/page/path", "where the next cursor stands"},
        {"'page': {'type': 'cursor', 'param': 'c', 'path': 'next'}", "/page/path",
         "begins with a slash"},
        {"'page': {'type': 'next_url'}", "/page/path", "where the next address stands"},
        {"'page': {'type': 'next_url', 'path': '/n', 'param': 'x'}", "/page/param",
         "pages of type next_url have no such key"},
        {"'page': {'type': 'link', 'path': '/n'}", "/page/path",
         "pages of type link have no such key"},
        {"'page': {'type': 'page', 'param': 'p', 'path': '/n'}", "/page/path", "no such key"},
        {"'page': {'type': 'page', 'param': 'p', 'same_host': true}", "/page/same_host",
         "no such key"},
        {"'page': {'type': 'page', 'param': 'p', 'limit_param': 'l'}", "/page/limit",
         "is its name"},
        {"'page': {'type': 'page', 'param': 'p', 'stop': ['short_page']}", "/page/stop",
         "short_page wants `limit`"},
        {"'page': {'type': 'page', 'param': 'p', 'stop': ['total']}", "/page/stop",
         "total wants `expect_total`"},
        {"'page': {'type': 'page', 'param': 'p', 'stop': ['empty']}", "/page/stop/0",
         "want empty_page, empty_body, short_page or total"},
        {"'page': {'type': 'page', 'param': 'p', 'stop': 'total'}", "/page/stop", "want a list"},
        {"'page': {'type': 'page', 'param': 'p', 'expect_total': 'total'}", "/page/expect_total",
         "begins with a slash"},
        {"'page': {'type': 'page', 'param': 'p', 'max': 0}", "/page/max",
         "outside of 1 to 1000000"},
        {"'page': {'type': 'page', 'param': 'p', 'first': -1}", "/page/first",
         "-1 is outside of 0"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_page_without_it),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_numbers_begin_with_one),
        cmocka_unit_test(test_numbers_may_begin_elsewhere),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
