/* The rows part of a record: the series of a batch and its tables, columns as they are.
 * For codec/record.c alone.  docs/formats/record.md */
#ifndef WEIR_CODEC_RECORD_ROWS_H
#define WEIR_CODEC_RECORD_ROWS_H

#include "base/buf.h"
#include "base/reader.h"
#include "model/batch.h"

/* `base` is where the payload begins in `out`: arrays are aligned from there. */
void record_rows_put(const struct batch *batch, size_t base, struct buf *out);

/* Reads all that is left; E_CORRUPT or E_MEMORY without words.  `base` is the payload's beginning,
 * aligned to eight bytes; the batch's columns point into it. */
MUST_USE enum code record_rows_take(struct reader *reader, const char *base, struct arena *arena,
                                    struct batch **batch);

#endif
