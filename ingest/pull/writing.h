/* The points of one page on their way into the store: gathered, compared with what the source wrote
 * before, and written, the last of them together with the note of how far it has come.
 *
 * Thread: one that may wait, as it reads and commits. */
#ifndef WEIR_INGEST_PULL_WRITING_H
#define WEIR_INGEST_PULL_WRITING_H

#include "ingest/deposit.h"
#include "ingest/pull/progress.h"
#include "ingest/pull/seen_rows.h"

struct writing_terms {
    struct deposit_terms deposit;
    const struct recall *recall;
    struct bytes source;    /* its name */
    struct bytes partition; /* its id */
    bool latest;            /* versions.keep */
    struct seen_rows *seen; /* gets each row; NULL: missing ones stay */
    /* What this source and partition is known to have had; NULL: nothing.  While somebody does not
     * answer who may know what was delivered, rows of these times wait. */
    const struct window_set *had;
};

struct writing_counts {
    uint64_t rows;    /* points that came */
    uint64_t written; /* that were new or had changed, ... */
    uint64_t added;   /* ... of which these were new */
    uint64_t retracted;
    uint64_t held; /* that are to come again, as they could not be compared */
    uint64_t records;
};

struct writing;

MUST_USE enum code writing_open(const struct writing_terms *terms, struct writing **writing,
                                struct error *err);
/* Takes a copy: a sink of the mapper's.  Now and then it reads and commits: codes of deposit() and
 * of the recall. */
MUST_USE enum code writing_take(void *writing, struct point *point, int64_t revision,
                                struct error *err);
/* What was taken and not written yet is not to be. */
void writing_forget(void *writing);
/* The window [start, end) has come whole: rows that were delivered and are not among those seen
 * (terms.seen) are to be no more, unless a row was held.  Before writing_finish(); codes of it and
 * of missing_find(). */
MUST_USE enum code writing_retract(struct writing *writing, const struct bytes *measurements,
                                   size_t measurement_count, int64_t start_ns, int64_t end_ns,
                                   struct error *err);
/* The rest, and the note (NULL: none), unless a row was held.  OK: all else is durable. */
MUST_USE enum code writing_finish(struct writing *writing, const struct progress_note *note,
                                  struct error *err);
const struct writing_counts *writing_counts(const struct writing *writing);
void writing_close(struct writing *writing); /* NULL is fine */

#endif
