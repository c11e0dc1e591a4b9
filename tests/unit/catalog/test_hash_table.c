#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/hash_table.h"

enum { COUNT = 5000 };

static bool number_same(const void *item, const void *wanted)
{
    return *(const uint32_t *)item == *(const uint32_t *)wanted;
}

/* Four items a hash, so that equal hashes are told apart by the comparison. */
static uint64_t hash_of(uint32_t number)
{
    return (uint64_t)(number / 4) * 0x9e3779b97f4a7c15u;
}

static void test_every_item_is_found_again_while_the_table_grows(void **state)
{
    static uint32_t numbers[COUNT];
    struct hash_table table = {0};

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        numbers[i] = i;
        assert_null(hash_table_find(&table, hash_of(i), number_same, &i));
        assert_true(hash_table_reserve(&table));
        hash_table_add(&table, hash_of(i), &numbers[i]);
        for (uint32_t j = i % 97; j <= i; j += 97)
            assert_ptr_equal(hash_table_find(&table, hash_of(j), number_same, &j), &numbers[j]);
    }
    assert_int_equal(table.count, COUNT);
    assert_true(table.count * 10 <= table.capacity * 7);
    hash_table_release(&table);
    assert_null(hash_table_find(&table, 0, number_same, &numbers[0]));
}

static void test_the_walk_gives_each_item_once(void **state)
{
    static uint32_t numbers[100];
    bool seen[100] = {false};
    struct hash_table table = {0};
    uint32_t *item;
    size_t count = 0;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        numbers[i] = i;
        assert_true(hash_table_reserve(&table));
        hash_table_add(&table, hash_of(i), &numbers[i]);
    }
    for (size_t i = 0; (item = hash_table_next(&table, &i)) != NULL; count++) {
        assert_false(seen[*item]);
        seen[*item] = true;
    }
    assert_int_equal(count, 100);
    hash_table_release(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_is_found_again_while_the_table_grows),
        cmocka_unit_test(test_the_walk_gives_each_item_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
