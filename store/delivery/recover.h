/* A data directory out of what was delivered to shards: every document held against its hash, every
 * pack against the hash in its chain, an index made of them, with an incarnation of its own, and
 * then verified as `weir verify` does.  docs/backup.md
 *
 * Thread: any; waits for the network and the disk. */
#ifndef WEIR_STORE_DELIVERY_RECOVER_H
#define WEIR_STORE_DELIVERY_RECOVER_H

#include "base/fs.h"
#include "model/archive.h"

/* One tenant, and the chain that it is made of. */
struct recover_tenant {
    struct bytes name;
    struct archive *archive;
    struct hash128 incarnation;
};

struct recover_options {
    const struct recover_tenant *tenants;
    size_t tenant_count;
    struct fs *to;          /* an empty directory */
    const char *index_path; /* "index" below `to`, as the machine calls it */
    uint64_t map_bytes;     /* as index_lmdb_open() takes it */
    /* After every document, and while a shard that does not answer is waited for; bytes of packs.
     * Not OK ends it.  NULL = nobody asks. */
    enum code (*step)(void *context, uint64_t done, uint64_t total, struct error *err);
    void *context;
    int64_t patience_ns; /* how long a shard may not answer before it is given up */
};

struct recover_report {
    struct hash128 incarnation; /* the new one */
    int64_t through;            /* the least of the tenants': nothing acknowledged is missing up to
                                   it; INT64_MIN: a chain does not say */
    uint64_t packs, rows, bytes, series, tombstones, notes;
};

/* Synced; the root's names are not yet.  What a server that still delivers compacts meanwhile is
 * fetched in its new form.  E_NOT_FOUND: there is no such chain; E_CORRUPT names the document or
 * file; E_BUSY: packs were compacted faster than they were fetched. */
MUST_USE enum code recover_run(const struct recover_options *options, struct recover_report *report,
                               struct error *err);

#endif
