/* The parameter agg=: a list of calls of aggregates. */
#include <stdio.h>

#include "base/nearest.h"
#include "query/name_list.h"
#include "query/parameters.h"

enum { AGGREGATES_MAX = 32, LIST_SIZE = 256 };

/* The name of "integral(1h)". */
static struct bytes name_of(struct bytes text)
{
    const char *bracket = text.size > 0 ? memchr(text.data, '(', text.size) : NULL;

    return bracket ? bytes_slice(text, 0, (size_t)(bracket - text.data)) : text;
}

static const struct aggregate *row_of(struct bytes name)
{
    for (size_t i = 0; i < aggregate_row_count; i++)
        if (bytes_equal(name, bytes_of(aggregate_rows[i].name)))
            return &aggregate_rows[i];
    return NULL;
}

static enum code refuse_unknown(struct bytes text, struct error *err)
{
    const char *names[AGGREGATES_MAX + 1] = {NULL}, *near;
    char list[LIST_SIZE] = "";
    size_t size = 0;

    for (size_t i = 0; i < aggregate_row_count && i < AGGREGATES_MAX; i++) {
        names[i] = aggregate_rows[i].name;
        size += (size_t)snprintf(list + size, size < sizeof(list) ? sizeof(list) - size : 0, "%s%s",
                                 i ? ", " : "", names[i]);
    }
    near = nearest_name(text, names);
    return error_set(err, E_BAD_PARAMETER, "\"%.*s\" is no aggregate%s%s%s; there are %s",
                     BYTES_ARG(text), near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "", list);
}

static enum code refuse_aggregate(struct bytes text, struct error *err)
{
    struct bytes name = name_of(text);
    const struct aggregate *row = row_of(name);

    if (text.size > 1 && text.data[0] == 'p' && text.data[1] >= '0' && text.data[1] <= '9')
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want a percentage above 0 and below 100, with at most six "
                         "digits behind the point, as in p95 or p99.9",
                         BYTES_ARG(text));
    if (!row)
        return refuse_unknown(name, err);
    if (row->argument == ARGUMENT_UNIT)
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want a duration in the brackets, as in %s(1m)", BYTES_ARG(text),
                         row->name);
    return error_set(err, E_BAD_PARAMETER,
                     "\"%.*s\": %s has no unit; rate, derivative and integral have one",
                     BYTES_ARG(text), row->name);
}

/* Two units of one aggregate: the rows differ, the names do not. */
static enum code refuse_same_name(const struct aggregate_call *list, uint32_t at, struct error *err)
{
    if (list[at].row->argument != ARGUMENT_UNIT)
        return OK;
    for (uint32_t i = 0; i < at; i++)
        if (bytes_equal(list[i].name, list[at].name))
            return error_set(err, E_BAD_PARAMETER,
                             "%s stands there twice, and columns are named without its unit: want "
                             "one unit",
                             list[at].row->name);
    return OK;
}

enum code take_agg(struct parse *parse, struct bytes value, struct error *err)
{
    struct aggregate_call *list;
    const struct bytes *names;
    uint32_t count;
    enum code code = name_list_parse(value, &names, &count, parse->arena, err);

    if (code)
        return code;
    list = ARENA_ARRAY(parse->arena, struct aggregate_call, count);
    if (!list)
        return parse_no_memory(err);
    for (uint32_t i = 0; i < count && !code; i++) {
        parse->fault = i;
        if (!aggregate_call_parse(names[i], &list[i]))
            return refuse_aggregate(names[i], err);
        code = refuse_same_name(list, i, err);
    }
    parse->query->aggregates = list;
    parse->query->aggregate_count = count;
    return code;
}
