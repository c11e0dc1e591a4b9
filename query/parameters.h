/* The parameters of a question, one row each, in the order in which they are taken. */
#ifndef WEIR_QUERY_PARAMETERS_H
#define WEIR_QUERY_PARAMETERS_H

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
    P_TZ,
    P_EVERY,
    P_OFFSET,
    P_AGG,
    P_GROUP_BY,
    P_FILL,
    P_LIMIT,
    P_CURSOR,
    P_DOWNSAMPLE,
    P_POINTS,
    P_GAP,
    P_EXPLAIN,
    P_TOP,
    P_BOTTOM,
    P_LET,
    P_WHERE,
    P_COUNT
};

/* A question while it is taken apart. */
struct parse {
    const struct query_parameter *parameters;
    size_t count;
    struct arena *arena;
    struct query *query;
    int64_t now_ns;
    const char *const *names;                     /* that this question knows, NULL-terminated */
    const struct query_parameter *since;          /* of changes; it has no row in the table */
    const struct query_parameter *given[P_COUNT]; /* the first of each, or NULL */
    size_t match_count;
    /* A list of a JSON document may be pointed into: the element of the parameter being taken that
     * is at fault; SIZE_MAX: the whole of it. */
    bool pointing;
    size_t fault;
};

struct parameter_row {
    enum code (*take)(struct parse *parse, struct bytes value, struct error *err);
    const char *instead; /* of one that has no function yet: what there is */
    bool repeats;
    bool chooses; /* rows or their order: part of a cursor's identity */
};

extern const struct parameter_row parameter_rows[P_COUNT];

/* Takes all parameters.  Before it: parameters, count, names, arena, now_ns, and what differs from
 * a question that nothing was said of in `query`, from parse_new(). */
MUST_USE enum code parse_new(struct parse *parse, struct error *err);
MUST_USE enum code parse_all(struct parse *parse, struct bytes accept, struct error *err);

/* Takes one; errors point at it, or into it. */
MUST_USE enum code parse_take(struct parse *parse, enum parameter parameter, struct bytes value,
                              struct error *err);
/* As query_parse(); errors may point at elements of what a document has lists of ("match/1"). */
MUST_USE enum code parse_listed(const struct query_parameter *parameters, size_t count,
                                struct bytes accept, int64_t now_ns, struct arena *arena,
                                struct query **query, struct error *err);

/* --- for the functions of the table --- */

/* A time as parameters have them; relative ones from parse->now_ns. */
MUST_USE enum code take_time(struct parse *parse, struct bytes value, int64_t *ns,
                             struct error *err);

/* Inline: the analyzer then sees that it is never OK. */
static inline enum code parse_no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the question");
}

/* One of a few words, NULL-terminated; its index. */
MUST_USE enum code take_word(struct bytes value, const char *const *words, const char *want,
                             size_t *index, struct error *err);

/* parameters_agg.c */
MUST_USE enum code take_agg(struct parse *parse, struct bytes value, struct error *err);
/* Of windows and groups: parameters_window.c. */
MUST_USE enum code take_tz(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_every(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_offset(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_group_by(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_fill(struct parse *parse, struct bytes value, struct error *err);

/* Of plots: parameters_plot.c. */
MUST_USE enum code take_downsample(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_points(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_gap(struct parse *parse, struct bytes value, struct error *err);
/* What does not go with a plot, when all was taken. */
MUST_USE enum code check_plot(const struct parse *parse, struct error *err);

/* Of filters, computed columns and ranks: parameters_filter.c. */
MUST_USE enum code take_let(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_where(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_top(struct parse *parse, struct bytes value, struct error *err);
MUST_USE enum code take_bottom(struct parse *parse, struct bytes value, struct error *err);
/* What does not go with a rank, when all was taken. */
MUST_USE enum code check_rank(const struct parse *parse, struct error *err);

#endif
