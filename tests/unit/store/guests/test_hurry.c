#include "store/guests/hurry.h"

#include <time.h>

#include "store/guests/guests_inside.h"
#include "tests/unit/store/guests/inn.h"

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static size_t packs_seen(struct inn *inn)
{
    size_t count;

    pthread_mutex_lock(&inn->house.store->state_lock);
    count = inn_packs(inn);
    pthread_mutex_unlock(&inn->house.store->state_lock);
    return count;
}

/* What a member says that it has listed is read at once; else within a second. */
static void test_a_chain_is_looked_at_at_once(void **state)
{
    struct inn inn;
    uint64_t told;
    int64_t begun;
    size_t count;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    assert_int_equal(guests_start(inn.guests, NULL), OK);
    begun = now_ns();
    while (packs_seen(&inn) < 1) {
        told = guests_told(inn.guests);
        guests_wait(inn.guests, told, now_ns() + 20000000);
        assert_true(now_ns() - begun < INT64_C(30000000000));
    }
    for (int64_t i = 1; i < 4; i++) {
        depot_add_pack(&inn.author, 1, i * 10);
        depot_drain(&inn.author);
        begun = now_ns();
        do {
            told = guests_told(inn.guests);
            count = packs_seen(&inn);
            guests_hurry(inn.guests, inn.house.tenant, &inn.authors[0].incarnation, BYTES("north"));
            if (count <= (size_t)i)
                guests_wait(inn.guests, told, now_ns() + 50000000);
            assert_true(now_ns() - begun < INT64_C(30000000000));
        } while (count <= (size_t)i);
    }
    inn_release(&inn);
}

/* A shard that failed rests for longer and longer; what a member has listed there since says that
 * it is well. */
static void test_a_shard_that_rests_is_looked_at_too(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn_read(&inn);
    inn.author.north.fail_at = inn.author.north.calls + 1;
    inn.author.north.fail_on = true;
    for (int i = 0; i < 8; i++) { /* it rests for 15 s at least */
        inn.house.clock.monotonic_more += 60000000000;
        assert_false(guests_step(inn.guests));
    }
    fake_heal(&inn.author.north);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    inn.house.clock.monotonic_more += 2000000000;
    (void)guests_step(inn.guests);
    assert_int_equal(inn_packs(&inn), 0);
    guests_hurry(inn.guests, inn.house.tenant, &inn.authors[0].incarnation, BYTES("north"));
    hurry_take(inn.guests->posts);
    while (guests_step(inn.guests))
        ;
    assert_int_equal(inn_packs(&inn), 1);
    inn_release(&inn);
}

/* What nobody takes, as that of a shard nobody knows, keeps no place. */
static void test_what_nobody_takes_is_forgotten(void **state)
{
    struct inn inn;
    char name[16];

    (void)state;
    inn_init(&inn);
    for (int n = 0; n < 2 * HURRIES_MAX; n++) {
        (void)snprintf(name, sizeof(name), "s%d", n);
        guests_hurry(inn.guests, inn.house.tenant, &inn.authors[0].incarnation, bytes_of(name));
        guests_hurry(inn.guests, inn.house.tenant, &inn.authors[0].incarnation, bytes_of(name));
        assert_int_equal(inn.guests->hurry_count, n < HURRIES_MAX ? n + 1 : HURRIES_MAX);
    }
    hurry_forget(inn.guests);
    assert_int_equal(inn.guests->hurry_count, 0);
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_is_looked_at_at_once),
        cmocka_unit_test(test_a_shard_that_rests_is_looked_at_too),
        cmocka_unit_test(test_what_nobody_takes_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
