/* The run of a question: plan, then group by group scan, versions, windows, rows out. */
#include "query/query.h"

#include "query/etag.h"
#include "query/history.h"
#include "query/result.h"
#include "query/window.h"

/* Of a query's memory such a part may hold decoded blocks for the next series. */
enum { KEPT_MEMORY_PARTS = 8 };

struct run_state {
    struct plan plan;
    struct watch watch;
    struct result result;
    struct scan_setting setting;
    struct versions versions;
    struct history history;
    struct windows windows;
    struct datum *values; /* of one row, by column */
    /* The last row told, and whether there is one behind it. */
    size_t last_group;
    int64_t last_time, last_known_from;
    bool more;
};

static enum code emit(struct run_state *run, size_t group, const struct result_row *row,
                      struct error *err)
{
    uint64_t limit = run->plan.query->limit;

    if (limit > 0 && run->result.rows == limit) {
        run->more = true;
        return OK;
    }
    run->last_group = group;
    run->last_time = row->time;
    run->last_known_from = row->known_from;
    return result_put(&run->result, group, row, err);
}

/* --- raw rows --- */

/* The values of a row; false when it has none. */
static bool fill(struct run_state *run, const struct run *rows, uint32_t row)
{
    bool any = false;

    for (uint32_t i = 0; i < run->plan.field_count; i++)
        run->values[i].type = TYPE_NONE;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const struct rows_column *column = &rows->columns[i];

        if (column->type == TYPE_RETRACTED || (column->present && !column->present[row]))
            continue;
        run->values[column->field].type = column->type;
        run->values[column->field].cell = column->cells[row];
        any = true;
    }
    return any;
}

static enum code emit_run(struct run_state *run, size_t group, const struct run *rows,
                          struct error *err)
{
    for (uint32_t i = rows->first; i < rows->end && !run->more; i++) {
        uint32_t row = rows->reversed ? rows->end - 1 - (i - rows->first) : i;
        struct result_row out = {.time = rows->time[row], .values = run->values};
        enum code code;

        if (!fill(run, rows, row))
            continue;
        code = emit(run, group, &out, err);
        if (code)
            return code;
    }
    return OK;
}

static enum code answer_rows(struct run_state *run, size_t group, struct scan *scan,
                             struct error *err)
{
    struct run rows;
    enum code code = OK;

    versions_begin(&run->versions, scan);
    while (!code && !run->more) {
        code = versions_next(&run->versions, &rows, err);
        if (!code)
            code = emit_run(run, group, &rows, err);
    }
    return code == E_END ? OK : code;
}

/* --- all versions --- */

/* Told on an earlier page. */
static bool is_told(const struct run_state *run, size_t group, int64_t time, int64_t known_from)
{
    const struct query *query = run->plan.query;

    if (!query->resumed || group != run->plan.group_first || time != query->cursor.time ||
        series_id_compare(run->plan.series[group]->id, query->cursor.id) != 0)
        return false;
    return query->descending ? known_from >= query->cursor.known_from
                             : known_from <= query->cursor.known_from;
}

static enum code answer_versions(struct run_state *run, size_t group, struct scan *scan,
                                 struct error *err)
{
    bool descending = run->plan.query->descending;
    const struct known *known;
    int64_t time;
    size_t count;
    enum code code = OK;

    history_begin(&run->history, scan);
    while (!code && !run->more) {
        code = history_next(&run->history, &time, &known, &count, err);
        for (size_t i = 0; i < count && !code && !run->more; i++) {
            const struct known *state = &known[descending ? count - 1 - i : i];
            struct result_row out = {time, state->from, state->to, state->values};

            if (!is_told(run, group, time, state->from))
                code = emit(run, group, &out, err);
        }
    }
    return code == E_END ? OK : code;
}

/* --- windows --- */

/* Rows come by time: where one series makes the group, no window but the last changes any more. */
static bool has_enough(const struct run_state *run, const struct group *group)
{
    const struct query *query = run->plan.query;

    return query->limit > 0 && !query->descending && group->series_end - group->series_first == 1 &&
           run->windows.count > query->limit - run->result.rows;
}

static enum code add_series(struct run_state *run, size_t group, struct scan *scan,
                            struct error *err)
{
    struct run rows;
    enum code code = OK;

    versions_begin(&run->versions, scan);
    while (!code && !has_enough(run, &run->plan.groups[group])) {
        code = versions_next(&run->versions, &rows, err);
        if (!code)
            code = windows_add(&run->windows, &rows, err);
    }
    return code == E_END ? OK : code;
}

static enum code emit_windows(struct run_state *run, size_t group, struct error *err)
{
    const struct plan *plan = &run->plan;
    const struct query *query = plan->query;
    struct windows *windows = &run->windows;
    enum code code = OK;

    windows_sort(windows);
    for (size_t i = 0; i < windows->count && !code && !run->more; i++) {
        size_t at = query->descending ? windows->count - 1 - i : i;
        const struct window *window = &windows->windows[at];
        struct result_row out = {.time = window->start, .values = run->values};

        if (query->every == 0)
            out.time = query->start_given ? plan->start : windows->time_first;
        for (uint32_t j = 0; j < plan->column_count; j++)
            window_finish(windows, window, plan->columns[j].field, plan->columns[j].aggregate,
                          &run->values[j]);
        code = emit(run, group, &out, err);
    }
    run->result.skipped = windows->skipped;
    return code;
}

/* --- all --- */

static enum code answer_series(struct run_state *run, size_t group, size_t index, int64_t start,
                               int64_t end, struct error *err)
{
    struct plan *plan = &run->plan;
    struct plan_places kept = {NULL, 0};
    struct scan scan;
    enum code code;

    if (plan->places)
        kept = plan->places[index];
    code = scan_open(&scan, &run->setting, plan->series[index], start, end, kept.places, kept.count,
                     err);
    if (!code && plan->query->versions)
        code = answer_versions(run, group, &scan, err);
    else if (!code && query_is_raw(plan->query))
        code = answer_rows(run, group, &scan, err);
    else if (!code)
        code = add_series(run, group, &scan, err);
    scan_release(&scan);
    return code;
}

static enum code answer_group(struct run_state *run, size_t index, struct error *err)
{
    struct plan *plan = &run->plan;
    const struct group *group = &plan->groups[index];
    int64_t start, end;
    enum code code = OK;

    plan_range(plan, index, &start, &end);
    if (start >= end)
        return OK;
    windows_begin(&run->windows);
    for (size_t i = group->series_first; i < group->series_end && !code && !run->more; i++)
        code = answer_series(run, index, i, start, end, err);
    if (!code && !query_is_raw(plan->query))
        code = emit_windows(run, index, err);
    return code;
}

static enum code prepare(struct run_state *run, struct query_sink *sink,
                         struct query_outcome *outcome, struct error *err)
{
    struct plan *plan = &run->plan;
    const struct query *query = plan->query;
    enum code code;

    run->setting = (struct scan_setting){
        .view = plan->view,
        .as_of = plan->as_of,
        .fields = plan->fields,
        .field_count = plan->field_count,
        .descending = query->descending && query_is_raw(query),
        .versions = query->versions,
        .keep_bytes_max =
            plan->series_count > 1 ? plan->watch->memory.bytes_max / KEPT_MEMORY_PARTS : 0,
        .deletions = &plan->deletions,
        .watch = plan->watch,
        .missing = &plan->missing,
    };
    summary_use_init(&run->setting.summaries, query->aggregates, query->aggregate_count,
                     query->every, query->every == 0 && !query->start_given);
    history_init(&run->history, &run->setting, plan->history_floor);
    windows_init(&run->windows, plan->watch, query->every, plan->field_count, plan->column_count,
                 plan->numbers, query->aggregates, query->aggregate_count);
    run->values = ARENA_ARRAY(&plan->arena, struct datum, plan->column_count);
    if (!run->values)
        return watch_memory(plan->watch, err);
    code = versions_init(&run->versions, &run->setting, err);
    if (!code)
        code = result_init(&run->result, plan, sink, outcome, err);
    return code;
}

static enum code answer(struct run_state *run, struct error *err)
{
    struct plan *plan = &run->plan;
    struct bytes next = {"", 0};
    enum code code = OK;

    for (size_t i = plan->group_first; i < plan->group_count && !code && !run->more; i++)
        code = answer_group(run, i, err);
    if (code)
        return code;
    if (run->more) {
        next = plan_cursor(plan, run->last_group, run->last_time, run->last_known_from);
        if (!next.data)
            return watch_memory(plan->watch, err);
    }
    return result_finish(&run->result, next, err);
}

enum code query_run(const struct query *query, const struct query_environment *environment,
                    struct query_sink *sink, struct query_outcome *outcome, struct error *err)
{
    struct run_state run = {0};
    struct error fault = {0};
    enum code code;

    *outcome = (struct query_outcome){0};
    watch_init(&run.watch, environment->limits, environment->clock, sink);
    run.watch.lost = environment->lost;
    run.watch.memory.parent = environment->memory;
    code = plan_init(&run.plan, query, environment, &run.watch, &fault);
    if (code)
        goto out;
    etag_make(&run.plan, outcome->etag);
    if (etag_matches(environment->if_none_match, outcome->etag)) {
        outcome->not_modified = true;
        goto out;
    }
    code = prepare(&run, sink, outcome, &fault);
    if (!code)
        code = answer(&run, &fault);
    if (code && code != E_CANCELLED && outcome->begun)
        result_fail(&run.result, &fault);

out:
    outcome->rows_scanned = run.watch.rows_scanned;
    outcome->rows_out = run.result.rows;
    result_release(&run.result);
    windows_release(&run.windows);
    history_release(&run.history);
    versions_release(&run.versions);
    scan_setting_release(&run.setting);
    plan_release(&run.plan);
    if (code && err)
        *err = fault;
    return code;
}
