#include "tests/unit/ingest/ground.h"

#include <pthread.h>

#include "codec/point.h"
#include "ingest/deposit.h"

struct world {
    struct ground ground;
    _Atomic bool stop;
    struct deposit_terms terms;
    struct arena arena;
    struct batch batch;
    struct point point;
};

static void world_open(struct world *world)
{
    *world = (struct world){.stop = false};
    ground_init(&world->ground);
    ground_open(&world->ground);
    world->terms = (struct deposit_terms){.environment = &world->ground.environment,
                                          .tenant = world->ground.tenant,
                                          .limits = &world->ground.limits,
                                          .stop = &world->stop};
    arena_init(&world->arena, SIZE_MAX, NULL);
}

static void world_close(struct world *world)
{
    arena_release(&world->arena);
    ground_close(&world->ground);
    ground_remove(&world->ground);
}

static void begin(struct world *world)
{
    batch_init(&world->batch, &world->arena, 1);
    point_init(&world->point, &world->batch, &world->ground.limits);
}

/* m f=1 time, a number or a truth. */
static void add(struct world *world, enum value_type type, int64_t time)
{
    struct point *point = &world->point;
    struct error err = {0};
    struct bytes duplicate;
    uint32_t series;

    point_clear(point);
    point->measurement = BYTES("m");
    *point_add_field(point) = (struct point_field){.name = BYTES("f"), .type = type};
    point->timed = true;
    point->time = time;
    assert_int_equal(point_find_series(point, &series, &err), OK);
    assert_int_equal(point_find_table(point, &duplicate), OK);
    assert_int_equal(point_put_row(point, series, (uint32_t)world->batch.row_count + 1, time), OK);
}

static enum code end(struct world *world, struct error *err)
{
    int64_t ingest = 0;
    enum code code;

    *err = (struct error){0};
    code = deposit(&world->terms, &world->batch, &ingest, err);
    assert_true((code == OK) == (ingest > 0));
    point_release(&world->point);
    batch_release(&world->batch);
    return code;
}

static void test_rows_are_there_when_it_returns(void **state)
{
    struct error err;
    struct world world;

    (void)state;
    world_open(&world);
    for (int64_t i = 1; i <= 20; i++) {
        begin(&world);
        add(&world, TYPE_F64, i);
        assert_int_equal(end(&world, &err), OK);
        assert_int_equal(ground_rows(&world.ground), i);
    }
    world_close(&world);
}

static void test_a_kind_that_differs_refuses_all(void **state)
{
    struct error err;
    struct world world;

    (void)state;
    world_open(&world);
    begin(&world);
    add(&world, TYPE_F64, 1);
    add(&world, TYPE_BOOL, 2);
    assert_int_equal(end(&world, &err), E_INVALID_POINTS);
    assert_non_null(strstr(err.text, "row 2: "));
    assert_int_equal(ground_rows(&world.ground), 0);
    world_close(&world);
}

static void test_a_record_that_is_too_large_is_refused(void **state)
{
    struct error err;
    struct world world;

    (void)state;
    world_open(&world);
    world.ground.limits.record_bytes_max = 64;
    begin(&world);
    for (int64_t i = 0; i < 100; i++)
        add(&world, TYPE_F64, i * 1000003);
    assert_int_equal(end(&world, &err), E_RECORD_LARGE);
    assert_int_equal(ground_rows(&world.ground), 0);
    world_close(&world);
}

static void test_who_does_not_wait_is_told(void **state)
{
    struct world world;
    struct error err = {0};
    int64_t ingest = 0;

    (void)state;
    world_open(&world);
    *world.ground.tenant->undelivered = world.ground.limits.outbox_bytes_max + 1;
    begin(&world);
    add(&world, TYPE_F64, 1);
    assert_int_equal(deposit_once(&world.terms, &world.batch, &ingest, &err), E_OUTBOX_FULL);
    assert_int_equal(ground_rows(&world.ground), 0);
    *world.ground.tenant->undelivered = 0;
    assert_int_equal(deposit_once(&world.terms, &world.batch, &ingest, &err), OK);
    assert_int_equal(ground_rows(&world.ground), 1);
    assert_true(ingest > 0);
    point_release(&world.point);
    batch_release(&world.batch);
    world_close(&world);
}

/* What was told to stop does not wait for a shard. */
static void test_stop_ends_the_wait_for_an_outbox(void **state)
{
    struct error err;
    struct world world;

    (void)state;
    world_open(&world);
    *world.ground.tenant->undelivered = world.ground.limits.outbox_bytes_max + 1;
    world.stop = true;
    begin(&world);
    add(&world, TYPE_F64, 1);
    assert_int_equal(end(&world, &err), E_CANCELLED);
    assert_int_equal(ground_rows(&world.ground), 0);
    *world.ground.tenant->undelivered = 0;
    world_close(&world);
}

/* A clock on which time goes by when somebody looks. */
struct leaping_clock {
    struct clock clock;
    int64_t now_ns;
};

static int64_t leap(struct clock *clock)
{
    struct leaping_clock *leaping = (struct leaping_clock *)clock;

    return leaping->now_ns += INT64_C(400000000);
}

static void test_a_rate_is_waited_out(void **state)
{
    struct leaping_clock clock = {
        .clock = {leap, leap, leap},
          .now_ns = 1000000000
    };
    struct error err;
    struct world world;
    struct rate *rate;

    (void)state;
    world_open(&world);
    world.ground.limits.points_per_second_max = 1;
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    world.ground.environment.rate = rate;
    for (int64_t i = 0; i < 2; i++) { /* the second finds that the first owes points */
        begin(&world);
        add(&world, TYPE_F64, 2 * i);
        add(&world, TYPE_F64, 2 * i + 1);
        assert_int_equal(end(&world, &err), OK);
    }
    assert_int_equal(ground_rows(&world.ground), 4);
    assert_true(clock.now_ns > INT64_C(2000000000)); /* it was asked more often than twice */
    rate_free(rate);
    world_close(&world);
}

static void *make_room(void *context)
{
    struct world *world = context;

    *world->ground.tenant->undelivered = 0;
    return NULL;
}

static void test_a_full_outbox_is_waited_out(void **state)
{
    struct error err;
    struct world world;
    pthread_t other;

    (void)state;
    world_open(&world);
    *world.ground.tenant->undelivered = world.ground.limits.outbox_bytes_max + 1;
    begin(&world);
    add(&world, TYPE_F64, 1);
    assert_int_equal(pthread_create(&other, NULL, make_room, &world), 0);
    assert_int_equal(end(&world, &err), OK);
    pthread_join(other, NULL);
    assert_int_equal(ground_rows(&world.ground), 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_there_when_it_returns),
        cmocka_unit_test(test_a_kind_that_differs_refuses_all),
        cmocka_unit_test(test_a_record_that_is_too_large_is_refused),
        cmocka_unit_test(test_who_does_not_wait_is_told),
        cmocka_unit_test(test_stop_ends_the_wait_for_an_outbox),
        cmocka_unit_test(test_a_rate_is_waited_out),
        cmocka_unit_test(test_a_full_outbox_is_waited_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
