#include "tests/unit/store/house.h"

static void test_gauges_show_what_the_store_holds(void **state)
{
    static const struct {
        const char *name;
        enum metric_kind kind;
        uint64_t empty, head, sealed; /* after a start, a request of 10 rows, its seal */
    } cases[] = {
        {"weir_head_rows",                 METRIC_GAUGE,   0, 10, 0 },
        {"weir_head_generations",          METRIC_GAUGE,   1, 1,  1 },
        {"weir_packs",                     METRIC_GAUGE,   0, 0,  1 },
        {"weir_wal_waiting",               METRIC_GAUGE,   0, 0,  0 },
        {"weir_watermark_lag_ns",          METRIC_GAUGE,   0, 0,  0 },
        {"weir_missing_parts",             METRIC_GAUGE,   0, 0,  0 },
        {"weir_tombstones",                METRIC_GAUGE,   0, 0,  0 },
        {"weir_wal_commits_total",         METRIC_COUNTER, 0, 1,  1 },
        {"weir_head_records_total",        METRIC_COUNTER, 0, 1,  1 },
        {"weir_head_applied_rows_total",   METRIC_COUNTER, 0, 10, 10},
        {"weir_head_applied_values_total", METRIC_COUNTER, 0, 10, 10},
        {"weir_seals_total",               METRIC_COUNTER, 0, 0,  1 },
        {"weir_packs_written_rows_total",  METRIC_COUNTER, 0, 0,  10},
    };
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    for (int step = 0; step < 3; step++) {
        if (step == 1)
            assert_int_equal(house_put(&house, 1, 0, 10, NULL), OK);
        if (step == 2)
            house_seal(&house);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            uint64_t want = step == 0   ? cases[i].empty
                            : step == 1 ? cases[i].head
                                        : cases[i].sealed;
            uint64_t got = house_metric(&house, cases[i].name, cases[i].kind, "");

            if (got != want)
                fail_msg("step %d: %s is %llu", step, cases[i].name, (unsigned long long)got);
        }
        assert_int_equal(house_metric(&house, "weir_wal_bytes", METRIC_GAUGE, ""),
                         wal_bytes(house.store->wal));
        assert_true(house_metric(&house, "weir_disk_free_bytes", METRIC_GAUGE, "") > 0);
    }
    house_close(&house);
    house_remove(&house);
}

static void test_refusals_are_counted_by_reason(void **state)
{
    struct house house;

    (void)state;
    house_init(&house);
    house_open(&house);
    house.clock.wall_more = INT64_C(100000000000);
    assert_int_equal(house_put(&house, 1, 0, 1, NULL), E_CLOCK_SKEW);
    house.clock.wall_more = 0;
    house_fail(&house, 1, false, E_DISK_FULL);
    assert_int_equal(house_put(&house, 1, 0, 1, NULL), E_DISK_FULL);
    house_fail(&house, 0, false, OK);
    assert_int_equal(
        house_metric(&house, "weir_store_refused_total", METRIC_COUNTER, "reason=\"clock_skew\""),
        1);
    assert_int_equal(
        house_metric(&house, "weir_store_refused_total", METRIC_COUNTER, "reason=\"disk_full\""),
        1);
    house_close(&house);
    house_remove(&house);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gauges_show_what_the_store_holds),
        cmocka_unit_test(test_refusals_are_counted_by_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
