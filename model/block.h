/* A block: the unit of encoding.  Rows of one measurement sorted by (series, time, version
 * order), as columns, one per (field, type).  Plain data; who builds it owns the memory. */
#ifndef WEIR_MODEL_BLOCK_H
#define WEIR_MODEL_BLOCK_H

#include "model/series.h"

enum {
    BLOCK_ROWS_MAX = 8192,        /* of a block: its header is 0.008 B a value of ten columns */
    BLOCK_SHARED_ROWS_MAX = 4096, /* of one of several series: who reads one of them reads all */
    BLOCK_SPARSE_ROWS_MAX = 256,  /* series with fewer rows share a block */
};

/* Of the present cells.  Numbers only: min, max, first and last are of the column's own type,
 * ties keep the earliest row.  sum: exact i128 (high, low) for i64 and u64; double-double
 * (high + low) for f64.  m2: sum of squared distances from the mean, as f64. */
struct column_summary {
    uint32_t valid_count;
    uint32_t row_min, row_max, row_first, row_last; /* row index in the block of each extreme */
    union cell min, max, first, last;
    union {
        struct {
            double high, low;
        } f64;
        struct {
            int64_t high;
            uint64_t low;
        } integer; /* two's complement i128 */
    } sum;
    double m2;
};

struct block_column {
    struct bytes name;
    enum value_type type;
    const union cell *cells;
    const uint8_t *present; /* one byte a row, 0 or 1; NULL = all present */
};

struct block {
    struct bytes measurement;
    uint32_t row_count;
    uint32_t series_count;
    const struct series_id *series; /* strictly ascending */
    const uint32_t
        *series_row_first; /* series_count + 1 entries: rows of series i are [i, i + 1) */
    const int64_t *time;
    const int64_t *ingest;
    const int64_t *revision; /* NULL = none; INT64_MIN = none in this row */
    /* One byte a row, 1 = the row is what several versions came to (or what a deletion left), which
     * are in a history pack; NULL = no such row. */
    const uint8_t *history;
    const struct block_column *columns; /* sorted by (name, type) */
    uint32_t column_count;
};

#endif
