#include "tests/unit/ingest/source/source_fixture.h"

static void test_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_int_equal(source->time.slot_count, 1);
    assert_int_equal(source->time.format.kind, SOURCE_TIME_ISO);
    assert_int_equal(source->time.ambiguous, SOURCE_AMBIGUOUS_ORDER);
    assert_false(source->time.label_end);
    assert_true(span_is_zero(&source->time.step));
    assert_int_equal(source->time.index_slot, SOURCE_NO_SLOT);
    assert_int_equal(source->time.step_slot, SOURCE_NO_SLOT);
    assert_false(source->time.fill);
    fixture_release(&fixture);
}

static void test_two_columns(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture, "'time': {'path': ['date', 'hour'], 'format': '%Y-%m-%d %H:%M', 'ambiguous': "
                  "'second', 'label': 'end', 'step': 'PT1H', 'tz': 'Europe/Paris'}");

    (void)state;
    assert_int_equal(source->time.slot_count, 2);
    assert_int_equal(source->time.ambiguous, SOURCE_AMBIGUOUS_SECOND);
    assert_true(source->time.label_end);
    assert_true(source->time.step.ns == INT64_C(3600000000000));
    fixture_release(&fixture);
}

static void test_a_base_and_an_index(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'rows': '/T/*/P/*/Q/*', 'time': {'base': '../i/start', 'index': "
                               "'position', 'first': 0, 'step_path': '../resolution', 'fill': "
                               "{'when': {'../../curve': 'A03'}, 'to': '../i/end'}}");

    (void)state;
    assert_int_equal(source->time.slot_count, 1);
    assert_int_not_equal(source->time.index_slot, SOURCE_NO_SLOT);
    assert_true(source->time.index_first == 0);
    assert_true(source->time.fill);
    assert_int_equal(source->time.fill_when_count, 1);
    assert_true(fixture_is(source->time.fill_when[0].text, "A03"));
    assert_int_not_equal(source->time.fill_to_slot, SOURCE_NO_SLOT);
    fixture_release(&fixture);
}

static void test_an_index_begins_with_one(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'time': {'base': 'day', 'index': 'n', 'step': 'PT30M'}");

    (void)state;
    assert_true(source->time.index_first == 1);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'time': {}", "/time/path", "it is missing"},
        {"'time': {'path': 'at', 'base': 'day', 'index': 'n', 'step': '1h'}", "/time/base",
         "instead of `path`"},
        {"'time': {'base': 'day', 'step': '1h'}", "/time/index", "go together"},
        {"'time': {'path': 'a', 'index': 'n', 'step': '1h'}", "/time/base", "go together"},
        {"'time': {'base': 'day', 'index': 'n'}", "/time/step", "base + index"},
        {"'time': {'path': 'at', 'label': 'end'}", "/time/step", "takes it off"},
        {"'time': {'path': 'at', 'label': 'end', 'step_path': 's'}", NULL, NULL},
        {"'time': {'path': 'at', 'label': 'middle'}", "/time/label", "want start, end or instant"},
        {"'time': {'path': 'at', 'step': '1h', 'step_path': 's'}", "/time/step_path",
         "want one of both"},
        {"'time': {'path': 'at', 'first': 0}", "/time/first", "of `index`"},
        {"'time': {'path': 'at', 'fill': {'to': 'x'}}", "/time/step", "each step"},
        {"'time': {'path': 'at', 'step': '1h', 'fill': {}}", "/time/fill/to", "it is missing"},
        {"'time': {'path': 'at', 'step': '1h', 'fill': {'to': 'x', 'when': 'y'}}",
         "/time/fill/when", "want a map of paths"},
        {"'time': {'path': []}", "/time/path", "there are 0 paths"},
        {"'time': {'path': ['a', '*']}", "/time/path/1", "stands in `rows` alone"},
        {"'time': {'path': 'at', 'ambiguous': 'both'}", "/time/ambiguous",
         "want order, first, second or fail"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_two_columns),
        cmocka_unit_test(test_a_base_and_an_index),
        cmocka_unit_test(test_an_index_begins_with_one),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
