/* A parsed question, as the rooms's own files see it.  Immutable; it and all it points to live in
 * the arena it was parsed into, or in the parameters. */
#ifndef WEIR_QUERY_QUESTION_H
#define WEIR_QUERY_QUESTION_H

#include "query/aggregate.h"
#include "query/cursor.h"
#include "query/fill.h"
#include "query/format.h"
#include "query/grid.h"
#include "query/query.h"
#include "query/sieve.h"

enum grouping {
    GROUP_ALL,    /* one result over all series */
    GROUP_SERIES, /* one for each series */
    GROUP_TAGS,   /* one for each combination of the named tags' values */
};

/* Of each bucket of time: see query/pixels.h. */
enum downsample { DOWNSAMPLE_NONE, DOWNSAMPLE_M4, DOWNSAMPLE_MINMAX, DOWNSAMPLE_LTTB };

struct join;

struct query {
    const struct join *join; /* NULL, or several questions in one: of this one then hold format,
                                times, order, fields, let=, strict and limit alone */
    bool of_json;            /* errors point into a JSON document */
    struct selector selector;
    const struct bytes *fields; /* as asked for; count 0 = all */
    uint32_t field_count;
    int64_t start, end; /* INT64_MIN and INT64_MAX where not given */
    bool start_given;
    bool as_of_given;
    int64_t as_of;
    const struct aggregate_call *aggregates; /* count 0 = raw rows */
    uint32_t aggregate_count;
    struct grid grid; /* of the windows */
    struct bytes tz;  /* as asked for; its zone is the grid's */
    struct fill fill; /* of windows without a value */
    enum grouping grouping;
    const struct bytes *group_tags;
    uint32_t group_tag_count;
    const struct computed *computed; /* let=, in the order asked for; not bound */
    uint32_t computed_count;
    const struct filter *filters; /* where=, likewise */
    uint32_t filter_count;
    uint64_t top;        /* the best so many groups or rows alone; 0 = all */
    struct bytes top_by; /* by this column, the greatest first, */
    bool bottom;         /* or the least */
    bool descending, versions, strict;
    bool explain;        /* what it would cost, in place of the answer */
    bool stats;          /* of each field and group what plan_stats.c has columns of */
    bool changes;        /* what differs from the answer as of `since` */
    int64_t since;       /* an ingest time */
    bool events;         /* as lines of an event stream (result_events.c) */
    uint64_t page_bytes; /* of more a page is made, as if limit= were reached; 0 = it is not */
    enum downsample downsample;
    uint32_t points; /* buckets of a plot */
    int64_t gap;     /* of more a plot's line is broken; 0 = not said */
    enum format format;
    bool flat; /* one object a row, tags as columns */
    bool integer_text;
    bool epoch_given; /* times as integers of `epoch`, which is also the unit of those asked with */
    enum time_unit epoch;
    uint64_t limit; /* 0 = all rows */
    bool resumed;   /* `cursor` holds */
    struct cursor cursor;
    uint64_t identity; /* hash of what chooses rows and their order: a cursor is bound to it */
};

/* All versions are read. */
static inline bool query_wants_versions(const struct query *query)
{
    return query->versions || query->changes;
}

static inline bool query_is_raw(const struct query *query)
{
    return query->aggregate_count == 0;
}

/* What a row says depends on rows in front of it: a page reads its first group from the beginning
 * and leaves out what was told. */
static inline bool query_rereads(const struct query *query)
{
    return query->fill.kind != FILL_NONE ||
           aggregates_carry(query->aggregates, query->aggregate_count);
}

#endif
