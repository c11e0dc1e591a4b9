#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/pool.h"

static void test_arrays_keep_what_they_hold(void **state)
{
    struct arena arena;
    struct pool pool;
    uint64_t *a = NULL, *b = NULL;
    size_t size = 0;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    pool_init(&pool, &arena);
    for (uint64_t i = 0; i < 4096; i++) { /* two that grow beside each other */
        if (i * sizeof(*a) == size) {
            a = pool_double(&pool, a, size, 32);
            b = pool_double(&pool, b, size, 32);
            size = size ? 2 * size : 32;
        }
        assert_non_null(a);
        assert_non_null(b);
        a[i] = i;
        b[i] = ~i;
    }
    for (uint64_t i = 0; i < 4096; i++)
        assert_true(a[i] == i && b[i] == ~i);
    arena_release(&arena);
}

/* A thousand arrays one after another need the room of one. */
static void test_room_that_was_given_back_is_used_again(void **state)
{
    struct arena arena;
    struct pool pool;

    (void)state;
    arena_init(&arena, 1 << 16, NULL);
    pool_init(&pool, &arena);
    for (int i = 0; i < 1000; i++) {
        size_t size = 0;
        char *array = NULL;

        for (int doubled = 0; doubled < 10; doubled++) {
            array = pool_double(&pool, array, size, 16);
            size = size ? 2 * size : 16;
            assert_non_null(array);
            memset(array, i, size);
        }
        pool_give(&pool, array, size);
    }
    arena_release(&arena);
}

static void test_the_arena_is_the_limit(void **state)
{
    struct arena arena;
    struct pool pool;
    void *array;

    (void)state;
    arena_init(&arena, 4096, NULL);
    pool_init(&pool, &arena);
    assert_null(pool_take(&pool, 8192));
    array = pool_take(&pool, 2048);
    assert_non_null(array);
    assert_null(pool_double(&pool, array, 2048, 16));
    pool_give(&pool, array, 2048);
    assert_ptr_equal(pool_take(&pool, 2048), array);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_keep_what_they_hold),
        cmocka_unit_test(test_room_that_was_given_back_is_used_again),
        cmocka_unit_test(test_the_arena_is_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
