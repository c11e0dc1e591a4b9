/* What a column says about itself without being decoded.  model/block.h names the fields. */
#ifndef WEIR_CODEC_COLUMN_SUMMARY_H
#define WEIR_CODEC_COLUMN_SUMMARY_H

#include "base/buf.h"
#include "base/reader.h"
#include "model/block.h"

/* `cells` are the present ones; `rows` their rows in the block, NULL when cell i is of row i.
 * Always the same for the same cells, to the last bit. */
void column_summary_make(enum value_type type, const union cell *cells, const uint16_t *rows,
                         size_t count, struct column_summary *summary);

/* What is known beside a written summary. */
struct summary_form {
    uint32_t row_count; /* of the block */
    bool all;           /* every row has a cell: count, first and last row are known */
    uint8_t decimal;    /* f64: 0 = bits, else extremes as integers of scale decimal - 1, above
                         * DECIMAL_SCALES of 16 less and the sum as well */
    bool version_1;     /* all of it is written, and m2 as a number; only read */
};

/* 0, or the least scale at which all four extremes are exact integers, + 1, and DECIMAL_SCALES more
 * when the sum is one too. */
uint8_t column_summary_decimal(enum value_type type, const struct column_summary *summary);
void column_summary_put(enum value_type type, const struct summary_form *form,
                        const struct column_summary *summary, struct buf *out);
/* False when it does not fit the block. */
MUST_USE bool column_summary_read(enum value_type type, const struct summary_form *form,
                                  struct reader *reader, struct column_summary *summary);
/* The name of a field that differs, or NULL.  Floats by their bits, any NaN like any other. */
const char *column_summary_differs(enum value_type type, const struct column_summary *a,
                                   const struct column_summary *b);

#endif
