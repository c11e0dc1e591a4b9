/* What the chains of a tenant list, as this data directory knows by now: whoever reads them need
 * not be told of it (docs/formats/peer.md).
 *
 * Thread: any. */
#ifndef WEIR_STORE_DELIVERY_LISTED_H
#define WEIR_STORE_DELIVERY_LISTED_H

#include "store/delivery/delivery_rules.h"

struct index;

struct listed_chain {
    char shard[SHARD_NAME_SIZE];
    uint64_t last; /* number of its newest entry */
};

struct listed {
    uint64_t *numbers; /* owned; of packs that a chain lists, ascending */
    size_t count, capacity;
    struct listed_chain *chains; /* owned; those that have an entry, by shard */
    size_t chain_count, chain_capacity;
    /* All that was acknowledged up to this ingest time is listed at the shard that got the last
     * entry; INT64_MIN: that is not known. */
    int64_t through;
};

/* As of one moment.  What is there is the caller's to release, also after a failure.  E_CORRUPT,
 * E_IO, E_MEMORY. */
MUST_USE enum code listed_read(struct index *index, struct bytes tenant, struct listed *listed,
                               struct error *err);
bool listed_has(const struct listed *listed, uint64_t number);
void listed_release(struct listed *listed); /* one of zeros is fine */

#endif
