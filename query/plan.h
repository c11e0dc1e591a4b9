/* A question made ready: S, the range, the columns, and which series make up which result, in the
 * order of the answer.  Nothing is decoded yet. */
#ifndef WEIR_QUERY_PLAN_H
#define WEIR_QUERY_PLAN_H

#include "query/question.h"
#include "query/scan.h"
#include "query/warnings.h"

struct plan_column {
    struct bytes name;                      /* "user", "mean_user" */
    uint32_t field;                         /* index among those shown */
    const struct aggregate_call *aggregate; /* NULL in raw rows */
};

/* A column of statistics: an aggregate, or how many rows have no value (NULL). */
struct stats_column {
    const char *name, *aggregate;
};

extern const struct stats_column stats_columns[];
extern const size_t stats_column_count;

struct plan_places {
    struct place *places; /* NULL: not kept, the scan asks again */
    size_t count;
};

/* What one "series" of the answer is made of. */
struct group {
    const struct series_tag *tags; /* none empty */
    uint32_t tag_count;
    size_t series_first, series_end; /* in plan.series */
};

struct plan {
    const struct query *query;
    const struct query_environment *environment;
    struct watch *watch;
    struct arena arena;
    struct view *view; /* NULL: nothing was ever written */
    int64_t now_ns;
    int64_t as_of;
    int64_t start, end; /* what is read: clamped to retention */
    bool clamped;
    bool final;                 /* S was asked for, and nothing at or below it can still arrive */
    int64_t history_floor;      /* INT64_MIN = none */
    const struct bytes *fields; /* that are read */
    uint32_t field_count;
    const struct bytes *told; /* of statistics: those that have rows, the first ones shown */
    uint32_t told_count;
    const struct sieve *sieve; /* NULL: those read are those shown */
    uint32_t shown_count;      /* fields and computed columns that the answer is made of */
    const struct plan_column *columns;
    uint32_t column_count;
    uint32_t top_column;    /* that top= ranks by */
    const uint8_t *numbers; /* by shown field: 1 = some column of it takes numbers only */
    struct series **series;
    size_t series_count;
    struct group *groups;
    size_t group_count, group_first; /* those before group_first were on earlier pages */
    const struct bytes *tag_keys;    /* of all results, sorted; for flat answers */
    size_t tag_key_count;
    struct deletions deletions;
    struct missing missing;
    struct warnings warnings;
    int64_t ingest_last; /* nothing newer touches the range; <= S */
    int64_t erased_last; /* nor was anything erased later, at any S; INT64_MIN = nothing */
    bool looked;         /* at all places: at most so many rows and bytes of blocks */
    uint64_t rows_most, bytes_most;
    struct plan_places *places; /* by series; NULL: none kept */
};

/* Release also after a failure.  Errors point at the parameter that would have to change. */
MUST_USE enum code plan_init(struct plan *plan, const struct query *query,
                             const struct query_environment *environment, struct watch *watch,
                             struct error *err);
void plan_release(struct plan *plan);
/* Of a question at once: that there is nothing in it that may take long before anything is known:
 * patterns, windows of a calendar, windows without rows, a moment that is not now. */
bool query_may_be_small(const struct query *query);
/* And once planned: what is to be read is known, and at most at_once_values_max. */
bool plan_is_small(const struct plan *plan);
/* Whether the cursor stands in that group. */
bool plan_resumes(struct plan *plan, size_t group);
/* The range of a group: on the page's first group, behind the cursor, unless the question rereads.
 */
void plan_range(struct plan *plan, size_t group, int64_t *start, int64_t *end);
/* The cursor behind a row of the group; .data is NULL when memory ran out. */
struct bytes plan_cursor(struct plan *plan, size_t group, int64_t time, int64_t known_from);

#endif
