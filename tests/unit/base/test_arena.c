#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/arena.h"
#include "base/random.h"

enum { SEED = 20261121, COUNT = 3000 };

static void test_memory_is_aligned_and_its_own(void **state)
{
    static struct {
        unsigned char *at;
        size_t size;
    } parts[COUNT];
    struct budget budget = {.bytes_max = (size_t)64 << 20};
    struct arena arena;
    struct random random;

    (void)state;
    printf("seed %d\n", SEED);
    random_seed(&random, SEED);
    arena_init(&arena, (size_t)64 << 20, &budget);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = (size_t)random_below(&random, random_chance(&random, 300) ? 900000 : 300);

        parts[i].size = size;
        parts[i].at = arena_alloc(&arena, size);
        assert_non_null(parts[i].at);
        assert_int_equal((uintptr_t)parts[i].at % 16, 0);
        memset(parts[i].at, (int)(i & 0xff), size);
    }
    assert_int_equal(budget_used(&budget), arena.used);
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t at = 0; at < parts[i].size; at++) {
            if (parts[i].at[at] != (i & 0xff))
                fail_msg("part %zu was written over", i);
        }
    }
    arena_release(&arena);
    assert_int_equal(budget_used(&budget), 0);
    assert_non_null(arena_alloc(&arena, 1)); /* it can be used again */
    arena_release(&arena);
}

/* One of a thousand that hold little: it takes no more than three times what it has, also when it
 * is used again. */
static void test_what_is_small_takes_little(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    arena_begin_small(&arena, 256);
    for (unsigned round = 0; round < 2; round++) {
        assert_non_null(arena_alloc(&arena, 144));
        assert_int_equal(arena.used, 256);
        for (size_t size = 144; size < 100000; size += 144) {
            assert_true(arena.used <= 3 * size);
            assert_non_null(arena_alloc(&arena, 144));
        }
        arena_release(&arena);
        assert_int_equal(arena.used, 0);
    }
}

static void test_limit_and_budget_hold(void **state)
{
    struct budget budget = {.bytes_max = 100000};
    struct arena arena;
    size_t total = 0;

    (void)state;
    arena_init(&arena, 50000, &budget);
    while (arena_alloc(&arena, 160) != NULL)
        total += 160;
    assert_true(arena.limited); /* it was not the machine that had none */
    assert_true(arena.used <= 50000);
    assert_true(total > 45000); /* what is allowed can nearly all be used */
    arena_release(&arena);
    arena_init(&arena, SIZE_MAX, &budget);
    while (arena_alloc(&arena, 160) != NULL)
        continue;
    assert_true(budget_used(&budget) <= 100000);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 8));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2 + 1));
    assert_null(ARENA_ARRAY(&arena, uint64_t, SIZE_MAX / 4));
    arena_release(&arena);
    assert_int_equal(budget_used(&budget), 0);
}

static void test_zero_copy_and_empty(void **state)
{
    struct arena arena;
    struct bytes copy;
    uint64_t *numbers;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    memset(arena_alloc(&arena, 1000), 0xff, 1000);
    numbers = ARENA_ARRAY(&arena, uint64_t, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    copy = arena_copy(&arena, BYTES("text"));
    assert_true(bytes_equal(copy, BYTES("text")));
    copy = arena_copy(&arena, (struct bytes){NULL, 0});
    assert_non_null(copy.data);
    assert_int_equal(copy.size, 0);
    arena_release(&arena);
    arena_init(&arena, 8, NULL);
    assert_null(arena_copy(&arena, BYTES("text")).data);
    arena_release(&arena);
}

static void test_the_newest_grows_in_place(void **state)
{
    struct arena arena;
    char *first, *grown, *other;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    first = arena_alloc(&arena, 20);
    memcpy(first, "01234567890123456789", 20);
    grown = arena_grow(&arena, first, 20, 32);
    assert_ptr_equal(grown, first);
    grown = arena_grow(&arena, first, 20, 500);
    assert_ptr_equal(grown, first);
    other = arena_alloc(&arena, 16);
    assert_true(other >= first + 500);
    grown = arena_grow(&arena, first, 500, 600);
    assert_ptr_not_equal(grown, first);
    assert_memory_equal(grown, "01234567890123456789", 20);
    grown = arena_grow(&arena, grown, 600, 100000); /* beyond the chunk */
    assert_non_null(grown);
    assert_memory_equal(grown, "01234567890123456789", 20);
    assert_non_null(arena_grow(&arena, NULL, 0, 10));
    assert_null(arena_grow(&arena, grown, 100000, SIZE_MAX));
    arena_release(&arena);
}

static void count_call(void *context)
{
    ++*(int *)context;
}

static void test_what_was_borrowed_is_told_of_the_release(void **state)
{
    struct budget budget = {.bytes_max = 8 << 10};
    struct arena arena;
    int calls = 0, told = 0;

    (void)state;
    arena_init(&arena, SIZE_MAX, &budget);
    while (arena_on_release(&arena, count_call, &calls))
        told++;
    assert_true(told > 100);
    assert_int_equal(calls, 0);
    arena_release(&arena);
    assert_int_equal(calls, told);
    arena_release(&arena);
    assert_int_equal(calls, told);
    assert_int_equal(budget_used(&budget), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_aligned_and_its_own),
        cmocka_unit_test(test_what_is_small_takes_little),
        cmocka_unit_test(test_limit_and_budget_hold),
        cmocka_unit_test(test_zero_copy_and_empty),
        cmocka_unit_test(test_the_newest_grows_in_place),
        cmocka_unit_test(test_what_was_borrowed_is_told_of_the_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
