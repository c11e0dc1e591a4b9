#include "tests/unit/ingest/source/source_fixture.h"

static void test_places_stand_for_something(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${each.a}'}}, 'paused': false",
         "/request/query/x", "stands for nothing without `foreach`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${each.a}'}}, 'foreach': "
         "[{'a': '1'}, {'b': '1'}]",
         "/request/query/x", "in element 1 of `foreach`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${each.a}'}}, 'foreach': "
         "{'request': {'url': 'https://a.example/'}, 'decode': 'json', 'rows': '/*', 'vars': {'b': "
         "{'path': 'b'}}}",
         "/request/query/x", "none of `vars`"},
        {"'tags': {'t': '${each.a}'}", "/tags/t", "without `foreach`"},
        {"'auth': {'type': 'bearer', 'token': '${each.a}'}", "/auth/token", "without `foreach`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${window.end}'}}, 'paused': "
         "false",
         "/request/query/x", "${window.end} stands for nothing without `window`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${window.end}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D'}",
         "/window", "want ${window.start} in `request`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${now}'}}, 'paused': true",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${page.value}'}}, 'page': "
         "{'type': 'link'}",
         "/request/query/x", "stands for nothing without a `page`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${page.value}'}}, 'page': "
         "{'type': 'page'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'x': '${page.limit}'}}, 'page': "
         "{'type': 'page', 'param': 'p'}",
         "/request/query/x", "without `limit` in `page`"});
}

#define RETRACT(more)                                                                              \
    "'request': {'url': 'https://a.example/${window.start}'}, 'window': {'from': '2023-01-01', "   \
    "'step': 'P1D', 'missing': 'retract'" more

static void test_what_is_missing_can_be_found(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {RETRACT("}"), NULL, NULL},
        {RETRACT(", 'clip': false}"), "/window/missing", "want `clip: true`"},
        {RETRACT("}, 'measurement': 'm_${row.a}'"), "/window/missing", "without ${row.…}"},
        {RETRACT("}, 'values': [{'path': 'v', 'field': 'v', 'measurement': '${row.a}'}]"),
         "/window/missing", "without ${row.…}"});
}

/* Of what was delivered one is ours. */
static void test_tags_are_called_otherwise_than_ours(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'tags': {'a': 'b', 'partition': 'x'}", "/tags/partition", "want another one"},
                    {"'values': [{'path': 'v', 'field': 'v'}, {'path': 'w', 'field': 'w', 'tags': "
                     "{'partition': {'path': 'p'}}}]",
                     "/values/1/tags/partition", "want another one"},
                    {"'tags': {'partitions': 'x', 'Partition': 'y'}", NULL, NULL});
}

static void test_names_in_the_query_are_apart(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'request': {'url': 'https://a.example/x', 'query': {'x': '1'}}, 'page': "
                     "{'type': 'page', 'param': 'x'}",
                     "/page/param", "has this name, too"},
                    {"'page': {'type': 'page', 'param': 'x', 'limit_param': 'x', 'limit': 1}",
                     "/page/limit_param", "the same as `param`"},
                    {"'request': {'url': 'https://a.example/x', 'query': {'x': '1'}}, 'page': "
                     "{'type': 'page', 'param': 'y', 'limit_param': 'x', 'limit': 1}",
                     "/page/limit_param", "has this name, too"},
                    {"'request': {'url': 'https://a.example/x', 'query': {'x': '1'}}, 'auth': "
                     "{'type': 'query', 'name': 'x', 'value': '1'}",
                     "/auth/name", "has this name, too"},
                    {"'page': {'type': 'page', 'param': 'x'}, 'auth': {'type': 'query', 'name': "
                     "'x', 'value': '1'}",
                     "/auth/name", "has this name, too"},
                    {"'request': {'url': 'https://a.example/', 'headers': {'authorization': 'x'}}, "
                     "'auth': {'type': 'bearer', 'token': '1'}",
                     "/auth", "has Authorization, too"},
                    {"'request': {'url': 'https://a.example/', 'headers': {'x-key': 'x'}}, 'auth': "
                     "{'type': 'header', 'name': 'X-Key', 'value': '1'}",
                     "/auth", "has X-Key, too"});
}

static void test_paths_stay_within_the_document(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'tags': {'t': {'path': '../../../x'}}", "/tags/t/path", ".."},
        {"'rows': '/a/*/b/*', 'tags': {'t': {'path': '../x'}}", NULL, NULL},
        {"'values': [{'path': 'v', 'field': 'v'}, {'path': '../../../../v', 'field': 'w'}]",
         "/values/1/path", ".."});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_stand_for_something),
        cmocka_unit_test(test_what_is_missing_can_be_found),
        cmocka_unit_test(test_tags_are_called_otherwise_than_ours),
        cmocka_unit_test(test_names_in_the_query_are_apart),
        cmocka_unit_test(test_paths_stay_within_the_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
