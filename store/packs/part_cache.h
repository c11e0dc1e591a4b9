/* Parts of packs that are away, as files of this machine: `parts/<number>`, a number each that is
 * given once.  Bytes by the pack and the part; what was not asked for longest goes first.  It is
 * empty at each start, so nothing of it needs to be synced, and a crash leaves nothing but files
 * that the next start removes.
 *
 * Who puts a part has held it against its hash; damage that comes later is seen where blocks are
 * checked.
 *
 * Thread:  any; no lock is held over files.
 * Failure: there is none; what cannot be kept is not kept. */
#ifndef WEIR_STORE_PACKS_PART_CACHE_H
#define WEIR_STORE_PACKS_PART_CACHE_H

#include "base/error.h"
#include "base/fs.h"

struct part_cache;

struct part_key {
    uint64_t pack; /* pack_serial() */
    uint64_t part;
};

/* Removes what an earlier process left.  `fs` is borrowed.  *cache is NULL on failure. */
MUST_USE enum code part_cache_new(struct fs *fs, uint64_t bytes_max, struct part_cache **cache,
                                  struct error *err);
void part_cache_free(struct part_cache *cache); /* its files, too; NULL is fine */
/* [offset, offset + size) of the part; false: it is not there. */
bool part_cache_read(struct part_cache *cache, const struct part_key *key, uint64_t offset,
                     void *data, size_t size);
/* Not kept: a part larger than all there may be, or one while the disk is nearly full. */
void part_cache_put(struct part_cache *cache, const struct part_key *key, struct bytes part);
/* All of the pack, or (`part` is not UINT64_MAX) one part of it. */
void part_cache_forget(struct part_cache *cache, uint64_t pack, uint64_t part);

struct part_cache_counts {
    uint64_t bytes, parts, hits, misses, evictions;
};
struct part_cache_counts part_cache_counts(struct part_cache *cache);

#endif
