/* Parameters to a question.  Each has a row in `rows`; their order is the order in which they are
 * taken, so that a later one may lean on an earlier (times on epoch), whatever order they came
 * in.  What only makes sense together is checked at the end. */
#include "base/hash.h"
#include "base/nearest.h"
#include "base/number.h"
#include "catalog/match.h"
#include "codec/utf8.h"
#include "query/name_list.h"
#include "query/question.h"

enum parameter {
    P_FORMAT,
    P_SHAPE,
    P_EPOCH,
    P_INT64,
    P_ORDER,
    P_VERSIONS,
    P_STRICT,
    P_MEASUREMENT,
    P_FIELDS,
    P_MATCH,
    P_START,
    P_END,
    P_AS_OF,
    P_EVERY,
    P_AGG,
    P_GROUP_BY,
    P_FILL,
    P_LIMIT,
    P_CURSOR,
    P_DOWNSAMPLE,
    P_EXPLAIN,
    P_OFFSET,
    P_TOP,
    P_BOTTOM,
    P_TZ,
    P_WHERE,
    P_COUNT
};

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
    [P_EXPLAIN] = "explain", [P_OFFSET] = "offset",
    [P_TOP] = "top",         [P_BOTTOM] = "bottom",
    [P_TZ] = "tz",           [P_WHERE] = "where",
    [P_COUNT] = NULL,
};

struct parse {
    const struct query_parameter *parameters;
    size_t count;
    struct arena *arena;
    struct query *query;
    int64_t now_ns;
    const struct query_parameter *given[P_COUNT]; /* the first of each, or NULL */
    size_t match_count;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the question");
}

/* --- what values look like --- */

/* One of a few words; their index. */
static enum code take_word(struct bytes value, const char *const *words, const char *want,
                           size_t *index, struct error *err)
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

static enum code take_time(struct parse *parse, struct bytes value, int64_t *ns, struct error *err)
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
    struct matchset *compiled = NULL;
    enum code code;

    (void)value;
    if (!matchers)
        return no_memory(err);
    for (size_t i = 0; i < parse->count; i++) {
        const struct query_parameter *parameter = &parse->parameters[i];

        if (!bytes_equal(parameter->name, bytes_of(query_parameter_names[P_MATCH])))
            continue;
        code = matcher_parse(parameter->value, &matchers[query->selector.matcher_count], err);
        if (code)
            return code;
        query->selector.matcher_count++;
    }
    query->selector.matchers = matchers;
    code = matchset_new(&query->selector, &compiled, err); /* a faulty pattern is told now */
    matchset_free(compiled);
    return code;
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

static bool is_calendar(struct bytes duration)
{
    char last = duration.size > 0 ? duration.data[duration.size - 1] : '\0';

    return last == 'y' || last == 'M' || (last == 'o' && duration.size > 1);
}

static enum code take_every(struct parse *parse, struct bytes value, struct error *err)
{
    if (is_calendar(value))
        return error_set(err, E_NOT_SUPPORTED,
                         "\"%.*s\": windows of months and years are not supported yet; there are "
                         "fixed ones, in w d h m s ms us ns (1w, 1d, 15m)",
                         BYTES_ARG(value));
    return duration_parse(value, &parse->query->every, err);
}

static enum code refuse_aggregate(struct bytes name, struct error *err)
{
    static const char *const later[] = {
        "stddev",   "variance", "median",     "mode",     "distinct",           "rate",
        "increase", "delta",    "derivative", "integral", "time_weighted_mean", NULL};
    bool known =
        name.size == 3 && name.data[0] == 'p' && name.data[1] >= '0' && name.data[1] <= '9';

    for (size_t i = 0; later[i]; i++)
        known |= bytes_equal(name, bytes_of(later[i]));
    return error_set(err, known ? E_NOT_SUPPORTED : E_BAD_PARAMETER,
                     "\"%.*s\"%s; there are count, sum, min, max, mean, first and last",
                     BYTES_ARG(name), known ? " is not supported yet" : "");
}

static enum code take_agg(struct parse *parse, struct bytes value, struct error *err)
{
    const struct aggregate **list;
    const struct bytes *names;
    uint32_t count;
    enum code code = name_list_parse(value, &names, &count, parse->arena, err);

    if (code)
        return code;
    list = ARENA_ARRAY(parse->arena, const struct aggregate *, count);
    if (!list)
        return no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        list[i] = aggregate_find(names[i]);
        if (!list[i])
            return refuse_aggregate(names[i], err);
    }
    parse->query->aggregates = list;
    parse->query->aggregate_count = count;
    return OK;
}

static enum code take_group_by(struct parse *parse, struct bytes value, struct error *err)
{
    struct query *query = parse->query;
    enum code code;

    if (value.size == 0)
        return OK; /* one result over all series */
    if (bytes_equal(value, BYTES("*"))) {
        query->grouping = GROUP_SERIES;
        return OK;
    }
    query->grouping = GROUP_TAGS;
    code = name_list_parse(value, &query->group_tags, &query->group_tag_count, parse->arena, err);
    for (uint32_t i = 0; i < query->group_tag_count && !code; i++)
        if (bytes_equal(query->group_tags[i], BYTES("*")))
            code = error_set(err, E_BAD_PARAMETER,
                             "\"*\" is every series for itself and stands alone");
    return code;
}

static enum code take_fill(struct parse *parse, struct bytes value, struct error *err)
{
    (void)parse;
    if (bytes_equal(value, BYTES("none")))
        return OK;
    return error_set(err, E_NOT_SUPPORTED,
                     "\"%.*s\" is not supported yet; there is none: empty windows have no row",
                     BYTES_ARG(value));
}

static enum code take_limit(struct parse *parse, struct bytes value, struct error *err)
{
    if (number_parse_u64(value, &parse->query->limit) || parse->query->limit == 0)
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\": want a number of rows from 1 on",
                         BYTES_ARG(value));
    return OK;
}

static enum code take_cursor(struct parse *parse, struct bytes value, struct error *err)
{
    parse->query->resumed = true;
    return cursor_parse(value, parse->arena, &parse->query->cursor, err);
}

static const struct {
    enum code (*take)(struct parse *parse, struct bytes value, struct error *err);
    const char *instead; /* of one that has no function yet: what there is */
    bool repeats;
    bool chooses; /* rows or their order: part of a cursor's identity */
} rows[P_COUNT] = {
    [P_FORMAT] = {.take = take_format  },
    [P_SHAPE] = {.take = take_shape   },
    [P_EPOCH] = {.take = take_epoch,    .chooses = true},
    [P_INT64] = {.take = take_int64                    },
    [P_ORDER] = {.take = take_order, .chooses = true},
    [P_VERSIONS] = {.take = take_versions,      .chooses = true},
    [P_STRICT] = {.take = take_strict},
    [P_MEASUREMENT] = {.take = take_measurement,                     .chooses = true},
    [P_FIELDS] = {.take = take_fields,                     .chooses = true},
    [P_MATCH] = {.take = take_match,.repeats = true, .chooses = true},
    [P_START] = {.take = take_start,   .chooses = true},
    [P_END] = {.take = take_end,                     .chooses = true},
    [P_AS_OF] = {.take = take_as_of,                     .chooses = true},
    [P_EVERY] = {.take = take_every,                     .chooses = true},
    [P_AGG] = {.take = take_agg,    .chooses = true},
    [P_GROUP_BY] = {.take = take_group_by,      .chooses = true},
    [P_FILL] = {.take = take_fill                    },
    [P_LIMIT] = {.take = take_limit},
    [P_CURSOR] = {.take = take_cursor   },
    [P_DOWNSAMPLE] = {.instead = "every= with agg=min,max"                    },
    [P_EXPLAIN] = {.instead = "no plan is shown"  },
    [P_OFFSET] = {.instead = "windows that align to the epoch, weeks to Monday"},
    [P_TOP] = {.instead = "order= and limit=, by time"                    },
    [P_BOTTOM] = {.instead = "order= and limit=, by time"},
    [P_TZ] = {.instead = "UTC"                                   },
    [P_WHERE] = {.instead = "match= for tags"                 },
};

static enum code note_given(struct parse *parse, struct error *err)
{
    for (size_t i = 0; i < parse->count; i++) {
        struct bytes name = parse->parameters[i].name;
        const char *near;
        int p = 0;

        while (p < P_COUNT && !bytes_equal(name, bytes_of(query_parameter_names[p])))
            p++;
        if (p == P_COUNT) {
            near = nearest_name(name, query_parameter_names);
            error_point(err, name);
            return error_set(err, E_UNKNOWN_PARAMETER, "\"%.*s\" is no parameter of a query%s%s%s",
                             BYTES_ARG(name), near ? "; did you mean \"" : "", near ? near : "",
                             near ? "\"?" : "");
        }
        /* Names that were asked for stand in answers, which are UTF-8. */
        if (utf8_check(parse->parameters[i].value) < parse->parameters[i].value.size) {
            error_point(err, name);
            return error_set(err, E_BAD_PARAMETER, "its value is not UTF-8");
        }
        parse->match_count += p == P_MATCH;
        if (!parse->given[p]) {
            parse->given[p] = &parse->parameters[i];
        } else if (!rows[p].repeats) {
            error_point(err, name);
            return error_set(err, E_BAD_PARAMETER, "it is given twice; want it once");
        }
    }
    return OK;
}

static enum code take_all(struct parse *parse, struct error *err)
{
    for (int p = 0; p < P_COUNT; p++) {
        const struct query_parameter *given = parse->given[p];
        enum code code;

        if (!given)
            continue;
        if (rows[p].take)
            code = rows[p].take(parse, given->value, err);
        else
            code = error_set(err, E_NOT_SUPPORTED, "it is not supported yet; there is: %s",
                             rows[p].instead);
        if (code) {
            error_point(err, bytes_of(query_parameter_names[p]));
            return code;
        }
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
    const struct query *query = parse->query;

    if (!parse->given[P_MEASUREMENT]) {
        error_point(err, BYTES("measurement"));
        return error_set(err, E_MISSING_PARAMETER,
                         "measurement= is needed; GET /v1/measurements lists them");
    }
    if (query->end <= query->start)
        return refuse_pair(P_END, "the range is [start, end): end must be after start", err);
    if (query->format == FORMAT_LINE_PROTOCOL && (!query_is_raw(query) || query->versions))
        return refuse_pair(P_FORMAT,
                           "line protocol is for raw rows at one S: leave agg= and versions= out, "
                           "or ask for json, ndjson or csv",
                           err);
    if (query_is_raw(query)) {
        if (parse->given[P_EVERY])
            return refuse_pair(P_EVERY, "windows need agg=, as in agg=mean,max", err);
        if (parse->given[P_GROUP_BY])
            return refuse_pair(P_GROUP_BY, "groups need agg=, as in agg=mean,max", err);
        if (parse->given[P_FILL])
            return refuse_pair(P_FILL, "it is for windows: every= and agg= are needed", err);
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
        for (size_t i = 0; rows[p].chooses && i < parse->count; i++) {
            if (!bytes_equal(parse->parameters[i].name, bytes_of(query_parameter_names[p])))
                continue;
            hash_span(&hash, parse->parameters[i].name);
            hash_span(&hash, parse->parameters[i].value);
        }
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

enum code query_parse(const struct query_parameter *parameters, size_t count, struct bytes accept,
                      int64_t now_ns, struct arena *arena, struct query **query, struct error *err)
{
    struct parse parse = {
        .parameters = parameters, .count = count, .arena = arena, .now_ns = now_ns};
    enum code code;

    parse.query = ARENA_NEW(arena, struct query);
    if (!parse.query)
        return no_memory(err);
    parse.query->start = INT64_MIN;
    parse.query->end = INT64_MAX; /* row times are below it */
    code = note_given(&parse, err);
    if (!code && !parse.given[P_FORMAT])
        code = format_accepted(accept, &parse.query->format, err);
    if (!code)
        code = take_all(&parse, err);
    if (!code)
        code = check_together(&parse, err);
    if (code)
        return code;
    parse.query->flat |= parse.query->format != FORMAT_JSON;
    parse.query->identity = identity_of(&parse);
    code = check_cursor(&parse, err);
    if (!code)
        *query = parse.query;
    return code;
}
