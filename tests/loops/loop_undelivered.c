/* What a member tells another one under failing allocations: it is all of it or an error, never
 * less. */
#include "tests/loops/loop.h"

#include "store/undelivered.h"
#include "store/view_pack.h"
#include "tests/unit/store/delivery/delivery_sample.h"

enum { SERIES = 4 };

static struct depot depot;
static struct series *series[SERIES];

static int series_order(const void *a, const void *b)
{
    return series_id_compare((*(struct series *const *)a)->id, (*(struct series *const *)b)->id);
}

static enum code make_pack(const struct view *view, struct bytes *bytes, struct error *err)
{
    static struct budget memory = {.bytes_max = (size_t)64 << 20};
    const struct view_pack_options options = {
        .view = view,
        .tenant = depot.house.tenant,
        .measurement = BYTES("cpu"),
        .start = 5,
        .end = 100000,
        .deletions_after = INT64_MIN,
        .memory = &memory,
        .memory_max = 64 << 20,
        .bytes_max = 64 << 20,
    };
    struct view_pack *pack;
    enum code code = view_pack_begin(&options, &pack, err);

    for (size_t i = 0; code == OK && i < SERIES; i++)
        code = view_pack_series(pack, series[i], err);
    if (code == OK)
        code = view_pack_end(pack, bytes, err);
    view_pack_free(pack);
    assert_int_equal(budget_used(&memory), 0);
    return code;
}

static enum code tell(int64_t as_of, struct bytes *bytes, struct error *err)
{
    struct undelivered undelivered;
    enum code code;

    *bytes = (struct bytes){NULL, 0};
    faults_arm();
    code = undelivered_take(depot.house.store, depot.house.tenant, as_of, &undelivered, err);
    if (code == OK)
        code = make_pack(undelivered.view, bytes, err);
    faults_disarm();
    if (code == OK && undelivered.listed.count != 1)
        fail_msg("%s: %zu packs are listed", loop_at, undelivered.listed.count);
    undelivered_release(&undelivered);
    return code;
}

static enum code loop_tell(struct error *err)
{
    static struct bytes known;
    static int64_t as_of;
    struct bytes bytes;
    enum code code;

    if (known.data == NULL) { /* the first run meets no fault */
        as_of = clock_wall_ns(&depot.house.clock.clock);
        assert_int_equal(tell(as_of, &known, err), OK);
        assert_true(known.size > 500);
    }
    code = tell(as_of, &bytes, err);
    if (code == OK && (bytes.size != known.size || memcmp(bytes.data, known.data, known.size) != 0))
        fail_msg("%s: %zu bytes, and not %zu", loop_at, bytes.size, known.size);
    free((void *)bytes.data);
    return code;
}

static void test_what_is_told_is_whole_or_an_error(void **state)
{
    static const struct loop loop = {"what is not delivered", loop_tell, {E_QUERY_MEMORY}};
    struct house *house = &depot.house;

    (void)state;
    depot_init(&depot);
    for (uint32_t i = 0; i < SERIES; i++)
        series[i] = house_series(house, i + 1);
    qsort(series, SERIES, sizeof(struct series *), series_order);
    depot_add_pack(&depot, 1, 0); /* which is listed */
    depot_drain(&depot);
    for (uint32_t i = 0; i < SERIES; i++) {
        assert_int_equal(house_put(house, i + 1, 10, 300, NULL), OK);
        assert_int_equal(house_put(house, i + 1, 10, 5, NULL), OK);
        if (i % 2 == 0)
            house_seal(house);
        assert_int_equal(house_put(house, i + 1, 5, 10, NULL),
                         OK); /* before those that are there */
    }
    loop_run(&loop);
    depot_release(&depot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_is_whole_or_an_error),
    };

    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
