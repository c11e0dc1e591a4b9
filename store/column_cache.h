/* Parts of blocks as they came out of decoding, kept for the next reader: most of a question's time
 * is decoding, and dashboards ask for the same blocks again and again.  Bytes by the pack, the
 * place of the block in it and the part; what they mean is store/block_reader.c's.  Packs never
 * change, so what is kept is never wrong; it goes with its pack.
 *
 * What was met once is not kept: who reads everything, as an export does, leaves the cache as it
 * is.  What is met again is, in place of something that was met more rarely.
 *
 * Thread:  any; locks are held for a look-up, never over decoding, copying or reading.
 * Failure: there is none; what cannot be kept is not kept. */
#ifndef WEIR_STORE_COLUMN_CACHE_H
#define WEIR_STORE_COLUMN_CACHE_H

#include "base/error.h"

struct column_cache;
struct cached; /* what is kept of one part */

struct column_key {
    uint64_t pack;   /* pack_serial() */
    uint64_t offset; /* of the block in the pack */
    uint32_t part;
};

/* All memory that it will ever hold, its own included, is at most bytes_max; so little that nothing
 * could be kept: *cache is NULL, as after a failure, and all functions take that for an empty one.
 */
MUST_USE enum code column_cache_new(uint64_t bytes_max, struct column_cache **cache,
                                    struct error *err);
void column_cache_free(struct column_cache *cache); /* all pins have come back */

/* Pinned: it stays as it is until cached_unpin(), whatever becomes of the cache's own hold on it.
 * NULL: it is not there; *wanted: it was met before, so that it should be put there. */
const struct cached *column_cache_find(struct column_cache *cache, const struct column_key *key,
                                       bool *wanted);
struct bytes cached_bytes(const struct cached *cached); /* aligned to 16 */
void cached_unpin(void *cached);

/* Room for `size` bytes, which the caller fills and puts; NULL: there is none. */
struct cached *column_cache_make(struct column_cache *cache, const struct column_key *key,
                                 size_t size);
char *cached_room(struct cached *made);
/* Takes `made` over, and drops it where another reader was faster. */
void column_cache_put(struct cached *made);
/* Nothing of the pack is kept any more, but for pins.  Nobody reads it: no more of it will be put.
 */
void column_cache_forget(void *cache, uint64_t pack);

struct column_cache_counts {
    uint64_t bytes, hits, misses, evictions;
};
struct column_cache_counts column_cache_counts(const struct column_cache *cache);

#endif
