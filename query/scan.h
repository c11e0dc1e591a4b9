/* The rows of one series in order of time, from all places that have some.  Places are opened when
 * the scan reaches them, in an arena each, and freed when their last row has been consumed, so
 * that memory is bounded by how many overlap, not by the range.
 *
 * A scan gives stretches: rows that one place alone has, as they are, or where that is enough their
 * summary; or else all versions of one time.  What they mean (versions, deletions) is
 * query/versions.h's. */
#ifndef WEIR_QUERY_SCAN_H
#define WEIR_QUERY_SCAN_H

#include "base/arena.h"
#include "query/deletions.h"
#include "query/summary.h"
#include "query/watch.h"
#include "store/place_reader.h"

/* What is missing from the answer, as texts; in the plan's arena. */
struct missing {
    struct arena *arena;
    struct bytes *texts;
    size_t count, capacity;
};

/* What all scans of a query share. */
struct scan_setting {
    const struct view *view;
    int64_t as_of;
    const struct bytes *fields;
    uint32_t field_count;
    bool descending;
    bool versions;  /* all versions of each time are wanted, not what they come to */
    bool uncounted; /* who takes the rows counts them, as many as it goes through (answer_next()) */
    const struct sieve *sieve; /* what becomes of the rows; NULL = they are answered as they are */
    struct summary_use summaries; /* not with `descending` or `versions` */
    struct deletions *deletions;
    struct watch *watch;
    struct missing *missing;
    size_t keep_bytes_max;       /* of the reader; 0 where there is but one series */
    struct place_reader *reader; /* made at the first place; owned by the setting */
};

void scan_setting_release(struct scan_setting *setting);

/* A place being read. */
struct opened {
    struct opened *next;
    struct arena arena;
    const struct summary *summary; /* stands for its rows, which were not read; else NULL */
    struct rows rows;
    uint32_t at, end; /* rows in the range that were not given yet: [at, end) */
    /* Its rows are the answer's: one a time, none after S, deleted or retracted. */
    bool clean;
    int64_t settled; /* the place's, and */
    const struct hash128 *author;
    const struct covering *covering; /* the scan's; NULL: nothing may hide a row of it */
};

struct version {
    const struct opened *place;
    uint32_t row;
};

struct stretch {
    const struct opened *place; /* NULL: versions */
    uint32_t first, end;      /* rows of the place, ascending whatever the order; or its summary */
    int64_t time;             /* of the versions, */
    struct version *versions; /* in no order */
    size_t version_count;
};

struct scan {
    struct scan_setting *setting;
    const struct series *series;
    int64_t start, end;
    int64_t first, last;            /* rows in [first, last] come before scan_seek() */
    struct deletion_list deletions; /* of the series, that touch a place */
    struct covering covering;       /* of the versions given last */
    struct arena arena;             /* the lists below */
    const struct place **places;    /* in order of their nearer end */
    size_t place_at, place_count;
    int64_t time_reached; /* the last time of the places before place_at; descending: the first */
    struct opened **heap; /* by the time of the next row */
    size_t heap_count, heap_capacity;
    struct opened *spent; /* given to the end, not yet freed */
    size_t spent_count;
    struct version *versions;
    size_t version_capacity;
};

/* `places` (of view_places()) may be NULL: then they are asked for.  Release also after a failure.
 */
MUST_USE enum code scan_open(struct scan *scan, struct scan_setting *setting,
                             const struct series *series, int64_t start, int64_t end,
                             struct place *places, size_t place_count, struct error *err);
/* E_END when there is no more.  The list of versions lives until the next call, rows and texts
 * until scan_forget(). */
MUST_USE enum code scan_next(struct scan *scan, struct stretch *stretch, struct error *err);
/* Only rows in [first, last] come from now on, until E_END or the next call: places without any are
 * not read.  Each slice is behind the one before in the scan's order.  Of a scan of versions. */
void scan_seek(struct scan *scan, int64_t first, int64_t last);
/* In place of scan_next(): the next place that would be opened, and whether its header may be
 * enough; nothing is read.  False: there is none. */
MUST_USE bool scan_pass(struct scan *scan, const struct place **place, bool *summary);
/* The time of a row of a place whose summary stood for it.  *known is false when it cannot be read
 * any more; the answer then says so. */
MUST_USE enum code scan_row_time(struct scan *scan, const struct place *place, uint32_t row,
                                 int64_t *time, bool *known, struct error *err);
/* Frees the places that were given to the end. */
void scan_forget(struct scan *scan);
void scan_release(struct scan *scan);

/* Whether it may hide a row of the place at a time in [first, last]. */
static inline bool deletion_touches(const struct deletion *deletion, const struct place *place,
                                    int64_t first, int64_t last)
{
    return deletion->ingest > place->ingest_first && deletion->ingest > place->settled &&
           deletion->start <= last && deletion->end > first;
}

/* Notes once.  E_PARTIAL's text for people is the note. */
MUST_USE bool missing_note(struct missing *missing, struct bytes text);

#endif
