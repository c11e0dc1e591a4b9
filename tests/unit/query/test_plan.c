#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/plan.h"

#include "tests/unit/query/calls.h"

struct planning {
    struct fixture fixture;
    struct query query;
    struct watch watch;
    struct plan plan;
};

static void planning_init(struct planning *planning)
{
    *planning = (struct planning){
        .query = {.selector.measurement = BYTES("cpu"), .start = INT64_MIN, .end = INT64_MAX}
    };
    fixture_init(&planning->fixture);
    fixture_put(&planning->fixture, fixture_series(&planning->fixture, "cpu", "host=a"), 10, 100,
                "v=1 n=2i");
    fixture_put(&planning->fixture, fixture_series(&planning->fixture, "cpu", "host=b"), 20, 300,
                "s=\"x\"");
}

static enum code make(struct planning *planning, struct error *err)
{
    watch_init(&planning->watch, &planning->fixture.limits, &planning->fixture.clock.clock,
               &planning->fixture.sink.sink);
    return plan_init(&planning->plan, &planning->query, &planning->fixture.environment,
                     &planning->watch, err);
}

static void unmake(struct planning *planning)
{
    plan_release(&planning->plan);
    assert_int_equal(budget_used(&planning->watch.memory), 0);
}

static void planning_release(struct planning *planning)
{
    fixture_release(&planning->fixture);
}

static void test_columns_of_raw_rows_are_the_fields(void **state)
{
    struct planning planning;

    (void)state;
    planning_init(&planning);
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.column_count, 3);
    assert_true(bytes_equal(planning.plan.columns[0].name, BYTES("n")));
    assert_true(bytes_equal(planning.plan.columns[2].name, BYTES("v")));
    assert_int_equal(planning.plan.group_count, 2);
    unmake(&planning);
    planning_release(&planning);
}

static void test_fields_without_a_column_are_not_read(void **state)
{
    const struct aggregate_call mean = call_of("mean");
    struct planning planning;

    (void)state;
    planning_init(&planning);
    planning.query.aggregates = &mean;
    planning.query.aggregate_count = 1;
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.field_count, 2);
    assert_true(bytes_equal(planning.plan.columns[1].name, BYTES("mean_v")));
    assert_int_equal(planning.plan.numbers[1], 1);
    unmake(&planning);
    planning_release(&planning);
}

static void test_the_newest_ingest_time_that_touches_the_range(void **state)
{
    struct tombstone tombstone = {
        .ingest = 500, .selector = {.measurement = BYTES("cpu")}, .start = 10, .end = 11};
    struct planning planning;

    (void)state;
    planning_init(&planning);
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.ingest_last, 300);
    unmake(&planning);
    planning.query.end = 15;
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.ingest_last, 100);
    unmake(&planning);
    planning.fixture.store.tombstones = &tombstone;
    planning.fixture.store.tombstone_count = 1;
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.ingest_last, 500);
    unmake(&planning);
    planning.query.as_of = 200; /* S is a part of the question */
    planning.query.as_of_given = true;
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.ingest_last, 200);
    assert_int_equal(planning.plan.deletions.list.count, 0);
    assert_int_equal(planning.plan.erased_last, INT64_MIN);
    unmake(&planning);
    tombstone.erase = true; /* it changes the answer as of before, too */
    assert_int_equal(make(&planning, NULL), OK);
    assert_int_equal(planning.plan.ingest_last, 200);
    assert_int_equal(planning.plan.deletions.list.count, 1);
    assert_int_equal(planning.plan.erased_last, 500);
    unmake(&planning);
    planning_release(&planning);
}

static void test_ranges_behind_a_cursor(void **state)
{
    static const struct {
        bool descending, versions;
        int64_t every, time, start, end;
    } cases[] = {
        {false, false, 0,  15,        16,        100},
        {true,  false, 0,  15,        0,         15 },
        {false, true,  0,  15,        15,        100},
        {true,  true,  0,  15,        0,         16 },
        {false, false, 10, 10,        20,        100},
        {true,  false, 10, 10,        0,         10 },
        {false, false, 0,  INT64_MAX, INT64_MAX, 100},
    };
    const struct aggregate_call count = call_of("count");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct planning planning;
        int64_t start, end;

        planning_init(&planning);
        assert_int_equal(make(&planning, NULL), OK);
        planning.query.cursor = (struct cursor){.as_of = FIXTURE_NOW,
                                                .start = 0,
                                                .end = 100,
                                                .time = cases[i].time,
                                                .id = planning.plan.series[1]->id};
        unmake(&planning);
        planning.query.resumed = true;
        planning.query.descending = cases[i].descending;
        planning.query.versions = cases[i].versions;
        if (cases[i].every > 0)
            planning.query.grid = grid_of_ns(cases[i].every, 0);
        planning.query.grouping = GROUP_SERIES;
        planning.query.aggregates = &count;
        planning.query.aggregate_count = cases[i].every > 0;
        assert_int_equal(make(&planning, NULL), OK);
        assert_int_equal(planning.plan.group_first, 1);
        plan_range(&planning.plan, 1, &start, &end);
        if (start != cases[i].start || end != cases[i].end)
            fail_msg("case %zu: %lld..%lld", i, (long long)start, (long long)end);
        unmake(&planning);
        planning_release(&planning);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_of_raw_rows_are_the_fields),
        cmocka_unit_test(test_fields_without_a_column_are_not_read),
        cmocka_unit_test(test_the_newest_ingest_time_that_touches_the_range),
        cmocka_unit_test(test_ranges_behind_a_cursor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
