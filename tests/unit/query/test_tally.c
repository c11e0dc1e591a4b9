#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/tally.h"

static struct tally_slot find(const struct tally *tally, enum value_type type, union cell cell)
{
    struct tally_slot value = tally_value(type, cell);

    for (uint32_t i = 0; i < tally->capacity; i++)
        if (tally->slots[i].kind == value.kind && tally->slots[i].cell.u64 == value.cell.u64)
            return tally->slots[i];
    return (struct tally_slot){0};
}

static void put(struct tally *tally, enum value_type type, union cell cell, struct pool *pool)
{
    struct tally_slot value = tally_value(type, cell);

    assert_true(tally_put(tally, &value, 1, pool));
}

static void test_equal_numbers_are_one_value(void **state)
{
    struct arena arena;
    struct pool pool;
    struct tally tally = {0};

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    pool_init(&pool, &arena);
    put(&tally, TYPE_U64, (union cell){.u64 = 3}, &pool);
    put(&tally, TYPE_I64, (union cell){.i64 = 3}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = 3}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = -0.0}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = 0.0}, &pool);
    assert_int_equal(tally.count, 2);
    assert_int_equal(find(&tally, TYPE_I64, (union cell){.i64 = 3}).count, 3);
    assert_int_equal(find(&tally, TYPE_I64, (union cell){.i64 = 3}).type, TYPE_F64);
    put(&tally, TYPE_I64, (union cell){.i64 = INT64_MIN}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = -0x1p63}, &pool);
    put(&tally, TYPE_U64, (union cell){.u64 = UINT64_MAX}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = 0x1p64}, &pool); /* one more than that */
    put(&tally, TYPE_I64, (union cell){.i64 = INT64_MAX}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = 0x1p63}, &pool);
    put(&tally, TYPE_F64, (union cell){.f64 = 3.5}, &pool);
    put(&tally, TYPE_BOOL, (union cell){.u64 = 0}, &pool);
    assert_int_equal(tally.count, 9);
    arena_release(&arena);
}

static void test_texts_are_copied_and_counted_by_content(void **state)
{
    struct arena arena;
    struct pool pool;
    struct tally tally = {0}, other = {0};
    _Alignas(struct text) char room[sizeof(struct text) + 8];
    struct text *text = (struct text *)room;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    pool_init(&pool, &arena);
    for (uint32_t i = 0; i < 1000; i++) {
        text->size = 3;
        memcpy(text->data, (const char[]){'a', (char)('a' + i % 10), (char)('a' + i % 3)}, 3);
        put(&tally, TYPE_STRING, (union cell){.text = text}, &pool);
    }
    assert_int_equal(tally.count, 30);
    assert_true(tally_merge(&other, &tally, &pool));
    assert_true(tally_merge(&other, &tally, &pool));
    assert_int_equal(other.count, 30);
    for (uint32_t i = 0, seen = 0; i < other.capacity; i++) {
        if (other.slots[i].kind == TALLY_FREE)
            continue;
        seen++;
        assert_true(other.slots[i].count == 66 || other.slots[i].count == 68);
        assert_true(seen <= 30);
    }
    arena_release(&arena);
}

static void test_columns_stop_behind_the_limit(void **state)
{
    enum { ROWS = 100 };
    struct arena arena;
    struct pool pool;
    struct tally tally = {0};
    union cell cells[ROWS];
    uint8_t present[ROWS];
    struct rows_column column = {0, TYPE_I64, cells, present};
    uint32_t at;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    pool_init(&pool, &arena);
    for (uint32_t i = 0; i < ROWS; i++) {
        cells[i].i64 = i / 2;
        present[i] = i % 2 == 0 || i > 50;
    }
    assert_true(tally_column(&tally, &column, 0, ROWS, 9, &pool, &at));
    assert_int_equal(tally.count, 10);
    assert_int_equal(at, 19);
    assert_true(tally_column(&tally, &column, at, ROWS, UINT32_MAX, &pool, &at));
    assert_int_equal(tally.count, 50);
    assert_int_equal(at, ROWS);
    assert_int_equal(find(&tally, TYPE_I64, (union cell){.i64 = 3}).count, 1);
    assert_int_equal(find(&tally, TYPE_I64, (union cell){.i64 = 30}).count, 2);
    arena_release(&arena);
}

static void test_memory_can_run_out(void **state)
{
    struct arena arena;
    struct pool pool;
    struct tally tally = {0};
    bool full = false;

    (void)state;
    arena_init(&arena, 1 << 14, NULL);
    pool_init(&pool, &arena);
    for (int64_t i = 0; i < 1000 && !full; i++) {
        struct tally_slot value = tally_value(TYPE_I64, (union cell){.i64 = i});

        full = !tally_put(&tally, &value, 1, &pool);
    }
    assert_true(full);
    assert_true(tally.count > 32); /* and what was there still is */
    assert_int_equal(find(&tally, TYPE_I64, (union cell){.i64 = 7}).count, 1);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_numbers_are_one_value),
        cmocka_unit_test(test_texts_are_copied_and_counted_by_content),
        cmocka_unit_test(test_columns_stop_behind_the_limit),
        cmocka_unit_test(test_memory_can_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
