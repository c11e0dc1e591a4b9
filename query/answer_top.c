/* The best groups or rows alone (top=, bottom=): a first pass over the view ranks, a second one
 * tells those chosen.  Both see the same rows, since they read one view. */
#include "query/answer_crew.h"
#include "query/cost.h"
#include "query/top.h"

static const struct plan_column *ranking_column(const struct plan *plan)
{
    return &plan->columns[plan->top_column];
}

/* --- groups --- */

/* The one window of the group is its rank. */
static enum code rank_group(struct answer *answer, size_t group, struct error *err)
{
    const struct plan_column *column = ranking_column(&answer->plan);
    struct ranked ranked = {.group = group};

    if (answer->windows.count == 0)
        return OK;
    window_finish(&answer->windows, &answer->windows.windows[0], column->field, column->aggregate,
                  &ranked.value);
    return top_offer(&answer->top, &ranked) ? OK : watch_memory(answer->plan.watch, err);
}

static enum code top_groups(struct answer *answer, struct error *err)
{
    const struct answer_way rank = {.pieces = true,
                                    .begin = way_windows.begin,
                                    .series = way_windows.series,
                                    .end = rank_group};
    const struct answer_way *way = answer->way;
    const struct plan_column *column = ranking_column(&answer->plan);
    const struct grid whole = {0};
    enum code code;

    answer_windows(answer, column->aggregate, 1, &whole, 1);
    answer->way = &rank;
    code = answer_groups_from(answer, 0, err);
    answer->way = way;
    answer_windows(answer, answer->plan.query->aggregates, answer->plan.query->aggregate_count,
                   &answer->plan.query->grid, answer->plan.column_count);
    top_sort(&answer->top);
    if (!code)
        code = cost_ranked(answer, err);
    for (size_t i = 0; i < answer->top.count && !code; i++)
        code = answer_group(answer, answer->top.list[i].group, err);
    return code;
}

/* --- rows --- */

static enum code rank_run(struct answer *answer, size_t group, const struct run *run,
                          const struct rows_column *column, struct error *err)
{
    for (uint32_t i = run->first; i < run->end; i++) {
        struct ranked ranked = {
            {.type = column->type, .cell = column->cells[i]},
            group, run->time[i], NULL
        };

        if (column->present && !column->present[i])
            continue;
        if (!top_offer(&answer->top, &ranked))
            return watch_memory(answer->plan.watch, err);
    }
    return OK;
}

static enum code rank_series(struct answer *answer, size_t group, struct error *err)
{
    uint32_t field = ranking_column(&answer->plan)->field;
    struct run run;
    enum code code = OK;

    while (!code) {
        code = answer_next(answer, &run, err);
        for (uint32_t i = 0; !code && i < run.column_count; i++)
            if (run.columns[i].field == field && value_kind(run.columns[i].type) == KIND_NUMBER)
                code = rank_run(answer, group, &run, &run.columns[i], err);
    }
    return code == E_END ? OK : code;
}

static bool keep_text(struct arena *arena, struct datum *value)
{
    const struct text *text = value->cell.text;
    struct bytes copy;

    if (value->type != TYPE_STRING)
        return true;
    copy = arena_copy(arena, (struct bytes){(const char *)text, sizeof(*text) + text->size});
    value->cell.text = (const struct text *)(const void *)copy.data;
    return copy.data != NULL;
}

/* The values of a row, for good. */
static enum code keep_row(struct answer *answer, const struct run *run, uint32_t row,
                          struct ranked *ranked, struct error *err)
{
    struct arena *arena = &answer->plan.arena;
    struct datum *values = ARENA_ARRAY(arena, struct datum, answer->plan.column_count);

    if (!values)
        return watch_memory(answer->plan.watch, err);
    for (uint32_t i = 0; i < run->column_count; i++) {
        const struct rows_column *column = &run->columns[i];

        if (column->type == TYPE_RETRACTED || (column->present && !column->present[row]))
            continue;
        values[column->field] = (struct datum){.type = column->type, .cell = column->cells[row]};
        if (!keep_text(arena, &values[column->field]))
            return watch_memory(answer->plan.watch, err);
    }
    ranked->values = values;
    return OK;
}

/* Both the rows and those chosen of the group ascend by time. */
static enum code keep_series(struct answer *answer, size_t group, struct error *err)
{
    struct ranked *next = answer->top.list + answer->top_at;
    struct ranked *end = answer->top.list + answer->top.count;
    struct run run;
    enum code code = OK;

    while (!code && next < end && next->group == group) {
        code = answer_next(answer, &run, err);
        for (uint32_t i = run.first; !code && i < run.end && next < end && next->group == group;
             i++)
            if (run.time[i] == next->time)
                code = keep_row(answer, &run, i, next++, err);
    }
    answer->top_at = (size_t)(next - answer->top.list);
    return code == E_END ? OK : code;
}

static enum code keep_rows(struct answer *answer, struct error *err)
{
    const struct top *top = &answer->top;
    enum code code = OK;

    while (answer->top_at < top->count && !code) {
        const struct ranked *first = &top->list[answer->top_at], *last = first;

        while (last + 1 < top->list + top->count && last[1].group == first->group)
            last++;
        code = answer_series(answer, first->group, answer->plan.groups[first->group].series_first,
                             first->time, last->time + 1, err);
    }
    return code;
}

static enum code top_rows(struct answer *answer, struct error *err)
{
    const struct answer_way rank = {.series = rank_series}, keep = {.series = keep_series};
    const struct answer_way *way = answer->way;
    enum code code = OK;

    answer->way = &rank;
    for (size_t i = 0; i < answer->plan.group_count && !code; i++)
        code = answer_group(answer, i, err);
    answer->way = &keep;
    top_sort_by_place(&answer->top);
    if (!code)
        code = keep_rows(answer, err);
    answer->way = way;
    top_sort(&answer->top);
    for (size_t i = 0; i < answer->top.count && !code; i++) {
        const struct ranked *ranked = &answer->top.list[i];
        struct result_row row = {.time = ranked->time, .values = ranked->values};

        code = answer_emit(answer, ranked->group, &row, err);
    }
    return code;
}

enum code answer_top(struct answer *answer, struct error *err)
{
    const struct query *query = answer->plan.query;

    top_init(&answer->top, query->top, query->bottom, &answer->plan.arena);
    if (answer->plan.column_count == 0)
        return OK;
    return query_is_raw(query) ? top_rows(answer, err) : top_groups(answer, err);
}
