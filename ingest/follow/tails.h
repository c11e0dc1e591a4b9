/* All files that sources follow: found, read on where they have grown, and written with how far
 * they were read.  docs/decisions/0054-files-that-grow.md
 *
 * Threads: one of its own looks, reads and writes.  Functions here may be called by any thread,
 * and wait for nothing but tails_close(). */
#ifndef WEIR_INGEST_FOLLOW_TAILS_H
#define WEIR_INGEST_FOLLOW_TAILS_H

#include "ingest/follow/tail_mark.h"
#include "ingest/follow/tail_place.h"
#include "ingest/intake.h"
#include "ingest/pull/progress.h"

struct source;
struct tails;

struct tails_parts {
    const struct intake_environment *intake; /* all borrowed */
    const struct recall *recall;
    const struct tail_places *places;
    struct clock *clock;
    /* What tells nodes of a registry apart; empty = this one has no registry, and never had.
     * E_NOT_READY: it is to have a number of it, and has none yet.  The follower's thread asks. */
    enum code (*node)(void *context, char node[TAIL_NODE_SIZE], struct error *err);
    /* The tenant's limits and retention now; false: there is none of that name. */
    bool (*tenant)(void *context, struct bytes name, const struct tenant **tenant,
                   struct limits *limits, int64_t *retention_ns);
    void *context;
};

MUST_USE enum code tails_open(const struct tails_parts *parts, struct tails **tails,
                              struct error *err);
void tails_close(struct tails *tails); /* NULL is fine */

/* Whether all paths of the document are where the tenant may read: E_BAD_PARAMETER with a pointer.
 */
MUST_USE enum code tails_takes(const struct tails *tails, struct bytes tenant,
                               const struct source *source, struct error *err);
/* There is such a source from now on, or it has this document now, or rests; takes `source` (also
 * where it fails), NULL: there is none any more.  E_MEMORY. */
MUST_USE enum code tails_declare(struct tails *tails, struct bytes tenant, struct bytes name,
                                 bool paused, struct source *source, struct error *err);

/* Appends an object of JSON: how the source is; or a list of its last records, the newest first.
 * False: there is none. */
bool tails_status(struct tails *tails, struct bytes tenant, struct bytes name, struct buf *out);
bool tails_records(struct tails *tails, struct bytes tenant, struct bytes name, size_t limit,
                   struct buf *out);
bool tails_has(struct tails *tails, struct bytes tenant, struct bytes name);

#endif
