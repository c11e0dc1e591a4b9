#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "catalog/page.h"

enum { NAMES = 300, NAME_SIZE = 8 };

static int name_compare(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Against sorting everything: random names with repeats, every kind of limit and start. */
static void test_a_page_is_a_slice_of_the_sorted_distinct_names(void **state)
{
    static const size_t limits[] = {0, 1, 2, 17, 100, NAMES, 10 * NAMES};
    static char texts[NAMES][NAME_SIZE];
    struct bytes names[NAMES], sorted[NAMES];
    struct random random;
    size_t distinct = 0;

    (void)state;
    print_message("seed 41\n");
    random_seed(&random, 41);
    for (size_t i = 0; i < NAMES; i++) {
        int size = snprintf(texts[i], NAME_SIZE, "%u", (unsigned)random_below(&random, 2 * NAMES));

        names[i] = (struct bytes){texts[i], (size_t)size};
        sorted[i] = names[i];
    }
    qsort(sorted, NAMES, sizeof(sorted[0]), name_compare);
    for (size_t i = 0; i < NAMES; i++)
        if (i == 0 || !bytes_equal(sorted[i], sorted[i - 1]))
            sorted[distinct++] = sorted[i];
    for (size_t l = 0; l < COUNT_OF(limits); l++) {
        for (size_t first = 0; first <= distinct; first += 13) {
            size_t want = distinct - first < limits[l] ? distinct - first : limits[l];
            struct arena arena;
            struct page page;

            arena_init(&arena, SIZE_MAX, NULL);
            page_init(&page, first ? sorted[first - 1] : BYTES(""), limits[l], &arena);
            for (size_t i = 0; i < NAMES; i++)
                page_add(&page, names[i], &names[i]);
            assert_int_equal(page_finish(&page, NULL), OK);
            assert_int_equal(page.count, want);
            for (size_t i = 0; i < want; i++) {
                assert_true(bytes_equal(page.items[i].name, sorted[first + i]));
                assert_true(
                    bytes_equal(*(const struct bytes *)page.items[i].item, sorted[first + i]));
            }
            page_release(&page);
            arena_release(&arena);
        }
    }
}

static void test_a_full_arena_fails_the_page(void **state)
{
    static char texts[4000][NAME_SIZE];
    struct error err = {0};
    struct arena arena;
    struct page page;

    (void)state;
    arena_init(&arena, 8192, NULL);
    page_init(&page, BYTES(""), SIZE_MAX, &arena);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int size = snprintf(texts[i], NAME_SIZE, "%zu", i);

        page_add(&page, (struct bytes){texts[i], (size_t)size}, NULL);
    }
    assert_int_equal(page_finish(&page, &err), E_MEMORY);
    page_release(&page);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_is_a_slice_of_the_sorted_distinct_names),
        cmocka_unit_test(test_a_full_arena_fails_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
