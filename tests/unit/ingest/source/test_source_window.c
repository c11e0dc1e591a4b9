#include "tests/unit/ingest/source/source_fixture.h"

static void test_what_it_says_and_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, "
                  "'window': {'from': '2023-01-01', 'step': 'P1M', 'tz': 'America/New_York'}");

    (void)state;
    assert_true(source->window.given);
    assert_true(source->window.from_ns == INT64_C(1672549200000000000));
    assert_true(source->window.until_ns == INT64_MAX);
    assert_int_equal(source->window.step.months, 1);
    assert_true(source->window.step_min.ns == INT64_C(30) * 86400000000000 / 16);
    assert_true(span_is_zero(&source->window.overlap));
    assert_int_equal(source->window.format.kind, SOURCE_TIME_ISO);
    assert_true(source->window.clip);
    assert_false(source->window.end_inclusive);
    assert_false(source->window.retract_missing);
    fixture_release(&fixture);
}

static void test_all_that_it_may_say(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture,
        "'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
        "{'from': '2023-01-01T05:00:00+02:00', 'until': '2024-01-01T00:00:00Z', 'step': 'P7D', "
        "'step_min': '1h', 'overlap': 'P60D', 'lag': '5m', 'format': '%Y-%m', 'end': 'inclusive', "
        "'clip': false, 'missing': 'keep'}");

    (void)state;
    assert_true(source->window.from_ns == INT64_C(1672542000000000000));
    assert_int_equal(source->window.overlap.days, 60);
    assert_int_equal(source->window.format.kind, SOURCE_TIME_PATTERN);
    assert_true(source->window.end_inclusive);
    assert_false(source->window.clip);
    assert_false(source->window.retract_missing);
    fixture_release(&fixture);
    source = fixture_good(
        &fixture,
        "'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
        "{'from': '2023-01-01', 'step': 'P7D', 'missing': 'retract'}");
    assert_true(source->window.retract_missing);
    fixture_release(&fixture);
}

static void test_there_may_be_none(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_false(source->window.given);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'step': 'P1D'}",
         "/window/from", "it is missing"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01'}",
         "/window/step", "it is missing"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023', 'step': 'P1D'}",
         "/window/from", "byte 5"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': 2023, 'step': 'P1D'}",
         "/window/from", "want a time as"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'until': '2023-01-01', 'step': 'P1D'}",
         "/window/until", "not after `from`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '500ms'}",
         "/window/step", "outside of 1s"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': 'P11Y'}",
         "/window/step", "outside of"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'step_min': '2h'}",
         "/window/step_min", "longer than `step`"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2000-01-01', 'step': '10s'}",
         "/window/step", "more than 1000000 windows"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2000-01-01', 'until': '2000-01-02', 'step': '10s'}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'overlap': '-1h'}",
         "/window/overlap", "want a number"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'overlap': 0}",
         NULL, NULL},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'tz': 'Mars'}",
         "/window/tz", "Mars"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'end': 'inclusive', 'format': "
         "'%Y-%m-%dT%H:%M:%S.%f'}",
         "/window/end", "no last unit"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'end': 'open'}",
         "/window/end", "want exclusive or inclusive"},
        {"'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
         "{'from': '2023-01-01', 'step': '1h', 'missing': 'drop'}",
         "/window/missing", "want keep or retract"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_says_and_defaults),
        cmocka_unit_test(test_all_that_it_may_say),
        cmocka_unit_test(test_there_may_be_none),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
