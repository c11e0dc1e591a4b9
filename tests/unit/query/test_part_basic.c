#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/feed.h"

static void test_integer_sums_are_exact_beyond_64_bits(void **state)
{
    const union cell large[] = {{.u64 = UINT64_MAX}, {.u64 = UINT64_MAX}};
    const union cell small[] = {{.i64 = -1}, {.i64 = INT64_MIN}};
    struct datum datum = feed_two("sum", TYPE_U64, large, 2, TYPE_I64, small, 2);

    (void)state;
    assert_true(datum.is_wide);
    assert_true(datum.integer == 2 * (wide)UINT64_MAX - 1 + INT64_MIN);
    datum = feed_two("mean", TYPE_I64, small, 1, TYPE_I64, small, 1);
    assert_true(datum.type == TYPE_F64 && datum.cell.f64 == -1);
}

static void test_real_sums_do_not_lose_small_parts(void **state)
{
    const union cell cells[] = {{.f64 = 1e16}, {.f64 = 1}, {.f64 = -1e16}, {.f64 = 0.5}};
    const union cell one[] = {{.i64 = 1}};
    struct datum datum = feed_two("sum", TYPE_F64, cells, 4, TYPE_I64, one, 1);

    (void)state;
    assert_true(datum.type == TYPE_F64 && datum.cell.f64 == 2.5);
    datum = feed_two("mean", TYPE_F64, cells, 4, TYPE_I64, one, 1);
    assert_true(datum.cell.f64 == 0.5);
}

static void test_a_sum_beyond_the_doubles_is_null(void **state)
{
    const union cell cells[] = {{.f64 = 1.7e308}, {.f64 = 1.7e308}};

    (void)state;
    assert_int_equal(feed_two("sum", TYPE_F64, cells, 2, TYPE_F64, cells, 0).type, TYPE_NONE);
    assert_int_equal(feed_two("mean", TYPE_F64, cells, 2, TYPE_F64, cells, 0).type, TYPE_NONE);
    assert_true(feed_two("max", TYPE_F64, cells, 2, TYPE_F64, cells, 0).cell.f64 == 1.7e308);
}

static void test_counts_are_of_what_is_there(void **state)
{
    enum { ROWS = 77 };
    union cell cells[ROWS] = {{.f64 = 1}};
    uint8_t present[ROWS];
    struct rows_column column = {0, TYPE_F64, cells, present};
    struct feed feed;

    (void)state;
    for (uint32_t i = 0; i < ROWS; i++)
        present[i] = i % 3 != 1;
    for (uint32_t first = 0; first < ROWS; first += 5) {
        uint32_t want = 0;

        for (uint32_t i = first; i < ROWS; i++)
            want += present[i];
        feed_init(&feed, "count", 0);
        assert_true(feed_rows(&feed, &column, NULL, first, ROWS));
        assert_int_equal(feed_answer(&feed).cell.u64, want);
    }
}

static const struct text *make_text(struct arena *arena, const char *from)
{
    size_t size = strlen(from);
    struct text *text = arena_alloc(arena, sizeof(*text) + size);

    assert_non_null(text);
    text->size = (uint32_t)size;
    memcpy(text->data, from, size);
    return text;
}

static void test_ends_copy_texts_and_keep_to_time(void **state)
{
    struct arena texts = {.bytes_max = 1 << 20};
    const struct text *long_text = make_text(&texts, "abc");
    const union cell cells[] = {{.text = make_text(&texts, "a")}, {.text = long_text}};
    struct rows_column column = {0, TYPE_STRING, cells, NULL};
    const int64_t time[] = {5, 6};
    struct feed feed, other;
    struct datum datum;

    (void)state;
    feed_init(&feed, "last", 1 << 20);
    assert_true(feed_rows(&feed, &column, time, 0, 1));
    assert_true(feed_rows(&feed, &column, time, 0, 2));
    datum = feed_answer(&feed);
    assert_int_equal(datum.type, TYPE_STRING);
    assert_ptr_not_equal(datum.cell.text, long_text);
    assert_true(bytes_equal(text_bytes(datum.cell.text), BYTES("abc")));
    assert_true(feed_rows(&feed, &column, time, 0, 1)); /* earlier: does not count */
    assert_true(bytes_equal(text_bytes(feed_answer(&feed).cell.text), BYTES("abc")));
    feed_init(&other, "last", 1 << 20);
    feed_merge(&other, &feed);
    feed_release(&feed);
    assert_true(bytes_equal(text_bytes(feed_answer(&other).cell.text), BYTES("abc")));
    feed_release(&other);
    feed_init(&feed, "first", 0); /* and when there is no memory */
    assert_false(feed_rows(&feed, &column, time, 0, 1));
    arena_release(&texts);
}

/* Of one time the first series' value is the first, the last one's the last. */
static void test_ends_of_one_time_go_by_series(void **state)
{
    const union cell cells[] = {{.i64 = 1}, {.i64 = 2}, {.i64 = 3}};
    const int64_t time[] = {7, 7, 7};
    struct rows_column column = {0, TYPE_I64, cells, NULL};
    struct feed feed[3];

    (void)state;
    for (int last = 0; last < 2; last++) {
        for (uint32_t i = 0; i < 3; i++) {
            feed_init(&feed[i], last ? "last" : "first", 0);
            assert_true(feed_rows(&feed[i], &column, time, i, i + 1));
        }
        feed_merge(&feed[1], &feed[2]);
        feed_merge(&feed[0], &feed[1]);
        assert_int_equal(feed_answer(&feed[0]).cell.i64, last ? 3 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integer_sums_are_exact_beyond_64_bits),
        cmocka_unit_test(test_real_sums_do_not_lose_small_parts),
        cmocka_unit_test(test_a_sum_beyond_the_doubles_is_null),
        cmocka_unit_test(test_counts_are_of_what_is_there),
        cmocka_unit_test(test_ends_copy_texts_and_keep_to_time),
        cmocka_unit_test(test_ends_of_one_time_go_by_series),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
