/* Packs that have been written and that the index does not name yet: what sealing and compaction
 * have in common.  In order: written and synced, names synced, put into a transaction; undone
 * when that comes to nothing.
 *
 * Thread: the sealer or the compactor, each with its own. */
#ifndef WEIR_STORE_NEW_PACK_H
#define WEIR_STORE_NEW_PACK_H

#include "store/index.h"
#include "store/packs/manifest.h"
#include "store/packs/pack_writer.h"

struct store;
struct tenant;

struct new_pack {
    const struct tenant *tenant;
    struct manifest_entry entry;
    struct bytes inline_bytes; /* owned; of a pack too small for a file */
    struct pack *pack;         /* owned; NULL until it is opened, or once it is the holding's */
};

/* The directory of the tenant's packs, made if it is missing. */
MUST_USE enum code new_pack_make_dir(struct store *store, const struct tenant *tenant,
                                     struct error *err);
/* A writer for the file of that number.  `identity->settled` and `.floor` of a plain pack are
 * INT64_MIN. */
MUST_USE enum code new_pack_begin(struct store *store, const struct pack_identity *identity,
                                  struct pack_writer **writer, struct error *err);
/* Ends the writer, which is gone afterwards, also on failure. */
MUST_USE enum code new_pack_finish(const struct tenant *tenant,
                                   const struct pack_identity *identity, struct pack_writer *writer,
                                   struct new_pack *made, struct error *err);
/* The names of the files of one tenant, if any of the packs has a file. */
MUST_USE enum code new_packs_sync_names(struct store *store, const struct new_pack *packs,
                                        size_t count, struct error *err);
/* Manifest entries and the bytes of small packs. */
MUST_USE enum code new_packs_put(struct store *store, struct index_transaction *transaction,
                                 const struct new_pack *packs, size_t count, struct error *err);
/* Removes the files; what stays for an error goes at the next start. */
void new_packs_undo(struct store *store, const struct new_pack *packs, size_t count);
/* Frees the array and what the packs own. */
void new_packs_free(struct new_pack *packs, size_t count);

#endif
