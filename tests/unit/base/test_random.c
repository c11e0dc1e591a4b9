#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

static void test_a_seed_gives_the_known_run(void **state)
{
    /* splitmix64 from 0 begins e220a8397b1dcdaf (its authors' test value); the first
     * xoshiro256** result is computed from the second word: rotl(6e789e6aa1b965f4 * 5, 7) * 9. */
    struct random random, again;

    (void)state;
    random_seed(&random, 0);
    assert_true(random.state[0] == 0xe220a8397b1dcdaf);
    assert_true(random.state[1] == 0x6e789e6aa1b965f4);
    assert_true(random_next(&random) == 0x99ec5f36cb75f2b4);
    random_seed(&random, 42);
    random_seed(&again, 42);
    for (int i = 0; i < 1000; i++)
        assert_true(random_next(&random) == random_next(&again));
}

static void test_below_stays_below_and_meets_all(void **state)
{
    struct random random;
    int met[7] = {0};

    (void)state;
    random_seed(&random, 1);
    for (int i = 0; i < 70000; i++)
        met[random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(met[i], 9500, 10500); /* five sigma are 463 */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(random_below(&random, 1), 0);
        assert_true(random_below(&random, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    }
}

static void test_chance_is_one_in_so_many(void **state)
{
    struct random random;
    int count = 0;

    (void)state;
    random_seed(&random, 1);
    for (int i = 0; i < 100000; i++)
        count += random_chance(&random, 10);
    assert_in_range(count, 9500, 10500);
    assert_true(random_chance(&random, 1));
}

static void test_secure_bytes_differ(void **state)
{
    char first[32] = {0}, second[32] = {0};

    (void)state;
    random_secure(first, sizeof(first));
    random_secure(second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_gives_the_known_run),
        cmocka_unit_test(test_below_stays_below_and_meets_all),
        cmocka_unit_test(test_chance_is_one_in_so_many),
        cmocka_unit_test(test_secure_bytes_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
