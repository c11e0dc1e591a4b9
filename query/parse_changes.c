/* Questions about changes: raw rows, and since when.  On the pages of one the cursor says it, as
 * "now-1h" must not move between them.
 *
 * Conditions on values choose rows of an answer at each of its two moments; a column that is
 * computed and a rank say something of one moment, and are left to questions about one. */
#include "query/parameters.h"

const char *const changes_parameter_names[] = {
    "since",  "measurement", "fields", "match", "where",  "start", "end",
    "as_of",  "order",       "format", "shape", "epoch",  "int64", "limit",
    "cursor", "strict",      "let",    "top",   "bottom", NULL,
};

const char *const live_parameter_names[] = {
    "since", "measurement", "fields", "match", "where",  "start", "end",
    "epoch", "int64",       "let",    "top",   "bottom", NULL,
};

/* Not as unknown ones: who asks GET /v1/query for them may well ask for them here. */
static enum code refuse_of_one_moment(const struct parse *parse, struct error *err)
{
    static const enum parameter refused[] = {P_LET, P_TOP, P_BOTTOM};

    for (size_t i = 0; i < parse->count; i++) {
        struct bytes name = parse->parameters[i].name;

        for (size_t k = 0; k < COUNT_OF(refused); k++) {
            if (!bytes_equal(name, bytes_of(query_parameter_names[refused[k]])))
                continue;
            error_point(err, name);
            return error_set(err, E_NOT_SUPPORTED,
                             "changes are told of stored fields, row by row: computed columns and "
                             "ranks are for GET /v1/query; where= chooses rows here, too");
        }
    }
    return OK;
}

static enum code take_since(struct parse *parse, struct bytes text, struct bytes name,
                            struct error *err)
{
    enum code code = take_time(parse, text, &parse->query->since, err);

    if (code)
        error_point(err, name);
    return code;
}

static enum code settle_since(struct parse *parse, struct error *err)
{
    struct query *query = parse->query;
    enum code code;

    if (!parse->since) {
        error_point(err, BYTES("since"));
        return error_set(err, E_MISSING_PARAMETER,
                         "since= is needed: the as_of of the answer that is known, or 0 for all");
    }
    code = take_since(parse, parse->since->value, parse->since->name, err);
    if (code)
        return code;
    if (query->resumed)
        query->since = query->cursor.known_from;
    if (query->as_of_given && query->since > query->as_of) {
        error_point(err, BYTES("since"));
        return error_set(err, E_BAD_PARAMETER, "since must not be after as_of");
    }
    return OK;
}

enum code changes_parse(const struct query_parameter *parameters, size_t count, struct bytes accept,
                        int64_t now_ns, struct arena *arena, struct query **query,
                        struct error *err)
{
    struct parse parse = {.parameters = parameters,
                          .count = count,
                          .names = changes_parameter_names,
                          .arena = arena,
                          .now_ns = now_ns};
    enum code code = refuse_of_one_moment(&parse, err);

    if (!code)
        code = parse_new(&parse, err);
    if (code)
        return code;
    parse.query->changes = true;
    code = parse_all(&parse, accept, err);
    if (!code)
        code = settle_since(&parse, err);
    if (!code)
        *query = parse.query;
    return code;
}

enum code live_parse(const struct query_parameter *parameters, size_t count, struct bytes last_id,
                     int64_t now_ns, uint64_t page_bytes, struct arena *arena, struct query **query,
                     bool *from_now, struct error *err)
{
    struct parse parse = {.parameters = parameters,
                          .count = count,
                          .names = live_parameter_names,
                          .arena = arena,
                          .now_ns = now_ns};
    enum code code = refuse_of_one_moment(&parse, err);

    if (!code)
        code = parse_new(&parse, err);
    if (code)
        return code;
    parse.query->changes = parse.query->events = parse.query->flat = true;
    parse.query->page_bytes = page_bytes;
    code = parse_all(&parse, BYTES(""), err);
    if (!code && last_id.size > 0)
        code = take_since(&parse, last_id, BYTES("Last-Event-ID"), err);
    else if (!code && parse.since)
        code = take_since(&parse, parse.since->value, parse.since->name, err);
    if (code)
        return code;
    *from_now = last_id.size == 0 && !parse.since;
    *query = parse.query;
    return OK;
}

enum code live_go_on(struct query *query, int64_t since, struct bytes next, struct arena *arena,
                     struct error *err)
{
    query->since = since;
    query->resumed = next.size > 0;
    query->cursor = (struct cursor){0};
    return query->resumed ? cursor_parse(next, arena, &query->cursor, err) : OK;
}

int64_t live_since(const struct query *query)
{
    return query->since;
}
