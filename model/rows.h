/* Rows of one series from one place (a head run or a block), as columns, sorted by (time,
 * version order).  What the store gives and the query reads. Memory is the reader's arena. */
#ifndef WEIR_MODEL_ROWS_H
#define WEIR_MODEL_ROWS_H

#include "model/series.h"

struct rows_column {
    uint32_t field; /* index into the fields asked for */
    enum value_type type;
    const union cell *cells;
    const uint8_t *present; /* one byte a row, 0 or 1; NULL = all present */
};

/* A field can have several columns (of different types); in one row at most one is present. */
struct rows {
    uint32_t count;
    const int64_t *time;
    const int64_t *ingest;
    const int64_t *revision;           /* NULL = none; INT64_MIN = none in this row */
    const struct rows_column *columns; /* sorted by field */
    uint32_t column_count;
};

/* Version order: by (revision time, or ingest time where there is none; then ingest time). */
static inline int version_compare(int64_t revision_a, int64_t ingest_a, int64_t revision_b,
                                  int64_t ingest_b)
{
    int64_t a = revision_a == INT64_MIN ? ingest_a : revision_a;
    int64_t b = revision_b == INT64_MIN ? ingest_b : revision_b;

    if (a != b)
        return a < b ? -1 : 1;
    return ingest_a < ingest_b ? -1 : ingest_a > ingest_b;
}

#endif
