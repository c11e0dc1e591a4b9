/* Parameters of windows and groups. */
#include "query/name_list.h"
#include "query/parameters.h"

static bool is_calendar(struct bytes duration)
{
    char last = duration.size > 0 ? duration.data[duration.size - 1] : '\0';

    return last == 'y' || last == 'M' || (last == 'o' && duration.size > 1);
}

enum code take_every(struct parse *parse, struct bytes value, struct error *err)
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
    for (uint32_t i = 0; i < count; i++) {
        if (!aggregate_call_parse(names[i], &list[i]))
            return refuse_aggregate(names[i], err);
    }
    parse->query->aggregates = list;
    parse->query->aggregate_count = count;
    return OK;
}

enum code take_group_by(struct parse *parse, struct bytes value, struct error *err)
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

enum code take_fill(struct parse *parse, struct bytes value, struct error *err)
{
    (void)parse;
    if (bytes_equal(value, BYTES("none")))
        return OK;
    return error_set(err, E_NOT_SUPPORTED,
                     "\"%.*s\" is not supported yet; there is none: empty windows have no row",
                     BYTES_ARG(value));
}
