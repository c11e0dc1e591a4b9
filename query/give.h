/* The rows of a question for who asks from within: given one by one instead of written.  They are
 * read as any question is, from head, packs, shards and other members.
 *
 * Thread: query workers' rules; it may wait. */
#ifndef WEIR_QUERY_GIVE_H
#define WEIR_QUERY_GIVE_H

#include "query/datum.h"
#include "query/query.h"

struct given_row {
    const struct series_tag *tags; /* of its series, by key */
    uint32_t tag_count;
    int64_t time;
    const struct bytes *columns; /* names of the fields */
    const struct datum *values;  /* TYPE_NONE: the row has none */
    uint32_t count;
};

/* What is asked: all fields of the rows of `range`, series by series (ascending by id), ascending
 * in time. */
struct give_terms {
    struct query_range range;
    uint64_t rows_max; /* 0 = all */
    /* A code other than OK ends it.  The row is valid during the call. */
    enum code (*take)(void *context, const struct given_row *row, struct error *err);
    void *context;
};

/* *partial (may be NULL): something that may have rows did not answer; those that are there were
 * given. */
MUST_USE enum code query_give(const struct give_terms *terms,
                              const struct query_environment *environment, bool *partial,
                              struct error *err);

#endif
