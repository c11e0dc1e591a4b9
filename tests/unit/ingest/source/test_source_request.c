#include "tests/unit/ingest/source/source_fixture.h"

static void test_names_and_values_in_their_order(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture,
        "'foreach': [{'id': '7'}], 'request': {'url': 'https://a.example:8443/${each.id}', "
        "'method': 'POST', 'query': {'b': 'x', 'data[]': ['1', 2], 'a': true, 'z': 0.5}, "
        "'headers': {'Accept': 'text/csv'}, 'body': '{\\n}', 'redirects': 0}");

    (void)state;
    assert_true(source->request.post);
    assert_int_equal(source->request.url.count, 1);
    assert_int_equal(source->request.query_count, 5);
    assert_true(fixture_is(source->request.query[0].name, "b"));
    assert_true(fixture_is(source->request.query[2].name, "data[]"));
    assert_true(fixture_is(source->request.query[2].value.rest, "2"));
    assert_true(fixture_is(source->request.query[3].value.rest, "true"));
    assert_true(fixture_is(source->request.query[4].value.rest, "0.5"));
    assert_true(fixture_is(source->request.headers[0].value.rest, "text/csv"));
    assert_true(source->request.has_body);
    assert_true(fixture_is(source->request.body.rest, "{\n}"));
    assert_int_equal(source->request.redirects_max, 0);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'request': {}", "/request/url", "it is missing"},
        {"'request': {'url': 'https://a.example/x', 'method': 'PUT'}", "/request/method",
         "want GET or POST"},
        {"'request': {'url': 'https://a.example/x', 'body': 'x'}", "/request/body", "GET has none"},
        {"'request': {'url': 'https://a.example/x', 'query': ['a']}", "/request/query",
         "want a map"},
        {"'request': {'url': 'https://a.example/x', 'query': {'': 'a'}}", "/request/query/",
         "the name is empty"},
        {"'request': {'url': 'https://a.example/x', 'query': {'a/b': null}}", "/request/query/a~1b",
         "it is null; want a text"},
        {"'request': {'url': 'https://a.example/x', 'query': {'a': ['x', {}]}}",
         "/request/query/a/1", "it is an object; want a text"},
        {"'request': {'url': 'https://a.example/x', 'query': {'a': 'x\\ny'}}", "/request/query/a",
         "byte 2 is the control character 0x0a"},
        {"'request': {'url': 'https://a.example/x', 'query': {'a': '${now'}}", "/request/query/a",
         "has no \"}\""},
        {"'request': {'url': 'https://a.example/x', 'query': {'a': '${nwo}'}}", "/request/query/a",
         "is not known; want ${each.NAME}, ${window.start}"},
        {"'request': {'url': 'https://a.example/x', 'query': {'a': '${secret:k}'}}",
         "/request/query/a", "has no place here"},
        {"'request': {'url': 'https://a.example/x', 'query': {'a': '${row.x}'}}",
         "/request/query/a", "has no place here"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'X-Key': '${secret:k}'}}",
         "/request/headers/X-Key", "has no place here"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'X Key': 'a'}}",
         "/request/headers/X Key", "want a header's name"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'HOST': 'a'}}",
         "/request/headers/HOST", "is ours"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'content-length': '1'}}",
         "/request/headers/content-length", "is ours"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'Transfer-Encoding': 'x'}}",
         "/request/headers/Transfer-Encoding", "is ours"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'Connection': 'x'}}",
         "/request/headers/Connection", "is ours"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'A': 'x\\r\\ny'}}",
         "/request/headers/A", "0x0d"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'A': ['x']}}", "/request/headers/A",
         "a header is given once"},
        {"'request': {'url': 'https://a.example/x', 'headers': {'A-B': 'x', 'a-b': 'y'}}",
         "/request/headers", "stands twice"},
        {"'request': {'url': 'https://a.example/x', 'redirects': 21}", "/request/redirects",
         "21 is outside of 0 to 20"},
        {"'request': {'url': 'https://a.example/x', 'redirects': 1.5}", "/request/redirects",
         "want a whole number"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_values_in_their_order),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
