#include "query/parameters.h"

#include "base/number.h"
#include "catalog/match.h"
#include "query/name_list.h"

const char *const query_parameter_names[] = {
    [P_FORMAT] = "format",   [P_SHAPE] = "shape",
    [P_EPOCH] = "epoch",     [P_INT64] = "int64",
    [P_ORDER] = "order",     [P_VERSIONS] = "versions",
    [P_STRICT] = "strict",   [P_MEASUREMENT] = "measurement",
    [P_FIELDS] = "fields",   [P_MATCH] = "match",
    [P_START] = "start",     [P_END] = "end",
    [P_AS_OF] = "as_of",     [P_EVERY] = "every",
    [P_AGG] = "agg",         [P_GROUP_BY] = "group_by",
    [P_FILL] = "fill",       [P_LIMIT] = "limit",
    [P_CURSOR] = "cursor",   [P_DOWNSAMPLE] = "downsample",
    [P_POINTS] = "points",   [P_GAP] = "gap",
    [P_EXPLAIN] = "explain", [P_OFFSET] = "offset",
    [P_TOP] = "top",         [P_BOTTOM] = "bottom",
    [P_TZ] = "tz",           [P_LET] = "let",
    [P_WHERE] = "where",     [P_COUNT] = NULL,
};

/* --- what values look like --- */

enum code take_word(struct bytes value, const char *const *words, const char *want, size_t *index,
                    struct error *err)
{
    for (size_t i = 0; words[i]; i++) {
        if (bytes_equal(value, bytes_of(words[i]))) {
            *index = i;
            return OK;
        }
    }
    return error_set(err, E_BAD_PARAMETER, "\"%.*s\": want %s", BYTES_ARG(value), want);
}

static const char *const false_true[] = {"false", "true", NULL};

enum code take_time(struct parse *parse, struct bytes value, int64_t *ns, struct error *err)
{
    enum code code = time_parameter_parse(value, parse->query->epoch, parse->now_ns, ns, err);

    if (!code)
        return OK;
    if (err)
        err->code = E_BAD_PARAMETER;
    return E_BAD_PARAMETER;
}

/* --- one function a parameter --- */

static enum code take_format(struct parse *parse, struct bytes value, struct error *err)
{
    return format_named(value, &parse->query->format, err);
}

static enum code take_shape(struct parse *parse, struct bytes value, struct error *err)
{
    static const char *const words[] = {"series", "rows", NULL};
    size_t index = 0;
    enum code code = take_word(value, words, "series or rows", &index, err);

    if (code)
        return code;
    if (index == 0 && parse->query->format != FORMAT_JSON)
        return error_set(err, E_BAD_PARAMETER,
                         "series: %s is flat, one row a line; want rows, or format=json",
                         format_rows[parse->query->format].name);
    parse->query->flat = index == 1;
    return OK;
}

static enum code take_epoch(struct parse *parse, struct bytes value, struct error *err)
{
    if (time_unit_parse(value, &parse->query->epoch))
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\": want ns, us, ms or s", BYTES_ARG(value));
    parse->query->epoch_given = true;
    return OK;
}

static enum code take_int64(struct parse *parse, struct bytes value, struct error *err)
{
    static const char *const words[] = {"number", "string", NULL};
    size_t index = 0;
    enum code code = take_word(value, words, "number or string", &index, err);

    parse->query->integer_text = index == 1;
    return code;
}

static enum code take_order(struct parse *parse, struct bytes value, struct error *err)
{
    static const char *const words[] = {"asc", "desc", NULL};
    size_t index = 0;
    enum code code = take_word(value, words, "asc or desc", &index, err);

    parse->query->descending = index == 1;
    return code;
}

static enum code take_versions(struct parse *parse, struct bytes value, struct error *err)
{
    static const char *const words[] = {"latest", "all", NULL};
    size_t index = 0;
    enum code code = take_word(value, words, "latest or all", &index, err);

    parse->query->versions = index == 1;
    return code;
}

static enum code take_strict(struct parse *parse, struct bytes value, struct error *err)
{
    size_t index = 0;
    enum code code = take_word(value, false_true, "true or false", &index, err);

    parse->query->strict = index == 1;
    return code;
}

static enum code take_explain(struct parse *parse, struct bytes value, struct error *err)
{
    size_t index = 0;
    enum code code = take_word(value, false_true, "true or false", &index, err);

    parse->query->explain = index == 1;
    return code;
}

static enum code take_measurement(struct parse *parse, struct bytes value, struct error *err)
{
    if (value.size == 0)
        return error_set(err, E_BAD_PARAMETER, "the measurement's name is empty");
    parse->query->selector.measurement = value;
    return OK;
}

static enum code take_fields(struct parse *parse, struct bytes value, struct error *err)
{
    struct query *query = parse->query;

    if (value.size == 0)
        return error_set(err, E_BAD_PARAMETER,
                         "no field is named; leave fields= out to get all of them");
    return name_list_parse(value, &query->fields, &query->field_count, parse->arena, err);
}

/* All of them: match= may be repeated. */
static enum code take_match(struct parse *parse, struct bytes value, struct error *err)
{
    struct query *query = parse->query;
    struct matcher *matchers = ARENA_ARRAY(parse->arena, struct matcher, parse->match_count);
    struct selector one = {.measurement = query->selector.measurement, .matcher_count = 1};
    struct matchset *compiled = NULL;
    enum code code;

    (void)value;
    if (!matchers)
        return parse_no_memory(err);
    for (size_t i = 0; i < parse->count; i++) {
        const struct query_parameter *parameter = &parse->parameters[i];

        if (!bytes_equal(parameter->name, bytes_of(query_parameter_names[P_MATCH])))
            continue;
        one.matchers = &matchers[query->selector.matcher_count];
        parse->fault = query->selector.matcher_count++;
        code = matcher_parse(parameter->value, &matchers[parse->fault], err);
        if (!code)
            code = matchset_new(&one, &compiled, err); /* a faulty pattern is told now */
        if (code)
            return code;
        matchset_free(compiled);
    }
    query->selector.matchers = matchers;
    return OK;
}

static enum code take_start(struct parse *parse, struct bytes value, struct error *err)
{
    parse->query->start_given = true;
    return take_time(parse, value, &parse->query->start, err);
}

static enum code take_end(struct parse *parse, struct bytes value, struct error *err)
{
    return take_time(parse, value, &parse->query->end, err);
}

static enum code take_as_of(struct parse *parse, struct bytes value, struct error *err)
{
    parse->query->as_of_given = true;
    return take_time(parse, value, &parse->query->as_of, err);
}

static enum code take_limit(struct parse *parse, struct bytes value, struct error *err)
{
    if (number_parse_u64(value, &parse->query->limit) || parse->query->limit == 0)
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want a number of rows from 1 on, at most page_rows_max",
                         BYTES_ARG(value));
    return OK;
}

static enum code take_cursor(struct parse *parse, struct bytes value, struct error *err)
{
    parse->query->resumed = true;
    return cursor_parse(value, parse->arena, &parse->query->cursor, err);
}

/* Version 14 fails over rows of so different lengths. */
/* clang-format off */
const struct parameter_row parameter_rows[P_COUNT] = {
    [P_FORMAT] = {.take = take_format},
    [P_SHAPE] = {.take = take_shape},
    [P_EPOCH] = {.take = take_epoch, .chooses = true},
    [P_INT64] = {.take = take_int64},
    [P_ORDER] = {.take = take_order, .chooses = true},
    [P_VERSIONS] = {.take = take_versions, .chooses = true},
    [P_STRICT] = {.take = take_strict},
    [P_MEASUREMENT] = {.take = take_measurement, .chooses = true},
    [P_FIELDS] = {.take = take_fields, .chooses = true},
    [P_MATCH] = {.take = take_match, .repeats = true, .chooses = true},
    [P_START] = {.take = take_start, .chooses = true},
    [P_END] = {.take = take_end, .chooses = true},
    [P_AS_OF] = {.take = take_as_of, .chooses = true},
    [P_EVERY] = {.take = take_every, .chooses = true},
    [P_AGG] = {.take = take_agg, .chooses = true},
    [P_GROUP_BY] = {.take = take_group_by, .chooses = true},
    [P_FILL] = {.take = take_fill, .chooses = true},
    [P_LIMIT] = {.take = take_limit},
    [P_CURSOR] = {.take = take_cursor},
    [P_DOWNSAMPLE] = {.take = take_downsample, .chooses = true},
    [P_POINTS] = {.take = take_points, .chooses = true},
    [P_GAP] = {.take = take_gap, .chooses = true},
    [P_EXPLAIN] = {.take = take_explain},
    [P_OFFSET] = {.take = take_offset, .chooses = true},
    [P_TOP] = {.take = take_top, .chooses = true},
    [P_BOTTOM] = {.take = take_bottom, .chooses = true},
    [P_TZ] = {.take = take_tz, .chooses = true},
    [P_LET] = {.take = take_let, .repeats = true, .chooses = true},
    [P_WHERE] = {.take = take_where, .repeats = true, .chooses = true},
};
/* clang-format on */
