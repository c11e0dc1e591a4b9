/* Parameters to a question.  They are taken in the order of their table, so that a later one may
 * lean on an earlier (times on epoch), whatever order they came in.  What only makes sense together
 * is checked at the end. */
#include <stdio.h>

#include "base/hash.h"
#include "base/nearest.h"
#include "codec/utf8.h"
#include "query/parameters.h"

static enum code refuse_unknown(const struct parse *parse, struct bytes name, struct error *err)
{
    const char *near = nearest_name(name, parse->names);

    error_point(err, name);
    return error_set(err, E_UNKNOWN_PARAMETER, "\"%.*s\" is no parameter of a query%s%s%s",
                     BYTES_ARG(name), near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
}

static bool is_known(const struct parse *parse, struct bytes name)
{
    for (size_t i = 0; parse->names[i]; i++)
        if (bytes_equal(name, bytes_of(parse->names[i])))
            return true;
    return false;
}

static enum code note_given(struct parse *parse, struct error *err)
{
    for (size_t i = 0; i < parse->count; i++) {
        struct bytes name = parse->parameters[i].name;
        const struct query_parameter **given;
        int p = 0;

        if (!is_known(parse, name))
            return refuse_unknown(parse, name, err);
        while (p < P_COUNT && !bytes_equal(name, bytes_of(query_parameter_names[p])))
            p++;
        /* Names that were asked for stand in answers, which are UTF-8. */
        if (utf8_check(parse->parameters[i].value) < parse->parameters[i].value.size) {
            error_point(err, name);
            return error_set(err, E_BAD_PARAMETER, "its value is not UTF-8");
        }
        parse->match_count += p == P_MATCH;
        given = p == P_COUNT ? &parse->since : &parse->given[p];
        if (!*given) {
            *given = &parse->parameters[i];
        } else if (p == P_COUNT || !parameter_rows[p].repeats) {
            error_point(err, name);
            return error_set(err, E_BAD_PARAMETER, "it is given twice; want it once");
        }
    }
    return OK;
}

enum code parse_take(struct parse *parse, enum parameter parameter, struct bytes value,
                     struct error *err)
{
    const char *name = query_parameter_names[parameter];
    char pointer[ERROR_POINTER_SIZE];
    enum code code;
    int size;

    parse->fault = SIZE_MAX;
    code = parameter_rows[parameter].take(parse, value, err);
    if (!code)
        return OK;
    if (parse->pointing && parse->fault != SIZE_MAX)
        size = snprintf(pointer, sizeof(pointer), "%s/%zu", name, parse->fault);
    else
        size = snprintf(pointer, sizeof(pointer), "%s", name);
    error_point(err, (struct bytes){pointer, (size_t)size});
    return code;
}

static enum code take_all(struct parse *parse, struct error *err)
{
    for (int p = 0; p < P_COUNT; p++) {
        const struct query_parameter *given = parse->given[p];
        enum code code;

        if (!given)
            continue;
        if (parameter_rows[p].take) {
            code = parse_take(parse, (enum parameter)p, given->value, err);
        } else {
            code = error_set(err, E_NOT_SUPPORTED, "it is not supported yet; there is: %s",
                             parameter_rows[p].instead);
            error_point(err, bytes_of(query_parameter_names[p]));
        }
        if (code)
            return code;
    }
    return OK;
}

static enum code refuse_pair(enum parameter parameter, const char *text, struct error *err)
{
    error_point(err, bytes_of(query_parameter_names[parameter]));
    return error_set(err, E_BAD_PARAMETER, "%s", text);
}

static enum code check_together(const struct parse *parse, struct error *err)
{
    static const enum parameter of_windows[] = {P_FILL, P_TZ, P_OFFSET};
    const struct query *query = parse->query;
    enum code code;

    if (!parse->given[P_MEASUREMENT]) {
        error_point(err, BYTES("measurement"));
        return error_set(err, E_MISSING_PARAMETER,
                         "measurement= is needed; GET /v1/measurements lists them");
    }
    if (query->end <= query->start)
        return refuse_pair(P_END, "the range is [start, end): end must be after start", err);
    if (query->format == FORMAT_LINE_PROTOCOL &&
        (!query_is_raw(query) || query_wants_versions(query)))
        return refuse_pair(P_FORMAT,
                           "line protocol is for raw rows at one S, not for agg=, versions= and "
                           "changes: ask for json, ndjson or csv",
                           err);
    for (size_t i = 0; i < COUNT_OF(of_windows); i++)
        if (parse->given[of_windows[i]] && (query_is_raw(query) || !parse->given[P_EVERY]))
            return refuse_pair(of_windows[i], "it is for windows: every= and agg= are needed", err);
    if (query->explain && query->format != FORMAT_JSON)
        return refuse_pair(P_EXPLAIN, "a plan is told in JSON: want format=json", err);
    code = check_plot(parse, err);
    if (code)
        return code;
    code = check_rank(parse, err);
    if (code)
        return code;
    if (query_is_raw(query)) {
        if (parse->given[P_EVERY])
            return refuse_pair(P_EVERY, "windows need agg=, as in agg=mean,max", err);
        if (parse->given[P_GROUP_BY])
            return refuse_pair(P_GROUP_BY, "groups need agg=, as in agg=mean,max", err);
    } else if (query->versions) {
        return refuse_pair(P_VERSIONS,
                           "all versions are told of raw rows: leave agg= and every= "
                           "out, or ask for one as_of=",
                           err);
    }
    return OK;
}

static void hash_span(struct hash128_state *hash, struct bytes bytes)
{
    uint64_t size = bytes.size;

    hash128_add(hash, (struct bytes){(const char *)&size, sizeof(size)});
    hash128_add(hash, bytes);
}

/* Of the texts, in the table's order: "now-1h" is the same question on every page. */
static uint64_t identity_of(const struct parse *parse)
{
    struct hash128_state hash;
    struct hash128 sum;
    uint64_t identity;

    hash128_begin(&hash);
    for (int p = 0; p < P_COUNT; p++) {
        for (size_t i = 0; parameter_rows[p].chooses && i < parse->count; i++) {
            if (!bytes_equal(parse->parameters[i].name, bytes_of(query_parameter_names[p])))
                continue;
            hash_span(&hash, parse->parameters[i].name);
            hash_span(&hash, parse->parameters[i].value);
        }
    }
    if (parse->since) {
        hash_span(&hash, parse->since->name);
        hash_span(&hash, parse->since->value);
    }
    sum = hash128_end(&hash);
    memcpy(&identity, sum.bytes, sizeof(identity));
    return identity;
}

static enum code check_cursor(const struct parse *parse, struct error *err)
{
    const struct cursor *cursor = &parse->query->cursor;

    if (!parse->query->resumed || cursor->identity == parse->query->identity)
        return OK;
    error_point(err, BYTES("cursor"));
    return error_set(err, E_BAD_CURSOR,
                     "this cursor is of another question: repeat all parameters of the first "
                     "page (limit, format, shape and int64 may change), or leave cursor= out");
}

enum code parse_new(struct parse *parse, struct error *err)
{
    parse->query = ARENA_NEW(parse->arena, struct query);
    if (!parse->query)
        return parse_no_memory(err);
    parse->query->start = INT64_MIN;
    parse->query->end = INT64_MAX; /* row times are below it */
    return OK;
}

enum code parse_all(struct parse *parse, struct bytes accept, struct error *err)
{
    enum code code = note_given(parse, err);

    if (!code && !parse->given[P_FORMAT])
        code = format_accepted(accept, &parse->query->format, err);
    if (!code)
        code = take_all(parse, err);
    if (!code)
        code = check_together(parse, err);
    if (code)
        return code;
    parse->query->flat |= parse->query->format != FORMAT_JSON;
    parse->query->identity = identity_of(parse);
    return check_cursor(parse, err);
}

static enum code parse_question(const struct query_parameter *parameters, size_t count,
                                struct bytes accept, int64_t now_ns, bool pointing,
                                struct arena *arena, struct query **query, struct error *err)
{
    struct parse parse = {.parameters = parameters,
                          .count = count,
                          .names = query_parameter_names,
                          .pointing = pointing,
                          .arena = arena,
                          .now_ns = now_ns};
    enum code code = parse_new(&parse, err);

    if (!code)
        code = parse_all(&parse, accept, err);
    if (!code)
        *query = parse.query;
    return code;
}

enum code query_parse(const struct query_parameter *parameters, size_t count, struct bytes accept,
                      int64_t now_ns, struct arena *arena, struct query **query, struct error *err)
{
    return parse_question(parameters, count, accept, now_ns, false, arena, query, err);
}

enum code parse_listed(const struct query_parameter *parameters, size_t count, struct bytes accept,
                       int64_t now_ns, struct arena *arena, struct query **query, struct error *err)
{
    return parse_question(parameters, count, accept, now_ns, true, arena, query, err);
}
