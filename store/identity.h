/* What an index says of the store as a whole, for those who have the index alone: backup, restore,
 * tools.  Format: docs/formats/index.md. */
#ifndef WEIR_STORE_IDENTITY_H
#define WEIR_STORE_IDENTITY_H

#include "base/error.h"
#include "base/hash.h"

struct index;

struct identity {
    struct hash128 incarnation;
    uint64_t sealed_lsn; /* 0: nothing was sealed yet, likewise below */
    int64_t ingest_last;
};

/* E_CORRUPT: it has no incarnation, or is of another format. */
MUST_USE enum code identity_read(struct index *index, struct identity *identity, struct error *err);
/* Of a data directory that was made out of packs: draws identity->incarnation, and puts it all into
 * an index that has none yet. */
MUST_USE enum code identity_found(struct index *index, struct identity *identity,
                                  uint64_t pack_next, struct error *err);
/* Draws a new incarnation, in one transaction.  Packs keep in their entries whose they were; what
 * shards have of them is forgotten, as the chains there are the old one's. */
MUST_USE enum code identity_renew(struct index *index, struct hash128 *incarnation,
                                  struct error *err);
/* What may be shown of an incarnation: two stores have not the same, and it does not tell it. */
void identity_mark(const struct hash128 *incarnation, char text[HASH128_TEXT_SIZE]);

#endif
