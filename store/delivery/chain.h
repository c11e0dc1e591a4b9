/* The chain of a data directory and tenant at a shard: entries 0, 1, 2, ... that add packs to a
 * list and remove some, each written once.  Every 256th is a checkpoint, which begins the list
 * anew; so may others be.  The list after the last entry is what was delivered.  Format:
 * docs/formats/mongo.md.
 */
#ifndef WEIR_STORE_DELIVERY_CHAIN_H
#define WEIR_STORE_DELIVERY_CHAIN_H

#include "base/arena.h"
#include "store/packs/manifest.h"

enum {
    CHAIN_CHECKPOINT_EVERY = 256, /* entry n with n % 256 == 0 is one */
    CHAIN_ENTRY_BYTES_MAX = 15 << 20,
    CHAIN_ID_SIZE = 80,       /* of an id, with its NUL */
    CHAIN_DATABASE_SIZE = 64, /* MongoDB's limit is 63 bytes */
};

struct chain_pack {
    struct manifest_entry entry;
    uint32_t parts; /* documents of it: those of its table, and one with all behind them */
};

struct chain_removed {
    uint64_t number;
    struct hash128 incarnation;
};

struct chain_entry {
    struct hash128 incarnation; /* whose chain */
    struct bytes tenant;
    uint64_t number;
    bool checkpoint;
    /* Every row of the tenant that was acknowledged with an ingest time up to this is in what the
     * chain lists behind the entry; INT64_MIN: nothing is said. */
    int64_t through;
    const struct chain_pack *adds;       /* ascending by number; of a checkpoint: the whole list */
    const struct chain_removed *removes; /* likewise; of a checkpoint: none */
    size_t add_count, remove_count;
};

void chain_entry_encode(const struct chain_entry *entry, struct buf *out);
/* The tenant points into `bytes`, the arrays are in the arena.  E_CORRUPT, E_MEMORY. */
MUST_USE enum code chain_entry_decode(struct bytes bytes, struct arena *arena,
                                      struct chain_entry *entry, struct error *err);

/* What a chain comes to, entry by entry from a checkpoint on. */
struct chain_list {
    struct chain_pack *packs; /* owned; ascending by number */
    size_t count, capacity;
};
/* E_CORRUPT: it adds what is listed, or removes what is not known by that incarnation. */
MUST_USE enum code chain_list_apply(struct chain_list *list, const struct chain_entry *entry,
                                    struct error *err);
/* Where the number stands, or would. */
size_t chain_list_place(const struct chain_list *list, uint64_t number);
/* NULL: it is not listed. */
const struct chain_pack *chain_list_find(const struct chain_list *list, uint64_t number);
void chain_list_release(struct chain_list *list);

/* "weir_acme".  A name longer than 58 bytes is cut to 25, with its hash in capitals behind, which
 * no name has. */
void chain_database(struct bytes tenant, char name[CHAIN_DATABASE_SIZE]);
/* "<incarnation>/17", of ARCHIVE_MANIFESTS. */
void chain_entry_id(const struct hash128 *incarnation, uint64_t number, char id[CHAIN_ID_SIZE]);
/* "<incarnation of the pack>/0000000000000011/3", of ARCHIVE_PACKS. */
void chain_part_id(const struct hash128 *incarnation, uint64_t number, uint32_t part,
                   char id[CHAIN_ID_SIZE]);
/* False when it is not what chain_part_id() prints. */
bool chain_part_id_parse(struct bytes id, struct hash128 *incarnation, uint64_t *number,
                         uint32_t *part);
/* False when it is not what chain_entry_id() prints. */
bool chain_entry_id_parse(struct bytes id, struct hash128 *incarnation, uint64_t *number);

#endif
