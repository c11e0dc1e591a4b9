/* Questions about statistics: one window over the range, and in it what query/answer_stats.c has
 * columns of. */
#include "query/parameters.h"
#include "query/plan.h"

const char *const stats_parameter_names[] = {
    "measurement", "fields", "match", "start", "end",   "group_by", "where",  "let", "as_of",
    "strict",      "format", "shape", "epoch", "int64", "limit",    "cursor", NULL,
};

/* Not as unknown ones: who has pages elsewhere may well ask for them here. */
static enum code refuse_pages(const struct parse *parse, struct error *err)
{
    for (size_t i = 0; i < parse->count; i++) {
        struct bytes name = parse->parameters[i].name;

        if (!bytes_equal(name, BYTES("limit")) && !bytes_equal(name, BYTES("cursor")))
            continue;
        error_point(err, name);
        return error_set(err, E_NOT_SUPPORTED,
                         "statistics have no pages: there is one row a field and group, all in one "
                         "answer; ask for fewer of them with fields=, match= or group_by=");
    }
    return OK;
}

/* The aggregates that the columns are made of. */
static enum code take_aggregates(struct parse *parse, struct error *err)
{
    struct aggregate_call *calls =
        ARENA_ARRAY(parse->arena, struct aggregate_call, stats_column_count);
    uint32_t count = 0;

    if (!calls)
        return parse_no_memory(err);
    for (size_t i = 0; i < stats_column_count; i++) {
        const char *text = stats_columns[i].aggregate;

        if (text && !aggregate_call_parse(bytes_of(text), &calls[count++]))
            return error_set(err, E_INTERNAL, "there is no aggregate %s", text);
    }
    parse->query->aggregates = calls;
    parse->query->aggregate_count = count;
    return OK;
}

enum code stats_parse(const struct query_parameter *parameters, size_t count, struct bytes accept,
                      int64_t now_ns, struct arena *arena, struct query **query, struct error *err)
{
    struct parse parse = {.parameters = parameters,
                          .count = count,
                          .names = stats_parameter_names,
                          .arena = arena,
                          .now_ns = now_ns};
    enum code code = refuse_pages(&parse, err);

    if (!code)
        code = parse_new(&parse, err);
    if (code)
        return code;
    parse.query->stats = true;
    code = take_aggregates(&parse, err);
    if (!code)
        code = parse_all(&parse, accept, err);
    if (!code)
        *query = parse.query;
    return code;
}
