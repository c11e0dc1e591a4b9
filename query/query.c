/* The run of a question: plan, then group by group and series by series, scan and way. */
#include "query/query.h"

#include "query/answer_crew.h"
#include "query/cost.h"
#include "query/etag.h"
#include "query/explain.h"
#include "query/join.h"
#include "query/json_parameters.h"

/* Of a query's memory such a part may hold decoded blocks for the next series. */
enum { KEPT_MEMORY_PARTS = 8 };

/* A page is counted by the rows that it goes through, not by the blocks they come in: whether it
 * passes query_rows_max does not depend on how rows are stored. */
static enum code count_gone(struct answer *answer, uint64_t count, struct error *err)
{
    answer->uncounted = (struct run){0};
    return count > 0 ? watch_rows(answer->plan.watch, count, err) : OK;
}

enum code answer_full(struct answer *answer, int64_t time, struct error *err)
{
    return count_gone(answer, run_gone(&answer->uncounted, time), err);
}

enum code answer_next(struct answer *answer, struct run *run, struct error *err)
{
    enum code code;

    do {
        code = count_gone(answer, run_gone_all(&answer->uncounted), err);
        if (!code)
            code = versions_next(&answer->versions, run, err);
        if (!code && answer->setting.uncounted)
            answer->uncounted = *run;
        if (!code)
            code = sift_run(&answer->sifting, run, err);
    } while (!code && !run->summary && run->first == run->end);
    return code;
}

enum code answer_emit(struct answer *answer, size_t group, const struct result_row *row,
                      struct error *err)
{
    const struct query *query = answer->plan.query;
    const struct result *result = &answer->result;

    if ((query->limit > 0 && result->rows == query->limit) ||
        (query->page_bytes > 0 && result->rows > 0 && result->size >= query->page_bytes)) {
        answer->more = true;
        return OK;
    }
    answer->last_group = group;
    answer->last_time = row->time;
    answer->last_known_from = row->known_from;
    if (answer->giving)
        return answer_give(answer, group, row, err);
    return answer->table ? table_put(answer->table, group, row->time, row->values, err)
                         : result_put(&answer->result, group, row, err);
}

static const struct answer_way *way_of(const struct query *query)
{
    if (query->changes)
        return &way_changes;
    if (query->stats)
        return &way_stats;
    if (query->versions)
        return &way_versions;
    if (query->downsample != DOWNSAMPLE_NONE)
        return &way_pixels;
    return query_is_raw(query) ? &way_rows : &way_windows;
}

enum code answer_scan_begin(struct answer *answer, size_t index, int64_t start, int64_t end,
                            struct error *err)
{
    const struct plan *plan = &answer->plan;
    struct plan_places kept = {NULL, 0};
    enum code code;

    if (plan->places)
        kept = plan->places[index];
    code = scan_open(&answer->scan, &answer->setting, plan->series[index], start, end, kept.places,
                     kept.count, err);
    if (!code)
        versions_begin(&answer->versions, &answer->scan);
    return code;
}

enum code answer_series(struct answer *answer, size_t group, size_t index, int64_t start,
                        int64_t end, struct error *err)
{
    enum code code;

    if (answer->way->scan)
        return answer->way->scan(answer, group, index, start, end, err);
    code = answer_scan_begin(answer, index, start, end, err);
    if (!code)
        code = answer->way->series(answer, group, err);
    scan_release(&answer->scan);
    return code;
}

enum code answer_group(struct answer *answer, size_t index, struct error *err)
{
    struct plan *plan = &answer->plan;
    const struct group *group = &plan->groups[index];
    int64_t start, end;
    enum code code = OK;

    plan_range(plan, index, &start, &end);
    if (start >= end)
        return OK;
    if (answer->way->begin)
        answer->way->begin(answer);
    for (size_t i = group->series_first; i < group->series_end && !code && !answer->more; i++)
        code = answer_series(answer, index, i, start, end, err);
    if (!code && answer->way->end)
        code = answer->way->end(answer, index, err);
    return code;
}

void answer_windows(struct answer *answer, const struct aggregate_call *aggregates, size_t count,
                    const struct grid *grid, uint32_t column_count)
{
    const struct plan *plan = &answer->plan;

    windows_release(&answer->windows);
    windows_init(&answer->windows, plan->watch, grid, plan->shown_count, column_count,
                 plan->numbers, aggregates, count);
    summary_use_init(&answer->setting.summaries, aggregates, count, grid,
                     grid_is_whole(grid) && !plan->query->start_given);
}

/* Of one row. */
static bool prepare_values(struct answer *answer)
{
    struct plan *plan = &answer->plan;
    const struct sieve *sieve = plan->sieve;
    size_t sources = sieve ? sieve->field_count + sieve->computed_count : 0;

    answer->values = ARENA_ARRAY(&plan->arena, struct datum, plan->column_count);
    answer->before = ARENA_ARRAY(&plan->arena, struct datum, plan->column_count);
    answer->sources = ARENA_ARRAY(&plan->arena, struct datum, sources);
    answer->decided = ARENA_ARRAY(&plan->arena, uint8_t, plan->field_count);
    return answer->values && answer->before && answer->sources && answer->decided;
}

static enum code prepare_sieve(struct answer *answer, struct error *err)
{
    const struct plan *plan = &answer->plan;
    bool made = sifting_init(&answer->sifting, plan->sieve, plan->watch, &answer->plan.arena);

    return made ? OK : watch_memory(plan->watch, err);
}

enum code answer_prepare(struct answer *answer, struct error *err)
{
    struct plan *plan = &answer->plan;
    const struct query *query = plan->query;
    enum code code;

    answer->way = way_of(query);
    answer->setting = (struct scan_setting){
        .view = plan->view,
        .as_of = plan->as_of,
        .fields = plan->fields,
        .field_count = plan->field_count,
        .sieve = plan->sieve,
        .descending = query->descending && query_is_raw(query),
        .versions = query_wants_versions(query),
        .uncounted = answer->way == &way_rows && query->limit > 0,
        .keep_bytes_max =
            plan->series_count > 1 ? plan->watch->memory.bytes_max / KEPT_MEMORY_PARTS : 0,
        .deletions = &plan->deletions,
        .watch = plan->watch,
        .missing = &plan->missing,
    };
    history_init(&answer->history, &answer->setting, plan->shown_count, plan->history_floor);
    answer_windows(answer, query->aggregates, query->aggregate_count, &query->grid,
                   plan->column_count);
    if (!prepare_values(answer))
        return watch_memory(plan->watch, err);
    code = versions_init(&answer->versions, &answer->setting, err);
    return code ? code : prepare_sieve(answer, err);
}

enum code answer_groups(struct answer *answer, struct error *err)
{
    const struct plan *plan = &answer->plan;
    enum code code = cost_check(answer, err);

    if (code)
        return code;
    return plan->query->top > 0 ? answer_top(answer, err)
                                : answer_groups_from(answer, plan->group_first, err);
}

static enum code answer_all(struct answer *answer, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct bytes next = {"", 0};
    enum code code = answer_groups(answer, err);

    if (code)
        return code;
    if (answer->more) {
        next = plan_cursor(plan, answer->last_group, answer->last_time, answer->last_known_from);
        if (!next.data)
            return watch_memory(plan->watch, err);
    }
    return result_finish(&answer->result, next, err);
}

void answer_release(struct answer *answer)
{
    result_release(&answer->result);
    answer_crew_free(answer->crew);
    windows_release(&answer->windows);
    pixels_release(&answer->pixels);
    history_release(&answer->history);
    sifting_release(&answer->sifting);
    versions_release(&answer->versions);
    scan_setting_release(&answer->setting);
    plan_release(&answer->plan);
}

/* A page of rows ends where it is full; one of windows, a rank or a plot reads all the same. */
static const char *page_advice(const struct query *query)
{
    if (!query_is_raw(query) || query->stats || query->top > 0 ||
        query->downsample != DOWNSAMPLE_NONE)
        return NULL;
    return query->limit > 0 ? "ask for a shorter range, fewer series, or a smaller limit"
                            : "ask for a shorter range, fewer series, or pages (limit=)";
}

enum code query_run(const struct query *query, const struct query_environment *environment,
                    struct query_sink *sink, struct query_outcome *outcome, struct error *err)
{
    struct answer answer = {0};
    struct error fault = {0};
    enum code code;

    *outcome = (struct query_outcome){0};
    if (query_is_at_once(environment) && !query_may_be_small(query))
        return error_set(err, E_BUSY, "a question that may take long");
    if (query->join)
        return join_run(query, environment, sink, outcome, err);
    watch_init(&answer.watch, environment->limits, environment->clock, sink);
    answer.watch.lost = environment->lost;
    answer.watch.pages = page_advice(query);
    answer.watch.memory.parent = environment->memory;
    if (query_is_at_once(environment))
        watch_hurry(&answer.watch);
    code = plan_init(&answer.plan, query, environment, &answer.watch, &fault);
    if (code)
        goto out;
    etag_make(&answer.plan, outcome->etag);
    if (!query->explain && etag_matches(environment->if_none_match, outcome->etag)) {
        outcome->not_modified = true;
        goto out;
    }
    if (query_is_at_once(environment) && !plan_is_small(&answer.plan)) {
        code = error_set(&fault, E_BUSY, "a question that may take long");
        goto out;
    }
    code = answer_prepare(&answer, &fault);
    if (!code)
        code = result_init(&answer.result, &answer.plan, sink, outcome, &fault);
    if (!code)
        code = query->explain ? explain_run(&answer, sink, outcome, &fault)
                              : answer_all(&answer, &fault);
    if (code && code != E_CANCELLED && outcome->begun)
        result_fail(&answer.result, &fault);

out:
    outcome->rows_scanned = answer.watch.rows_scanned;
    outcome->rows_out = answer.result.rows;
    outcome->helped = answer.helped;
    outcome->series = answer.plan.series_count;
    answer_release(&answer);
    if (code && query->of_json)
        error_point_within(&fault, BYTES(""));
    if (code && err)
        *err = fault;
    return code;
}
