#include "tests/unit/ingest/source/source_fixture.h"

static void test_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_int_equal(source->value_count, 1);
    assert_true(fixture_is(source->values[0].field.rest, "v"));
    assert_int_equal(source->values[0].type, SOURCE_NUMBER);
    assert_true(source->values[0].scale == 1 && source->values[0].offset == 0);
    assert_int_equal(source->values[0].decimal, '.');
    assert_int_equal(source->values[0].thousands, '\0');
    assert_int_equal(source->values[0].null_count, 6);
    assert_false(source->values[0].required);
    assert_int_equal(source->values[0].coded, SOURCE_CODED_FAIL);
    assert_int_equal(source->values[0].unit_slot, SOURCE_NO_SLOT);
    assert_false(source->values[0].has_measurement);
    fixture_release(&fixture);
}

static void test_all_that_it_may_say(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture,
        "'values': [{'path': 'v', 'field': '${row.name}', 'measurement': 'x', 'tags': {'k': 'a'}, "
        "'type': 'integer', 'unit': 'degC', 'unit_path': 'u', 'units': {'degF': {'scale': 0.5, "
        "'offset': -17}, 'degC': {}}, 'scale': 2, 'offset': 0.5, 'decimal': ',', 'thousands': '.', "
        "'null': ['x'], 'missing': 'fail', 'qualifier': ['<', '>'], 'coded': 'keep'}]");

    (void)state;
    assert_int_not_equal(source->values[0].field.items[0].slot, SOURCE_NO_SLOT);
    assert_true(source->values[0].has_measurement);
    assert_int_equal(source->values[0].tag_count, 1);
    assert_int_equal(source->values[0].unit_count, 2);
    assert_true(source->values[0].units[0].scale == 0.5);
    assert_true(source->values[0].units[0].offset == -17);
    assert_true(source->values[0].units[1].scale == 1);
    assert_true(source->values[0].scale == 2);
    assert_int_equal(source->values[0].decimal, ',');
    assert_int_equal(source->values[0].null_count, 1);
    assert_true(source->values[0].required);
    assert_int_equal(source->values[0].qualifier_count, 2);
    assert_int_equal(source->values[0].coded, SOURCE_CODED_KEEP);
    fixture_release(&fixture);
}

static void test_equal_paths_are_one_slot(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'values': [{'path': 'v', 'field': 'a'}, {'path': 'v', 'field': "
                               "'b'}, {'path': '/v', 'field': 'c'}]");

    (void)state;
    assert_int_equal(source->values[0].slot, source->values[1].slot);
    assert_int_not_equal(source->values[0].slot, source->values[2].slot);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'values': {}", "/values", "want a list"},
        {"'values': []", "/values", "there are 0 values"},
        {"'values': [7]", "/values/0", "want an object"},
        {"'values': [{'path': 'v'}]", "/values/0/field", "it is missing"},
        {"'values': [{'field': 'v'}]", "/values/0/path", "it is missing"},
        {"'values': [{'path': 'v', 'field': ''}]", "/values/0/field", "it is empty"},
        {"'values': [{'path': 'v', 'field': '${now}'}]", "/values/0/field", "has no place here"},
        {"'values': [{'path': 'v', 'field': '${row.../../x}'}]", "/values/0/field", ".."},
        {"'values': [{'path': 'v', 'field': 'v', 'type': 'float'}]", "/values/0/type",
         "want number, integer, bool or text"},
        {"'values': [{'path': 'v', 'field': 'v', 'type': 'text', 'scale': 2}]", "/values/0/scale",
         "it is of numbers"},
        {"'values': [{'path': 'v', 'field': 'v', 'scale': 0}]", "/values/0/scale",
         "make all values one"},
        {"'values': [{'path': 'v', 'field': 'v', 'scale': '2'}]", "/values/0/scale",
         "want a number"},
        {"'values': [{'path': 'v', 'field': 'v', 'unit_path': 'u'}]", "/values/0/units",
         "it is missing"},
        {"'values': [{'path': 'v', 'field': 'v', 'units': {'a': {}}}]", "/values/0/unit_path",
         "it is missing"},
        {"'values': [{'path': 'v', 'field': 'v', 'unit_path': 'u', 'units': {'a': {'scal': 1}}}]",
         "/values/0/units/a/scal", "did you mean \"scale\""},
        {"'values': [{'path': 'v', 'field': 'v', 'unit_path': 'u', 'units': {'a': {'scale': 0}}}]",
         "/values/0/units/a/scale", "0 would make all values one"},
        {"'values': [{'path': 'v', 'field': 'v', 'thousands': '.'}]", "/values/0/thousands",
         "the same as `decimal`"},
        {"'values': [{'path': 'v', 'field': 'v', 'decimal': '7'}]", "/values/0/decimal",
         "want one character"},
        {"'values': [{'path': 'v', 'field': 'v', 'null': 'x'}]", "/values/0/null",
         "want a list of texts"},
        {"'values': [{'path': 'v', 'field': 'v', 'qualifier': ['']}]", "/values/0/qualifier",
         "before every number"},
        {"'values': [{'path': 'v', 'field': 'v', 'coded': 'text'}]", "/values/0/coded",
         "want fail, skip or keep"},
        {"'values': [{'path': 'v', 'field': 'v', 'series': 'x'}]", "/values/0/series",
         "there is no key"},
        {"'values': [{'path': 'v', 'field': 'v', 'qualifer': ['<']}]", "/values/0/qualifer",
         "did you mean \"qualifier\""});
}

static void test_a_measurement_stands_somewhere(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_parse(&fixture, "", "measurement");
    assert_int_equal(fixture.code, E_BAD_PARAMETER);
    assert_string_equal(fixture.err.pointer, "/values/0/measurement");
    fixture_release(&fixture);
    fixture_parse(&fixture, "'values': [{'path': 'v', 'field': 'v', 'measurement': 'm'}]",
                  "measurement");
    assert_int_equal(fixture.code, OK);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_that_it_may_say),
        cmocka_unit_test(test_equal_paths_are_one_slot),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_measurement_stands_somewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
