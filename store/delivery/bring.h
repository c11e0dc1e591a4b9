/* Brings parts of packs that are away: from the shard whose chain lists the pack, each held against
 * its hash, and kept as files (store/packs/part_cache.h).  Readers wait, their own limits in mind,
 * and no longer than 5 s for a part; two threads a shard do the asking, so that one that is slow
 * holds up nobody but its own readers.
 *
 * A shard that failed, or has not answered for 5 s, is in trouble: nobody waits for it, E_SHARD
 * comes at once, and its threads go on trying with what was asked last, after 0.5 s, then twice as
 * long each time up to 10 s, until it answers.  It is logged when that begins and ends.
 *
 * Thread: any. */
#ifndef WEIR_STORE_DELIVERY_BRING_H
#define WEIR_STORE_DELIVERY_BRING_H

#include "store/delivery/delivery_rules.h"
#include "store/packs/pack_stub.h"

struct bring;
struct part_cache;
struct store;

/* All borrowed, and outlive it.  It is what the store's packs ask from now on (store->bringer).
 * *bring is NULL on failure. */
MUST_USE enum code bring_new(struct store *store, const struct delivery_rules *rules,
                             struct part_cache *cache, struct bring **bring, struct error *err);
/* Threads do the asking from now on; without it, readers do it themselves (simulator). */
void bring_start(struct bring *bring);
/* Ends the threads.  What bounds the wait is one call of an archive.  Nobody reads any more; NULL
 * is fine. */
void bring_free(struct bring *bring);
/* A part as the shard has it, appended and held against the pack's table, not kept and not taken
 * from what is kept: for who wants to know what the shard has.  By the caller's archive.  E_SHARD
 * where there is no such document any more; E_CORRUPT: another one; else as the archive. */
struct pack_parts;
MUST_USE enum code bring_part(struct archive *archive, const struct pack *pack,
                              const struct pack_parts *parts, uint32_t part, struct buf *body,
                              struct error *err);

#endif
