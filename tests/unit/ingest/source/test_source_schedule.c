#include "tests/unit/ingest/source/source_fixture.h"

static void test_what_it_says_and_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "'schedule': {'every': '6h'}");

    (void)state;
    assert_true(source->schedule.every_ns == 6 * INT64_C(3600000000000));
    assert_true(source->schedule.jitter_ns == INT64_C(600000000000));
    assert_non_null(source->schedule.zone);
    assert_false(source->schedule.daily);
    assert_false(source->schedule.respect_expires);
    fixture_release(&fixture);
}

static void test_a_tenth_of_a_short_one_is_its_jitter(void **state)
{
    struct fixture fixture;
    const struct source *source =
        fixture_good(&fixture, "'schedule': {'every': '10s', 'respect_expires': true}");

    (void)state;
    assert_true(source->schedule.jitter_ns == INT64_C(1000000000));
    assert_true(source->schedule.respect_expires);
    fixture_release(&fixture);
}

static void test_once_a_day(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture,
        "'schedule': {'every': 'P1D', 'at': '03:17', 'tz': 'Europe/London', 'jitter': '0s'}");

    (void)state;
    assert_true(source->schedule.daily);
    assert_int_equal(source->schedule.at_s, 3 * 3600 + 17 * 60);
    assert_true(source->schedule.jitter_ns == 0);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'schedule': {}", "/schedule/every", "it is missing"},
        {"'schedule': 7", "/schedule", "it is an integer; want an object"},
        {"'schedule': {'every': '1h', 'evry': 1}", "/schedule/evry", "did you mean \"every\""},
        {"'schedule': {'every': 3600}", "/schedule/every", "it is an integer; want a duration"},
        {"'schedule': {'every': '500ms'}", "/schedule/every", "outside of 1s to 366d"},
        {"'schedule': {'every': 'P2Y'}", "/schedule/every", "outside"},
        {"'schedule': {'every': 'P1M'}", "/schedule/every", "want days"},
        {"'schedule': {'every': '10 s'}", "/schedule/every", "want each number with a unit"},
        {"'schedule': {'every': '1h', 'jitter': '2h'}", "/schedule/jitter", "longer than `every`"},
        {"'schedule': {'every': '1d', 'at': '24:00'}", "/schedule/at", "want a time of day"},
        {"'schedule': {'every': '1d', 'at': '3:17'}", "/schedule/at", "want a time of day"},
        {"'schedule': {'every': '1d', 'at': '03-17'}", "/schedule/at", "want a time of day"},
        {"'schedule': {'every': '36h', 'at': '03:17'}", "/schedule/every", "want whole days"},
        {"'schedule': {'every': '48h', 'at': '03:17'}", NULL, NULL},
        {"'schedule': {'every': '1d', 'tz': 'Europe/Londn'}", "/schedule/tz", "Europe/London"},
        {"'schedule': {'every': '1d', 'respect_expires': 'yes'}", "/schedule/respect_expires",
         "want true or false"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_says_and_defaults),
        cmocka_unit_test(test_a_tenth_of_a_short_one_is_its_jitter),
        cmocka_unit_test(test_once_a_day),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
