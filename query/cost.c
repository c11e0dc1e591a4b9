/* A walk over the places of each series as a scan would open them, one at a time, so that headers
 * count where a scan would ask for them. */
#include "query/cost.h"

#include "base/map.h"
#include "query/answer.h"

/* While places are looked at. */
struct survey {
    struct answer *answer;
    struct cost *cost;
    struct scan_setting setting;
    struct map shared; /* blocks of several series that were counted, by address */
    struct arena arena;
    bool sure;       /* all of a range is read, so that something can be said about the least */
    bool rows_count; /* a row that is there has a value in the answer */
};

/* How often rows are read at most. */
static uint64_t passes_of(const struct query *query)
{
    uint64_t passes = 1;

    if (query->top > 0)
        return 2;
    if (query->downsample == DOWNSAMPLE_NONE)
        return 1;
    passes += query->downsample == DOWNSAMPLE_LTTB;
    passes += query->start_given ? 0 : 1;
    passes += query->end == INT64_MAX;
    return passes;
}

static bool takes_any(const void *context, int64_t time_first, int64_t time_last)
{
    (void)context, (void)time_first, (void)time_last;
    return true;
}

static void begin(struct survey *survey, struct answer *answer, struct cost *cost)
{
    const struct query *query = answer->plan.query;

    *cost = (struct cost){0};
    *survey = (struct survey){
        .answer = answer,
        .cost = cost,
        .setting = answer->setting,
        .shared = MAP_INIT,
        .sure = query->limit == 0 && query->page_bytes == 0 && query->top == 0 && !query->changes &&
                query->downsample == DOWNSAMPLE_NONE,
        .rows_count = query->field_count == 0 && query->filter_count == 0,
    };
    arena_init(&survey->arena, answer->plan.watch->memory.bytes_max, &answer->plan.watch->memory);
    if (query->downsample != DOWNSAMPLE_NONE) /* of lttb rows are needed once */
        survey->setting.summaries = (struct summary_use){
            .allowed = query->downsample != DOWNSAMPLE_LTTB, .takes = takes_any};
}

/* False when memory ran out; *first is whether it was not there yet. */
static bool note_shared(struct survey *survey, const struct place *place, bool *first)
{
    const void **key;

    *first =
        !map_get(&survey->shared, (struct bytes){(const char *)&place->detail, sizeof(void *)});
    if (!*first)
        return true;
    key = ARENA_NEW(&survey->arena, const void *);
    if (!key)
        return false;
    *key = place->detail;
    return map_put(&survey->shared, (struct bytes){(const char *)key, sizeof(void *)}, survey);
}

/* *has_row: one of its rows is surely in the range. */
static enum code count_place(struct survey *survey, const struct scan *scan,
                             const struct place *place, bool summary, bool *has_row,
                             struct error *err)
{
    struct cost *cost = survey->cost;
    bool known = place->ingest_last <= survey->setting.as_of && !place->apart && !place->shared;
    bool inside = place->time_first >= scan->start && place->time_last < scan->end;
    bool first = true;

    if (place->shared && !note_shared(survey, place, &first))
        return watch_memory(survey->answer->plan.watch, err);
    if (!first)
        return OK;
    *has_row |= known && survey->rows_count && scan->deletions.count == 0 &&
                (place->time_first >= scan->start || place->time_last < scan->end);
    cost->head_places += !place->in_pack;
    cost->blocks += place->in_pack;
    cost->summarised += summary;
    cost->rows_most += place->row_count;
    cost->bytes_most += place->bytes;
    if (!survey->sure || summary)
        return OK;
    cost->bytes_least += place->bytes;
    if (known && inside)
        cost->rows_least += place->row_count;
    return OK;
}

static enum code count_series(struct survey *survey, size_t index, int64_t start, int64_t end,
                              bool *has_row, struct error *err)
{
    const struct plan *plan = &survey->answer->plan;
    struct plan_places kept = {NULL, 0};
    const struct place *place;
    struct scan scan;
    bool summary;
    enum code code;

    if (plan->places)
        kept = plan->places[index];
    code = scan_open(&scan, &survey->setting, plan->series[index], start, end, kept.places,
                     kept.count, err);
    while (!code && scan_pass(&scan, &place, &summary))
        code = count_place(survey, &scan, place, summary, has_row, err);
    scan_release(&scan);
    return code;
}

/* How many windows [start, end) has; both ends are given. */
static uint64_t count_windows(const struct grid *grid, int64_t start, int64_t end)
{
    int64_t behind, first = grid_start(grid, start, &behind);
    uint64_t count = 1;

    if (grid->kind == GRID_FIXED)
        return ((uint64_t)end - (uint64_t)first - 1) / (uint64_t)grid->every + 1;
    while (behind < end) { /* at most 213,000 days */
        (void)grid_start(grid, behind, &behind);
        count++;
    }
    return count;
}

static void find_windows(const struct plan *plan, struct cost *cost)
{
    const struct query *query = plan->query;
    bool whole = grid_is_whole(&query->grid);

    if (query_is_raw(query) || query->stats)
        return;
    cost->windows_known = whole || (query->start_given && plan->end < INT64_MAX);
    if (cost->windows_known && plan->start < plan->end)
        cost->windows = whole ? 1 : count_windows(&query->grid, plan->start, plan->end);
}

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

enum code cost_survey(struct answer *answer, struct cost *cost, struct error *err)
{
    struct plan *plan = &answer->plan;
    struct survey survey;
    enum code code = OK;

    begin(&survey, answer, cost);
    find_windows(plan, cost);
    cost->sure = ARENA_ARRAY(&plan->arena, uint8_t, plan->group_count);
    if (!cost->sure)
        code = watch_memory(plan->watch, err);
    for (size_t i = plan->group_first; i < plan->group_count && !code; i++) {
        const struct group *group = &plan->groups[i];
        bool has_row = false;
        int64_t start, end;

        plan_range(plan, i, &start, &end);
        for (size_t k = group->series_first; k < group->series_end && start < end && !code; k++)
            code = count_series(&survey, k, start, end, &has_row, err);
        cost->sure[i] = has_row;
        cost->groups_least += has_row;
    }
    cost->rows_most = times(cost->rows_most, passes_of(plan->query));
    cost->bytes_most = times(cost->bytes_most, passes_of(plan->query));
    map_release(&survey.shared);
    arena_release(&survey.arena);
    return code;
}

/* Values that a filled answer has in each group; 0 = not known. */
static uint64_t filled_values(const struct plan *plan, const struct cost *cost)
{
    if (plan->query->fill.kind == FILL_NONE || !cost->windows_known)
        return 0;
    return times(cost->windows, plan->column_count);
}

static enum code check_values(const struct plan *plan, uint64_t values, struct error *err)
{
    const struct limits *limits = plan->environment->limits;

    if (values <= limits->query_groups_max)
        return OK;
    return error_set(err, E_QUERY_GROUPS,
                     "the query would make at least %llu values, and may make %llu "
                     "(query_groups_max: windows x groups x columns); ask for longer windows, a "
                     "shorter range, or fewer groups or fields",
                     (unsigned long long)values, (unsigned long long)limits->query_groups_max);
}

/* Of so many groups with rows.  With top= only ranking them shows which are told. */
static enum code limit_filled(const struct plan *plan, const struct cost *cost, uint64_t groups,
                              struct error *err)
{
    if (plan->query->top > 0)
        return OK;
    return check_values(plan, times(filled_values(plan, cost), groups), err);
}

enum code cost_ranked(const struct answer *answer, struct error *err)
{
    const struct plan *plan = &answer->plan;
    struct cost cost = {0};

    find_windows(plan, &cost);
    return check_values(
        plan, plan->watch->cells + times(filled_values(plan, &cost), answer->top.count), err);
}

enum code cost_limit(const struct answer *answer, const struct cost *cost, struct error *err)
{
    const struct plan *plan = &answer->plan;
    const struct limits *limits = plan->environment->limits;

    if (cost->rows_least > limits->query_rows_max)
        return error_set(err, E_QUERY_ROWS,
                         "the query would read at least %llu rows, and may read %llu "
                         "(query_rows_max); %s",
                         (unsigned long long)cost->rows_least,
                         (unsigned long long)limits->query_rows_max, watch_ways(plan->watch));
    if (cost->bytes_least > limits->query_bytes_max)
        return error_set(err, E_QUERY_BYTES,
                         "the query would read at least %llu bytes of blocks, and may read %llu "
                         "(query_bytes_max); %s",
                         (unsigned long long)cost->bytes_least,
                         (unsigned long long)limits->query_bytes_max, watch_ways(plan->watch));
    return limit_filled(plan, cost, cost->groups_least, err);
}

/* --- filled groups that may be empty --- */

/* Of such rows a window is made. */
static bool run_has_value(const struct run *run)
{
    bool has = false;

    for (size_t i = 0; run->summary && i < run->summary->column_count && !has; i++)
        has = run->summary->columns[i].summary->valid_count > 0;
    for (uint32_t i = 0; i < run->column_count && !has; i++) {
        const struct rows_column *column = &run->columns[i];

        has = column->type != TYPE_RETRACTED &&
              (!column->present || memchr(column->present + run->first, 1, run->end - run->first));
    }
    return has;
}

static enum code series_has_value(struct answer *answer, size_t index, int64_t start, int64_t end,
                                  bool *has, struct error *err)
{
    enum code code = answer_scan_begin(answer, index, start, end, err);

    while (!code && !*has) {
        struct run run;

        code = answer_next(answer, &run, err);
        *has = !code && run_has_value(&run);
    }
    scan_release(&answer->scan);
    return code == E_END ? OK : code;
}

/* Where the least passes no limit and the most does: what it comes to. */
static enum code check_filled(struct answer *answer, const struct cost *cost, struct error *err)
{
    struct plan *plan = &answer->plan;
    uint64_t groups = cost->groups_least;
    enum code code = limit_filled(plan, cost, plan->group_count - plan->group_first, NULL);

    if (!code)
        return OK;
    code = OK;
    for (size_t i = plan->group_first; i < plan->group_count && !code; i++) {
        const struct group *group = &plan->groups[i];
        bool has = false;
        int64_t start, end;

        if (cost->sure[i])
            continue;
        plan_range(plan, i, &start, &end);
        for (size_t k = group->series_first; k < group->series_end && start < end; k++) {
            if (!code && !has)
                code = series_has_value(answer, k, start, end, &has, err);
        }
        groups += has;
        if (!code)
            code = limit_filled(plan, cost, groups, err);
    }
    return code;
}

/* The plan has looked at all places, and even so no limit can be passed. */
static bool is_harmless(const struct plan *plan)
{
    const struct limits *limits = plan->environment->limits;
    struct cost cost = {0};

    find_windows(plan, &cost);
    return plan->looked && plan->rows_most <= limits->query_rows_max &&
           plan->bytes_most <= limits->query_bytes_max &&
           limit_filled(plan, &cost, plan->group_count, NULL) == OK;
}

enum code cost_check(struct answer *answer, struct error *err)
{
    const struct query *query = answer->plan.query;
    struct cost cost;
    enum code code;

    if (query->limit > 0 || query->page_bytes > 0 || is_harmless(&answer->plan))
        return OK; /* a page reads what it needs */
    code = cost_survey(answer, &cost, err);
    if (!code)
        code = cost_limit(answer, &cost, err);
    return code ? code : check_filled(answer, &cost, err);
}
