/* Rows that a source delivered in a window and that the window has no more.  Those alone whose
 * values still are what it delivered: what somebody else has corrected since is his.
 *
 * Thread: one that may wait. */
#ifndef WEIR_INGEST_PULL_MISSING_H
#define WEIR_INGEST_PULL_MISSING_H

#include "ingest/pull/progress.h"
#include "ingest/pull/seen_rows.h"

struct missing_terms {
    const struct recall *recall;
    struct bytes tenant;
    struct bytes prefix;    /* progress_prefix() */
    struct bytes partition; /* its id */
    const struct bytes *measurements;
    size_t measurement_count;
    int64_t start_ns, end_ns;     /* of the window */
    const struct seen_rows *seen; /* all that it has, in order */
};

struct missing_row {
    struct bytes measurement;
    const struct series_tag *tags; /* by key */
    uint32_t tag_count;
    int64_t time;
    const struct bytes *fields; /* that were delivered together, the first of them first */
    uint32_t field_count;
};

/* Each of them, outside of any reading: `take` may write.  E_PARTIAL: somebody who may have rows
 * did not answer; E_POINTS_MANY: too many at one time; what recall and `take` say. */
MUST_USE enum code missing_find(const struct missing_terms *terms,
                                enum code (*take)(void *context, const struct missing_row *row,
                                                  struct error *err),
                                void *context, struct error *err);

/* The measurements that a partition's rows are in, none twice; they have no places of rows. */
MUST_USE enum code missing_measurements(const struct source *source,
                                        const struct source_partition *partition,
                                        struct arena *arena, const struct bytes **names,
                                        size_t *count, struct error *err);

#endif
