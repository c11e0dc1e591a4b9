#include "store/delivery/delivery.h"

#include "tests/unit/store/delivery/delivery_sample.h"

static const struct bytes acme = BYTES("acme");

static void as_tenant(struct depot *depot, const char *name)
{
    depot->house.tenant = catalog_tenant(depot->house.catalog, bytes_of(name));
}

static void add_pack_of(struct depot *depot, const char *tenant, int64_t time)
{
    as_tenant(depot, tenant);
    depot_add_pack(depot, 1, time);
    as_tenant(depot, "acme");
}

static uint64_t entries_of(struct depot *depot, const char *tenant, const char *shard)
{
    struct chain_list list = {0};
    int64_t through;
    uint64_t entries = depot_chain(depot, bytes_of(tenant), shard, &list, &through);

    chain_list_release(&list);
    return entries;
}

static uint64_t metric_of(struct depot *depot, const char *name, const char *shard)
{
    char labels[100];

    assert_true(delivery_look(depot->delivery));
    snprintf(labels, sizeof(labels), "shard=\"%s\"", shard);
    return house_metric(&depot->house, name,
                        strstr(name, "_total") != NULL ? METRIC_COUNTER : METRIC_GAUGE, labels);
}

/* One that always has something new does not keep others from their turn. */
static void test_tenants_take_turns(void **state)
{
    static const char *const tenants[] = {"acme", "beta", "ceta"};
    struct depot depot;

    (void)state;
    depot_init(&depot);
    for (size_t i = 0; i < COUNT_OF(tenants); i++)
        add_pack_of(&depot, tenants[i], 0);
    for (int round = 1; round <= 5; round++) {
        for (size_t i = 0; i < COUNT_OF(tenants); i++) {
            assert_true(depot_step(&depot));
            for (size_t t = 0; t < COUNT_OF(tenants); t++) {
                uint64_t entries = entries_of(&depot, tenants[t], "north");

                if (entries + 1 < (uint64_t)round || entries > (uint64_t)round)
                    fail_msg("round %d: %s has %llu entries", round, tenants[t],
                             (unsigned long long)entries);
            }
        }
        for (size_t i = 0; i < COUNT_OF(tenants); i++)
            add_pack_of(&depot, tenants[i], round * 10);
    }
    depot_drain(&depot);
    for (size_t i = 0; i < COUNT_OF(tenants); i++)
        depot_expect(&depot, bytes_of(tenants[i]), "north", true);
    depot_release(&depot);
}

/* Everything of a tenant is in its own database. */
static void test_tenants_are_apart(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    add_pack_of(&depot, "acme", 0);
    add_pack_of(&depot, "acm", 0);
    add_pack_of(&depot, "south-1", 0);
    depot_drain(&depot);
    depot_expect(&depot, acme, "north", true);
    depot_expect(&depot, BYTES("acm"), "north", true);
    depot_expect(&depot, BYTES("south-1"), "south", true);
    assert_int_equal(depot.south.count, 3);
    assert_int_equal(depot.north.count, 6);
    depot_release(&depot);
}

/* After a failure nothing is tried for 0.5 s, then 1 s, ... 30 s, each half as long or half as long
 * again; a success begins anew.  Another shard does not mind. */
static void test_a_shard_that_fails_is_left_alone_for_a_while(void **state)
{
    struct depot depot;
    double rest_s = 0.5;

    (void)state;
    depot_init(&depot);
    add_pack_of(&depot, "acme", 0);
    depot.north.fail_at = 1;
    depot.north.fail_on = true;
    for (int failure = 1; failure <= 10; failure++) {
        uint64_t calls = depot.north.calls;
        double waited_s = 0;

        while (depot.north.calls == calls) {
            assert_true(waited_s <= 50);
            if (!depot_step(&depot)) {
                depot.house.clock.monotonic_more += 10000000;
                waited_s += 0.01;
            }
        }
        if (failure > 1 && (waited_s < rest_s / 2 - 0.2 || waited_s > rest_s * 3 / 2 + 0.2))
            fail_msg("failure %d came after %.2f s instead of %.2f", failure, waited_s, rest_s);
        if (failure > 1)
            rest_s = rest_s * 2 > 30 ? 30 : rest_s * 2;
        add_pack_of(&depot, "south", failure * 10);
        assert_true(depot_step(&depot));
        assert_int_equal(entries_of(&depot, "south", "south"), failure);
    }
    assert_int_equal(metric_of(&depot, "weir_delivery_failures_total", "north"), 10);
    assert_int_equal(metric_of(&depot, "weir_delivery_failures_total", "south"), 0);
    fake_heal(&depot.north);
    depot_time(&depot, 60);
    assert_true(depot_step(&depot));
    add_pack_of(&depot, "acme", 10);
    depot.north.fail_at = depot.north.calls + 1;
    assert_true(depot_step(&depot));
    fake_heal(&depot.north);
    depot_time(&depot, 1); /* the first rest again */
    assert_true(depot_step(&depot));
    depot_drain(&depot);
    depot_expect(&depot, acme, "north", true);
    depot_release(&depot);
}

/* Two that fail at the same moments are asked again at different ones. */
static void test_rests_are_of_different_lengths(void **state)
{
    struct fake_archive *fakes[2];
    uint64_t calls[2], differ = 0;
    struct depot depot;

    (void)state;
    depot_init(&depot);
    fakes[0] = &depot.north;
    fakes[1] = &depot.south;
    add_pack_of(&depot, "acme", 0);
    add_pack_of(&depot, "south", 0);
    for (int i = 0; i < 2; i++) {
        fakes[i]->fail_at = 1;
        fakes[i]->fail_on = true;
        calls[i] = 0;
    }
    for (int failure = 0; failure < 8; failure++) {
        int64_t waited_ms[2] = {-1, -1};

        for (int64_t ms = 0; waited_ms[0] < 0 || waited_ms[1] < 0; ms += 10) {
            assert_true(ms <= 100000);
            while (depot_step(&depot))
                ;
            for (int i = 0; i < 2; i++) {
                if (waited_ms[i] < 0 && fakes[i]->calls > calls[i])
                    waited_ms[i] = ms;
                calls[i] = fakes[i]->calls;
            }
            depot.house.clock.monotonic_more += 10000000;
        }
        differ += failure > 0 && waited_ms[0] != waited_ms[1];
    }
    assert_true(differ >= 5); /* of seven */
    depot_release(&depot);
}

/* One with many packs has a turn, and then the one with a single one: nobody waits for all of
 * another's. */
static void test_much_does_not_keep_little_from_its_turn(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    for (int i = 0; i < 50; i++)
        add_pack_of(&depot, "acme", i * 10);
    add_pack_of(&depot, "beta", 0);
    assert_true(depot_step(&depot));
    assert_true(depot_step(&depot));
    assert_int_equal(entries_of(&depot, "acme", "north"), 1);
    assert_int_equal(entries_of(&depot, "beta", "north"), 1);
    depot_release(&depot);
}

static void test_an_address_that_is_put_right_is_taken_up(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    depot.open_code = E_CONFIG;
    add_pack_of(&depot, "acme", 0);
    assert_true(depot_step(&depot));
    assert_int_equal(depot.north.opened, 0);
    assert_int_equal(metric_of(&depot, "weir_delivery_failures_total", "north"), 1);
    depot.open_code = OK;
    depot_drain(&depot);
    depot_expect(&depot, acme, "north", true);
    assert_int_equal(depot.north.opened, 1);
    add_pack_of(&depot, "acme", 10);
    depot.north.fail_at = depot.north.calls + 1;
    depot_step(&depot);
    fake_heal(&depot.north);
    depot_drain(&depot);
    assert_int_equal(depot.north.opened, 1); /* what was opened connects anew by itself */
    depot_release(&depot);
}

static void test_the_gauges_tell_what_waits(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    add_pack_of(&depot, "acme", 0);
    add_pack_of(&depot, "beta", 0);
    add_pack_of(&depot, "south", 0);
    assert_int_equal(metric_of(&depot, "weir_delivery_lag_packs", "north"), 2);
    assert_int_equal(metric_of(&depot, "weir_delivery_lag_packs", "south"), 1);
    assert_true(metric_of(&depot, "weir_delivery_lag_bytes", "north") > 500);
    depot.house.clock.wall_more += INT64_C(90000000000);
    assert_true(metric_of(&depot, "weir_delivery_lag_seconds", "north") >= 90);
    assert_true(metric_of(&depot, "weir_delivery_lag_seconds", "north") < 100);
    depot_drain(&depot);
    assert_int_equal(metric_of(&depot, "weir_delivery_lag_packs", "north"), 0);
    assert_int_equal(metric_of(&depot, "weir_delivery_lag_bytes", "north"), 0);
    assert_int_equal(metric_of(&depot, "weir_delivery_lag_seconds", "north"), 0);
    assert_int_equal(metric_of(&depot, "weir_delivery_packs_total", "north"), 2);
    assert_true(metric_of(&depot, "weir_delivery_bytes_total", "north") > 500);
    assert_int_equal(metric_of(&depot, "weir_delivery_stopped", "north"), 0);
    depot_release(&depot);
}

static void ignore_done(void *context, enum code code, const struct error *err)
{
    (void)context, (void)code, (void)err;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static double seconds_of(struct depot *depot, void (*call)(struct delivery *delivery))
{
    int64_t began = clock_monotonic_ns(clock_system());

    call(depot->delivery);
    return (double)(clock_monotonic_ns(clock_system()) - began) / 1e9;
}

/* Rows come in, are sealed and compacted while threads deliver; a shard fails at times, and a
 * tenant moves.  What is there in the end is all. */
static void test_threads_deliver_beside_everything_else(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    delivery_free(depot.delivery);
    house_close(&depot.house);
    house_start(&depot.house);
    assert_int_equal(delivery_new(depot.house.store, &depot.rules, &depot.delivery, NULL), OK);
    depot.north.fail_one_in = 10;
    random_seed(&depot.north.random, 1);
    assert_int_equal(delivery_start(depot.delivery, NULL), OK);
    for (int i = 0; i < 20; i++) {
        static const char *const tenants[] = {"acme", "beta", "south"};

        as_tenant(&depot, tenants[i % 3]);
        assert_int_equal(house_put(&depot.house, 1, i * 10, 10, NULL), OK);
        if (i % 5 == 4)
            store_compact(depot.house.store, NULL, COMPACT_ALL, ignore_done, NULL);
        else
            store_flush(depot.house.store, ignore_done, NULL);
        depot_time(&depot, 20); /* no rest is long */
        pause_ms(100);
    }
    assert_true(seconds_of(&depot, delivery_stop) < 1);
    delivery_stop(depot.delivery);
    assert_true(depot.north.calls > 0 && depot.south.calls > 0);
    fake_heal(&depot.north);
    as_tenant(&depot, "acme");
    depot_close(&depot);
    depot_open(&depot);
    depot_drain_all(&depot);
    depot_expect(&depot, acme, "north", true);
    depot_expect(&depot, BYTES("beta"), "north", true);
    depot_expect(&depot, BYTES("south"), "south", true);
    depot_release(&depot);
}

/* Whoever stops a delivery that rests after a failure does not wait for the end of the rest. */
static void test_a_stop_does_not_wait_for_rests(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    depot_add_pack(&depot, 1, 0);
    depot.north.fail_at = 1;
    depot.north.fail_on = true;
    assert_int_equal(delivery_start(depot.delivery, NULL), OK);
    for (int i = 0; i < 100 && depot.north.calls < 2; i++)
        pause_ms(50);
    assert_true(depot.north.calls >= 2);
    assert_true(seconds_of(&depot, delivery_free) < 1);
    assert_int_equal(delivery_new(depot.house.store, &depot.rules, &depot.delivery, NULL), OK);
    delivery_stop(depot.delivery); /* never started */
    delivery_stop(NULL);
    delivery_free(NULL);
    depot_release(&depot);
}

/* The index' disk fails: the store stops, and delivery with it. */
static void test_a_store_that_failed_delivers_nothing(void **state)
{
    struct error err = {0};
    struct depot depot;
    bool did;

    (void)state;
    depot_init(&depot);
    depot_add_pack(&depot, 1, 0);
    error_set(&err, E_IO, "the test's disk says no");
    store_fail(depot.house.store, &err);
    assert_int_equal(delivery_step(depot.delivery, &did, &err), OK);
    assert_false(did);
    assert_int_equal(depot.north.calls, 0);
    depot_release(&depot);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tenants_take_turns),
        cmocka_unit_test(test_tenants_are_apart),
        cmocka_unit_test(test_a_shard_that_fails_is_left_alone_for_a_while),
        cmocka_unit_test(test_rests_are_of_different_lengths),
        cmocka_unit_test(test_much_does_not_keep_little_from_its_turn),
        cmocka_unit_test(test_an_address_that_is_put_right_is_taken_up),
        cmocka_unit_test(test_the_gauges_tell_what_waits),
        cmocka_unit_test(test_threads_deliver_beside_everything_else),
        cmocka_unit_test(test_a_stop_does_not_wait_for_rests),
        cmocka_unit_test(test_a_store_that_failed_delivers_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
