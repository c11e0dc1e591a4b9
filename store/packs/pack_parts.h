/* A pack as it is shipped: the parts of its table, and behind them one piece more, everything from
 * that table to the end.  One behind another they are the pack.  docs/formats/pack.md
 *
 * Thread: any; I/O. */
#ifndef WEIR_STORE_PACKS_PACK_PARTS_H
#define WEIR_STORE_PACKS_PACK_PARTS_H

#include "base/buf.h"
#include "base/hash.h"
#include "store/packs/pack.h"

struct pack_parts;

/* Reads the table.  The pack outlives it.  E_CORRUPT: it is damaged, or its parts are not all bytes
 * in front of it. */
MUST_USE enum code pack_parts_open(const struct pack *pack, struct pack_parts **parts,
                                   struct error *err);
uint32_t pack_parts_count(const struct pack_parts *parts); /* at least 2 */
uint64_t pack_parts_size(const struct pack_parts *parts, uint32_t index);
/* Which of them has the byte; `offset` is within the pack. */
uint32_t pack_parts_at(const struct pack_parts *parts, uint64_t offset);
uint64_t pack_parts_offset(const struct pack_parts *parts, uint32_t index);
/* Of one that stands in the table, as it tells. */
struct hash128 pack_parts_hash(const struct pack_parts *parts, uint32_t index);
/* Appends the part; *hash is its BLAKE2b-128.  E_CORRUPT: the table has another one. */
MUST_USE enum code pack_parts_read(const struct pack_parts *parts, uint32_t index, struct buf *out,
                                   struct hash128 *hash, struct error *err);
void pack_parts_close(struct pack_parts *parts); /* NULL is fine */

#endif
