/* What waits, as those see it who bound it. */
#include "store/delivery/delivery.h"

#include "tests/unit/store/delivery/delivery_sample.h"

static uint64_t undelivered(struct depot *depot)
{
    assert_true(delivery_look(depot->delivery));
    return *depot->house.tenant->undelivered;
}

static uint64_t gauge_of(struct depot *depot, const char *name, const char *labels)
{
    return house_metric(&depot->house, name, METRIC_GAUGE, labels);
}

/* What a tenant is held to, and what /metrics tells, are the same. */
static void test_what_waits_grows_and_goes(void **state)
{
    struct depot depot;
    uint64_t one, two;

    (void)state;
    depot_init(&depot);
    assert_int_equal(undelivered(&depot), 0);
    depot_add_pack(&depot, 1, 0);
    assert_int_equal(*depot.house.tenant->undelivered, 0); /* until the next look */
    one = undelivered(&depot);
    assert_true(one > 100);
    depot_add_pack(&depot, 1, 100);
    two = undelivered(&depot);
    assert_true(two > one);
    assert_int_equal(gauge_of(&depot, "weir_outbox_bytes", "tenant=\"acme\""), two);
    assert_int_equal(gauge_of(&depot, "weir_delivery_lag_bytes", "shard=\"north\""), two);
    assert_true(depot_step(&depot)); /* an entry: what it names waits no more, before any look */
    assert_int_equal(*depot.house.tenant->undelivered, 0);
    assert_int_equal(undelivered(&depot), 0);
    depot.everybody = "south"; /* which has nothing, and is not the tenant's fault */
    assert_int_equal(undelivered(&depot), 0);
    assert_int_equal(gauge_of(&depot, "weir_outbox_bytes", "tenant=\"acme\""), two);
    depot_add_pack(&depot, 1, 200);
    assert_true(undelivered(&depot) > 100 && undelivered(&depot) < two);
    depot_restart(&depot); /* which begins anew, as the shard has not had all yet */
    assert_int_equal(undelivered(&depot), 0);
    depot_drain(&depot);
    depot_restart(&depot); /* it has had all: this counts */
    depot.south.fail_at = 1;
    depot.south.fail_on = true;
    depot_add_pack(&depot, 1, 300);
    one = undelivered(&depot);
    assert_true(one > 100);
    depot_restart(&depot);
    assert_int_equal(undelivered(&depot), one);
    depot.everybody = "";
    assert_int_equal(undelivered(&depot), 0);
    assert_int_equal(gauge_of(&depot, "weir_outbox_bytes", "tenant=\"acme\""), 0);
    depot_release(&depot);
}

/* What another member is told of it. */
static void test_what_all_shards_lack_is_known_as_of_the_last_look(void **state)
{
    struct delivery_backlog backlog;
    struct depot depot;
    int64_t first, second;

    (void)state;
    depot_init(&depot);
    backlog = delivery_backlog(depot.delivery);
    assert_true(backlog.bytes == 0 && backlog.through == 0); /* nobody has looked */
    depot_add_pack(&depot, 1, 0);
    first = store_sealed(depot.house.store);
    (void)undelivered(&depot);
    backlog = delivery_backlog(depot.delivery);
    assert_int_equal(backlog.bytes, undelivered(&depot));
    assert_int_equal(backlog.through, 0);
    depot_drain(&depot);
    (void)undelivered(&depot);
    backlog = delivery_backlog(depot.delivery);
    assert_true(backlog.bytes == 0 && backlog.through == first);
    depot_add_pack(&depot, 1, 100);
    second = store_sealed(depot.house.store);
    (void)undelivered(&depot);
    backlog = delivery_backlog(depot.delivery);
    assert_true(backlog.bytes > 100 && backlog.through == first && first < second);
    depot_drain(&depot);
    (void)undelivered(&depot);
    assert_int_equal(delivery_backlog(depot.delivery).through, second);
    assert_int_equal(delivery_backlog(depot.delivery).closed, second);
    assert_true(catalog_tenant(depot.house.catalog, BYTES("other")) != NULL); /* without rows */
    depot.everybody = ""; /* what is here is at no shard that others would look at */
    (void)undelivered(&depot);
    assert_int_equal(delivery_backlog(depot.delivery).through, second);
    assert_int_equal(delivery_backlog(depot.delivery).closed, 0);
    depot_release(&depot);
    backlog = delivery_backlog(NULL);
    assert_true(backlog.bytes == 0 && backlog.through == 0 && backlog.closed == 0);
}

/* A shard that fails takes nothing, a pack that is damaged here is nobody's fault. */
static void test_a_damaged_pack_holds_nobody_up(void **state)
{
    struct depot depot;

    (void)state;
    depot_init(&depot);
    house_put_noise(&depot.house, 1, 1);
    house_seal(&depot.house);
    depot.north.fail_at = 1;
    depot.north.fail_on = true;
    assert_true(depot_step(&depot));
    assert_true(undelivered(&depot) > 1000);
    fake_heal(&depot.north);
    house_damage(&depot.house, "packs/acme/0000000000000001.pack", 5000);
    depot_drain(&depot);
    assert_int_equal(undelivered(&depot), 0);
    assert_true(gauge_of(&depot, "weir_delivery_lag_bytes", "shard=\"north\"") > 1000);
    depot_release(&depot);
}

/* At the rate of late; where nothing has left yet, as long as it has waited. */
static void test_the_seconds_until_there_is_room(void **state)
{
    struct depot depot;
    unsigned silent;

    (void)state;
    depot_init(&depot);
    assert_int_equal(delivery_seconds(depot.delivery, depot.house.tenant, 1000), 1);
    depot_add_pack(&depot, 1, 0);
    (void)undelivered(&depot);
    depot_time(&depot, 20);
    silent = delivery_seconds(depot.delivery, depot.house.tenant, 1000);
    assert_true(silent >= 20 && silent <= 22);
    depot_drain(&depot);
    assert_true(delivery_seconds(depot.delivery, depot.house.tenant, 1) <= silent);
    assert_int_equal(delivery_seconds(depot.delivery, depot.house.tenant, UINT64_C(1) << 40),
                     DRAIN_SECONDS_MAX);
    depot_release(&depot);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_grows_and_goes),
        cmocka_unit_test(test_what_all_shards_lack_is_known_as_of_the_last_look),
        cmocka_unit_test(test_a_damaged_pack_holds_nobody_up),
        cmocka_unit_test(test_the_seconds_until_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
