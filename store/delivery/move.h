/* Moves a pack: its blocks to be at its shard alone, or back.  A file goes only when the index says
 * that the tenant's shard lists the pack, and every document of it was read there once more and is,
 * byte for byte, what is here; and when nobody else has gone on with our chain, who would delete
 * documents that we know nothing of.
 *
 * Order away, and what a crash leaves:
 *   1. the stub is written and synced           -> both are there, the file counts
 *   2. readers get the stub in place of the file
 *   3. the file goes, once nobody reads it      -> the stub counts
 * and back:
 *   1. the file is made beside and held against the hash of the manifest  -> left in parts/, and
 *      removed at the next start
 *   2. it gets its name                         -> both are there, the file counts
 *   3. readers get it in place of the stub, which goes once nobody reads it
 *
 * Thread: one.  Waits for the network and the disk. */
#ifndef WEIR_STORE_DELIVERY_MOVE_H
#define WEIR_STORE_DELIVERY_MOVE_H

#include <stdatomic.h>

#include "store/delivery/delivery_rules.h"

struct mover;
struct pack;
struct store;

/* All borrowed, and outlive it; *stop is looked at between two calls of the archive.  *mover is
 * NULL on failure. */
MUST_USE enum code mover_new(struct store *store, const struct delivery_rules *rules,
                             const _Atomic bool *stop, struct mover **mover, struct error *err);
void mover_free(struct mover *mover); /* files that still were to go do at the next start */

enum moved {
    MOVE_NONE,   /* it is not listed there, a merge has it, or it, its tenant or shard rests */
    MOVE_FAILED, /* it was tried; logged, once of each that is to blame until a move comes off */
    MOVE_DONE,
};
/* The pack is of the tenant's list, which somebody holds. */
enum moved move_away(struct mover *mover, const struct tenant *tenant, struct pack *pack);
/* Out of the last shard that had all of it: wherever the tenant is by now. */
enum moved move_back(struct mover *mover, const struct tenant *tenant, struct pack *pack);
/* Removes files of packs that nobody reads any more. */
void mover_clear(struct mover *mover);

#endif
