/* Statistics: of each group one row a field, all in one pass over its rows. */
#include "query/answer.h"

static void stats_begin(struct answer *answer)
{
    const struct plan *plan = &answer->plan;

    windows_begin(&answer->windows);
    answer->windows.column_count = plan->told_count * plan->column_count; /* of all its rows */
    answer->stats_rows = 0;
}

/* How many rows have a value. */
static uint64_t count_rows(const struct run *run)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < run->column_count; i++)
        if (run->columns[i].type != TYPE_RETRACTED && !run->columns[i].present)
            return run->end - run->first;
    for (uint32_t row = run->first; row < run->end; row++) {
        for (uint32_t i = 0; i < run->column_count; i++) {
            if (run->columns[i].type == TYPE_RETRACTED || !run->columns[i].present[row])
                continue;
            count++;
            break;
        }
    }
    return count;
}

static enum code stats_series(struct answer *answer, size_t group, struct error *err)
{
    struct run run;
    enum code code = windows_series_begin(&answer->windows, err);

    (void)group;
    while (!code) {
        code = answer_next(answer, &run, err);
        if (code)
            break;
        answer->stats_rows += count_rows(&run);
        /* Those that are read for the count of rows alone stand behind. */
        while (run.column_count > 0 &&
               run.columns[run.column_count - 1].field >= answer->plan.told_count)
            run.column_count--;
        code = windows_add(&answer->windows, &run, err);
    }
    return code == E_END ? OK : code;
}

/* A field's row. */
static void finish(struct answer *answer, const struct window *window, uint32_t field)
{
    const struct plan *plan = &answer->plan;
    uint32_t missing = 0;
    uint64_t count = 0;

    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct plan_column *column = &plan->columns[i];
        struct datum *value = &answer->values[i];

        if (!column->aggregate) {
            missing = i;
            continue;
        }
        window_finish(&answer->windows, window, field, column->aggregate, value);
        if (column->aggregate->row->part == PART_COUNT)
            count = value->cell.u64;
    }
    answer->values[missing] =
        (struct datum){.type = TYPE_U64, .cell.u64 = answer->stats_rows - count};
}

static enum code stats_end(struct answer *answer, size_t group, struct error *err)
{
    struct windows *windows = &answer->windows;
    struct window window = {0};
    enum code code = OK;

    if (answer->stats_rows == 0)
        return OK;
    if (windows->count > 0)
        window = windows->windows[0];
    else /* other fields have values */
        window.states = arena_zero(&windows->arena, windows->field_count * windows->field_size);
    if (!window.states)
        return watch_memory(windows->watch, err);
    for (uint32_t i = 0; i < answer->plan.told_count && !code; i++) {
        struct result_row row = {.field = answer->plan.told[i], .values = answer->values};

        finish(answer, &window, i);
        code = answer_emit(answer, group, &row, err);
    }
    return code;
}

const struct answer_way way_stats = {
    .pieces = true, .begin = stats_begin, .series = stats_series, .end = stats_end};
