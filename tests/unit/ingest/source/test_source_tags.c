#include "tests/unit/ingest/source/source_fixture.h"

static void test_texts_and_paths(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'foreach': [{'id': '7'}], 'tags': {'a': 'x', 'b': '${each.id}-${row.k}', 'c': "
                  "{'path': '/meta/c', 'missing': 'fail'}, 'd': {'path': 'd'}, 'e': 7}");

    (void)state;
    assert_int_equal(source->tag_count, 5);
    assert_false(source->tags[0].from_slot);
    assert_int_equal(source->tags[1].text.count, 2);
    assert_true(source->tags[2].from_slot);
    assert_true(source->tags[2].required);
    assert_false(source->tags[3].required);
    assert_true(fixture_is(source->tags[4].text.rest, "7"));
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'tags': []", "/tags", "want a map"},
                    {"'tags': {'': 'x'}", "/tags/", "want a name of 1 to 255"},
                    {"'tags': {'a\\nb': 'x'}", "/tags/a\nb", "control character"},
                    {"'tags': {'a': {}}", "/tags/a/path", "it is missing"},
                    {"'tags': {'a': {'path': 'x', 'mising': 'fail'}}", "/tags/a/mising",
                     "did you mean \"missing\""},
                    {"'tags': {'a': '${window.start}'}", "/tags/a",
                     "has no place here; want ${each.NAME}, ${row.PATH}"},
                    {"'tags': {'a': null}", "/tags/a", "it is null"},
                    {"'where': {'q': ['x']}", "/where/q", "want a text"},
                    {"'where': ['q']", "/where", "want a map of paths"},
                    {"'where': {'../../x': 'y'}", "/where/..~1..~1x", ".."});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_and_paths),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
