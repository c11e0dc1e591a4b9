#include "query/join_columns.h"

#include "base/map.h"
#include "base/nearest.h"

/* While names get their places. */
struct naming {
    const struct query *query;
    const struct plan *const *plans;
    struct arena *arena;
    const struct watch *watch;
    struct join_columns *columns;
    struct bytes *names;
    struct map places; /* by name: into `names` */
};

/* "load.mean_power" */
static struct bytes joined_name(struct arena *arena, struct bytes selection, struct bytes column)
{
    char *text = arena_alloc(arena, selection.size + 1 + column.size);

    if (!text)
        return (struct bytes){NULL, 0};
    memcpy(text, selection.data, selection.size);
    text[selection.size] = '.';
    if (column.size > 0)
        memcpy(text + selection.size + 1, column.data, column.size);
    return (struct bytes){text, selection.size + 1 + column.size};
}

static bool add_name(struct naming *naming, struct bytes name)
{
    uint32_t at = naming->columns->count;

    naming->names[at] = name;
    naming->columns->count++;
    return name.data && map_put(&naming->places, name, &naming->names[at]);
}

static enum code name_selections(struct naming *naming, struct error *err)
{
    const struct join *join = naming->query->join;
    uint32_t *first = ARENA_ARRAY(naming->arena, uint32_t, join->count + 1);
    size_t most = naming->query->computed_count;

    for (uint32_t i = 0; i < join->count; i++)
        most += naming->plans[i]->column_count;
    naming->names = ARENA_ARRAY(naming->arena, struct bytes, most);
    if (!first || !naming->names || most > UINT32_MAX)
        return watch_memory(naming->watch, err);
    for (uint32_t i = 0; i < join->count; i++) {
        const struct plan *plan = naming->plans[i];

        first[i] = naming->columns->count;
        for (uint32_t c = 0; c < plan->column_count; c++)
            if (!add_name(naming, joined_name(naming->arena, join->selections[i].name,
                                              plan->columns[c].name)))
                return watch_memory(naming->watch, err);
    }
    first[join->count] = naming->columns->count;
    naming->columns->first = first;
    naming->columns->computed_first = naming->columns->count;
    naming->columns->names = naming->names;
    return OK;
}

/* A column of a selection that has none at all, as nothing was written: it holds nothing, as in a
 * question of its own. */
static bool is_of_empty(const struct naming *naming, struct bytes name)
{
    const struct join *join = naming->query->join;

    for (uint32_t i = 0; i < join->count; i++) {
        struct bytes selection = join->selections[i].name;

        if (naming->plans[i]->column_count == 0 && name.size > selection.size &&
            name.data[selection.size] == '.' &&
            bytes_equal(bytes_slice(name, 0, selection.size), selection))
            return true;
    }
    return false;
}

static enum code refuse_name(const struct naming *naming, struct bytes name, struct error *err)
{
    uint32_t count = naming->columns->count;
    const char **texts = ARENA_ARRAY(naming->arena, const char *, (size_t)count + 1);
    const char *near;

    for (uint32_t i = 0; texts && i < count; i++) {
        char *text = arena_zero(naming->arena, naming->names[i].size + 1);

        if (!text)
            return watch_memory(naming->watch, err);
        memcpy(text, naming->names[i].data, naming->names[i].size);
        texts[i] = text;
    }
    if (!texts)
        return watch_memory(naming->watch, err);
    near = nearest_name(name, texts);
    if (!near && count == 0)
        return error_set(err, E_BAD_PARAMETER, "there is no column \"%.*s\"", BYTES_ARG(name));
    return error_set(err, E_BAD_PARAMETER, "there is no column \"%.*s\"; %s \"%s\"",
                     BYTES_ARG(name), near ? "the nearest is" : "the first is",
                     near ? near : texts[0]);
}

/* Its place; `count` of columns where it holds nothing. */
static enum code find(const struct naming *naming, struct bytes name, uint32_t *place,
                      struct error *err)
{
    const struct bytes *found = map_get(&naming->places, name);

    *place = naming->columns->count;
    if (found)
        *place = (uint32_t)(found - naming->names);
    else if (!is_of_empty(naming, name))
        return refuse_name(naming, name, err);
    return OK;
}

/* Operands become places; one that holds nothing leaves the expression empty. */
static enum code bind(const struct naming *naming, const struct expression *from,
                      struct expression *to, struct error *err)
{
    struct expression_step *steps =
        ARENA_ARRAY(naming->arena, struct expression_step, from->step_count);
    bool empty = false;

    if (!steps)
        return watch_memory(naming->watch, err);
    *to = *from;
    to->steps = steps;
    for (uint32_t i = 0; i < from->step_count; i++) {
        enum code code = OK;

        steps[i] = from->steps[i];
        if (steps[i].op == EXPRESSION_FIELD)
            code = find(naming, from->names[from->steps[i].field], &steps[i].field, err);
        if (code)
            return code;
        empty |= steps[i].op == EXPRESSION_FIELD && steps[i].field == naming->columns->count;
    }
    if (empty)
        to->step_count = 0;
    return OK;
}

static enum code name_computed(struct naming *naming, struct error *err)
{
    const struct query *query = naming->query;
    struct expression *bound = ARENA_ARRAY(naming->arena, struct expression, query->computed_count);
    enum code code = OK;

    if (!bound)
        return watch_memory(naming->watch, err);
    naming->columns->computed = bound;
    for (uint32_t i = 0; i < query->computed_count && !code; i++) {
        struct bytes name = query->computed[i].name;

        code = bind(naming, &query->computed[i].expression, &bound[i], err);
        if (!code && map_get(&naming->places, name))
            code = error_set(err, E_BAD_PARAMETER,
                             "\"%.*s\" is a column of a selection; want another name for what is "
                             "computed",
                             BYTES_ARG(name));
        if (code)
            error_point(err, BYTES("let"));
        else if (!add_name(naming, name))
            code = watch_memory(naming->watch, err);
    }
    return code;
}

static enum code choose(struct naming *naming, struct error *err)
{
    const struct query *query = naming->query;
    struct join_columns *columns = naming->columns;
    uint32_t *shown = ARENA_ARRAY(naming->arena, uint32_t,
                                  query->field_count ? query->field_count : columns->count);
    enum code code = OK;

    if (!shown)
        return watch_memory(naming->watch, err);
    columns->shown = shown;
    columns->shown_count = query->field_count ? 0 : columns->count;
    for (uint32_t i = 0; i < columns->shown_count; i++)
        shown[i] = i;
    for (uint32_t i = 0; i < query->field_count && !code; i++) {
        uint32_t place;

        code = find(naming, query->fields[i], &place, err);
        if (!code && place < columns->count)
            shown[columns->shown_count++] = place;
    }
    if (code)
        error_point(err, BYTES("fields"));
    return code;
}

enum code join_columns_make(const struct query *query, const struct plan *const *plans,
                            struct arena *arena, const struct watch *watch,
                            struct join_columns *columns, struct error *err)
{
    struct naming naming = {.query = query,
                            .plans = plans,
                            .arena = arena,
                            .watch = watch,
                            .columns = columns,
                            .places = MAP_INIT};
    enum code code;

    *columns = (struct join_columns){0};
    code = name_selections(&naming, err);
    if (!code)
        code = name_computed(&naming, err);
    if (!code)
        code = choose(&naming, err);
    map_release(&naming.places);
    return code;
}

void join_columns_compute(const struct join_columns *columns, struct datum *values)
{
    for (uint32_t i = columns->computed_first; i < columns->count; i++) {
        const struct expression *expression = &columns->computed[i - columns->computed_first];

        values[i] = (struct datum){.type = TYPE_NONE};
        if (expression->step_count > 0)
            expression_evaluate_row(expression, values, &values[i]);
    }
}
