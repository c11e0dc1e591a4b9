#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

static void put_rows(struct fixture *fixture, uint32_t count, const char *fields)
{
    const struct series *series = fixture_series(fixture, "cpu", "");
    uint32_t first = fixture->store.row_count;

    for (uint32_t i = 0; i < count; i++)
        (void)fixture_row(fixture, series, i, 100, fields);
    (void)twin_place(&fixture->store, first, first + count);
}

static void test_the_head_waits_for_the_first_64_kib(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    put_rows(&fixture, 4000, "v=1"); /* "1234,1.0\n": 36 KiB */
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=csv&epoch=ns&as_of=900"), OK);
    assert_int_equal(fixture.sink.writes, 1);
    assert_string_equal(fixture.sink.cache_control, "private, max-age=86400, immutable");
    fixture.store.not_final = true; /* something at or below S may still arrive */
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=csv&epoch=ns&as_of=900"), OK);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture.store.not_final = false;
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=ndjson&as_of=900"), OK);
    assert_true(fixture.sink.writes > 1); /* it began before the end was known */
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture_release(&fixture);
}

static void test_immutable_only_within_retention_and_history(void **state)
{
    static const int64_t second = 1000000000;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    put_rows(&fixture, 3, "v=1");
    fixture.clock.wall = 100 * second;
    fixture.store.watermark = 100 * second;
    fixture.environment.retention_ns = 80 * second;
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&epoch=s&as_of=90&start=50"), OK);
    assert_string_equal(fixture.sink.cache_control, "private, max-age=30, immutable");
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&epoch=s&as_of=90&start=10"), OK);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture.environment.history_ns = 15 * second;
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&epoch=s&as_of=90&start=50"), OK);
    assert_string_equal(fixture.sink.cache_control, "private, max-age=5, immutable");
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&epoch=s&start=50"), OK);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture_release(&fixture);
}

static void test_a_row_larger_than_the_buffer_is_written(void **state)
{
    enum { SIZE = 300000 };
    struct fixture fixture;
    struct twin_row row = {.time = 1, .ingest = 100, .revision = INT64_MIN, .cell_count = 1};
    char *large;

    (void)state;
    fixture_init(&fixture);
    large = malloc(SIZE + 1);
    assert_non_null(large);
    memset(large, '"', SIZE);
    large[SIZE] = '\0';
    row.series = fixture_series(&fixture, "cpu", "");
    fixture_put(&fixture, row.series, 0, 100, "s=\"x\"");
    row.cells[0] =
        (struct twin_cell){BYTES("s"), TYPE_STRING, {.text = twin_text(&fixture.store, large)}};
    (void)twin_add(&fixture.store, &row);
    (void)twin_place(&fixture.store, 1, 2);
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=ndjson"), OK);
    assert_true(fixture.sink.body.size > 2 * SIZE);
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&format=csv"), OK);
    assert_true(fixture.sink.body.size > 2 * SIZE);
    free(large);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head_waits_for_the_first_64_kib),
        cmocka_unit_test(test_immutable_only_within_retention_and_history),
        cmocka_unit_test(test_a_row_larger_than_the_buffer_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
