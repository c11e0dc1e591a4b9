/* What an index says of the store as a whole, also for those who have the index alone: backup,
 * restore, tools.  Format: docs/formats/index.md. */
#ifndef WEIR_STORE_IDENTITY_H
#define WEIR_STORE_IDENTITY_H

#include "base/error.h"
#include "base/hash.h"

struct fs;
struct index;
struct index_operations;
struct index_transaction;

struct identity {
    struct hash128 incarnation;
    uint64_t sealed_lsn; /* 0: nothing was sealed yet, likewise below */
    int64_t ingest_last;
    unsigned number; /* as a member of a registry; 0: none was given to this incarnation */
};

/* E_CORRUPT: it has no incarnation, or is of another format. */
MUST_USE enum code identity_read(struct index *index, struct identity *identity, struct error *err);
/* Whose data directory it is: drawn at its first start.  `fs` has its wal/ and packs/, which are
 * made.  E_CORRUPT also where there is data in them and nothing in the index. */
MUST_USE enum code identity_load(struct fs *fs, struct index *index, struct hash128 *incarnation,
                                 struct error *err);
/* A value of INDEX_META that has exactly `size` bytes; else E_NOT_FOUND, E_CORRUPT. */
MUST_USE enum code identity_value(const struct index_operations *index,
                                  struct index_transaction *transaction, const char *name,
                                  void *value, size_t size, struct error *err);
/* Of a data directory that was made out of packs: draws identity->incarnation, and puts it all into
 * an index that has none yet. */
MUST_USE enum code identity_found(struct index *index, struct identity *identity,
                                  uint64_t pack_next, struct error *err);
/* The member's number of this incarnation, from 1 to MEMBER_NUMBER_MAX, in one transaction. */
MUST_USE enum code identity_number(struct index *index, unsigned number, struct error *err);
/* Draws a new incarnation, in one transaction.  Packs keep in their entries whose they were; what
 * shards have of them is forgotten, as the chains there are the old one's, and so is the old one's
 * number. */
MUST_USE enum code identity_renew(struct index *index, struct hash128 *incarnation,
                                  struct error *err);
/* What may be shown of an incarnation: two stores have not the same, and it does not tell it. */
void identity_mark(const struct hash128 *incarnation, char text[HASH128_TEXT_SIZE]);

#endif
