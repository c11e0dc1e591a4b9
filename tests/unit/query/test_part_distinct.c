#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/feed.h"

/* `count` different integers from `from` on. */
static void feed_integers(struct feed *feed, int64_t from, uint32_t count)
{
    static union cell cells[4096];
    struct rows_column column = {0, TYPE_I64, cells, NULL};

    for (uint32_t done = 0; done < count;) {
        uint32_t rows = count - done < COUNT_OF(cells) ? count - done : COUNT_OF(cells);

        for (uint32_t i = 0; i < rows; i++)
            cells[i].i64 = from + done + i;
        assert_true(feed_rows(feed, &column, NULL, 0, rows));
        done += rows;
    }
}

static void test_counts_are_exact_up_to_the_limit(void **state)
{
    static const uint32_t counts[] = {0, 1, 1000, DISTINCT_EXACT_MAX - 1, DISTINCT_EXACT_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct feed feed;

        feed_init(&feed, "distinct", 32 << 20);
        feed_integers(&feed, -100, counts[i]);
        feed_integers(&feed, -100, counts[i] / 2);
        assert_int_equal(feed_answer(&feed).cell.u64, counts[i]);
        assert_null(((struct distinct_state *)feed.state)->registers);
        feed_integers(&feed, -100, DISTINCT_EXACT_MAX + 1); /* one more than can be kept */
        assert_non_null(((struct distinct_state *)feed.state)->registers);
        feed_release(&feed);
    }
}

/* Three times the standard error, at several sizes. */
static void test_estimates_keep_their_error(void **state)
{
    static const uint32_t counts[] = {DISTINCT_EXACT_MAX + 1, 100000, 300000, 1000000, 3000000};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct feed feed;
        double got;

        feed_init(&feed, "distinct", 32 << 20);
        feed_integers(&feed, (int64_t)i << 40, counts[i]);
        got = (double)feed_answer(&feed).cell.u64;
        if (fabs(got / counts[i] - 1) > 3 * 0.0082)
            fail_msg("%.0f instead of %u", got, counts[i]);
        feed_release(&feed);
    }
}

/* Whether values were counted or estimated on the way, in which order and by which groups. */
static void test_grouping_and_order_do_not_matter(void **state)
{
    static const uint32_t cuts[] = {0, 10, 30000, DISTINCT_EXACT_MAX, 90000, 90010, 150000};
    struct feed whole, part, merged;

    (void)state;
    feed_init(&whole, "distinct", 32 << 20);
    feed_init(&merged, "distinct", 32 << 20);
    feed_integers(&whole, 0, 150000);
    for (size_t i = COUNT_OF(cuts) - 1; i-- > 0;) {
        feed_init(&part, "distinct", 32 << 20);
        feed_integers(&part, cuts[i], cuts[i + 1] - cuts[i]);
        feed_merge(&merged, &part);
        if (i % 2)
            feed_merge(&merged, &part); /* twice is once */
        feed_release(&part);
    }
    assert_int_equal(feed_answer(&merged).cell.u64, feed_answer(&whole).cell.u64);
    feed_release(&whole);
    feed_release(&merged);
}

static void test_equal_numbers_of_any_type_are_one(void **state)
{
    const union cell reals[] = {{.f64 = 1}, {.f64 = 2}, {.f64 = 2.5}, {.f64 = -0.0}};
    const union cell integers[] = {{.i64 = 0}, {.i64 = 1}, {.i64 = 2}, {.i64 = 3}};

    (void)state;
    assert_int_equal(feed_two("distinct", TYPE_F64, reals, 4, TYPE_I64, integers, 4).cell.u64, 5);
    assert_int_equal(feed_two("distinct", TYPE_BOOL, integers, 2, TYPE_U64, integers, 2).cell.u64,
                     4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_are_exact_up_to_the_limit),
        cmocka_unit_test(test_estimates_keep_their_error),
        cmocka_unit_test(test_grouping_and_order_do_not_matter),
        cmocka_unit_test(test_equal_numbers_of_any_type_are_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
