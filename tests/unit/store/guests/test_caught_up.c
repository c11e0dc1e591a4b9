#include "store/guests/caught_up.h"

#include "tests/unit/store/guests/inn.h"

static int64_t now_of(struct inn *inn)
{
    return clock_monotonic_ns(&inn->house.clock.clock);
}

/* `want`: what is not read yet; NULL = it has caught up. */
static void expect(struct inn *inn, int64_t since_ns, const char *want)
{
    struct error err = {0};
    enum code code = guests_caught_up(inn->guests, inn->house.tenant, since_ns, &err);

    assert_int_equal(code, want == NULL ? OK : E_NOT_READY);
    if (want != NULL && strstr(err.text, want) == NULL)
        fail_msg("%s, and not %s", err.text, want);
}

#define NORTH "what member 1 delivered to shard north could not be read yet"

static void refuse(struct inn *inn, uint64_t behind)
{
    inn->author.north.fail_at = inn->author.north.calls + behind;
    inn->author.north.fail_on = true;
}

/* Shards that rest are asked again; the look that finds nothing new is the one that counts. */
static void goes_on(struct inn *inn)
{
    inn->house.clock.monotonic_more += 60000000000;
    inn_read(inn);
    inn_read(inn);
}

static void test_what_is_listed_is_not_read_yet(void **state)
{
    bool failed = true;

    (void)state;
    for (uint64_t n = 1; failed; n++) {
        struct inn inn;

        inn_init(&inn);
        expect(&inn, 1, "other members have not been looked for yet");
        for (int64_t i = 0; i < 4; i++)
            depot_add_pack(&inn.author, 1, i * 10);
        depot_drain(&inn.author);
        assert_int_equal(guests_look(inn.guests, NULL), OK);
        expect(&inn, 1, NORTH);
        refuse(&inn, n);
        (void)guests_step(inn.guests);
        failed = inn.author.north.failed > 0;
        expect(&inn, 1, NORTH);
        assert_true(failed || inn_packs(&inn) == 4);
        fake_heal(&inn.author.north);
        goes_on(&inn);
        expect(&inn, 1, NULL);
        inn_release(&inn);
    }
}

/* More than a turn brings. */
static void test_it_takes_the_turns_that_it_takes(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    for (uint64_t i = 0; i < 130; i++) {
        house_put_noise(&inn.author.house, (uint32_t)i % 4 + 1, i);
        house_seal(&inn.author.house);
    }
    depot_drain(&inn.author);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    assert_true(guests_step(inn.guests));
    assert_in_range(inn_packs(&inn), 1, 129);
    expect(&inn, 1, NORTH);
    goes_on(&inn);
    assert_int_equal(inn_packs(&inn), 130);
    expect(&inn, 1, NULL);
    inn_release(&inn);
}

/* It had caught up once, and what was listed since is not here. */
static void test_a_look_of_before_does_not_count(void **state)
{
    struct inn inn;
    int64_t now_ns;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn_read(&inn);
    expect(&inn, 1, NULL);
    depot_add_pack(&inn.author, 1, 100);
    depot_drain(&inn.author);
    inn.house.clock.monotonic_more += 3600000000000;
    now_ns = now_of(&inn);
    expect(&inn, now_ns, "other members have not been looked for yet");
    refuse(&inn, 1);
    inn_read(&inn);
    assert_int_equal(inn_packs(&inn), 1);
    expect(&inn, now_ns, NORTH);
    fake_heal(&inn.author.north);
    goes_on(&inn);
    assert_int_equal(inn_packs(&inn), 2);
    expect(&inn, now_ns, NULL);
    inn_release(&inn);
}

/* The member delivered there, then here; who reads has written nothing for long. */
static void test_every_shard_counts_that_the_tenant_has(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.shard_count = 2;
    inn.author.everybody = "south";
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    inn.author.everybody = "north";
    depot_add_pack(&inn.author, 1, 100);
    depot_drain(&inn.author);
    inn.author.south.fail_at = 1;
    inn.author.south.fail_on = true;
    goes_on(&inn);
    expect(&inn, 1, "what member 1 delivered to shard south could not be read yet");
    inn.shard_count = 1; /* south is taken from it, and never answers again */
    goes_on(&inn);
    expect(&inn, 1, NULL);
    fake_heal(&inn.author.south);
    inn_release(&inn);
}

/* That is told by answers, and does not go by itself. */
static void test_what_is_damaged_is_not_waited_for(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    fake_damage(&inn.author.north, ARCHIVE_MANIFESTS, 8);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    expect(&inn, 1, NORTH);
    goes_on(&inn);
    assert_int_equal(inn_packs(&inn), 0);
    expect(&inn, 1, NULL);
    inn_release(&inn);
}

/* There may be room again. */
static void test_packs_that_our_own_disk_has_no_room_for_are_waited_for(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    depot_drain(&inn.author);
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    house_fail(&inn.house, 1, true, E_DISK_FULL);
    goes_on(&inn);
    assert_int_equal(inn_packs(&inn), 0);
    expect(&inn, 1, NORTH);
    house_fail(&inn.house, 0, false, OK);
    goes_on(&inn);
    assert_int_equal(inn_packs(&inn), 1);
    expect(&inn, 1, NULL);
    inn_release(&inn);
}

/* It lists nothing more, and all was read. */
static void test_who_has_left_is_not_looked_at_again(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    depot_add_pack(&inn.author, 1, 0);
    inn_pass(&inn);
    inn.authors[0].active = false;
    goes_on(&inn);
    refuse(&inn, 1);
    inn.house.clock.monotonic_more += 3600000000000;
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    expect(&inn, now_of(&inn) - 1000000000, NULL);
    fake_heal(&inn.author.north);
    inn_release(&inn);
}

static void test_nobody_else_is_waited_for_by_who_is_alone(void **state)
{
    struct inn inn;

    (void)state;
    inn_init(&inn);
    inn.author_count = 0;
    assert_int_equal(guests_look(inn.guests, NULL), OK);
    expect(&inn, 1, NULL);
    inn_release(&inn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_listed_is_not_read_yet),
        cmocka_unit_test(test_it_takes_the_turns_that_it_takes),
        cmocka_unit_test(test_a_look_of_before_does_not_count),
        cmocka_unit_test(test_every_shard_counts_that_the_tenant_has),
        cmocka_unit_test(test_what_is_damaged_is_not_waited_for),
        cmocka_unit_test(test_packs_that_our_own_disk_has_no_room_for_are_waited_for),
        cmocka_unit_test(test_who_has_left_is_not_looked_at_again),
        cmocka_unit_test(test_nobody_else_is_waited_for_by_who_is_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
