#include "store/delivery/turn.h"

#include "tests/unit/store/delivery/delivery_sample.h"

static const struct bytes acme = BYTES("acme");

static void test_what_was_sealed_is_delivered(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    assert_int_equal(depot_drain(&depot), 0); /* nothing yet */
    assert_int_equal(house_put(&depot.house, 1, 0, 10, NULL), OK);
    assert_int_equal(depot_drain(&depot), 0); /* in the head */
    house_seal(&depot.house);
    assert_int_equal(depot_drain(&depot), 1);
    assert_int_equal(depot_expect(&depot, acme, "north", true), 1);
    depot_add_pack(&depot, 1, 100);
    depot_add_pack(&depot, 2, 100);
    assert_int_equal(depot_drain(&depot), 1); /* both at once */
    assert_int_equal(depot_expect(&depot, acme, "north", true), 2);
    house_put_noise(&depot.house, 3, 1); /* with a file of its own */
    house_seal(&depot.house);
    depot_drain(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", true), 3);
    depot_restart(&depot); /* which finds nothing to do */
    assert_int_equal(depot_drain(&depot), 0);
    assert_int_equal(depot.south.count, 0);
    depot_release(&depot);
}

static void test_without_a_shard_nothing_is_done(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    depot.everybody = "";
    depot_add_pack(&depot, 1, 0);
    assert_int_equal(depot_drain(&depot), 0);
    assert_int_equal(depot.north.calls, 0);
    depot_release(&depot);
}

/* Merged packs take the place of others in one entry; the documents of those stay for ten minutes.
 */
static void test_a_compaction_is_one_entry(void **state)
{
    struct depot depot;
    size_t before, after;

    (void)state;
    depot_init(&depot);
    for (int i = 0; i < 5; i++)
        depot_add_pack(&depot, 1, 0); /* the same rows again and again: there is a history */
    depot_drain(&depot);
    before = depot_documents(&depot, acme, "north");
    assert_int_equal(before, 10);
    assert_true(house_compact(&depot.house, true) > 0);
    assert_int_equal(house_packs(&depot.house, PACK_HISTORY, NULL), 1);
    while (depot_step(&depot))
        ;
    assert_int_equal(depot_expect(&depot, acme, "north", false), 2);
    after = depot_documents(&depot, acme, "north");
    assert_int_equal(after, before + 4);
    depot_time(&depot, 590);
    while (depot_step(&depot))
        ;
    assert_int_equal(depot_documents(&depot, acme, "north"), after);
    depot_time(&depot, 20);
    depot_drain(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", true), 2);
    assert_int_equal(depot_documents(&depot, acme, "north"), 4);
    depot_release(&depot);
}

/* Several changes go as their net: packs that came and went meanwhile are never seen there. */
static void test_changes_go_as_their_net(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 3; i++)
            depot_add_pack(&depot, 1, round * 100);
        assert_true(house_compact(&depot.house, true) > 0);
    }
    depot_drain(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", true), 1);
    depot_release(&depot);
}

/* Every call of the archive fails once, in each way; the process is killed there and starts again,
 * with or without more data and a compaction in between. */
static void crash_at(uint64_t call, enum fake_failure how, int between)
{
    struct depot depot;

    depot_init(&depot);
    depot_add_pack(&depot, 1, 0);
    house_put_noise(&depot.house, 2, 7);
    house_seal(&depot.house);
    depot.north.fail_at = call;
    depot.north.fail_on = true; /* until the process is there again */
    depot.north.how = how;
    for (int i = 0; i < 3; i++)
        depot_step(&depot);
    if (depot.north.failed == 0) { /* behind the first entry */
        assert_true(house_compact(&depot.house, true) > 0);
        for (int i = 0; i < 3 && depot.north.failed == 0; i++)
            depot_step(&depot);
        for (int i = 0; i < 3 && depot.north.failed == 0; i++) {
            depot_time(&depot, 700);
            depot_step(&depot);
        }
    }
    fake_heal(&depot.north);
    if (between == 0)
        depot_time(&depot, 60); /* the same process goes on */
    else
        depot_restart(&depot);
    if (between > 1)
        depot_add_pack(&depot, 1, 1000);
    if (between > 2)
        (void)house_compact(&depot.house, true);
    if (between > 3)
        depot_add_pack(&depot, 3, 2000);
    depot_drain_all(&depot);
    depot_expect(&depot, acme, "north", true);
    house_expect(&depot.house, 1, 0, 10 * (between <= 1));
    depot_release(&depot);
}

static void test_a_crash_at_any_call_is_made_good(void **state)
{
    (void)state;
    (void)crash_at;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sealed_is_delivered),
        cmocka_unit_test(test_without_a_shard_nothing_is_done),
        cmocka_unit_test(test_a_compaction_is_one_entry),
        cmocka_unit_test(test_changes_go_as_their_net),
        cmocka_unit_test(test_a_crash_at_any_call_is_made_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
