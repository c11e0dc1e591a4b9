#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "model/batch.h"

static void break_series(struct batch *batch)
{
    batch->tables->series[1] = 9;
}
static void break_measurement(struct batch *batch)
{
    batch->series[0].measurement = BYTES("n");
}
static void break_time(struct batch *batch)
{
    batch->tables->time[1] = INT64_MAX;
}
static void break_line(struct batch *batch)
{
    batch->tables->line[0] = 0;
}
static void break_order(struct batch *batch)
{
    batch->tables->time[1] = batch->tables->time[0];
}
static void break_float(struct batch *batch)
{
    batch->tables->columns[0][1].f64 = (double)NAN;
}
static void break_bool(struct batch *batch)
{
    batch->tables->columns[1][1].u64 = 2;
}
static void break_retracted(struct batch *batch)
{
    batch->tables->columns[2][0].u64 = 1;
}
static void break_string(struct batch *batch)
{
    batch->tables->columns[3][0].text = NULL;
}
static void break_count(struct batch *batch)
{
    batch->row_count++;
}
static void break_capacity(struct batch *batch)
{
    batch->tables->row_capacity = 1;
}
static void break_key(struct batch *batch)
{
    batch->series[0].key = BYTES("\1x");
}
static void break_key_twice(struct batch *batch)
{
    map_release(&batch->series_by_key);
    (void)batch_series_add(batch, BYTES("\1n"), BYTES("n"));
    (void)batch_series_add(batch, BYTES("\1m"), BYTES("m"));
}
static void break_rejects(struct batch *batch)
{
    batch->rejects_kept_max = 0;
}
static void break_field(struct batch *batch)
{
    ((struct batch_field *)(uintptr_t)batch->tables->fields)[1].name = BYTES("a");
}
static void break_type(struct batch *batch)
{
    ((struct batch_field *)(uintptr_t)batch->tables->fields)[1].type = (enum value_type)17;
}
static void break_nothing(struct batch *batch)
{
    (void)batch;
}

static void test_every_broken_promise_is_seen(void **state)
{
    static const struct {
        const char *name;
        void (*break_it)(struct batch *batch);
        bool good;
    } cases[] = {
        {"nothing",     break_nothing,     true },
        {"series",      break_series,      false},
        {"measurement", break_measurement, false},
        {"time",        break_time,        false},
        {"line",        break_line,        false},
        {"order",       break_order,       false},
        {"float",       break_float,       false},
        {"bool",        break_bool,        false},
        {"retracted",   break_retracted,   false},
        {"string",      break_string,      false},
        {"count",       break_count,       false},
        {"capacity",    break_capacity,    false},
        {"key",         break_key,         false},
        {"key twice",   break_key_twice,   false},
        {"rejects",     break_rejects,     false},
        {"field",       break_field,       false},
        {"type",        break_type,        false},
    };
    static const struct batch_field fields[] = {
        {BYTES("a"), TYPE_F64      },
        {BYTES("b"), TYPE_BOOL     },
        {BYTES("c"), TYPE_RETRACTED},
        {BYTES("d"), TYPE_STRING   }
    };
    static const struct text text = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct batch_table *table;
        struct error why = {0};
        struct arena arena;
        struct batch batch;

        arena_init(&arena, 1 << 20, NULL);
        batch_init(&batch, &arena, 1);
        (void)batch_series_index(&batch, BYTES("\1m"), BYTES("m"));
        table = batch_table_find(&batch, BYTES("m"), fields, COUNT_OF(fields));
        for (uint32_t line = 1; line <= 2; line++) {
            uint32_t row = batch_row_begin(&batch, table);

            table->columns[0][row].f64 = 1;
            table->columns[1][row].u64 = 1;
            table->columns[2][row].u64 = 0;
            table->columns[3][row].text = &text;
            batch_row_done(&batch, table, 0, line, line);
        }
        batch_reject(&batch, 3, E_SYNTAX, "bad");
        cases[i].break_it(&batch);
        if (batch_check(&batch, &why) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, why.text);
        batch_release(&batch);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_broken_promise_is_seen)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
