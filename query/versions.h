/* What the versions of a row come to: of each field the newest version that is not deleted wins,
 * field by field, and one that a retraction won has no value.  Order of the rules: ingest <= S,
 * tombstones, version order, fields (design.md section 4). */
#ifndef WEIR_QUERY_VERSIONS_H
#define WEIR_QUERY_VERSIONS_H

#include "query/datum.h"
#include "query/scan.h"

/* Rows as they are answered, as columns.  A row may have no value at all. */
struct run {
    const int64_t *time;
    const struct rows_column *columns; /* sorted by field; TYPE_RETRACTED ones hold nothing */
    uint32_t column_count;
    uint32_t first, end; /* rows [first, end) */
    bool reversed;       /* from the last to the first */
    /* How many versions were gone through for the rows before each one, where several made a row,
     * and for all of them; NULL: one for each. */
    const uint32_t *gone;
    uint32_t gone_end;
    const struct summary
        *summary; /* instead of rows, where the scan's setting allows it; or NULL */
};

/* How many versions were gone through before the row of that time was met, in the run's order; for
 * all of them where it has none. */
uint64_t run_gone(const struct run *run, int64_t time);
uint64_t run_gone_all(const struct run *run);

/* The first row at or behind `time`, run->end where there is none; searched from `first`, below
 * run->end, in growing steps, as windows are mostly much shorter than runs. */
uint32_t run_row_behind(const struct run *run, uint32_t first, int64_t time);

enum { MERGED_ROWS_MAX = 1024 };

/* Rows that several versions made. */
struct merged {
    uint32_t count;
    int64_t *time;
    uint32_t *gone;     /* as in struct run */
    union cell **cells; /* [field * TYPE_RETRACTED + type], NULL while not needed */
    uint8_t **present;
    struct rows_column *columns;
};

struct versions {
    struct scan *scan;
    struct arena arena;
    struct merged merged;
    struct datum *values; /* of one row, by field */
    uint8_t *decided;
    struct stretch waiting; /* comes after the merged rows that are given first */
};

/* Once for all series of a query: keeps its memory from one to the next.  Release also after a
 * failure. */
MUST_USE enum code versions_init(struct versions *versions, const struct scan_setting *setting,
                                 struct error *err);
void versions_begin(struct versions *versions, struct scan *scan);
/* The next rows in the scan's order; they live until the next call.  E_END. */
MUST_USE enum code versions_next(struct versions *versions, struct run *run, struct error *err);
void versions_release(struct versions *versions);

/* Sorts the versions of one time, newest first, drops those above `as_of` and repeats of one
 * identity; what is left. */
size_t versions_sort(struct version *list, size_t count, int64_t as_of);
/* The row's values as of `as_of` out of a sorted list; `decided` is scratch, a byte a field.
 * Returns how many fields have a value. */
uint32_t versions_resolve(const struct version *list, size_t count, int64_t as_of,
                          uint32_t field_count, struct datum *values, uint8_t *decided);

#endif
