/* An index out of packs: what it says of them can be worked out of their sections and block
 * headers.  For a data directory that has packs and nothing else.
 *
 * Thread: one; waits for the disk. */
#ifndef WEIR_STORE_DELIVERY_REBUILD_H
#define WEIR_STORE_DELIVERY_REBUILD_H

#include "base/fs.h"
#include "store/packs/manifest.h"

struct index;
struct rebuild;

/* `fs` and the empty `index` are borrowed.  *rebuild is NULL on failure. */
MUST_USE enum code rebuild_new(struct fs *fs, struct index *index, struct rebuild **rebuild,
                               struct error *err);
/* One transaction: the entry, the bytes of a small pack (a larger one is a file already), series,
 * fields, deletions, notes, the time that history is known from.  E_CORRUPT names the pack. */
MUST_USE enum code rebuild_add(struct rebuild *rebuild, struct bytes tenant,
                               const struct manifest_entry *entry, struct bytes inline_bytes,
                               struct error *err);
/* Takes a pack out again, and not what came with it: series, deletions and notes that are of no
 * pack do no harm.  A file stays. */
MUST_USE enum code rebuild_remove(struct rebuild *rebuild, struct bytes tenant,
                                  const struct manifest_entry *entry, struct error *err);
/* Ends it: counters go on behind what was added, and behind `ingest_last`; *incarnation is drawn.
 */
MUST_USE enum code rebuild_finish(struct rebuild *rebuild, int64_t ingest_last,
                                  struct hash128 *incarnation, struct error *err);
void rebuild_free(struct rebuild *rebuild); /* NULL is fine */

#endif
