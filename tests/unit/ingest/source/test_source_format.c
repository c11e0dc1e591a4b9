#include "tests/unit/ingest/source/source_fixture.h"

static void test_names_and_patterns(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': 'iso8601'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': 'date'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': 'unix_s'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': 'unix_ms'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': '%Y%m%d%H%M'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': '%Y'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': 'excel'}",
         "/window/format", "want iso8601, unix_s, unix_ms, unix_us, unix_ns, date"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': 'YYYY-MM-DD'}",
         "/window/format", "or a pattern as"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': '%Y-%Q'}",
         "/window/format", "byte 5 is no part of a time"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P1D', 'format': ''}",
         "/window/format", "is no format"},
        {"'time': {'path': 'at', 'format': 'unix_ns'}", NULL, NULL},
        {"'time': {'path': 'at', 'format': 'excel'}", NULL, NULL},
        {"'time': {'path': 'at', 'format': '%Y-%m-%dT%H'}", NULL, NULL},
        {"'time': {'path': 'at', 'format': 'date'}", "/time/format", "excel"},
        {"'time': {'path': 'at', 'format': '%Y-%m'}", "/time/format", "has no day (%d)"},
        {"'time': {'path': 'at', 'format': '%Y-%m-%d %I'}", "/time/format", "an hour is %H"},
        {"'time': {'path': 'at', 'format': {}}", "/time/format", "want a text"});
}

static void test_units(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'time': {'path': 'at', 'format': 'unix_us'}");

    (void)state;
    assert_int_equal(source->time.format.kind, SOURCE_TIME_UNIX);
    assert_int_equal(source->time.format.unit, TIME_US);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_patterns),
        cmocka_unit_test(test_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
