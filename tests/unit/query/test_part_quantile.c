#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/random.h"

#include "tests/unit/query/feed.h"

static void test_ranks_lie_between_the_closest(void **state)
{
    const double reals[] = {40, 10, 30, 20, 50}, four[] = {4, 1, 3, 2};

    (void)state;
    assert_true(feed_reals("median", reals, 5) == 30);
    assert_true(feed_reals("p50", reals, 5) == 30);
    assert_true(feed_reals("p25", reals, 5) == 20);
    assert_true(feed_reals("p95", reals, 5) == 48);
    assert_true(feed_reals("p99.9", reals, 5) == 49.96);
    assert_true(feed_reals("p10", reals, 5) == 14);
    assert_true(feed_reals("median", four, 4) == 2.5);
    assert_true(feed_reals("p1", reals, 1) == 40);
    assert_int_equal(feed_two("median", TYPE_F64, NULL, 0, TYPE_F64, NULL, 0).type, TYPE_NONE);
}

static void test_types_and_signs_mix(void **state)
{
    const union cell reals[] = {{.f64 = -0.0}, {.f64 = -1e308}, {.f64 = 1e308}, {.f64 = 1.5}};
    const union cell integers[] = {{.i64 = -7}, {.i64 = 2}, {.i64 = INT64_MIN}};

    (void)state; /* -1e308 -2^63 -7 0 1.5 2 1e308 */
    assert_true(feed_two("median", TYPE_F64, reals, 4, TYPE_I64, integers, 3).cell.u64 == 0);
    assert_true(feed_two("p25", TYPE_F64, reals, 4, TYPE_I64, integers, 3).cell.f64 ==
                (-0x1p63 - 7) / 2);
    assert_true(feed_two("median", TYPE_F64, reals + 1, 2, TYPE_F64, NULL, 0).cell.f64 == 0);
}

static int compare_f64(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Values of many sizes and both signs. */
static void make_values(union cell *cells, uint32_t count, uint64_t seed)
{
    struct random random;

    random_seed(&random, seed);
    for (uint32_t i = 0; i < count; i++) {
        double value = (double)random_below(&random, 1000000) / 1000;

        cells[i].f64 = seed % 3 == 0   ? value
                       : seed % 3 == 1 ? exp(value / 20) * (random_below(&random, 3) ? 1 : -1)
                                       : value - 500;
    }
}

static void check_ranks(const struct feed *feed, const union cell *cells, uint32_t count,
                        double within)
{
    static const char *const calls[] = {"p0.001", "p1", "p25", "median", "p75", "p99", "p99.99"};
    double *sorted = malloc(count * sizeof(*sorted));

    assert_non_null(sorted);
    memcpy(sorted, cells, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_f64);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        struct aggregate_call call = call_of(calls[i]);
        uint64_t position = (uint64_t)(count - 1) * call.fraction;
        double low = sorted[position / FRACTION_WHOLE], part, want;
        struct datum datum;

        part = (double)(position % FRACTION_WHOLE) / FRACTION_WHOLE;
        want = part > 0 ? low + (sorted[position / FRACTION_WHOLE + 1] - low) * part : low;
        call.row->finish(feed->state, &call, &datum);
        if (fabs(datum.cell.f64 - want) > within * fabs(want))
            fail_msg("%s of %u: %.17g instead of %.17g", calls[i], count, datum.cell.f64, want);
    }
    free(sorted);
}

/* Exact up to the limit, then within 0.4 %; in any order and by any grouping the very same. */
static void test_the_sketch_begins_behind_the_limit_and_keeps_its_bound(void **state)
{
    static union cell cells[4 * QUANTILE_EXACT_MAX];
    static const uint32_t counts[] = {1,
                                      1000,
                                      QUANTILE_EXACT_MAX - 1,
                                      QUANTILE_EXACT_MAX,
                                      QUANTILE_EXACT_MAX + 1,
                                      4 * QUANTILE_EXACT_MAX};
    struct rows_column column = {0, TYPE_F64, cells, NULL};

    (void)state;
    for (size_t i = 0; i < 3 * COUNT_OF(counts); i++) {
        uint32_t count = counts[i / 3], cut = count / 3;
        struct feed feed, parts[3];

        make_values(cells, count, i);
        feed_init(&feed, "median", 8 << 20);
        assert_true(feed_rows(&feed, &column, NULL, 0, count));
        assert_true((((struct quantile_state *)feed.state)->pages != NULL) ==
                    (count > QUANTILE_EXACT_MAX));
        check_ranks(&feed, cells, count, count > QUANTILE_EXACT_MAX ? 0.004 : 1e-12);
        for (uint32_t part = 0; part < 3; part++) {
            feed_init(&parts[part], "p95", 8 << 20);
            for (uint32_t at = cut * part; at < (part == 2 ? count : cut * (part + 1));) {
                uint32_t end = part == 2 ? count : cut * (part + 1);
                uint32_t next = end - at < 777 ? end : at + 777;

                assert_true(feed_rows(&parts[part], &column, NULL, at, next));
                at = next;
            }
        }
        feed_merge(&parts[2], &parts[0]);
        feed_merge(&parts[1], &parts[2]);
        feed.call = call_of("p95");
        assert_true(feed_answer(&parts[1]).cell.u64 == feed_answer(&feed).cell.u64);
        feed_release(&feed);
        for (uint32_t part = 0; part < 3; part++)
            feed_release(&parts[part]);
    }
}

static void test_equal_values_are_exact_in_the_sketch(void **state)
{
    static union cell cells[QUANTILE_EXACT_MAX + 1];
    struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed feed;

    (void)state;
    for (uint32_t i = 0; i <= QUANTILE_EXACT_MAX; i++)
        cells[i].f64 = -0.3;
    feed_init(&feed, "p99", 8 << 20);
    assert_true(feed_rows(&feed, &column, NULL, 0, QUANTILE_EXACT_MAX + 1));
    assert_true(feed_answer(&feed).cell.f64 == -0.3);
    feed_release(&feed);
}

static void test_memory_is_bounded(void **state)
{
    static union cell cells[QUANTILE_EXACT_MAX];
    struct rows_column column = {0, TYPE_F64, cells, NULL};
    struct feed feed;

    (void)state;
    feed_init(&feed, "median", 1 << 16);
    assert_false(feed_rows(&feed, &column, NULL, 0, QUANTILE_EXACT_MAX));
    feed_release(&feed);
    feed_init(&feed, "median", 4096); /* a few values need little */
    assert_true(feed_rows(&feed, &column, NULL, 0, 64));
    feed_release(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks_lie_between_the_closest),
        cmocka_unit_test(test_types_and_signs_mix),
        cmocka_unit_test(test_the_sketch_begins_behind_the_limit_and_keeps_its_bound),
        cmocka_unit_test(test_equal_values_are_exact_in_the_sketch),
        cmocka_unit_test(test_memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
