#include "query/plan_sieve.h"

#include <stdlib.h>

#include "base/map.h"
#include "catalog/catalog.h"
#include "query/plan.h"

/* While sources get their numbers. */
struct sources {
    struct plan *plan;
    struct map by_name; /* of fields: to a place in `fields` */
    struct bytes *fields;
    uint32_t field_count;
    uint32_t *shown;
    uint8_t *kept;
    uint8_t *needed;  /* by let= */
    uint32_t *of_let; /* its source, where it is needed */
    bool out_of_memory;
};

static int compare_field(const void *name, const void *field)
{
    return bytes_compare(*(const struct bytes *)name, ((const struct field_info *)field)->name);
}

static const struct field_info *find_field(const struct field_info *known, size_t known_count,
                                           struct bytes name)
{
    return known_count ? bsearch(&name, known, known_count, sizeof(*known), compare_field) : NULL;
}

/* Its index among let=, or computed_count. */
static uint32_t find_let(const struct query *query, struct bytes name)
{
    uint32_t i = 0;

    while (i < query->computed_count && !bytes_equal(query->computed[i].name, name))
        i++;
    return i;
}

/* --- what does not go with the fields there are --- */

static enum code check_names(const struct query *query, const struct field_info *known,
                             size_t known_count, struct error *err)
{
    for (uint32_t i = 0; i < query->computed_count; i++) {
        struct bytes name = query->computed[i].name;

        if (!find_field(known, known_count, name))
            continue;
        error_point(err, BYTES("let"));
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\" is a field of \"%.*s\"; want another name for what is computed",
                         BYTES_ARG(name), BYTES_ARG(query->selector.measurement));
    }
    return OK;
}

static enum code check_kind(const struct filter *filter, enum value_kind kind, struct error *err)
{
    static const char *const want[] = {
        [KIND_NUMBER] = "a number",
        [KIND_STRING] = "a text in double quotes",
        [KIND_BOOL] = "true or false",
    };

    if (kind == KIND_NONE || kind == filter->kind)
        return OK;
    error_point(err, BYTES("where"));
    return error_set(err, E_BAD_PARAMETER,
                     "\"%.*s\" holds %ss and is compared with %s%.*s%s; want %s",
                     BYTES_ARG(filter->name), value_kind_name(kind), filter->quoted ? "\"" : "",
                     BYTES_ARG(filter->text), filter->quoted ? "\"" : "", want[kind]);
}

static enum code check_kinds(const struct query *query, const struct field_info *known,
                             size_t known_count, struct error *err)
{
    enum code code = OK;

    for (uint32_t i = 0; i < query->filter_count && !code; i++) {
        const struct filter *filter = &query->filters[i];
        const struct field_info *field = find_field(known, known_count, filter->name);

        if (find_let(query, filter->name) < query->computed_count)
            code = check_kind(filter, KIND_NUMBER, err);
        else if (field)
            code = check_kind(filter, field->kind, err);
    }
    return code;
}

/* --- numbers --- */

static void need_let(struct sources *sources, struct bytes name)
{
    uint32_t let = find_let(sources->plan->query, name);

    if (let < sources->plan->query->computed_count)
        sources->needed[let] = 1;
}

/* Those that something shown, a condition or a needed one names. */
static void find_needed(struct sources *sources)
{
    const struct query *query = sources->plan->query;

    for (uint32_t i = 0; i < sources->plan->field_count; i++)
        need_let(sources, sources->plan->fields[i]);
    for (uint32_t i = 0; i < query->filter_count; i++)
        need_let(sources, query->filters[i].name);
    for (uint32_t i = query->computed_count; i-- > 0;)
        for (uint32_t n = 0; sources->needed[i] && n < query->computed[i].expression.name_count;
             n++)
            need_let(sources, query->computed[i].expression.names[n]);
}

/* The source of a field; a new one when it is named for the first time. */
static uint32_t field_source(struct sources *sources, struct bytes name)
{
    struct bytes *field = map_get(&sources->by_name, name);

    if (field)
        return (uint32_t)(field - sources->fields);
    field = &sources->fields[sources->field_count];
    *field = name;
    sources->shown[sources->field_count] = SIEVE_NOT_SHOWN;
    if (!map_put(&sources->by_name, *field, field)) {
        sources->out_of_memory = true;
        return 0;
    }
    return sources->field_count++;
}

/* Names in the order in which they are read: shown ones, those of conditions, operands. */
static void number_fields(struct sources *sources)
{
    const struct query *query = sources->plan->query;

    for (uint32_t i = 0; i < sources->plan->field_count; i++) {
        struct bytes name = sources->plan->fields[i];

        if (find_let(query, name) == query->computed_count)
            sources->shown[field_source(sources, name)] = i;
    }
    for (uint32_t i = 0; i < query->filter_count; i++)
        if (find_let(query, query->filters[i].name) == query->computed_count)
            (void)field_source(sources, query->filters[i].name);
    for (uint32_t i = 0; i < query->computed_count; i++)
        for (uint32_t n = 0; sources->needed[i] && n < query->computed[i].expression.name_count;
             n++)
            if (find_let(query, query->computed[i].expression.names[n]) == query->computed_count)
                (void)field_source(sources, query->computed[i].expression.names[n]);
}

/* Behind the fields. */
static void number_lets(struct sources *sources, struct sieve *sieve)
{
    const struct plan *plan = sources->plan;

    for (uint32_t i = 0; i < plan->query->computed_count; i++) {
        uint32_t source = sources->field_count + sieve->computed_count;

        if (!sources->needed[i])
            continue;
        sources->of_let[i] = source;
        sources->shown[source] = SIEVE_NOT_SHOWN;
        sources->kept[source] = 1;
        sieve->computed_count++;
    }
    for (uint32_t i = 0; i < plan->field_count; i++) {
        uint32_t let = find_let(plan->query, plan->fields[i]);

        if (let == plan->query->computed_count)
            continue;
        sources->shown[sources->of_let[let]] = i;
        sieve->computed_shown = true;
    }
    for (uint32_t i = 0; i < sources->field_count; i++)
        sources->kept[i] |= sources->shown[i] != SIEVE_NOT_SHOWN;
}

static uint32_t source_of(struct sources *sources, struct bytes name)
{
    uint32_t let = find_let(sources->plan->query, name);

    return let < sources->plan->query->computed_count ? sources->of_let[let]
                                                      : field_source(sources, name);
}

/* --- bound copies --- */

static bool bind_lets(struct sources *sources, struct sieve *sieve)
{
    const struct query *query = sources->plan->query;
    struct arena *arena = &sources->plan->arena;
    struct computed *bound = ARENA_ARRAY(arena, struct computed, sieve->computed_count);
    uint32_t count = 0;

    if (!bound)
        return false;
    for (uint32_t i = 0; i < query->computed_count; i++) {
        const struct expression *from = &query->computed[i].expression;
        struct expression_step *steps;

        if (!sources->needed[i])
            continue;
        steps = ARENA_ARRAY(arena, struct expression_step, from->step_count);
        if (!steps)
            return false;
        for (uint32_t s = 0; s < from->step_count; s++) {
            steps[s] = from->steps[s];
            if (steps[s].op != EXPRESSION_FIELD)
                continue;
            steps[s].field = source_of(sources, from->names[steps[s].field]);
            sources->kept[steps[s].field] = 1;
        }
        bound[count] = query->computed[i];
        bound[count++].expression.steps = steps;
    }
    sieve->computed = bound;
    return true;
}

/* Those of fields first: they spare the work of computing. */
static bool bind_filters(struct sources *sources, struct sieve *sieve)
{
    const struct query *query = sources->plan->query;
    struct filter *bound = ARENA_ARRAY(&sources->plan->arena, struct filter, query->filter_count);

    if (!bound)
        return false;
    for (int computed = 0; computed < 2; computed++) {
        for (uint32_t i = 0; i < query->filter_count; i++) {
            uint32_t source = source_of(sources, query->filters[i].name);

            if ((source >= sources->field_count) != computed)
                continue;
            bound[sieve->filter_count] = query->filters[i];
            bound[sieve->filter_count++].field = source;
        }
        if (!computed)
            sieve->field_filter_count = sieve->filter_count;
    }
    sieve->filters = bound;
    return true;
}

/* The most sources there can be. */
static size_t count_sources(const struct plan *plan)
{
    const struct query *query = plan->query;
    size_t count = (size_t)plan->field_count + query->filter_count + query->computed_count;

    for (uint32_t i = 0; i < query->computed_count; i++)
        count += query->computed[i].expression.name_count;
    return count;
}

static bool make(struct sources *sources, struct sieve *sieve)
{
    struct plan *plan = sources->plan;
    size_t count = count_sources(plan), let_count = plan->query->computed_count;

    sources->fields = ARENA_ARRAY(&plan->arena, struct bytes, count);
    sources->shown = ARENA_ARRAY(&plan->arena, uint32_t, count);
    sources->kept = ARENA_ARRAY(&plan->arena, uint8_t, count);
    sources->needed = ARENA_ARRAY(&plan->arena, uint8_t, let_count);
    sources->of_let = ARENA_ARRAY(&plan->arena, uint32_t, let_count);
    if (!sources->fields || !sources->shown || !sources->kept || !sources->needed ||
        !sources->of_let)
        return false;
    find_needed(sources);
    number_fields(sources);
    number_lets(sources, sieve);
    if (!bind_lets(sources, sieve) || !bind_filters(sources, sieve) || sources->out_of_memory)
        return false;
    sieve->field_count = sources->field_count;
    sieve->shown = sources->shown;
    sieve->kept = sources->kept;
    return true;
}

enum code plan_sieve(struct plan *plan, const struct field_info *known, size_t known_count,
                     struct error *err)
{
    const struct query *query = plan->query;
    struct sources sources = {.plan = plan, .by_name = MAP_INIT};
    struct sieve *sieve;
    enum code code;
    bool made;

    plan->shown_count = plan->field_count;
    if (query->filter_count == 0 && query->computed_count == 0)
        return OK;
    code = check_names(query, known, known_count, err);
    if (!code)
        code = check_kinds(query, known, known_count, err);
    if (code)
        return code;
    sieve = ARENA_NEW(&plan->arena, struct sieve);
    made = sieve && make(&sources, sieve);
    map_release(&sources.by_name);
    if (!made)
        return watch_memory(plan->watch, err);
    plan->sieve = sieve;
    plan->fields = sources.fields;
    plan->field_count = sources.field_count;
    return OK;
}
