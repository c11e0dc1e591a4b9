/* The run of a join: all selections are planned at one moment, then answered one after another
 * into tables, and the tables merged into the result.  The tables hold all their rows, so a join
 * is as large as the query's memory, and nothing goes out before the last row is known. */
#include "query/join.h"

#include <stdio.h>

#include "base/hash.h"
#include "query/answer.h"
#include "query/etag.h"
#include "query/join_columns.h"
#include "query/join_rows.h"
#include "query/json_parameters.h"

struct joining {
    const struct query *query;
    const struct join *join;
    struct watch watch;
    struct plan plan;           /* of the answer: it selects nothing itself */
    struct query_range *ranges; /* of those that share a moment */
    size_t range_count;
    struct query_environment *environments; /* by selection, like these: */
    struct answer *answers;
    const struct plan **plans;
    struct table *tables;
    uint32_t planned;
    struct join_columns columns;
    struct result result;
};

static void joining_init(struct joining *joining, const struct query *query,
                         const struct query_environment *environment, struct query_sink *sink)
{
    struct watch *watch = &joining->watch;

    *joining = (struct joining){.query = query, .join = query->join};
    watch_init(watch, environment->limits, environment->clock, sink);
    watch->lost = environment->lost;
    watch->memory.parent = environment->memory;
    joining->plan = (struct plan){.query = query,
                                  .environment = environment,
                                  .watch = watch,
                                  .now_ns = clock_wall_ns(environment->clock),
                                  .start = INT64_MAX,
                                  .history_floor = INT64_MIN,
                                  .final = true};
    arena_init(&joining->plan.arena, watch->memory.bytes_max, &watch->memory);
    joining->plan.missing.arena = &joining->plan.arena;
}

static void joining_release(struct joining *joining)
{
    result_release(&joining->result);
    for (uint32_t i = joining->planned; i-- > 0;) /* the first one's view is also the others' */
        answer_release(&joining->answers[i]);
    plan_release(&joining->plan);
}

/* --- plans --- */

static enum code check_series(const struct plan *plan, struct error *err)
{
    if (!query_is_raw(plan->query) || plan->group_count <= 1)
        return OK;
    error_point(err, BYTES("match"));
    return error_set(err, E_BAD_PARAMETER,
                     "raw rows of %zu series would stand at one time: want those of one series, or "
                     "agg, with group_by where they are to be kept apart",
                     plan->group_count);
}

/* Of the moment that those have which say nothing of it themselves. */
static const struct plan *shared_moment(const struct joining *joining)
{
    for (uint32_t i = 0; i < joining->planned; i++)
        if (!joining->join->selections[i].own_moment)
            return &joining->answers[i].plan;
    return NULL;
}

static enum code plan_selection(struct joining *joining, uint32_t i, struct error *err)
{
    const struct selection *selection = &joining->join->selections[i];
    const struct plan *shared = shared_moment(joining);
    struct plan *plan = &joining->answers[i].plan;
    enum code code;

    joining->environments[i] = *joining->plan.environment;
    if (!selection->own_moment && shared) {
        joining->environments[i].view = shared->view;
    } else if (!selection->own_moment) { /* its view is that of all that share it */
        joining->environments[i].ranges = joining->ranges;
        joining->environments[i].range_count = joining->range_count;
    }
    joining->plans[i] = plan;
    code = plan_init(plan, selection->query, &joining->environments[i], &joining->watch, err);
    joining->planned++;
    if (!code)
        code = check_series(plan, err);
    if (!code && !warnings_take(&joining->plan, &plan->warnings, selection->name))
        code = watch_memory(&joining->watch, err);
    if (code)
        selection_point(selection, err);
    return code;
}

/* What the answer says of itself is true of all selections. */
static void gather_facts(struct joining *joining)
{
    const struct plan *shared = shared_moment(joining);
    struct plan *plan = &joining->plan;

    plan->as_of = (shared ? shared : &joining->answers[0].plan)->as_of;
    for (uint32_t i = 0; i < joining->planned; i++) {
        const struct plan *part = &joining->answers[i].plan;

        plan->final = plan->final && part->final;
        plan->clamped = plan->clamped || part->clamped;
        if (part->start < plan->start)
            plan->start = part->start;
        if (part->history_floor > plan->history_floor)
            plan->history_floor = part->history_floor;
    }
}

static enum code check_limit(const struct joining *joining, struct error *err)
{
    uint64_t most = joining->plan.environment->limits->page_rows_max;

    if (joining->query->limit <= most)
        return OK;
    error_point(err, BYTES("limit"));
    return error_set(err, E_BAD_PARAMETER, "%llu: want at most %llu (page_rows_max)",
                     (unsigned long long)joining->query->limit, (unsigned long long)most);
}

static void gather_ranges(struct joining *joining)
{
    for (uint32_t i = 0; i < joining->join->count; i++) {
        const struct selection *selection = &joining->join->selections[i];
        const struct query *query = selection->query;

        if (!selection->own_moment)
            joining->ranges[joining->range_count++] =
                (struct query_range){query->selector.measurement, query->start, query->end,
                                     query->selector.matchers, query->selector.matcher_count};
    }
}

static enum code plan_all(struct joining *joining, struct error *err)
{
    struct arena *arena = &joining->plan.arena;
    uint32_t count = joining->join->count;
    enum code code = check_limit(joining, err);

    if (code)
        return code;
    joining->ranges = ARENA_ARRAY(arena, struct query_range, count);
    joining->environments = ARENA_ARRAY(arena, struct query_environment, count);
    joining->answers = ARENA_ARRAY(arena, struct answer, count);
    joining->plans = ARENA_ARRAY(arena, const struct plan *, count);
    joining->tables = ARENA_ARRAY(arena, struct table, count);
    if (!joining->ranges || !joining->environments || !joining->answers || !joining->plans ||
        !joining->tables)
        return watch_memory(&joining->watch, err);
    gather_ranges(joining);
    for (uint32_t i = 0; i < count && !code; i++)
        code = plan_selection(joining, i, err);
    if (code)
        return code;
    gather_facts(joining);
    return join_columns_make(joining->query, joining->plans, arena, &joining->watch,
                             &joining->columns, err);
}

/* Of the document and the answers' own: weak where one of them is. */
static void make_etag(const struct joining *joining, char etag[ETAG_SIZE])
{
    const struct query *query = joining->query;
    const int64_t numbers[] = {(int64_t)query->identity, query->format, query->flat};
    struct hash128_state hash;
    char text[HASH128_TEXT_SIZE];
    struct hash128 sum;
    bool weak = false;

    hash128_begin(&hash);
    hash128_add(&hash, (struct bytes){(const char *)numbers, sizeof(numbers)});
    for (uint32_t i = 0; i < joining->planned; i++) {
        etag_make(joining->plans[i], etag);
        weak = weak || etag[0] == 'W';
        hash128_add(&hash, bytes_of(etag));
    }
    sum = hash128_end(&hash);
    hash128_print(&sum, text);
    (void)snprintf(etag, ETAG_SIZE, "%s\"%s\"", weak ? "W/" : "", text);
}

/* --- rows --- */

static enum code answer_selection(struct joining *joining, uint32_t i, struct error *err)
{
    struct answer *answer = &joining->answers[i];
    const struct missing *missing = &answer->plan.missing;
    enum code code;

    table_init(&joining->tables[i], answer->plan.column_count, &joining->plan.arena,
               &joining->watch);
    answer->table = &joining->tables[i];
    code = answer_prepare(answer, err);
    if (!code)
        code = answer_groups(answer, err);
    for (size_t m = 0; m < missing->count && !code; m++)
        if (!missing_note(&joining->plan.missing, missing->texts[m]))
            code = watch_memory(&joining->watch, err);
    joining->result.skipped += answer->result.skipped;
    windows_release(&answer->windows); /* the next one needs the room */
    scan_setting_release(&answer->setting);
    if (code)
        selection_point(&joining->join->selections[i], err);
    return code;
}

static enum code show_columns(struct joining *joining, struct error *err)
{
    const struct join_columns *columns = &joining->columns;
    struct plan_column *shown =
        ARENA_ARRAY(&joining->plan.arena, struct plan_column, columns->shown_count);

    if (!shown)
        return watch_memory(&joining->watch, err);
    for (uint32_t i = 0; i < columns->shown_count; i++)
        shown[i] = (struct plan_column){.name = columns->names[columns->shown[i]]};
    joining->plan.columns = shown;
    joining->plan.column_count = columns->shown_count;
    return OK;
}

/* Room for one row: which of each selection's it is made of, all its values, and those shown. */
struct joined_row {
    size_t *rows;
    struct datum *values, *shown;
};

static enum code put_row(struct joining *joining, const struct join_rows *rows, size_t group,
                         const struct joined_row *row, struct error *err)
{
    const struct join_columns *columns = &joining->columns;
    struct result_row out = {.time = rows->time, .values = row->shown};

    for (uint32_t i = 0; i < rows->count; i++) {
        struct datum *values = &row->values[columns->first[i]];

        if (row->rows[i] != SIZE_MAX)
            table_values(&joining->tables[i], row->rows[i], values);
        else
            for (uint32_t c = 0; c < joining->tables[i].column_count; c++)
                values[c] = (struct datum){.type = TYPE_NONE};
    }
    join_columns_compute(columns, row->values);
    for (uint32_t i = 0; i < columns->shown_count; i++)
        row->shown[i] = row->values[columns->shown[i]];
    return result_put(&joining->result, group, &out, err);
}

static enum code put_groups(struct joining *joining, struct join_source *sources,
                            const size_t *picked, const struct joined_row *row, struct error *err)
{
    const struct query *query = joining->query;
    struct join_rows rows;
    enum code code = OK;

    join_rows_init(&rows, joining->join->kind, query->descending, sources, joining->join->count,
                   &joining->watch);
    for (size_t group = 0; group < joining->plan.group_count && !code; group++) {
        join_rows_begin(&rows, &picked[group * rows.count]);
        while (!code && (query->limit == 0 || joining->result.rows < query->limit)) {
            code = join_rows_next(&rows, row->rows, err);
            if (!code)
                code = put_row(joining, &rows, group, row, err);
        }
        if (code == E_END)
            code = OK;
    }
    return code;
}

static enum code put_rows(struct joining *joining, const size_t *picked, struct error *err)
{
    struct arena *arena = &joining->plan.arena;
    uint32_t count = joining->join->count;
    struct join_source *sources = ARENA_ARRAY(arena, struct join_source, count);
    struct joined_row row = {
        .rows = ARENA_ARRAY(arena, size_t, count),
        .values = ARENA_ARRAY(arena, struct datum, joining->columns.count),
        .shown = ARENA_ARRAY(arena, struct datum, joining->columns.shown_count),
    };

    if (!sources || !row.rows || !row.values || !row.shown)
        return watch_memory(&joining->watch, err);
    for (uint32_t i = 0; i < count; i++) {
        sources[i].table = &joining->tables[i];
        sources[i].selection = &joining->join->selections[i];
    }
    return put_groups(joining, sources, picked, &row, err);
}

static enum code answer_all(struct joining *joining, struct query_sink *sink,
                            struct query_outcome *outcome, struct error *err)
{
    const size_t *picked;
    uint64_t skipped;
    enum code code = show_columns(joining, err);

    for (uint32_t i = 0; i < joining->join->count && !code; i++)
        code = answer_selection(joining, i, err);
    if (code)
        return code;
    if (!join_groups_make(joining->join, joining->plans, joining->tables, &joining->plan, &picked))
        return watch_memory(&joining->watch, err);
    skipped = joining->result.skipped;
    code = result_init(&joining->result, &joining->plan, sink, outcome, err);
    joining->result.skipped = skipped;
    if (!code)
        code = put_rows(joining, picked, err);
    return code ? code : result_finish(&joining->result, BYTES(""), err);
}

enum code join_run(const struct query *query, const struct query_environment *environment,
                   struct query_sink *sink, struct query_outcome *outcome, struct error *err)
{
    struct error fault = {0};
    struct joining joining;
    enum code code;

    joining_init(&joining, query, environment, sink);
    code = plan_all(&joining, &fault);
    if (code)
        goto out;
    make_etag(&joining, outcome->etag);
    if (etag_matches(environment->if_none_match, outcome->etag)) {
        outcome->not_modified = true;
        goto out;
    }
    code = answer_all(&joining, sink, outcome, &fault);
    if (code && code != E_CANCELLED && outcome->begun)
        result_fail(&joining.result, &fault);

out:
    outcome->rows_scanned = joining.watch.rows_scanned;
    outcome->rows_out = joining.result.rows;
    joining_release(&joining);
    if (code) {
        error_point_within(&fault, BYTES(""));
        if (err)
            *err = fault;
    }
    return code;
}
