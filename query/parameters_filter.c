/* Parameters that leave rows and groups out, and those that compute columns. */
#include "base/number.h"
#include "query/parameters.h"

/* So many of each: what a row is asked is bounded, whatever the request line holds. */
enum { LETS_MAX = 64, WHERES_MAX = 64 };

/* The values of a parameter that may be repeated, as they came. */
static enum code values_of(struct parse *parse, enum parameter parameter, size_t most,
                           const struct bytes **values, size_t *count, struct error *err)
{
    struct bytes name = bytes_of(query_parameter_names[parameter]);
    struct bytes *list;
    size_t n = 0;

    for (size_t i = 0; i < parse->count; i++)
        n += bytes_equal(parse->parameters[i].name, name);
    if (n > most)
        return error_set(err, E_BAD_PARAMETER, "it is given %zu times; want at most %zu", n, most);
    list = ARENA_ARRAY(parse->arena, struct bytes, n);
    if (!list)
        return parse_no_memory(err);
    n = 0;
    for (size_t i = 0; i < parse->count; i++)
        if (bytes_equal(parse->parameters[i].name, name))
            list[n++] = parse->parameters[i].value;
    *values = list;
    *count = n;
    return OK;
}

static struct bytes without_spaces(struct bytes text)
{
    while (text.size > 0 && text.data[0] == ' ')
        text = bytes_slice(text, 1, text.size);
    return text;
}

/* NAME=EXPRESSION. */
static enum code let_parse(struct parse *parse, struct bytes text, struct computed *computed,
                           struct error *err)
{
    struct bytes rest = without_spaces(text);
    size_t size;
    enum code code = name_read(rest, parse->arena, &computed->name, &size, err);

    if (code)
        return code;
    rest = without_spaces(bytes_slice(rest, size, rest.size));
    if (computed->name.size == 0 || rest.size == 0 || rest.data[0] != '=')
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want a name, = and an expression, as in power=voltage*current; "
                         "names of other than letters, digits, _ and . stand in double quotes",
                         BYTES_ARG(text));
    return expression_parse(bytes_slice(rest, 1, rest.size), parse->arena, &computed->expression,
                            err);
}

/* A column is computed of fields and of columns before it. */
static enum code check_order(const struct computed *list, size_t count, size_t *at,
                             struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        *at = i;
        for (size_t j = 0; j < i; j++)
            if (bytes_equal(list[i].name, list[j].name))
                return error_set(err, E_BAD_PARAMETER, "\"%.*s\" is computed twice",
                                 BYTES_ARG(list[i].name));
        for (size_t j = i; j < count; j++)
            for (uint32_t n = 0; n < list[i].expression.name_count; n++)
                if (bytes_equal(list[i].expression.names[n], list[j].name))
                    return error_set(err, E_BAD_PARAMETER,
                                     "\"%.*s\" needs \"%.*s\", which is computed %s; want it of "
                                     "fields and of columns before it",
                                     BYTES_ARG(list[i].name), BYTES_ARG(list[j].name),
                                     i == j ? "by it" : "later");
    }
    return OK;
}

enum code take_let(struct parse *parse, struct bytes value, struct error *err)
{
    const struct bytes *values;
    struct computed *list;
    size_t count;
    enum code code = values_of(parse, P_LET, LETS_MAX, &values, &count, err);

    (void)value;
    if (code)
        return code;
    list = ARENA_ARRAY(parse->arena, struct computed, count);
    if (!list)
        return parse_no_memory(err);
    for (size_t i = 0; i < count && !code; i++) {
        parse->fault = i;
        code = let_parse(parse, values[i], &list[i], err);
    }
    if (!code)
        code = check_order(list, count, &parse->fault, err);
    parse->query->computed = list;
    parse->query->computed_count = (uint32_t)count;
    return code;
}

enum code take_where(struct parse *parse, struct bytes value, struct error *err)
{
    const struct bytes *values;
    struct filter *list;
    size_t count;
    enum code code = values_of(parse, P_WHERE, WHERES_MAX, &values, &count, err);

    (void)value;
    if (code)
        return code;
    list = ARENA_ARRAY(parse->arena, struct filter, count);
    if (!list)
        return parse_no_memory(err);
    for (size_t i = 0; i < count && !code; i++) {
        parse->fault = i;
        code = filter_parse(values[i], parse->arena, &list[i], err);
    }
    parse->query->filters = list;
    parse->query->filter_count = (uint32_t)count;
    return code;
}

/* N,COLUMN. */
static enum code take_rank(struct parse *parse, struct bytes value, bool bottom, struct error *err)
{
    const char *comma = value.size > 0 ? memchr(value.data, ',', value.size) : NULL;
    size_t size = comma ? (size_t)(comma - value.data) : 0;
    struct query *query = parse->query;

    if (!comma || size + 1 == value.size ||
        number_parse_u64(bytes_slice(value, 0, size), &query->top) || query->top == 0)
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want a number from 1 on and a column of the answer, as in "
                         "5,mean_user",
                         BYTES_ARG(value));
    query->top_by = bytes_slice(value, size + 1, value.size);
    query->bottom = bottom;
    return OK;
}

enum code take_top(struct parse *parse, struct bytes value, struct error *err)
{
    return take_rank(parse, value, false, err);
}

enum code take_bottom(struct parse *parse, struct bytes value, struct error *err)
{
    return take_rank(parse, value, true, err);
}

static enum code refuse(enum parameter parameter, const char *text, struct error *err)
{
    error_point(err, bytes_of(query_parameter_names[parameter]));
    return error_set(err, E_BAD_PARAMETER, "%s", text);
}

enum code check_rank(const struct parse *parse, struct error *err)
{
    const struct query *query = parse->query;
    enum parameter rank = parse->given[P_TOP] ? P_TOP : P_BOTTOM;

    if (!parse->given[rank])
        return OK;
    if (parse->given[P_TOP] && parse->given[P_BOTTOM])
        return refuse(P_BOTTOM, "an answer has a top or a bottom: leave one of them out", err);
    if (parse->given[P_LIMIT] || parse->given[P_CURSOR])
        return refuse(parse->given[P_LIMIT] ? P_LIMIT : P_CURSOR,
                      "top= and bottom= say how many there are: leave it out", err);
    if (query->versions)
        return refuse(rank, "ranks are of one S: leave versions= out", err);
    if (query_is_raw(query) && parse->given[P_ORDER])
        return refuse(P_ORDER,
                      "the best row comes first: leave it out, or ask for the other of top= and "
                      "bottom=",
                      err);
    return OK;
}
