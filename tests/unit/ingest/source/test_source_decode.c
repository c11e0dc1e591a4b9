#include "tests/unit/ingest/source/source_fixture.h"

static void test_csv(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'decode': {'csv': {'separator': ';', 'skip': 2}}, 'rows': '*'");

    (void)state;
    assert_true(source->decode.format == &tree_csv);
    assert_int_equal(source->decode.csv.separator, ';');
    assert_int_equal(source->decode.csv.skip, 2);
    assert_true(source->decode.csv.header);
    assert_true(source->decode.rows.absolute);
    assert_int_equal(source->decode.rows.count, 0);
    fixture_release(&fixture);
}

static void test_csv_without_header(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'decode': {'csv': {'columns': ['at', 'v'], 'separator': '\\t'}}, 'rows': '*'");

    (void)state;
    assert_false(source->decode.csv.header);
    assert_int_equal(source->decode.csv.name_count, 2);
    assert_true(fixture_is(source->decode.csv.names[1], "v"));
    assert_int_equal(source->decode.csv.separator, '\t');
    fixture_release(&fixture);
}

static void test_lines_of_json(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "'decode': 'ndjson', 'rows': '*/items/*'");

    (void)state;
    assert_true(source->decode.format == &tree_ndjson);
    assert_int_equal(source->decode.rows.count, 2);
    assert_true(source->decode.rows.steps[1].any);
    fixture_release(&fixture);
}

static void test_archives(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'decode': {'zip': 'xml'}, 'rows': '/D/S/*'");

    (void)state;
    assert_true(source->decode.zip_archive);
    assert_true(source->decode.format == &tree_xml);
    assert_false(source->decode.rows_zip);
    fixture_release(&fixture);
}

static void test_archives_of_csv(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'decode': {'zip': {'csv': {'separator': '|'}}}, 'rows': '*'");

    (void)state;
    assert_true(source->decode.zip_archive);
    assert_int_equal(source->decode.csv.separator, '|');
    fixture_release(&fixture);
}

static void test_arrays_that_stand_for_columns(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "'rows': {'zip': '/hourly'}");

    (void)state;
    assert_true(source->decode.rows_zip);
    assert_int_equal(source->decode.rows.count, 1);
    fixture_release(&fixture);
}

static void test_rows_of_lines_need_no_path(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_parse(&fixture, "'decode': 'csv'", "rows");
    assert_int_equal(fixture.code, OK);
    fixture_release(&fixture);
    fixture_parse(&fixture, "'decode': 'ndjson'", "rows");
    assert_int_equal(fixture.code, OK);
    fixture_release(&fixture);
    fixture_parse(&fixture, "'decode': 'xml'", "rows");
    assert_int_equal(fixture.code, E_BAD_PARAMETER);
    assert_string_equal(fixture.err.pointer, "/rows");
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES({"'decode': 'jsn'", "/decode", "did you mean \"json\""},
                    {"'decode': 7", "/decode", "want json, ndjson, csv, xml, or one"},
                    {"'decode': {}", "/decode", "want json"},
                    {"'decode': {'csv': {}, 'json': {}}", "/decode", "want json"},
                    {"'decode': {'json': {}}", NULL, NULL},
                    {"'decode': {'json': {'a': 1}}", "/decode/json", "has no options"},
                    {"'decode': 'zip'", "/decode", "as {zip: xml}"},
                    {"'decode': {'zip': {'zip': 'xml'}}", "/decode/zip/zip", "as {zip: xml}"},
                    {"'decode': {'csv': {'separator': ',,'}}, 'rows': '*'", "/decode/csv/separator",
                     "want one character"},
                    {"'decode': {'csv': {'header': true, 'columns': ['a']}}, 'rows': '*'",
                     "/decode/csv/columns", "want one of both"},
                    {"'decode': {'csv': {'header': false}}, 'rows': '*'", "/decode/csv/columns",
                     "want their names"},
                    {"'decode': {'csv': {'heder': false}}, 'rows': '*'", "/decode/csv/heder",
                     "did you mean \"header\""},
                    {"'decode': 'csv', 'rows': '/a/*'", "/rows", "each record is a row"},
                    {"'decode': 'csv', 'rows': {'zip': '/a'}", "/rows", "no columns to zip"},
                    {"'decode': 'ndjson', 'rows': '/a/*'", "/rows", "each line is a document"},
                    {"'rows': 'data/*'", "/rows", "begins with a slash"},
                    {"'rows': 7", "/rows", "begins with a slash"},
                    {"'rows': ['/a']", "/rows", "want a text"},
                    {"'rows': {'zip': 'a'}", "/rows/zip", "begins with a slash"},
                    {"'rows': '/a/~2'", "/rows", "stands neither"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_without_header),
        cmocka_unit_test(test_lines_of_json),
        cmocka_unit_test(test_archives),
        cmocka_unit_test(test_archives_of_csv),
        cmocka_unit_test(test_arrays_that_stand_for_columns),
        cmocka_unit_test(test_rows_of_lines_need_no_path),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
