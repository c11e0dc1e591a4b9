#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/feed.h"

static void test_the_most_frequent_and_of_those_the_least(void **state)
{
    const double reals[] = {3, 1, 2, 3, 2, 7}, once[] = {5, -4.5, 4};
    const union cell bools[] = {{.u64 = 1}, {.u64 = 0}, {.u64 = 1}};
    struct datum datum = feed_two("mode", TYPE_BOOL, bools, 3, TYPE_BOOL, bools, 0);

    (void)state;
    assert_true(feed_reals("mode", reals, 6) == 2);
    assert_true(feed_reals("mode", once, 3) == -4.5);
    assert_true(datum.type == TYPE_BOOL && datum.cell.u64 == 1);
    assert_int_equal(feed_two("mode", TYPE_F64, NULL, 0, TYPE_F64, NULL, 0).type, TYPE_NONE);
}

static void test_equal_numbers_count_together_in_the_least_type(void **state)
{
    const union cell reals[] = {{.f64 = 4}, {.f64 = 9.5}};
    const union cell integers[] = {{.i64 = 9}, {.i64 = 4}, {.i64 = 9}, {.i64 = 4}};
    const union cell negative[] = {{.i64 = -1}, {.i64 = INT64_MIN}};
    const union cell large[] = {{.u64 = UINT64_MAX}, {.u64 = UINT64_MAX}};
    struct datum datum = feed_two("mode", TYPE_I64, integers, 4, TYPE_F64, reals, 2);

    (void)state;
    assert_true(datum.type == TYPE_F64 && datum.cell.f64 == 4);
    datum = feed_two("mode", TYPE_U64, integers, 1, TYPE_I64, integers, 1);
    assert_true(datum.type == TYPE_I64 && datum.cell.i64 == 9);
    datum = feed_two("mode", TYPE_I64, negative, 2, TYPE_F64, reals, 2);
    assert_true(datum.type == TYPE_I64 && datum.cell.i64 == INT64_MIN);
    datum = feed_two("mode", TYPE_I64, negative, 2, TYPE_U64, large, 2);
    assert_true(datum.type == TYPE_U64 && datum.cell.u64 == UINT64_MAX);
}

static void test_texts(void **state)
{
    static const char *const texts[] = {"b", "a", "b", "a", "", "ab"};
    struct feed feed, other;
    struct datum datum;

    (void)state;
    feed_init(&feed, "mode", 1 << 20);
    feed_init(&other, "mode", 1 << 20);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        _Alignas(struct text) char room[sizeof(struct text) + 8];
        struct text *text = (struct text *)room;
        const union cell cell = {.text = text};
        struct rows_column column = {0, TYPE_STRING, &cell, NULL};

        text->size = (uint32_t)strlen(texts[i]);
        memcpy(text->data, texts[i], text->size);
        assert_true(feed_rows(i < 3 ? &feed : &other, &column, NULL, 0, 1));
    }
    assert_true(bytes_equal(text_bytes(feed_answer(&feed).cell.text), BYTES("b")));
    feed_merge(&feed, &other);
    feed_release(&other);
    datum = feed_answer(&feed);
    assert_int_equal(datum.type, TYPE_STRING);
    assert_true(bytes_equal(text_bytes(datum.cell.text), BYTES("a")));
    feed_release(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_most_frequent_and_of_those_the_least),
        cmocka_unit_test(test_equal_numbers_count_together_in_the_least_type),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
