#include "query/plan.h"

#include <stdlib.h>

#include "base/nearest.h"
#include "catalog/catalog.h"
#include "query/groups.h"
#include "query/plan_sieve.h"
#include "query/plan_stats.h"

enum {
    /* Above so many series the newest ingest time of the range is not looked for: S stands in,
     * and the ETag changes with every question. */
    LOOKED_SERIES_MAX = 4096,
    KEPT_PLACES_MAX = 16384, /* 0.8 MB */
    /* Of a question that is answered at once: more take too long before anything is decided. */
    AT_ONCE_SERIES_MAX = 256,
    AT_ONCE_FIELDS_MAX = 256,
    AT_ONCE_BYTES_MAX = 1 << 20, /* of blocks: texts are large */
};

/* --- S and the range --- */

static enum code check_limit(const struct plan *plan, struct error *err)
{
    uint64_t most = plan->environment->limits->page_rows_max;

    if (plan->query->top > most) {
        error_point(err, plan->query->bottom ? BYTES("bottom") : BYTES("top"));
        return error_set(err, E_BAD_PARAMETER, "%llu: want at most %llu (page_rows_max)",
                         (unsigned long long)plan->query->top, (unsigned long long)most);
    }
    if (plan->query->limit <= most)
        return OK;
    error_point(err, BYTES("limit"));
    return error_set(err, E_BAD_PARAMETER, "%llu: a page has at most %llu rows (page_rows_max)",
                     (unsigned long long)plan->query->limit, (unsigned long long)most);
}

/* now - age, INT64_MIN where the age is for ever. */
static int64_t floor_of(int64_t now_ns, int64_t age_ns)
{
    int64_t floor;

    if (age_ns == INT64_MAX || __builtin_sub_overflow(now_ns, age_ns, &floor))
        return INT64_MIN;
    return floor;
}

static void set_range(struct plan *plan)
{
    const struct query *query = plan->query;
    int64_t floor = floor_of(plan->now_ns, plan->environment->retention_ns);

    plan->start = query->resumed ? query->cursor.start : query->start;
    plan->end = query->resumed ? query->cursor.end : query->end;
    plan->clamped = plan->start < floor;
    if (plan->clamped)
        plan->start = floor;
}

static enum code refuse_history(const struct plan *plan, int64_t as_of, struct error *err)
{
    char asked[TIMESTAMP_TEXT_SIZE], earliest[TIMESTAMP_TEXT_SIZE];
    int asked_size = (int)timestamp_print(as_of, asked);
    int earliest_size = (int)timestamp_print(plan->history_floor, earliest);

    error_point(err, plan->query->resumed ? BYTES("cursor") : BYTES("as_of"));
    return error_set(err, E_BEFORE_HISTORY,
                     "%.*s: earlier versions are kept no longer; the earliest as_of that can be "
                     "answered is %.*s",
                     asked_size, asked, earliest_size, earliest);
}

/* Whether the state at `since` can still be told.  Where nothing was committed after it there is
 * nothing to tell, and before all commits there was nothing. */
static enum code check_since(const struct plan *plan, struct error *err)
{
    int64_t since = plan->query->since;
    char asked[TIMESTAMP_TEXT_SIZE], earliest[TIMESTAMP_TEXT_SIZE];
    int asked_size, earliest_size;

    if (!plan->query->changes || since <= 0)
        return OK;
    if (since > plan->as_of && since > plan->now_ns) {
        error_point(err, BYTES("since"));
        return error_set(err, E_AS_OF_FUTURE, "it is later than now");
    }
    if (since >= plan->history_floor || !plan->view || view_newest(plan->view) <= since)
        return OK;
    error_point(err, plan->query->resumed ? BYTES("cursor") : BYTES("since"));
    asked_size = (int)timestamp_print(since, asked);
    earliest_size = (int)timestamp_print(plan->history_floor, earliest);
    return error_set(err, E_BEFORE_HISTORY,
                     "%.*s: earlier versions are kept no longer, so what changed since then cannot "
                     "be told; the earliest is %.*s. since=0 tells all rows there are",
                     asked_size, asked, earliest_size, earliest);
}

/* Of S, with all that the question reads. */
static enum code take_view(struct plan *plan, int64_t as_of, struct error *err)
{
    const struct query_environment *environment = plan->environment;
    const struct selector *selector = &plan->query->selector;
    const struct query_range own = {selector->measurement, plan->start, plan->end,
                                    selector->matchers, selector->matcher_count};
    enum code code;

    if (environment->open_view == NULL)
        code = store_view(environment->store, environment->tenant, as_of, &plan->view, err);
    else if (environment->ranges != NULL)
        code =
            environment->open_view(environment->opener, environment->tenant, as_of,
                                   environment->ranges, environment->range_count, &plan->view, err);
    else
        code = environment->open_view(environment->opener, environment->tenant, as_of, &own, 1,
                                      &plan->view, err);
    if (code == OK && environment->lost != NULL)
        view_watch(plan->view, environment->lost);
    return code;
}

static enum code open_view(struct plan *plan, struct error *err)
{
    const struct query *query = plan->query;
    const struct query_environment *environment = plan->environment;
    bool asked = query->as_of_given || query->resumed;
    int64_t as_of = query->resumed ? query->cursor.as_of : query->as_of;
    enum code code = OK;

    plan->history_floor = floor_of(plan->now_ns, environment->history_ns);
    if (asked && as_of < plan->history_floor)
        return refuse_history(plan, as_of, err);
    if (asked && as_of <= VIEW_LATEST)
        as_of = VIEW_LATEST + 1; /* before all ingest times, like any other of then */
    if (environment->view) {
        plan->view = environment->view;
        plan->history_floor = view_history_floor(plan->view) > plan->history_floor
                                  ? view_history_floor(plan->view)
                                  : plan->history_floor;
    } else if (environment->tenant) {
        if (!asked)
            as_of = query_is_at_once(environment) ? VIEW_AT_HAND : VIEW_LATEST;
        code = take_view(plan, as_of, err);
        if (code == OK && view_history_floor(plan->view) > plan->history_floor)
            plan->history_floor = view_history_floor(plan->view);
        if (code == OK && asked && as_of < plan->history_floor)
            return refuse_history(plan, as_of, err);
    } else if (asked && as_of > plan->now_ns) {
        code = error_set(err, E_AS_OF_FUTURE, "it is later than now");
    }
    if (code == E_AS_OF_FUTURE)
        error_point(err, query->resumed ? BYTES("cursor") : BYTES("as_of"));
    if (code)
        return code;
    if (plan->view)
        view_bear(plan->view, &(struct patience){.ask = watch_bear,
                                                 .context = plan->watch,
                                                 .wait = environment->wait,
                                                 .waiter = environment->waiter,
                                                 .at_hand = query_is_at_once(environment)});
    plan->as_of = plan->view ? view_as_of(plan->view) : asked ? as_of : plan->now_ns;
    plan->final = query->as_of_given && plan->view && view_final(plan->view);
    return check_since(plan, err);
}

/* --- fields and columns --- */

static int compare_field(const void *name, const void *field)
{
    return bytes_compare(*(const struct bytes *)name, ((const struct field_info *)field)->name);
}

static enum code refuse_kind(const struct field_info *field, const struct aggregate_call *aggregate,
                             struct error *err)
{
    error_point(err, BYTES("agg"));
    return error_set(err, E_BAD_PARAMETER,
                     "%s needs numbers, and field \"%.*s\" holds %ss; count, first, last, "
                     "mode and distinct take any",
                     aggregate->row->name, BYTES_ARG(field->name), value_kind_name(field->kind));
}

static bool name_column(struct plan *plan, struct plan_column *column, struct bytes field)
{
    size_t prefix = column->aggregate->name.size;
    char *text = arena_alloc(&plan->arena, prefix + 1 + field.size);

    if (!text)
        return false;
    memcpy(text, column->aggregate->name.data, prefix);
    text[prefix] = '_';
    memcpy(text + prefix + 1, field.data, field.size);
    column->name = (struct bytes){text, prefix + 1 + field.size};
    return true;
}

/* Whether the aggregate has a column of this field; `known` may be NULL. */
static bool takes(const struct aggregate_call *aggregate, const struct field_info *known)
{
    return !known || known->kind == KIND_NUMBER || known->kind == KIND_NONE ||
           !part_rows[aggregate->row->part].numbers;
}

/* Fields without a column are left out, so that they are not read and make no rows. */
static enum code aggregate_columns(struct plan *plan, const struct bytes *fields,
                                   uint32_t field_count, const struct field_info *known,
                                   size_t known_count, struct error *err)
{
    const struct query *query = plan->query;
    struct plan_column *columns =
        ARENA_ARRAY(&plan->arena, struct plan_column, (size_t)field_count * query->aggregate_count);
    struct bytes *kept = ARENA_ARRAY(&plan->arena, struct bytes, field_count);
    uint8_t *numbers = ARENA_ARRAY(&plan->arena, uint8_t, field_count);

    if (!columns || !kept || !numbers)
        return watch_memory(plan->watch, err);
    for (uint32_t i = 0; i < field_count; i++) {
        const struct field_info *field =
            known_count ? bsearch(&fields[i], known, known_count, sizeof(*known), compare_field)
                        : NULL;
        uint32_t before = plan->column_count;

        for (uint32_t j = 0; j < query->aggregate_count; j++) {
            struct plan_column *column = &columns[plan->column_count];

            if (!takes(&query->aggregates[j], field)) {
                if (query->field_count > 0)
                    return refuse_kind(field, &query->aggregates[j], err);
                continue;
            }
            *column = (struct plan_column){.field = plan->field_count,
                                           .aggregate = &query->aggregates[j]};
            numbers[plan->field_count] |= part_rows[query->aggregates[j].row->part].numbers;
            if (!name_column(plan, column, fields[i]))
                return watch_memory(plan->watch, err);
            plan->column_count++;
        }
        if (plan->column_count > before)
            kept[plan->field_count++] = fields[i];
    }
    plan->fields = kept;
    plan->columns = columns;
    plan->numbers = numbers;
    if (field_count == 0 || plan->column_count > 0)
        return OK;
    error_point(err, BYTES("agg"));
    return error_set(err, E_BAD_PARAMETER,
                     "no field of \"%.*s\" holds numbers; count, first, last, mode "
                     "and distinct take any",
                     BYTES_ARG(query->selector.measurement));
}

static enum code raw_columns(struct plan *plan, const struct bytes *fields, uint32_t field_count,
                             struct error *err)
{
    struct plan_column *columns = ARENA_ARRAY(&plan->arena, struct plan_column, field_count);

    if (!columns)
        return watch_memory(plan->watch, err);
    for (uint32_t i = 0; i < field_count; i++)
        columns[i] = (struct plan_column){.name = fields[i], .field = i};
    plan->fields = fields;
    plan->field_count = field_count;
    plan->columns = columns;
    plan->column_count = field_count;
    return OK;
}

/* The column that top= names. */
static enum code choose_rank(struct plan *plan, struct error *err)
{
    const struct query *query = plan->query;
    struct nearest nearest;

    if (query->top == 0 || plan->column_count == 0)
        return OK;
    while (plan->top_column < plan->column_count &&
           !bytes_equal(plan->columns[plan->top_column].name, query->top_by))
        plan->top_column++;
    if (plan->top_column < plan->column_count)
        return OK;
    nearest_begin(&nearest, query->top_by);
    for (uint32_t i = 0; i < plan->column_count; i++)
        nearest_look(&nearest, plan->columns[i].name);
    error_point(err, query->bottom ? BYTES("bottom") : BYTES("top"));
    return error_set(err, E_BAD_PARAMETER,
                     "\"%.*s\" is no column of the answer; its %s is \"%.*s\"",
                     BYTES_ARG(query->top_by), nearest.best.size > 0 ? "nearest" : "first",
                     BYTES_ARG(nearest.best.size > 0 ? nearest.best : plan->columns[0].name));
}

static enum code choose_columns(struct plan *plan, struct error *err)
{
    const struct query *query = plan->query;
    const struct query_environment *environment = plan->environment;
    const struct bytes *fields = query->fields;
    uint32_t field_count = query->field_count;
    struct field_info *known = NULL;
    size_t known_count = 0;
    bool at_once = query_is_at_once(environment);
    enum code code;

    if (environment->tenant && (field_count == 0 || !query_is_raw(query) ||
                                query->filter_count > 0 || query->computed_count > 0)) {
        code = catalog_fields(
            environment->catalog, environment->tenant, query->selector.measurement, BYTES(""),
            at_once ? AT_ONCE_FIELDS_MAX + 1 : SIZE_MAX, &plan->arena, &known, &known_count, err);
        if (code)
            return code == E_MEMORY ? watch_memory(plan->watch, err) : code;
        if (at_once && known_count > AT_ONCE_FIELDS_MAX)
            return error_set(err, E_BUSY, "a measurement of many fields");
    }
    if (field_count == 0) {
        size_t count = known_count + query->computed_count;
        struct bytes *names = ARENA_ARRAY(&plan->arena, struct bytes, count);

        if (!names || count > UINT32_MAX)
            return watch_memory(plan->watch, err);
        for (size_t i = 0; i < count; i++)
            names[i] = i < known_count ? known[i].name : query->computed[i - known_count].name;
        fields = names;
        field_count = (uint32_t)count;
    }
    if (query->stats)
        code = plan_stats(plan, fields, field_count, known, known_count, err);
    else if (query_is_raw(query))
        code = raw_columns(plan, fields, field_count, err);
    else
        code = aggregate_columns(plan, fields, field_count, known, known_count, err);
    if (!code)
        code = plan_sieve(plan, known, known_count, err);
    return code ? code : choose_rank(plan, err);
}

/* --- series and what touches them --- */

static enum code look_at_watch(void *watch, struct error *err)
{
    return watch_look(watch, err);
}

static enum code select_series(struct plan *plan, struct error *err)
{
    const struct look look = {look_at_watch, plan->watch};
    const struct query_environment *environment = plan->environment;
    uint64_t series_max = environment->limits->query_series_max;
    enum code code = OK;

    if (query_is_at_once(environment) && series_max > AT_ONCE_SERIES_MAX)
        series_max = AT_ONCE_SERIES_MAX;
    if (environment->tenant && plan->field_count > 0)
        code = catalog_select(environment->catalog, environment->tenant, &plan->query->selector,
                              series_max, &look, &plan->arena, &plan->series, &plan->series_count,
                              err);
    if (code == E_MEMORY)
        return watch_memory(plan->watch, err);
    if (code && code != E_TIMEOUT && code != E_CANCELLED)
        error_point(err, BYTES("match"));
    if (code)
        return code;
    return groups_make(plan, err);
}

static enum code take_stored(struct plan *plan, struct error *err)
{
    size_t tombstone_count = 0, missing_count = 0;
    const struct tombstone *tombstones;
    const struct bytes *missing;

    plan->missing = (struct missing){.arena = &plan->arena};
    if (!plan->view)
        return OK;
    missing = view_missing(plan->view, &missing_count);
    for (size_t i = 0; i < missing_count; i++)
        if (!missing_note(&plan->missing, missing[i]))
            return watch_memory(plan->watch, err);
    if (missing_count > 0 && plan->query->strict)
        return error_set(err, E_PARTIAL, "strict=true, and something is missing: %.*s",
                         BYTES_ARG(missing[0]));
    tombstones = view_tombstones(plan->view, &tombstone_count);
    return deletions_init(&plan->deletions, tombstones, tombstone_count,
                          plan->query->selector.measurement, plan->as_of, plan->start, plan->end,
                          plan->fields, plan->field_count, plan->watch, &plan->arena, err);
}

static void note_places(struct plan *plan, const struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t last = places[i].ingest_last < plan->as_of ? places[i].ingest_last : plan->as_of;

        plan->rows_most += places[i].row_count;
        plan->bytes_most += places[i].bytes;
        if (places[i].ingest_first <= plan->as_of && last > plan->ingest_last)
            plan->ingest_last = last;
    }
}

/* What touches the range, newest: deletions, and by itself what erased, which changes the answer at
 * one S too. */
static void note_deletions(struct plan *plan)
{
    plan->erased_last = INT64_MIN;
    for (uint32_t i = 0; i < plan->deletions.list.count; i++) {
        const struct deletion *deletion = &plan->deletions.list.each[i];

        if (deletion->ingest <= plan->as_of && deletion->ingest > plan->ingest_last)
            plan->ingest_last = deletion->ingest;
        if (deletion->erase && deletion->ingest > plan->erased_last)
            plan->erased_last = deletion->ingest;
    }
}

/* The newest ingest time that touches the range.  Where S is a part of the question it stands for
 * it: the answer at one S does not change, except by erasing. */
static enum code look_at_places(struct plan *plan, struct error *err)
{
    struct budget *memory = &plan->watch->memory;
    struct arena scratch;
    size_t kept = 0;
    enum code code = OK;
    bool look = plan->view && !plan->query->as_of_given && !plan->query->resumed &&
                plan->series_count <= LOOKED_SERIES_MAX;

    plan->looked = look;
    plan->ingest_last = look ? INT64_MIN : plan->as_of;
    note_deletions(plan);
    if (!look)
        return OK;
    plan->places = ARENA_ARRAY(&plan->arena, struct plan_places, plan->series_count);
    if (!plan->places)
        return watch_memory(plan->watch, err);
    arena_init(&scratch, memory->bytes_max, memory);
    for (size_t i = 0; i < plan->series_count && !code; i++) {
        bool keep = kept < KEPT_PLACES_MAX;
        struct place *places = NULL;
        size_t count = 0;

        code = view_places(plan->view, plan->series[i], plan->start, plan->end,
                           query_wants_versions(plan->query), keep ? &plan->arena : &scratch,
                           &places, &count, err);
        if (!code)
            code = watch_step(plan->watch, err);
        if (code)
            break;
        note_places(plan, places, count);
        kept += count;
        if (keep)
            plan->places[i] = (struct plan_places){places, count};
        arena_release(&scratch);
    }
    arena_release(&scratch);
    return code == E_MEMORY ? watch_memory(plan->watch, err) : code;
}

enum code plan_init(struct plan *plan, const struct query *query,
                    const struct query_environment *environment, struct watch *watch,
                    struct error *err)
{
    enum code code;

    *plan = (struct plan){.query = query,
                          .environment = environment,
                          .watch = watch,
                          .now_ns = clock_wall_ns(environment->clock)};
    arena_init(&plan->arena, watch->memory.bytes_max, &watch->memory);
    set_range(plan);
    code = check_limit(plan, err);
    if (!code)
        code = open_view(plan, err);
    if (!code)
        code = choose_columns(plan, err);
    if (!code)
        code = select_series(plan, err);
    if (!code)
        code = take_stored(plan, err);
    if (!code)
        code = look_at_places(plan, err);
    if (!code && !warnings_make(plan))
        code = watch_memory(plan->watch, err);
    return code;
}

void plan_release(struct plan *plan)
{
    deletions_release(&plan->deletions);
    if (plan->view && plan->view != plan->environment->view)
        view_free(plan->view);
    arena_release(&plan->arena);
}

bool query_may_be_small(const struct query *query)
{
    bool patterns = false;

    for (uint32_t i = 0; i < query->selector.matcher_count; i++)
        patterns |= query->selector.matchers[i].op == MATCH_REGEX ||
                    query->selector.matchers[i].op == MATCH_NOT_REGEX;
    return !query->join && !query->explain && !query->as_of_given && !query->resumed && !patterns &&
           query->grid.kind == GRID_FIXED && query->fill.kind == FILL_NONE;
}

bool plan_is_small(const struct plan *plan)
{
    uint64_t most = plan->environment->at_once_values_max, values;

    return plan->looked && plan->rows_most <= most &&
           !__builtin_mul_overflow(plan->rows_most, (uint64_t)plan->field_count, &values) &&
           values <= most && plan->bytes_most <= AT_ONCE_BYTES_MAX;
}

bool plan_resumes(struct plan *plan, size_t group)
{
    const struct query *query = plan->query;
    struct series_id id;
    struct bytes values;

    return query->resumed && group == plan->group_first &&
           group_position(plan, &plan->groups[group], &id, &values) &&
           series_id_compare(id, query->cursor.id) == 0 && bytes_equal(values, query->cursor.group);
}

void plan_range(struct plan *plan, size_t group, int64_t *start, int64_t *end)
{
    const struct query *query = plan->query;
    int64_t time = query->cursor.time, behind = time + (time < INT64_MAX);

    *start = plan->start;
    *end = plan->end;
    if (query_rereads(query) || !plan_resumes(plan, group))
        return;
    if (!query_is_raw(query))
        (void)grid_start(&query->grid, time, &behind);
    if (query->versions) { /* its states behind the one told last are still to come */
        *start = query->descending ? *start : time;
        *end = query->descending ? behind : *end;
    } else {
        *start = query->descending ? *start : behind;
        *end = query->descending ? time : *end;
    }
    if (*start < plan->start)
        *start = plan->start;
    if (*end > plan->end)
        *end = plan->end;
}

struct bytes plan_cursor(struct plan *plan, size_t group, int64_t time, int64_t known_from)
{
    const struct query *query = plan->query;
    struct cursor cursor = {
        .identity = query->identity,
        .as_of = plan->as_of,
        .start = query->resumed ? query->cursor.start : query->start,
        .end = query->resumed ? query->cursor.end : query->end,
        .time = time,
        .known_from = query->changes ? query->since : known_from,
    };

    if (!group_position(plan, &plan->groups[group], &cursor.id, &cursor.group))
        return (struct bytes){NULL, 0};
    return cursor_print(&cursor, &plan->arena);
}
