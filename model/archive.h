/* Where packs are delivered: documents by name, insert-only, one database a tenant.  An interface,
 * so that the store need not know which database it is: net/mongo.c, and a map in the tests.
 *
 * Thread:  one at a time; every call may wait for the network.
 * Failure: E_NOT_READY and E_TIMEOUT: try again later, anything or nothing may have happened.
 *          E_CONFIG: no access, or a concern that would not keep what it takes. */
#ifndef WEIR_MODEL_ARCHIVE_H
#define WEIR_MODEL_ARCHIVE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"

enum archive_collection { ARCHIVE_PACKS, ARCHIVE_MANIFESTS };

struct archive_document {
    struct bytes id, body;
    struct hash128 hash; /* BLAKE2b-128 of the body */
};

struct archive {
    const struct archive_operations *operations;
};

struct archive_operations {
    /* OK: each document reads back, from a majority, with its hash.  E_EXISTS: one of another hash
     * was there already; the text names its id. */
    enum code (*put)(struct archive *archive, struct bytes database,
                     enum archive_collection collection, const struct archive_document *documents,
                     size_t count, struct error *err);
    /* Appends the body, which has the hash that stands beside it (else E_CORRUPT).  E_NOT_FOUND. */
    enum code (*get)(struct archive *archive, struct bytes database,
                     enum archive_collection collection, struct bytes id, struct buf *body,
                     struct error *err);
    /* What is not there is no error. */
    enum code (*remove)(struct archive *archive, struct bytes database,
                        enum archive_collection collection, const struct bytes *ids, size_t count,
                        struct error *err);
    /* Every id of a collection, in no order, while `each` gives OK.  Walks over all of it: for a
     * restore alone. */
    enum code (*list)(struct archive *archive, struct bytes database,
                      enum archive_collection collection,
                      enum code (*each)(void *context, struct bytes id, struct error *err),
                      void *context, struct error *err);
    void (*close)(struct archive *archive);
};

#endif
