#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash_set.h"

enum { HASHES = 5000 };

/* Those of even numbers begin with the same bytes, so that they stand in one run. */
static struct hash128 hash_of(uint32_t number)
{
    struct hash128 hash = hash128((struct bytes){(const char *)&number, sizeof(number)});

    if (number % 2 == 0)
        memset(hash.bytes, 0xff, 8);
    return hash;
}

static void test_what_was_added_is_there_and_nothing_else(void **state)
{
    struct hash_set set = {0};

    (void)state;
    for (uint32_t i = 0; i < HASHES; i++) {
        struct hash128 hash = hash_of(i);

        assert_false(hash_set_has(&set, &hash));
        assert_true(hash_set_add(&set, &hash));
        assert_true(hash_set_add(&set, &hash)); /* it is there already */
        assert_int_equal(set.count, i + 1);
        assert_true(set.count * 10 <= set.capacity * 7);
    }
    for (uint32_t i = 0; i < 2 * HASHES; i++) {
        struct hash128 hash = hash_of(i);

        assert_int_equal(hash_set_has(&set, &hash), i < HASHES);
    }
    hash_set_release(&set);
    assert_int_equal(set.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_there_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
