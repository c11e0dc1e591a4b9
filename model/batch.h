/* A batch: the rows of one request as columns, before and after the wal.  Rows with the same
 * measurement and the same (field, type) list share a table, so every table is dense; a row
 * is in exactly one table.  Series stand once each, rows name them by index.
 *
 * Everything lives in the batch's arena and goes with it.  One thread at a time. */
#ifndef WEIR_MODEL_BATCH_H
#define WEIR_MODEL_BATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "model/series.h"

struct batch_field {
    struct bytes name;
    enum value_type type;
};

struct batch_table {
    struct batch_table *next; /* in order of first use */
    struct bytes measurement;
    uint32_t field_count;
    uint32_t row_count, row_capacity;
    const struct batch_field *fields; /* sorted by (name, type), no name twice */
    uint32_t *series;                 /* per row: index into batch.series */
    uint32_t *line; /* per row: line (JSON: element) from 1; NULL in a decoded record */
    int64_t *time;
    int64_t *revision;    /* NULL: no row of the table claims a revision time */
    union cell **columns; /* [field][row] */
};

struct batch_series {
    struct bytes key;      /* canonical; empty in a decoded record that left it out */
    struct series_id id;   /* set when `series` is, or by the record decoder */
    struct series *series; /* NULL until resolved */
    struct bytes measurement;
    int64_t time_last;     /* of the rows so far */
    int64_t untimed_count; /* rows without time so far: they get now, now + 1, ... */
    bool used;             /* time_last holds */
};

struct batch_reject {
    struct batch_reject *next; /* in order of line when decoded, later checks append */
    uint32_t line;
    enum code code;
    struct bytes detail;
};

struct batch {
    struct arena *arena; /* borrowed */
    struct batch_table *tables, **tables_end;
    struct map tables_by_shape; /* see batch_table_find() */
    struct buf shape;           /* scratch: the shape looked for */
    struct batch_series *series;
    uint32_t series_count, series_capacity;
    struct map series_by_key; /* canonical key -> index + 1; empty until one is looked for */
    uint64_t row_count, value_count;
    bool unordered; /* some series may have a row not later than its predecessor; batch_resolve() */
    struct batch_reject *rejects, **rejects_end;
    uint64_t reject_count, rejects_kept_max; /* counted all, kept up to the maximum */
};

void batch_init(struct batch *batch, struct arena *arena, uint64_t rejects_kept_max);
/* The maps and the scratch are not in the arena (a decoded record's batch has none of them). */
void batch_release(struct batch *batch);

/* Index of the series with this canonical key, added when new (the key is copied then);
 * UINT32_MAX when memory ran out. */
uint32_t batch_series_index(struct batch *batch, struct bytes key, struct bytes measurement);
/* The same for a key, in the arena like its measurement, that no other call of this function had:
 * as long as no series is looked for, none is entered where it would be found.  Only the call
 * before may have had it, of somebody without the memory to remember its answer. */
uint32_t batch_series_add(struct batch *batch, struct bytes key, struct bytes measurement);

/* The table of this shape, added when new (copied then); NULL when memory ran out.  `fields` is
 * sorted by (name, type) without repeats of a name. */
struct batch_table *batch_table_find(struct batch *batch, struct bytes measurement,
                                     const struct batch_field *fields, uint32_t field_count);

/* Room for one more row; its number, or UINT32_MAX when memory ran out.  The caller fills
 * columns[..][row] and then calls batch_row_done(). */
uint32_t batch_row_begin(struct batch *batch, struct batch_table *table);
/* The same for so many more at one stroke: where they are known, nothing is moved as they come. */
MUST_USE bool batch_rows_reserve(struct batch *batch, struct batch_table *table, uint32_t more);
/* Enters series, line and time.  The row counts from here on. */
void batch_row_done(struct batch *batch, struct batch_table *table, uint32_t series, uint32_t line,
                    int64_t time);
/* Sets the revision time of the table's newest row (earlier rows without one hold INT64_MIN).
 * False: memory. */
MUST_USE bool batch_row_revision(struct batch *batch, struct batch_table *table, int64_t revision);

/* Copies a row over an earlier one, and cuts the table to its first `count` rows: together they
 * take rows out. */
void batch_row_move(struct batch_table *table, uint32_t to, uint32_t from);
void batch_rows_cut(struct batch *batch, struct batch_table *table, uint32_t count);

/* The time of the next row of this series that has none of its own: now_ns, now_ns + 1, ... */
int64_t batch_untimed(struct batch *batch, uint32_t series, int64_t now_ns);

/* Notes a bad line. */
void batch_reject(struct batch *batch, uint32_t line, enum code code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Removes the rows for which `drop` says a code other than OK, rejecting their lines. */
void batch_drop_rows(struct batch *batch,
                     enum code (*drop)(void *context, const struct batch_table *table, uint32_t row,
                                       struct error *why),
                     void *context);

/* Takes out the series that no row names and renumbers the others; no series can be looked up by
 * its key afterwards.  False when memory ran out: then nothing has changed. */
MUST_USE bool batch_series_drop_unused(struct batch *batch);

/* Within a request the later line wins, field by field: makes (series, time) unique by merging
 * rows. Does nothing unless `unordered`.  False when memory ran out. */
MUST_USE bool batch_resolve(struct batch *batch);

/* Checks every invariant above; for tests and after decoding foreign bytes.  False and `why`. */
bool batch_check(const struct batch *batch, struct error *why);

#endif
