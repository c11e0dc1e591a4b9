/* Which block holds what: entries in the order of the blocks, that is of (measurement, series). A
 * series can go on in the next block, else the ranges of series do not overlap. */
#ifndef WEIR_STORE_PACKS_PACK_DIRECTORY_H
#define WEIR_STORE_PACKS_PACK_DIRECTORY_H

#include "base/buf.h"
#include "store/packs/pack.h"

/* The offset is not written: blocks stand one behind another. */
void pack_directory_put(const struct pack_block *block, struct buf *out);
/* `count` entries from `bytes`, into which measurements point.  Blocks fill [offset, end).
 * E_CORRUPT names the entry. */
MUST_USE enum code pack_directory_read(struct bytes bytes, uint64_t offset, uint64_t end,
                                       struct pack_block *blocks, size_t count, struct error *err);
/* Whether `next` may follow `block`. */
bool pack_directory_follows(const struct pack_block *block, const struct pack_block *next);
/* Position of the first block that is not before (measurement, id). */
size_t pack_directory_find(const struct pack_block *blocks, size_t count, struct bytes measurement,
                           struct series_id id);

#endif
