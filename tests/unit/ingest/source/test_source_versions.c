#include "tests/unit/ingest/source/source_fixture.h"

static void test_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_int_equal(source->versions.known_at_slot, SOURCE_NO_SLOT);
    assert_false(source->versions.latest);
    assert_int_equal(source->faults_max, 0);
    fixture_release(&fixture);
}

static void test_a_path(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'faults_max': 3, 'versions': {'known_at': '/meta/updated', "
                               "'format': 'unix_s', 'tz': 'Europe/Oslo', 'keep': 'latest'}");

    (void)state;
    assert_int_not_equal(source->versions.known_at_slot, SOURCE_NO_SLOT);
    assert_true(source->versions.latest);
    assert_int_equal(source->versions.format.kind, SOURCE_TIME_UNIX);
    assert_int_equal(source->faults_max, 3);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'versions': {'known_at': 'fetch', 'keep': 'all'}", NULL, NULL},
                    {"'versions': {'known_at': 'fetch', 'format': 'unix_s'}", "/versions/format",
                     "that is a path"},
                    {"'versions': {'tz': 'UTC'}", "/versions/tz", "that is a path"},
                    {"'versions': {'keep': 'first'}", "/versions/keep", "want all or latest"},
                    {"'versions': {'known_at': '*', 'format': 'unix_s'}", "/versions/known_at",
                     "stands in `rows` alone"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_a_path),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
