/* A JSON document to a question: its members become the parameters that the question would have in
 * a URL, and go the same way.  With "selections" it is a join: a question for each, which takes
 * from around them what it does not say itself. */
#include <stdio.h>

#include "base/hash.h"
#include "base/nearest.h"
#include "base/time_text.h"
#include "query/join.h"
#include "query/json_parameters.h"

enum {
    DEPTH_MAX = 8,      /* a join's match object needs four */
    NAME_SIZE_MAX = 64, /* of a selection */
    NAMES_MAX = P_COUNT + 4,
};

/* Where a parameter of a join may stand. */
enum { AROUND = 1, WITHIN = 2 };

static const uint8_t places[P_COUNT] = {
    [P_FORMAT] = AROUND,       [P_SHAPE] = AROUND,
    [P_EPOCH] = AROUND,        [P_INT64] = AROUND,
    [P_ORDER] = AROUND,        [P_STRICT] = AROUND,
    [P_LIMIT] = AROUND,        [P_FIELDS] = AROUND | WITHIN,
    [P_LET] = AROUND | WITHIN, [P_START] = AROUND | WITHIN,
    [P_END] = AROUND | WITHIN, [P_AS_OF] = AROUND | WITHIN,
    [P_TZ] = AROUND | WITHIN,  [P_EVERY] = AROUND | WITHIN,
    [P_MEASUREMENT] = WITHIN,  [P_MATCH] = WITHIN,
    [P_OFFSET] = WITHIN,       [P_AGG] = WITHIN,
    [P_GROUP_BY] = WITHIN,     [P_FILL] = WITHIN,
    [P_WHERE] = WITHIN,
};

/* A join while it is taken apart. */
struct join_parse {
    struct parameter_list around;
    struct query *query;
    struct join *join;
    int64_t now_ns;
    struct arena *arena;
};

/* --- names --- */

static enum code refuse_unknown(struct bytes name, const char *const *names, struct error *err)
{
    const char *near = nearest_name(name, names);

    error_point_member(err, name);
    return error_set(err, E_UNKNOWN_PARAMETER, "\"%.*s\" is no member of a question%s%s%s",
                     BYTES_ARG(name), near ? "; did you mean \"" : "", near ? near : "",
                     near ? "\"?" : "");
}

/* Those that may stand at a place, and what a table of parameters does not know. */
static void names_of(uint8_t place, const char *const *more, const char *names[NAMES_MAX])
{
    size_t count = 0;

    for (int p = 0; p < P_COUNT; p++)
        if (places[p] & place)
            names[count++] = query_parameter_names[p];
    while (*more)
        names[count++] = *more++;
    names[count] = NULL;
}

static enum code refuse_place(enum parameter parameter, struct error *err)
{
    const char *name = query_parameter_names[parameter];

    error_point(err, bytes_of(name));
    if (parameter == P_CURSOR)
        return error_set(err, E_NOT_SUPPORTED,
                         "a join has no pages: leave it out; limit gives the first rows, start and "
                         "end a part of the range");
    if (places[parameter] == AROUND)
        return error_set(err, E_BAD_PARAMETER,
                         "%s is of the whole answer: want it beside \"selections\"", name);
    if (places[parameter] == WITHIN)
        return error_set(err, E_BAD_PARAMETER,
                         "%s is of one selection: want it within that, as in \"selections\": "
                         "{\"load\": {\"%s\": ...}}",
                         name, name);
    return error_set(err, E_NOT_SUPPORTED, "%s is for one question, not for a join", name);
}

/* The parameters of an object; `own` members are the caller's. */
static enum code collect(const struct json *object, uint8_t place, const char *const *own,
                         struct parameter_list *list, struct error *err)
{
    const char *names[NAMES_MAX];
    struct json *value;
    struct bytes key;
    enum code code = OK;

    names_of(place, own, names);
    for (void *at = NULL; !code && json_next(object, &at, &key, &value);) {
        enum parameter parameter = parameter_named(key);
        const char *const *mine = own;

        while (*mine && !bytes_equal(key, bytes_of(*mine)))
            mine++;
        if (*mine)
            continue;
        if (parameter == P_COUNT)
            code = refuse_unknown(key, place ? names : query_parameter_names, err);
        else if (place && (places[parameter] & place) == 0)
            code = refuse_place(parameter, err);
        else
            code = parameter_list_add(list, parameter, value, err);
    }
    return code;
}

/* --- one question --- */

static enum code parse_question(const struct json *root, struct bytes accept, int64_t now_ns,
                                struct arena *arena, struct query **query, struct error *err)
{
    static const char *const none[] = {NULL};
    struct parameter_list list = {.arena = arena};
    enum code code;

    if (json_member(root, "join")) {
        error_point(err, BYTES("join"));
        return error_set(err, E_BAD_PARAMETER, "there is nothing to join: want \"selections\"");
    }
    code = collect(root, 0, none, &list, err);
    if (!code)
        code = parse_listed(list.items, list.count, accept, now_ns, arena, query, err);
    if (!code)
        (*query)->of_json = true;
    else
        error_point_listed(err, root);
    return code;
}

/* --- a selection --- */

static const char *const own_of_selection[] = {"spread", NULL};

void selection_point(const struct selection *selection, struct error *err)
{
    char path[ERROR_POINTER_SIZE];
    struct bytes pointer;
    const char *slash;
    enum parameter parameter;
    int size;

    if (!err)
        return;
    slash = strchr(err->pointer, '/');
    pointer = bytes_of(err->pointer);
    parameter = parameter_named(
        bytes_slice(pointer, 0, slash ? (size_t)(slash - err->pointer) : pointer.size));
    size = snprintf(path, sizeof(path), "/selections/%.*s", BYTES_ARG(selection->name));
    if (parameter != P_COUNT && selection->inherits[parameter])
        size = 0;
    error_point_within(err, (struct bytes){path, (size_t)size});
}

static enum code take_spread(const struct json *value, struct selection *selection,
                             struct error *err)
{
    enum code code;

    if (!value)
        return OK;
    if (json_kind(value) == JSON_KIND_BOOL) {
        selection->spread_ns = json_bool_of(value) ? INT64_MAX : 0;
        return OK;
    }
    if (json_kind(value) == JSON_KIND_TEXT)
        code = duration_parse(json_text_of(value), &selection->spread_ns, err);
    else
        code = error_set(err, E_BAD_PARAMETER,
                         "it is %s; want true, false, or how long a row holds, as in \"1d\"",
                         json_kind_name(json_kind(value)));
    if (code)
        error_point(err, BYTES("spread"));
    return code;
}

static enum code inherit(struct join_parse *parse, struct parameter_list *list,
                         enum parameter parameter, struct selection *selection, struct error *err)
{
    if (parameter_list_has(list, parameter) || !parameter_list_has(&parse->around, parameter))
        return OK;
    selection->inherits[parameter] = true;
    return parameter_list_copy(list, &parse->around, parameter, err);
}

/* What stands around all and is not said here; of windows only where there are some. */
static enum code inherit_all(struct join_parse *parse, struct parameter_list *list,
                             struct selection *selection, struct error *err)
{
    static const enum parameter always[] = {P_EPOCH, P_START, P_END, P_AS_OF};
    enum code code = OK;

    selection->own_moment = parameter_list_has(list, P_AS_OF);
    for (size_t i = 0; i < COUNT_OF(always) && !code; i++)
        code = inherit(parse, list, always[i], selection, err);
    if (!code && parameter_list_has(list, P_AGG))
        code = inherit(parse, list, P_EVERY, selection, err);
    if (!code && parameter_list_has(list, P_AGG) && parameter_list_has(list, P_EVERY))
        code = inherit(parse, list, P_TZ, selection, err);
    return code;
}

static enum code parse_selection(struct join_parse *parse, const struct json *value,
                                 struct selection *selection, struct error *err)
{
    struct parameter_list list = {.arena = parse->arena};
    struct query *query;
    enum code code = take_spread(json_member(value, "spread"), selection, err);

    if (!code)
        code = collect(value, WITHIN, own_of_selection, &list, err);
    if (!code)
        code = inherit_all(parse, &list, selection, err);
    if (!code)
        code = parse_listed(list.items, list.count, BYTES(""), parse->now_ns, parse->arena, &query,
                            err);
    if (!code && query->grouping == GROUP_SERIES) {
        error_point(err, BYTES("group_by"));
        code = error_set(err, E_BAD_PARAMETER,
                         "selections are joined on tags: want their names instead of \"*\"");
    }
    if (code) {
        error_point_listed(err, value);
        selection_point(selection, err);
        return code;
    }
    query->strict = parse->query->strict;
    selection->query = query;
    return OK;
}

static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.size > 0 && name.size <= NAME_SIZE_MAX;
}

static enum code check_selection(struct bytes name, const struct json *value, struct error *err)
{
    if (is_name(name) && json_kind(value) == JSON_KIND_OBJECT)
        return OK;
    error_point_member(err, name);
    error_point_within(err, BYTES("/selections"));
    if (name.size == 0) /* a pointer to no name is that of the object else */
        error_point(err, BYTES("/selections/"));
    if (!is_name(name))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": want letters, digits and _, at most %d, not a digit first, as "
                         "names of columns begin with it",
                         BYTES_ARG(name), NAME_SIZE_MAX);
    return error_set(err, E_BAD_PARAMETER, "it is %s; want an object: a question",
                     json_kind_name(json_kind(value)));
}

static enum code check_count(const struct json *selections, size_t count, struct error *err)
{
    enum json_kind kind = json_kind(selections);

    if (kind == JSON_KIND_OBJECT && count > 0 && count <= JOIN_SELECTIONS_MAX)
        return OK;
    error_point(err, BYTES("selections"));
    if (kind == JSON_KIND_OBJECT)
        return error_set(err, E_BAD_PARAMETER, "there are %zu; want 1 to %d", count,
                         JOIN_SELECTIONS_MAX);
    return error_set(err, E_BAD_PARAMETER, "it is %s; want an object: a question for each name",
                     json_kind_name(kind));
}

static enum code parse_selections(struct join_parse *parse, const struct json *selections,
                                  struct error *err)
{
    size_t count = json_count(selections);
    struct json *value;
    struct bytes name;
    enum code code = check_count(selections, count, err);

    if (code)
        return code;
    parse->join->selections = ARENA_ARRAY(parse->arena, struct selection, count);
    if (!parse->join->selections)
        return parse_no_memory(err);
    for (void *at = NULL; !code && json_next(selections, &at, &name, &value);) {
        struct selection *selection = &parse->join->selections[parse->join->count];

        code = check_selection(name, value, err);
        if (code)
            return code;
        selection->name = arena_copy(parse->arena, name);
        if (!selection->name.data)
            return parse_no_memory(err);
        code = parse_selection(parse, value, selection, err);
        parse->join->count++;
    }
    return code;
}

/* --- what stands around them --- */

static enum code take_kind(const struct json *value, enum join_kind *kind, struct error *err)
{
    static const char *const words[] = {
        [JOIN_OUTER] = "outer", [JOIN_LEFT] = "left", [JOIN_INNER] = "inner", NULL};
    size_t index = 0;
    enum code code = OK;

    if (value && json_kind(value) != JSON_KIND_TEXT)
        code = error_set(err, E_BAD_PARAMETER, "it is %s; want inner, left or outer",
                         json_kind_name(json_kind(value)));
    else if (value)
        code = take_word(json_text_of(value), words, "inner, left or outer", &index, err);
    *kind = (enum join_kind)index;
    if (code)
        error_point(err, BYTES("join"));
    return code;
}

static enum code take_around(struct join_parse *parse, struct bytes accept, struct error *err)
{
    struct parse taken = {.parameters = parse->around.items,
                          .count = parse->around.count,
                          .names = query_parameter_names,
                          .pointing = true,
                          .arena = parse->arena,
                          .now_ns = parse->now_ns};
    enum code code = parse_new(&taken, err);

    if (!code && !parameter_list_has(&parse->around, P_FORMAT))
        code = format_accepted(accept, &taken.query->format, err);
    for (int p = 0; p < P_COUNT && !code; p++) {
        for (size_t i = 0; i < taken.count && !code; i++) {
            if (!bytes_equal(taken.parameters[i].name, bytes_of(query_parameter_names[p])))
                continue;
            code = parse_take(&taken, (enum parameter)p, taken.parameters[i].value, err);
            if (parameter_rows[p].repeats)
                break; /* it took all of them */
        }
    }
    parse->query = taken.query;
    if (code)
        return code;
    taken.query->flat |= taken.query->format != FORMAT_JSON;
    if (taken.query->format != FORMAT_LINE_PROTOCOL)
        return OK;
    error_point(err, BYTES("format"));
    return error_set(err, E_BAD_PARAMETER,
                     "line protocol is for raw rows of one measurement, not for a join: ask for "
                     "json, ndjson or csv");
}

/* --- what does not go together --- */

static bool same_tags(const struct query *a, const struct query *b)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < a->group_tag_count; i++)
        for (uint32_t j = 0; j < b->group_tag_count; j++)
            found += bytes_equal(a->group_tags[i], b->group_tags[j]);
    return found == a->group_tag_count && found == b->group_tag_count;
}

static enum code refuse_at(const struct selection *selection, enum parameter parameter,
                           struct error *err)
{
    error_point(err, bytes_of(query_parameter_names[parameter]));
    selection_point(selection, err);
    return err ? err->code : E_BAD_PARAMETER;
}

static enum code check_groups(const struct join *join, struct error *err)
{
    const struct selection *grouped = NULL;

    for (uint32_t i = 0; i < join->count; i++) {
        const struct selection *selection = &join->selections[i];

        if (selection->query->group_tag_count == 0)
            continue;
        if (!grouped)
            grouped = selection;
        if (same_tags(grouped->query, selection->query))
            continue;
        error_set(err, E_BAD_PARAMETER,
                  "\"%.*s\" is grouped by other tags than \"%.*s\": want the same ones, or none, "
                  "which joins all groups of the others",
                  BYTES_ARG(selection->name), BYTES_ARG(grouped->name));
        return refuse_at(selection, P_GROUP_BY, err);
    }
    return OK;
}

/* Some selection has to make the times. */
static enum code check_spread(const struct join *join, struct error *err)
{
    uint32_t spread = 0;

    for (uint32_t i = 0; i < join->count; i++)
        spread += join->selections[i].spread_ns > 0;
    if (spread < join->count && (join->kind != JOIN_LEFT || join->selections[0].spread_ns == 0))
        return OK;
    error_set(
        err, E_BAD_PARAMETER, "rows that hold until the next make no times: want %s without it",
        join->kind == JOIN_LEFT ? "the first selection of a left join" : "at least one selection");
    error_point(err, BYTES("spread"));
    selection_point(&join->selections[0], err);
    return E_BAD_PARAMETER;
}

/* What stands around all and holds for none is a mistake. */
static enum code check_used(const struct join_parse *parse, enum parameter parameter,
                            const char *want, struct error *err)
{
    const struct join *join = parse->join;

    if (!parameter_list_has(&parse->around, parameter))
        return OK;
    for (uint32_t i = 0; i < join->count; i++)
        if (join->selections[i].query->aggregate_count > 0 &&
            (parameter == P_EVERY || !grid_is_whole(&join->selections[i].query->grid)))
            return OK;
    error_point(err, bytes_of(query_parameter_names[parameter]));
    return error_set(err, E_BAD_PARAMETER, "it holds for no selection: want one with %s", want);
}

static enum code check_together(const struct join_parse *parse, struct error *err)
{
    enum code code = check_groups(parse->join, err);

    if (!code)
        code = check_spread(parse->join, err);
    if (!code)
        code = check_used(parse, P_EVERY, "agg", err);
    return code ? code : check_used(parse, P_TZ, "every and agg", err);
}

static enum code parse_join(const struct json *root, struct bytes text, struct bytes accept,
                            int64_t now_ns, struct arena *arena, struct query **query,
                            struct error *err)
{
    static const char *const own[] = {"selections", "join", NULL};
    struct join_parse parse = {.around.arena = arena,
                               .join = ARENA_NEW(arena, struct join),
                               .now_ns = now_ns,
                               .arena = arena};
    struct hash128 identity = hash128(text);
    enum code code;

    if (!parse.join)
        return parse_no_memory(err);
    code = collect(root, AROUND, own, &parse.around, err);
    if (!code)
        code = take_kind(json_member(root, "join"), &parse.join->kind, err);
    if (!code)
        code = take_around(&parse, accept, err);
    if (code)
        error_point_listed(err, root);
    if (!code)
        code = parse_selections(&parse, json_member(root, "selections"), err);
    if (!code)
        code = check_together(&parse, err);
    if (code)
        return code;
    memcpy(&parse.query->identity, identity.bytes, sizeof(parse.query->identity));
    parse.query->join = parse.join;
    parse.query->of_json = true;
    *query = parse.query;
    return OK;
}

enum code query_parse_json(struct bytes text, struct bytes accept, int64_t now_ns,
                           struct arena *arena, struct query **query, struct error *err)
{
    struct json *root;
    enum code code = json_doc_parse(text, DEPTH_MAX, &root, err);

    if (code)
        return code;
    if (json_kind(root) != JSON_KIND_OBJECT)
        code = error_set(err, E_SYNTAX, "the body is %s; want an object: a question",
                         json_kind_name(json_kind(root)));
    else if (json_member(root, "selections"))
        code = parse_join(root, text, accept, now_ns, arena, query, err);
    else
        code = parse_question(root, accept, now_ns, arena, query, err);
    json_doc_free(root);
    if (code)
        error_point_within(err, BYTES(""));
    return code;
}
