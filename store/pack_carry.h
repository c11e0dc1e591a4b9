/* Brings the pack files that an index names from one directory to another: as second names of the
 * same files, or copied, each held against its manifest entry.
 *
 * Thread: any; waits for the disk. */
#ifndef WEIR_STORE_PACK_CARRY_H
#define WEIR_STORE_PACK_CARRY_H

#include "store/file_copy.h"
#include "store/packs/manifest.h"

struct index;

/* What a manifest names. */
struct pack_totals {
    uint64_t packs, files, file_bytes, rows, values;
};
MUST_USE enum code pack_totals_of(struct index *index, struct pack_totals *totals,
                                  struct error *err);

struct pack_carry {
    struct file_copy files; /* of the machine (base/fs.h) when `link` is set */
    bool link;              /* where it can be; those are not read, only their size is looked at */
    /* Out; they add up over several runs. */
    uint64_t linked, copied;
    char gone[PACK_PATH_SIZE]; /* the pack of E_NOT_FOUND */
};

/* Files that are in `to` already stay as they are.  Names are synced.  E_NOT_FOUND: a pack is not
 * in `from` (any more); E_CORRUPT: it is not what its entry says.  The text names the pack. */
MUST_USE enum code pack_carry(struct pack_carry *carry, struct index *index, struct error *err);

/* Removes pack files of `fs` that the index does not name. */
MUST_USE enum code pack_carry_prune(struct fs *fs, struct index *index, struct error *err);

#endif
