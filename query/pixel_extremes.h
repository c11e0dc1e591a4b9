/* The least, greatest, first and last number of a field in a stretch of rows; of equal values the
 * earliest counts, as in block summaries.  Numbers of several types compare as numbers, exactly. */
#ifndef WEIR_QUERY_PIXEL_EXTREMES_H
#define WEIR_QUERY_PIXEL_EXTREMES_H

#include "model/block.h"
#include "model/rows.h"

struct extreme {
    uint32_t row;
    enum value_type type; /* TYPE_NONE: there is none */
    union cell cell;
};

struct extremes {
    uint64_t count; /* of values; 0: nothing else holds */
    struct extreme least, greatest, first, last;
};

/* Adds rows [first, end) of a column of numbers, at least one.  Columns of one field, of different
 * types, go into one. */
void extremes_add(struct extremes *extremes, const struct rows_column *column, uint32_t first,
                  uint32_t end);
/* The same of a block's column of numbers. */
void extremes_take(struct extremes *extremes, enum value_type type,
                   const struct column_summary *summary);

#endif
