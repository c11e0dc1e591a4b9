/* The index: a small transactional map, ordered by key, that survives crashes whole
 * transactions at a time.  LMDB in the product (index_lmdb.c); an in-memory twin in the
 * simulator (tests/sim).  It holds what must change together: manifests, sealed position,
 * series keys, tombstones, notes.
 *
 * Thread: writing transactions from one thread at a time; reading ones from any. */
#ifndef WEIR_STORE_INDEX_H
#define WEIR_STORE_INDEX_H

#include "base/error.h"

struct index;
struct index_transaction;

/* One table each; numbers are part of the format (docs/formats/index.md). */
enum index_table {
    INDEX_META,      /* name -> value: format, incarnation, member, sealed position, counters */
    INDEX_MANIFEST,  /* tenant NUL, pack number (u64 big-endian) -> manifest entry of a live pack */
    INDEX_PACK,      /* tenant NUL, pack number -> the bytes of a pack too small for a file */
    INDEX_SERIES,    /* tenant NUL, series id -> canonical key */
    INDEX_FIELD,     /* tenant NUL, hash of the value -> span measurement, span field, type */
    INDEX_TOMBSTONE, /* tenant NUL, ingest time (i64 big-endian, sign flipped) -> tombstone */
    INDEX_NOTE,      /* tenant NUL, ingest time -> note */
    INDEX_DELIVERED, /* tenant NUL, pack number -> what a shard has of it, store/delivery/ */
    INDEX_TABLE_COUNT
};

struct index_operations {
    enum code (*begin)(struct index *index, bool writing, struct index_transaction **transaction,
                       struct error *err);
    /* The value lives until the transaction ends or its next write.  One of INDEX_PACK may have
     * zeros behind what was put: manifest_inline() cuts it.  E_NOT_FOUND without text. */
    enum code (*get)(struct index_transaction *transaction, enum index_table table,
                     struct bytes key, struct bytes *value, struct error *err);
    enum code (*put)(struct index_transaction *transaction, enum index_table table,
                     struct bytes key, struct bytes value, struct error *err);
    enum code (*remove)(struct index_transaction *transaction, enum index_table table,
                        struct bytes key, struct error *err); /* OK when absent */
    /* Calls `each` for every entry with key >= first, ascending, while it gives OK. */
    enum code (*walk)(struct index_transaction *transaction, enum index_table table,
                      struct bytes first,
                      enum code (*each)(void *context, struct bytes key, struct bytes value,
                                        struct error *err),
                      void *context, struct error *err);
    enum code (*commit)(struct index_transaction *transaction,
                        struct error *err);               /* ends it, also when it fails */
    void (*abort)(struct index_transaction *transaction); /* NULL is fine */
    /* Overwrites what entries that were removed or replaced have left in the file; NULL: they leave
     * nothing.  Not within a transaction.  E_BUSY: a reader still sees them. */
    enum code (*scrub)(struct index *index, struct error *err);
};

struct index {
    const struct index_operations *operations;
};

/* LMDB in the directory `path`, default sync flags. If it is missing it is made, whole, out of
 * `path`.new. `map_bytes` is address space, not disk. */
MUST_USE enum code index_lmdb_open(const char *path, uint64_t map_bytes, bool read_only,
                                   struct index **index, struct error *err);
void index_lmdb_close(struct index *index);
/* What the last committed transaction left, as an index of its own in the directory `path` (made if
 * missing; one that is there is replaced): compacted, synced, its directory too.  Writers go on
 * meanwhile, also those of another process; pages that they free are kept until it is done. */
MUST_USE enum code index_lmdb_copy(struct index *index, const char *path, struct error *err);
const char *index_lmdb_version(void); /* of the library that runs */

#endif
