/* Rows of a document become points: time, tags, values, as the source's document says.  What is
 * wrong with a row is data: it is left out, counted and told.
 *
 * One thread at a time; pure (no I/O, no clock). */
#ifndef WEIR_INGEST_ROWS_MAPPER_H
#define WEIR_INGEST_ROWS_MAPPER_H

#include "codec/point.h"
#include "ingest/rows/value_finds.h"

struct row_order;

struct mapper_terms {
    const struct source *source;
    const struct source_partition *partition;
    bool windowed;
    int64_t start_ns, end_ns;    /* of the window: rows outside are left out where it clips */
    const struct limits *limits; /* of points */
    struct arena *arena;         /* borrowed: of faults */
    /* Borrowed: what the pages before have shown; NULL: there were none. */
    const struct row_order *order;
};

/* One point, in `point` (measurement, tags, fields, time set; fields in order of the document's
 * `values`).  `revision` is INT64_MIN without known_at.  Valid during the call. */
struct mapper_sink {
    enum code (*take)(void *context, struct point *point, int64_t revision, struct error *err);
    void *context;
};

struct mapper_fault {
    uint64_t row; /* tree_row.number */
    struct bytes at, text;
};

struct mapper_counts {
    uint64_t rows;    /* that the document has, without those that `where` leaves out */
    uint64_t others;  /* those */
    uint64_t points;  /* given on */
    uint64_t clipped; /* rows outside the window */
    uint64_t empty;   /* without any value */
    uint64_t faulty;
    struct mapper_fault faults[20];
    size_t fault_count; /* of `faults` */
    struct value_finds finds;
};

struct mapper;

/* `batch` is whose arena the point's texts may be in while it is made (point_init()).
 * E_BAD_PARAMETER, E_SYNTAX, E_BAD_NAME, ...: a name or tag that is the same for all rows is none,
 * or has a place that has nothing here (as ${window.start} without a window). */
MUST_USE enum code mapper_open(const struct mapper_terms *terms, struct batch *batch,
                               const struct mapper_sink *sink, struct mapper **mapper,
                               struct error *err);
/* For tree_rows_open().  What the sink says, E_MEMORY; a fault of the row is no error but above
 * faults_max: E_BAD_PAGE with the first fault.  After an error nothing more is taken. */
MUST_USE enum code mapper_take(void *mapper, const struct tree_row *row, struct error *err);
/* After the last row: what fill repeats up to its end. */
MUST_USE enum code mapper_finish(struct mapper *mapper, struct error *err);
const struct mapper_counts *mapper_counts(const struct mapper *mapper);
/* Goes on with an empty batch: the point is bound to it. */
void mapper_batch(struct mapper *mapper, struct batch *batch);
/* The page was taken: its rows are before those of the next one. */
void mapper_keep(const struct mapper *mapper, struct row_order *order);
void mapper_close(struct mapper *mapper); /* NULL is fine */

#endif
