/* Who waits for a shard, with the threads that serve them. */
#include <semaphore.h>

#include "store/delivery/delivery_inside.h"
#include "tests/unit/store/delivery/delivery_sample.h"

struct waiter {
    struct delivery_ack ack; /* first */
    sem_t told;
    enum code code;
    char text[ERROR_TEXT_SIZE];
};

static void note_told(struct delivery_ack *ack, enum code code, const struct error *err)
{
    struct waiter *waiter = (struct waiter *)ack;

    waiter->code = code;
    if (err != NULL)
        strcpy(waiter->text, err->text);
    sem_post(&waiter->told);
}

static void wait_for(struct depot *depot, struct waiter *waiter, int64_t ingest, uint64_t wait_ms)
{
    *waiter = (struct waiter){
        .ack = {.tenant = depot->house.tenant,
                .ingest = ingest,
                .wait_ms = wait_ms,
                .done = note_told}
    };
    sem_init(&waiter->told, 0, 0);
    delivery_await(depot->delivery, &waiter->ack);
}

static enum code end_of(struct waiter *waiter)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    if (sem_timedwait(&waiter->told, &until) != 0)
        fail_msg("somebody waits for ever");
    sem_destroy(&waiter->told);
    return waiter->code;
}

static void depot_start(struct depot *depot)
{
    depot_init(depot);
    delivery_free(depot->delivery);
    house_close(&depot->house);
    depot->house.limits.generation_age_ms_max = 3600 * 1000;
    house_start(&depot->house);
    assert_int_equal(delivery_new(depot->house.store, &depot->rules, &depot->delivery, NULL), OK);
    assert_int_equal(delivery_start(depot->delivery, NULL), OK);
}

/* Of a row that is in memory alone, and nothing would be sealed for an hour. */
static int64_t put_row(struct depot *depot, int64_t time)
{
    assert_int_equal(house_put(&depot->house, 1, time, 1, NULL), OK);
    return store_progress(depot->house.store, depot->house.tenant).newest;
}

static void test_what_somebody_waits_for_is_sealed_and_delivered(void **state)
{
    struct waiter waiters[20];
    struct depot depot;
    int64_t sealed;

    (void)state;
    depot_start(&depot);
    for (int i = 0; i < 20; i++)
        wait_for(&depot, &waiters[i], put_row(&depot, i), 60000);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(end_of(&waiters[i]), OK);
        assert_true(store_sealed(depot.house.store) >= waiters[i].ack.ingest);
    }
    sealed = store_sealed(depot.house.store);
    wait_for(&depot, &waiters[0], waiters[5].ack.ingest, 60000); /* it is there already */
    assert_int_equal(end_of(&waiters[0]), OK);
    assert_int_equal(store_sealed(depot.house.store), sealed);
    delivery_stop(depot.delivery);
    assert_true(depot_expect(&depot, BYTES("acme"), "north", false) < 20); /* together */
    depot_release(&depot);
}

/* A hundred shards together seal as often as one does. */
static void test_shards_share_the_time_that_seals_may_take(void **state)
{
    struct waiter north, south, both;
    struct depot depot;
    int64_t sealed, wait_ns;

    (void)state;
    depot_start(&depot);
    delivery_stop(depot.delivery); /* the test has the part of its threads */
    wait_for(&depot, &north, put_row(&depot, 1), 3600000);
    assert_true(shard_seal(delivery_shard(depot.delivery, "north")) == INT64_MAX);
    sealed = store_sealed(depot.house.store);
    assert_true(sealed >= north.ack.ingest);
    assert_true(depot.delivery->seal_next_ns > 0);
    depot.delivery->seal_next_ns += INT64_C(3600000000000);
    depot.everybody = "south";
    wait_for(&depot, &both, north.ack.ingest, 3600000); /* north's was enough */
    assert_true(shard_seal(delivery_shard(depot.delivery, "south")) == INT64_MAX);
    wait_for(&depot, &south, put_row(&depot, 2), 3600000);
    wait_ns = shard_seal(delivery_shard(depot.delivery, "south"));
    assert_true(wait_ns > INT64_C(3500000000000) && wait_ns < INT64_MAX);
    assert_int_equal(store_sealed(depot.house.store), sealed);
    depot.delivery->seal_next_ns = 0;
    assert_true(shard_seal(delivery_shard(depot.delivery, "south")) == INT64_MAX);
    assert_true(store_sealed(depot.house.store) >= south.ack.ingest);
    delivery_await_stop(depot.delivery);
    assert_int_equal(end_of(&north), E_DRAINING);
    assert_int_equal(end_of(&south), E_DRAINING);
    assert_int_equal(end_of(&both), E_DRAINING);
    depot_release(&depot);
}

static void test_the_end_of_patience(void **state)
{
    struct waiter patient, hasty;
    struct depot depot;
    int64_t ingest;

    (void)state;
    depot_start(&depot);
    depot.north.fail_at = 1;
    depot.north.fail_on = true;
    ingest = put_row(&depot, 1);
    wait_for(&depot, &patient, ingest, 3600000);
    wait_for(&depot, &hasty, ingest, 50);
    assert_int_equal(end_of(&hasty), E_NOT_DELIVERED);
    assert_non_null(strstr(hasty.text, "50 ms (shard_ack_ms_max)"));
    delivery_await_stop(NULL);
    delivery_await_stop(depot.delivery);
    assert_int_equal(end_of(&patient), E_DRAINING);
    wait_for(&depot, &patient, ingest, 3600000); /* too late to begin */
    assert_int_equal(end_of(&patient), E_DRAINING);
    depot_release(&depot);
}

static void test_who_cannot_be_served_is_told_at_once(void **state)
{
    struct waiter waiter;
    struct depot depot;

    (void)state;
    depot_init(&depot);
    depot.everybody = "";
    depot_add_pack(&depot, 1, 0);
    wait_for(&depot, &waiter, 1, 3600000);
    assert_int_equal(end_of(&waiter), E_NOT_DELIVERED);
    assert_non_null(strstr(waiter.text, "no shard any more"));
    depot.everybody = NULL;
    wait_for(&depot, &waiter, INT64_MAX, 3600000);
    depot.everybody = "";
    assert_true(delivery_look(depot.delivery)); /* the shard was taken away meanwhile */
    assert_int_equal(end_of(&waiter), E_NOT_DELIVERED);
    depot.everybody = NULL;
    delivery_recipient(depot.delivery, depot.house.tenant)->stopped = true;
    wait_for(&depot, &waiter, 1, 3600000);
    assert_int_equal(end_of(&waiter), E_NOT_DELIVERED);
    assert_non_null(strstr(waiter.text, "has ended"));
    depot_release(&depot);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_somebody_waits_for_is_sealed_and_delivered),
        cmocka_unit_test(test_shards_share_the_time_that_seals_may_take),
        cmocka_unit_test(test_the_end_of_patience),
        cmocka_unit_test(test_who_cannot_be_served_is_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
