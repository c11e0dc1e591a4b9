#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/plan_stats.h"

#include "catalog/catalog.h"
#include "query/plan.h"

/* Those told stand first and by name, the other fields of the measurement behind them. */
static void test_order(void **state)
{
    const struct bytes asked[] = {BYTES("v"), BYTES("a"), BYTES("nope")};
    const struct field_info known[] = {
        {.name = BYTES("a")}, {.name = BYTES("n")}, {.name = BYTES("v")}};
    static const char *const want[] = {"a", "nope", "v", "n"};
    struct aggregate_call calls[16] = {0};
    struct query query = {.stats = true, .aggregates = calls, .aggregate_count = 13};
    struct watch watch = {.memory = {.bytes_max = 1 << 20}};
    struct plan plan = {.query = &query, .watch = &watch};

    (void)state;
    arena_init(&plan.arena, 1 << 20, NULL);
    assert_int_equal(plan_stats(&plan, asked, 3, known, 3, NULL), OK);
    assert_int_equal(plan.told_count, 3);
    assert_int_equal(plan.field_count, 4);
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_true(bytes_equal(plan.fields[i], bytes_of(want[i])));
    assert_int_equal(plan.column_count, stats_column_count);
    for (uint32_t i = 0, call = 0; i < plan.column_count; i++)
        assert_ptr_equal(plan.columns[i].aggregate,
                         stats_columns[i].aggregate ? &calls[call++] : NULL);
    arena_release(&plan.arena);
}

/* Of no field there is nothing to read. */
static void test_nothing(void **state)
{
    struct aggregate_call calls[16] = {0};
    struct query query = {.stats = true, .aggregates = calls, .aggregate_count = 13};
    struct watch watch = {.memory = {.bytes_max = 1 << 20}};
    struct plan plan = {.query = &query, .watch = &watch};

    (void)state;
    arena_init(&plan.arena, 1 << 20, NULL);
    assert_int_equal(plan_stats(&plan, NULL, 0, NULL, 0, NULL), OK);
    assert_int_equal(plan.field_count, 0);
    assert_int_equal(plan.column_count, stats_column_count);
    arena_release(&plan.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
