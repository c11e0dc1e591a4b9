#include "tests/unit/ingest/source/source_fixture.h"

static void test_defaults(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(&fixture, "");

    (void)state;
    assert_int_equal(source->limits.concurrency, 2);
    assert_int_equal(source->limits.weight, 1);
    assert_true(source->limits.daily == 0);
    assert_true(source->limits.body_bytes_max == 64 << 20);
    assert_true(source->limits.plain_bytes_max == 1 << 30);
    assert_true(source->conditional.etag && source->conditional.last_modified);
    assert_true(source->conditional.body_hash);
    assert_true(source->timeouts.connect_ns == INT64_C(10000000000));
    assert_true(source->timeouts.first_byte_ns == INT64_C(120000000000));
    assert_true(source->timeouts.idle_ns == INT64_C(60000000000));
    assert_true(source->timeouts.total_ns == INT64_C(1800000000000));
    assert_int_equal(source->retry.max, 6);
    assert_true(source->retry.base_ns == INT64_C(2000000000));
    assert_true(source->retry.cap_ns == INT64_C(600000000000));
    assert_true(source->retry.retry_after);
    fixture_release(&fixture);
}

static void test_what_it_says(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture,
        "'limits': {'host': 'a.example', 'concurrency': 256, 'rates': ['600/1m', '10000/P1D'], "
        "'weight': 3, 'daily': 1000, 'body_bytes_max': '1MiB', 'plain_bytes_max': 2048}, "
        "'conditional': {'etag': false}, 'timeouts': {'idle': '50ms'}, 'retry': {'max': 0, 'base': "
        "'10ms', 'cap': '10ms', 'retry_after': false}");

    (void)state;
    assert_true(fixture_is(source->limits.host, "a.example"));
    assert_int_equal(source->limits.rate_count, 2);
    assert_true(source->limits.rates[0].count == 600);
    assert_true(source->limits.rates[1].span_ns == INT64_C(86400000000000));
    assert_true(source->limits.daily == 1000);
    assert_true(source->limits.body_bytes_max == 1 << 20);
    assert_true(source->limits.plain_bytes_max == 2048);
    assert_false(source->conditional.etag);
    assert_true(source->timeouts.idle_ns == 50000000);
    assert_int_equal(source->retry.max, 0);
    assert_true(source->retry.base_ns == 10000000);
    assert_false(source->retry.retry_after);
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'limits': {'concurrency': 0}", "/limits/concurrency", "0 is outside of 1 to 256"},
        {"'limits': {'concurrency': 257}", "/limits/concurrency", "outside"},
        {"'limits': {'rates': '1/1s'}", "/limits/rates", "want a list"},
        {"'limits': {'rates': ['1']}", "/limits/rates/0", "want a count and a duration"},
        {"'limits': {'rates': ['0/1s']}", "/limits/rates/0", "want a count"},
        {"'limits': {'rates': ['1/x']}", "/limits/rates/0", "want a count"},
        {"'limits': {'rates': ['1/P1M']}", "/limits/rates/0", "want a count"},
        {"'limits': {'rates': ['1/2d']}", NULL, NULL},
        {"'limits': {'rates': ['1/P2DT1S']}", "/limits/rates/0", "a duration up to 2d"},
        {"'limits': {'rates': ['-1/1s']}", "/limits/rates/0", "want a count"},
        {"'limits': {'rates': ['5/1s'], 'weight': 6}", "/limits/weight", "want at most 5"},
        {"'limits': {'daily': 5, 'weight': 6}", "/limits/weight", "more than `daily` has"},
        {"'limits': {'daily': 0}", "/limits/daily", "outside"},
        {"'limits': {'body_bytes_max': '64MB'}", "/limits/body_bytes_max", "is not a size"},
        {"'limits': {'body_bytes_max': 10}", "/limits/body_bytes_max", "outside of 1KiB"},
        {"'retry': {'base': '1h', 'cap': '1m'}", "/retry/base", "longer than `cap`"},
        {"'retry': {'max': 101}", "/retry/max", "outside of 0 to 100"},
        {"'timeouts': {'conect': '1s'}", "/timeouts/conect", "did you mean \"connect\""},
        {"'timeouts': {'total': 'P2D'}", "/timeouts/total", "outside of"},
        {"'conditional': {'last_modified': 'verbatim'}", "/conditional/last_modified",
         "want true or false"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_what_it_says),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
