#include "tests/unit/ingest/source/source_fixture.h"

static void test_one_without_variables_where_there_is_none(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_int_equal(source->foreach.count, 1);
    assert_int_equal(source->foreach.partitions[0].count, 0);
    assert_null(source->foreach.request);
    fixture_release(&fixture);
}

static void test_partitions_with_variables_by_name(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'foreach': [{'lon': 13.41, 'lat': 52.52, 'n': 7}, {'lat': '-1.50'}]");

    (void)state;
    assert_int_equal(source->foreach.count, 2);
    assert_true(fixture_is(source->foreach.partitions[0].variables[0].name, "lat"));
    assert_true(fixture_is(source->foreach.partitions[0].variables[0].value, "52.52"));
    assert_true(fixture_is(source->foreach.partitions[0].variables[2].value, "7"));
    assert_true(fixture_is(source->foreach.partitions[1].variables[0].value, "-1.50"));
    fixture_release(&fixture);
}

static void test_partitions_that_are_asked_for(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'foreach': {'request': {'url': 'https://a.example/s'}, 'decode': "
                               "'json', 'rows': '/items/*', 'vars': {'id': {'path': 'notation'}}, "
                               "'every': '1h'}, 'tags': {'s': '${each.id}'}");

    (void)state;
    assert_non_null(source->foreach.request);
    assert_int_equal(source->foreach.pick_count, 1);
    assert_non_null(source->foreach.plan);
    assert_true(fixture_is(source->foreach.picks[0].name, "id"));
    assert_true(source->foreach.every_ns == INT64_C(3600000000000));
    assert_true(source->foreach.decode->format == &tree_json);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'foreach': 7", "/foreach", "want a list of maps, or an object"},
        {"'foreach': []", "/foreach", "there are 0 partitions"},
        {"'foreach': ['a']", "/foreach/0", "want a map"},
        {"'foreach': [{'a b': 'x'}]", "/foreach/0/a b", "want a name"},
        {"'foreach': [{'a': 'x\\n'}]", "/foreach/0/a", "control character"},
        {"'foreach': [{'a': []}]", "/foreach/0/a", "want a text"},
        {"'foreach': [{'a': '1', 'b': '2'}, {'a': '3'}, {'b': 2, 'a': 1}]", "/foreach/2",
         "it is the same as element 0"},
        {"'foreach': {'request': {'url': 'https://a.example/${window.start}'}, 'decode': 'json', "
         "'rows': '/items/*', 'vars': {'id': {'path': 'notation'}}}",
         "/foreach/request/url", "has no place here"},
        {"'foreach': {'request': {'url': 'https://a.example/'}, 'decode': 'json', 'rows': "
         "'/items/*', 'vars': {'id': {'path': 'notation'}}, 'evry': '1h'}",
         "/foreach/evry", "did you mean \"every\""},
        {"'foreach': {'decode': 'json', 'rows': '/items/*', 'vars': {'id': {'path': 'notation'}}}",
         "/foreach/request", "it is missing"},
        {"'foreach': {'request': {'url': 'https://a.example/'}, 'decode': 'json', 'rows': '/*', "
         "'vars': {}}",
         "/foreach/vars", "there are 0"},
        {"'foreach': {'request': {'url': 'https://a.example/'}, 'decode': 'json', 'rows': '/*', "
         "'vars': {'a': {}}}",
         "/foreach/vars/a/path", "it is missing"},
        {"'foreach': {'request': {'url': 'https://a.example/'}, 'decode': 'json', 'rows': '/*', "
         "'vars': {'a': {'path': '*'}}}",
         "/foreach/vars/a/path", "\"*\" stands in `rows` alone"},
        {"'foreach': {'request': {'url': 'https://a.example/'}, 'decode': {'zip': 'json'}, "
         "'rows': '/*', 'vars': {'a': {'path': 'b'}}}",
         "/foreach/decode/zip", "want no archive"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_without_variables_where_there_is_none),
        cmocka_unit_test(test_partitions_with_variables_by_name),
        cmocka_unit_test(test_partitions_that_are_asked_for),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
