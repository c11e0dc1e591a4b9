/* Several questions answered as one: the rows of named selections, joined on time, and on the tags
 * by which they are grouped.  All are answered at one moment and within one question's limits.
 *
 * Thread: a query worker. */
#ifndef WEIR_QUERY_JOIN_H
#define WEIR_QUERY_JOIN_H

#include "query/parameters.h"

enum { JOIN_SELECTIONS_MAX = 16 };

enum join_kind {
    JOIN_OUTER, /* the times of all selections */
    JOIN_LEFT,  /* those of the first */
    JOIN_INNER, /* those at which all have a row */
};

struct selection {
    struct bytes name; /* letters, digits and '_' */
    const struct query *query;
    bool inherits[P_COUNT]; /* from around all selections: errors of these point there */
    bool own_moment;        /* its as_of= is not that around it */
    /* 0: its rows stand at their own times.  Else they make no times, and one holds until the next
     * comes, for at most so long; INT64_MAX = for ever. */
    int64_t spread_ns;
};

struct join {
    enum join_kind kind;
    struct selection *selections; /* as they stand in the document; not all spread */
    uint32_t count;
};

/* query_run() of a query that is a join. */
MUST_USE enum code join_run(const struct query *query, const struct query_environment *environment,
                            struct query_sink *sink, struct query_outcome *outcome,
                            struct error *err);
/* A fault in a selection: points into the document. */
void selection_point(const struct selection *selection, struct error *err);

#endif
