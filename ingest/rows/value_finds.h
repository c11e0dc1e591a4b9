/* Which values of a source some row had something at.  A path that leads nowhere is nothing to
 * complain of in one row; in all of them it is most likely a mistake, and what it was to find is
 * lost without a word.  Pure. */
#ifndef WEIR_INGEST_ROWS_VALUE_FINDS_H
#define WEIR_INGEST_ROWS_VALUE_FINDS_H

#include "base/buf.h"
#include "ingest/source/source.h"

struct tree_row;

struct value_finds {
    uint64_t rows;   /* that were looked at */
    uint32_t absent; /* values that were in none of them, once there is a row */
    uint64_t found[(SOURCE_VALUES_MAX + 63) / 64];
};

/* A null is something. */
void value_finds_look(struct value_finds *finds, const struct source *source,
                      const struct tree_row *row);
/* Those of more rows of the same source. */
void value_finds_add(struct value_finds *sum, const struct value_finds *more,
                     const struct source *source);
/* Appends [{"pointer":"/values/0/path","detail":…}…]: those that were in no row, up to 20. */
void value_finds_put(const struct value_finds *finds, const struct source *source, struct buf *out);

#endif
