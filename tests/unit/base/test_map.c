#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/map.h"
#include "base/random.h"

enum { SEED = 7, KEYS = 500, STEPS = 20000 };

static char keys[KEYS][8];

static struct bytes key_of(size_t i)
{
    return bytes_of(keys[i]);
}

/* Against an array that cannot be wrong; every hash the same in turn, so that runs are long
 * and wrap around the end. */
static void walk(uint64_t hash_mask)
{
    struct map map = MAP_INIT;
    struct random random;
    bool there[KEYS] = {false};
    size_t count = 0;

    random_seed(&random, SEED);
    for (int step = 0; step < STEPS; step++) {
        size_t i = (size_t)random_below(&random, KEYS);
        uint64_t hash = map_hash(key_of(i)) | ~hash_mask;
        void *found = map_get_hashed(&map, key_of(i), hash);

        assert_ptr_equal(found, there[i] ? keys[i] : NULL);
        if (!there[i]) {
            assert_true(map_put_hashed(&map, key_of(i), hash, keys[i]));
            there[i] = true;
            count++;
        } else if (hash_mask == UINT64_MAX) {
            assert_ptr_equal(map_remove(&map, key_of(i)), keys[i]);
            assert_null(map_remove(&map, key_of(i)));
            there[i] = false;
            count--;
        }
        assert_int_equal(map.count, count);
        assert_true(map.count * 10 <= map.capacity * 7);
    }
    for (size_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get_hashed(&map, key_of(i), map_hash(key_of(i)) | ~hash_mask),
                         there[i] ? keys[i] : NULL);
    map_release(&map);
    assert_null(map_get(&map, key_of(0)));
}

static void test_holds_what_was_put(void **state)
{
    (void)state;
    walk(UINT64_MAX);
}

static void test_equal_hashes_are_kept_apart(void **state)
{
    (void)state;
    walk(7); /* all hashes among eight, at the end of the table */
}

static void test_removal_leaves_no_key_behind_a_gap(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct map map = MAP_INIT;

        map_hash_seed(seed);
        for (size_t i = 0; i < 11; i++)
            assert_true(map_put(&map, key_of(i), keys[i]));
        for (size_t gone = 0; gone < 11; gone++) {
            assert_ptr_equal(map_remove(&map, key_of(gone)), keys[gone]);
            for (size_t i = 0; i < 11; i++)
                assert_ptr_equal(map_get(&map, key_of(i)), i > gone ? keys[i] : NULL);
        }
        assert_null(map_remove(&map, key_of(0)));
        map_release(&map);
    }
}

static void test_walk_meets_each_once(void **state)
{
    struct map map = MAP_INIT;
    const struct map_slot *slot;
    int met[KEYS] = {0};

    (void)state;
    for (size_t i = 0; (slot = map_next(&map, &i)) != NULL;)
        fail_msg("an empty map has a slot");
    for (size_t i = 0; i < KEYS; i++)
        assert_true(map_put(&map, key_of(i), keys[i]));
    for (size_t i = 0; (slot = map_next(&map, &i)) != NULL;)
        met[((char *)slot->value - keys[0]) / (ptrdiff_t)sizeof(keys[0])]++;
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(met[i], 1);
    map_release(&map);
}

static void test_hash_depends_on_the_seed(void **state)
{
    uint64_t hash;

    (void)state;
    map_hash_seed(1);
    hash = map_hash(BYTES("key"));
    assert_true(hash == map_hash(BYTES("key")));
    map_hash_seed(2);
    assert_true(hash != map_hash(BYTES("key")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_what_was_put),
        cmocka_unit_test(test_equal_hashes_are_kept_apart),
        cmocka_unit_test(test_removal_leaves_no_key_behind_a_gap),
        cmocka_unit_test(test_walk_meets_each_once),
        cmocka_unit_test(test_hash_depends_on_the_seed),
    };

    printf("seed %d\n", SEED);
    for (size_t i = 0; i < KEYS; i++)
        (void)snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
