/* What is kept here of a guest, the pack of another member that a shard lists: of a small one all
 * of it, of others a stub (store/packs/pack_stub.h) and, since block headers are not in it, which
 * fields they have.  A cache: nothing of it is in the index, and what does not fit the chain, or
 * was damaged, is fetched again.
 *
 *   guests/<tenant>/<shard>/<incarnation of the chain>-<number as 16 hex digits>.pack, or
 *   .fields and .stub
 *
 * Thread: one a shard; waits for the disk, guest_file_fetch() for the network. */
#ifndef WEIR_STORE_GUESTS_GUEST_FILE_H
#define WEIR_STORE_GUESTS_GUEST_FILE_H

#include <stdatomic.h>

#include "store/delivery/chain.h"

struct archive;
struct store;

enum { GUEST_PATH_SIZE = 256 };

/* A chain, and its place on the disk. */
struct guest_place {
    struct store *store;
    const struct tenant *tenant;
    const char *shard;
    struct hash128 incarnation; /* of the chain */
    uint32_t member;
};

/* Makes the directory. */
MUST_USE enum code guest_place_make(const struct guest_place *place, struct error *err);
/* Opens what is kept of the pack, and enters its series and fields in the catalog.  Values of
 * another kind than the catalog has of the field are refused (pack_refuse()).  E_NOT_FOUND,
 * E_CORRUPT: it is to be fetched. */
MUST_USE enum code guest_file_open(const struct guest_place *place,
                                   const struct manifest_entry *entry, struct pack **pack,
                                   struct error *err);
/* Reads all documents of the pack at the shard, held against the hash in the chain, and keeps what
 * is to be kept; *bytes grows by what was read.  *stop ends it between two calls of the archive:
 * E_DRAINING.  E_SHARD: a document is there no more; E_CORRUPT; E_DISK_FULL; else as the archive.
 */
MUST_USE enum code guest_file_fetch(const struct guest_place *place, struct archive *archive,
                                    const struct chain_pack *pack, const _Atomic bool *stop,
                                    uint64_t *bytes, struct error *err);
/* The same of who wants all of it for himself: a small pack comes in memory, else it lies in the
 * file `path`, the caller's to remove when the pack is closed; it is entered nowhere. */
MUST_USE enum code guest_file_bring(const struct guest_place *place, struct archive *archive,
                                    const struct chain_pack *pack, const char *path,
                                    const _Atomic bool *stop, struct pack **out, struct error *err);
/* The same entering of a pack that is in memory, for view_add_told(): its place needs store,
 * tenant and member alone.  After a failure it is to be let go of. */
MUST_USE enum code guest_enter(const struct guest_place *place, struct pack *pack,
                               struct error *err);
/* What cannot be removed stays until it is looked for. */
void guest_file_remove(const struct guest_place *place, uint64_t number);
/* Removes what is kept of the chain's packs that are not in the list. */
void guest_files_sweep(const struct guest_place *place, const struct chain_list *list);

#endif
