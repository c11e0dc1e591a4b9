/* Parameters of plots. */
#include "base/number.h"
#include "query/parameters.h"

enum { POINTS_DEFAULT = 1000, POINTS_MAX = 100000 };

enum code take_downsample(struct parse *parse, struct bytes value, struct error *err)
{
    static const char *const words[] = {"m4", "minmax", "lttb", NULL};
    static const enum downsample meant[] = {DOWNSAMPLE_M4, DOWNSAMPLE_MINMAX, DOWNSAMPLE_LTTB};
    size_t index = 0;
    enum code code = take_word(value, words, "m4, minmax or lttb", &index, err);

    parse->query->downsample = meant[index];
    parse->query->points = POINTS_DEFAULT;
    return code;
}

enum code take_points(struct parse *parse, struct bytes value, struct error *err)
{
    uint64_t points = 0;

    if (number_parse_u64(value, &points) || points == 0 || points > POINTS_MAX)
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\": want a number of points from 1 to %d",
                         BYTES_ARG(value), POINTS_MAX);
    parse->query->points = (uint32_t)points;
    return OK;
}

enum code take_gap(struct parse *parse, struct bytes value, struct error *err)
{
    return duration_parse(value, &parse->query->gap, err);
}

static enum code refuse(enum parameter parameter, const char *text, struct error *err)
{
    error_point(err, bytes_of(query_parameter_names[parameter]));
    return error_set(err, E_BAD_PARAMETER, "%s", text);
}

enum code check_plot(const struct parse *parse, struct error *err)
{
    static const struct {
        enum parameter parameter;
        const char *text;
    } others[] = {
        {P_AGG,      "a plot is made of raw rows: leave agg= or downsample= out"            },
        {P_EVERY,    "a plot has no windows: leave every= or downsample= out"               },
        {P_GROUP_BY, "a plot is made of one series each: leave group_by= or downsample= out"},
        {P_LIMIT,    "a plot has no pages, points= bounds its rows: leave limit= out"       },
        {P_CURSOR,   "a plot has no pages: leave cursor= or downsample= out"                },
        {P_TOP,      "a plot has all of a series' range: leave top= or downsample= out"     },
        {P_BOTTOM,   "a plot has all of a series' range: leave bottom= or downsample= out"  },
    };
    const struct query *query = parse->query;

    if (!parse->given[P_DOWNSAMPLE]) {
        if (parse->given[P_POINTS])
            return refuse(P_POINTS, "it is for plots: want downsample=m4, minmax or lttb too", err);
        if (parse->given[P_GAP])
            return refuse(P_GAP, "it is for plots: want downsample=m4, minmax or lttb too", err);
        return OK;
    }
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (parse->given[others[i].parameter])
            return refuse(others[i].parameter, others[i].text, err);
    if (query->descending)
        return refuse(P_ORDER, "a plot goes forward in time: want asc", err);
    if (query->versions || query->changes)
        return refuse(P_DOWNSAMPLE,
                      "a plot is of one S: leave versions= out, or ask for one as_of=", err);
    return OK;
}
