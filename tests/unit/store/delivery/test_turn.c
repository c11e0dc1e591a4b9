#include "store/delivery/turn.h"

#include "store/identity.h"
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

/* Every call of the archive fails once, in each way; the process goes on or is killed there, with
 * or without more data and a compaction before the next turn.  *behind: the call was never made. */
static void crash_at(uint64_t call, enum fake_failure how, int between, bool *behind)
{
    struct depot depot;
    int64_t last = between > 3 ? 30 : between > 1 ? 20 : 10;

    depot_init(&depot);
    depot.north.fail_at = call;
    depot.north.fail_on = true; /* until it is healed */
    depot.north.how = how;
    depot_add_pack(&depot, 1, 0);
    house_put_noise(&depot.house, 2, 7);
    house_seal(&depot.house);
    while (depot.north.failed == 0 && depot_step(&depot))
        ;
    if (depot.north.failed == 0) {
        assert_true(house_compact(&depot.house, true) > 0);
        while (depot.north.failed == 0 && depot_step(&depot))
            ;
    }
    for (int i = 0; i < 3 && depot.north.failed == 0; i++) {
        depot_time(&depot, 700);
        (void)depot_step(&depot);
    }
    *behind = depot.north.failed == 0;
    fake_heal(&depot.north);
    if (between > 0)
        depot_restart(&depot);
    if (between > 1)
        depot_add_pack(&depot, 1, 10);
    if (between > 2)
        (void)house_compact(&depot.house, true);
    if (between > 3)
        depot_add_pack(&depot, 1, 20);
    depot_drain_all(&depot);
    depot_expect(&depot, acme, "north", true);
    house_expect(&depot.house, 1, 0, (uint32_t)last);
    depot_release(&depot);
}

static void test_a_crash_at_any_call_is_made_good(void **state)
{
    uint64_t calls = 0;

    (void)state;
    for (int between = 0; between < 5; between++)
        for (int how = 0; how < FAKE_FAILURES; how++) {
            bool behind = false;
            uint64_t call = 0;

            while (!behind)
                crash_at(++call, (enum fake_failure)how, between, &behind);
            calls += call;
        }
    printf("%llu crashes\n", (unsigned long long)calls);
    assert_true(calls >= 5 * 3 * 8);
}

/* A pack of which only a part was sent when it was merged away leaves nothing behind. */
static void test_what_was_begun_and_is_gone_is_deleted(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    depot_add_pack(&depot, 1, 0);
    depot_add_pack(&depot, 1, 100);
    depot.north.fail_at = 1;
    depot.north.fail_on = true;
    depot.north.how = FAKE_MIDDLE;
    depot_step(&depot);
    assert_int_equal(depot_documents(&depot, acme, "north"), 2); /* one of the packs */
    fake_heal(&depot.north);
    assert_true(house_compact(&depot.house, true) > 0);
    depot_restart(&depot);
    depot_drain_all(&depot);
    /* A checkpoint, which takes nothing out; then what takes out the two. */
    assert_int_equal(depot_expect(&depot, acme, "north", true), 2);
    depot_release(&depot);
}

/* To another shard, where all goes from the beginning, and back. */
static void test_a_tenant_changes_its_shard(void **state)
{
    struct depot depot;
    size_t left;

    (void)state;
    depot_init(&depot);
    for (int i = 0; i < 3; i++)
        depot_add_pack(&depot, 1, i * 10);
    depot_drain(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", true), 1);
    left = depot_documents(&depot, acme, "north");
    depot.everybody = "south";
    depot_add_pack(&depot, 1, 30);
    depot_drain_all(&depot);
    assert_int_equal(depot_expect(&depot, acme, "south", true), 1);
    assert_int_equal(depot_documents(&depot, acme, "north"), left);
    assert_true(house_compact(&depot.house, true) > 0);
    depot_drain_all(&depot);
    depot_expect(&depot, acme, "south", true);
    depot.everybody = "north";
    depot_add_pack(&depot, 1, 40);
    depot_restart(&depot);
    depot_drain_all(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", false), 2);
    depot_add_pack(&depot, 1, 50);
    depot_drain_all(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", false), 3);
    depot_release(&depot);
}

/* To another shard and back before an entry has come there: what the first one lists is not known
 * any more, and said anew. */
static void test_a_tenant_looks_in_at_another_shard(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct depot depot;

        depot_init(&depot);
        for (int i = 0; i < 3; i++)
            depot_add_pack(&depot, 1, i * 10);
        depot_drain(&depot);
        depot.everybody = "south";
        depot.south.fail_at = kind & 1 ? 1 : 2;
        depot.south.fail_on = true;
        depot.south.how = FAKE_AFTER;
        depot_step(&depot);
        assert_int_equal(depot.south.failed, 1);
        if (kind & 2)
            assert_true(house_compact(&depot.house, true) > 0);
        depot.everybody = "north";
        depot_restart(&depot);
        depot_drain_all(&depot);
        assert_int_equal(depot_expect(&depot, acme, "north", false), 2);
        fake_heal(&depot.south);
        depot.everybody = "south";
        depot_drain_all(&depot);
        (void)depot_expect(&depot, acme, "south", false);
        depot_release(&depot);
    }
}

/* A directory of which somebody made a copy, both in use: whoever comes second ends, for good, and
 * touches nothing of the first one's. */
static void test_a_copied_directory_ends(void **state)
{
    for (int kind = 1; kind < 4; kind++) { /* 0: both compact, which gives the same bytes */
        struct depot depot, copy;
        size_t count;
        char path[300];

        (void)state;
        depot_init(&depot);
        depot_add_pack(&depot, 1, 0);
        depot_add_pack(&depot, 1, 10);
        depot_drain(&depot);
        depot_close(&depot);
        depot_init(&copy);
        depot_close(&copy);
        snprintf(path, sizeof(path), "rm -rf %s && cp -a %s %s", copy.house.directory,
                 depot.house.directory, copy.house.directory);
        assert_int_equal(system(path), 0);
        depot_open(&depot);
        depot_open(&copy);
        if (kind & 1)
            depot_add_pack(&depot, 1, 20);
        else
            assert_true(house_compact(&depot.house, true) > 0);
        depot_drain_all(&depot);
        depot_expect(&depot, acme, "north", true);
        count = depot.north.count;
        copy.north = depot.north; /* one and the same */
        if (kind & 2)
            depot_add_pack(&copy, 1, 30);
        else
            assert_true(house_compact(&copy.house, true) > 0);
        for (int start = 0; start < 2; start++) {
            depot_drain_all(&copy);
            assert_true(delivery_look(copy.delivery));
            assert_int_equal(
                house_metric(&copy.house, "weir_delivery_stopped", METRIC_GAUGE, "shard=\"north\""),
                1);
            if (start == 0)
                depot_restart(&copy);
        }
        depot.north = copy.north;
        copy.north = (struct fake_archive){.opened = copy.north.opened, .closed = 0};
        depot_drain_all(&depot);
        depot_expect(&depot, acme, "north", false);
        assert_true(depot.north.count >= count); /* at most what the copy began is more */
        copy.north.closed = copy.north.opened;
        depot_close(&copy);
        house_remove(&copy.house);
        depot_close(&depot);
        house_remove(&depot.house);
        fake_release(&depot.north);
    }
}

/* What another incarnation wrote may be in its chain as well. */
static void test_documents_of_another_incarnation_stay(void **state)
{
    struct hash128 incarnation;
    struct depot depot;
    size_t old;

    (void)state;
    depot_init(&depot);
    for (int i = 0; i < 3; i++)
        depot_add_pack(&depot, 1, i * 10);
    depot_drain(&depot);
    old = depot_documents(&depot, acme, "north");
    delivery_free(depot.delivery);
    assert_int_equal(identity_renew(depot.house.index, &incarnation, NULL), OK);
    depot.house.store->incarnation = incarnation; /* as after a restore */
    assert_int_equal(delivery_new(depot.house.store, &depot.rules, &depot.delivery, NULL), OK);
    depot.north.put_bytes = 0;
    depot_drain_all(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", true), 1);
    assert_int_equal(depot_documents(&depot, acme, "north"), old); /* found there */
    assert_true(depot.north.put_bytes < 1000);                     /* the new chain's entry alone */
    assert_true(house_compact(&depot.house, true) > 0);
    depot_drain_all(&depot);
    assert_int_equal(depot_expect(&depot, acme, "north", false), 2);
    assert_int_equal(depot_documents(&depot, acme, "north"), old + 2);
    depot_close(&depot);
    house_remove(&depot.house);
    fake_release(&depot.north);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sealed_is_delivered),
        cmocka_unit_test(test_without_a_shard_nothing_is_done),
        cmocka_unit_test(test_a_compaction_is_one_entry),
        cmocka_unit_test(test_changes_go_as_their_net),
        cmocka_unit_test(test_a_crash_at_any_call_is_made_good),
        cmocka_unit_test(test_what_was_begun_and_is_gone_is_deleted),
        cmocka_unit_test(test_a_tenant_changes_its_shard),
        cmocka_unit_test(test_a_tenant_looks_in_at_another_shard),
        cmocka_unit_test(test_a_copied_directory_ends),
        cmocka_unit_test(test_documents_of_another_incarnation_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
