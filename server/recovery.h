/* Which tenants `weir restore --tenants` makes a data directory of, and of which chains: read from
 * the tenants file, and asked of the shards. */
#ifndef WEIR_SERVER_RECOVERY_H
#define WEIR_SERVER_RECOVERY_H

#include "discovery/directory.h"
#include "store/delivery/chain_read.h"
#include "store/delivery/recover.h"

struct recovery;

struct recovery_options {
    const char *tenants; /* path of the file, or, with `snapshot`, what it is called in texts */
    const struct limits *limits;
    const char *names;       /* "acme,other"; NULL = all that have a shard */
    const char *incarnation; /* 32 hex digits; NULL = the only one there is */
    /* mongo_archive_open() */
    enum code (*open)(struct bytes uri, bool unsafe, const char *name, struct archive **archive,
                      struct error *err);
    struct directory_snapshot *snapshot; /* instead of the file; recovery_open() takes it */
};

/* Asks every shard.  Lines for people are appended to `told`: chains of which one has to be chosen
 * (E_CONFIG then), and tenants of which nothing was delivered, unless they were named (E_NOT_FOUND
 * then, as when there is nothing at all).  *recovery is NULL on failure. */
MUST_USE enum code recovery_open(const struct recovery_options *options, struct recovery **recovery,
                                 struct buf *told, struct error *err);
/* What was chosen, for recover_run(); and what each comes to. */
const struct recover_tenant *recovery_tenants(const struct recovery *recovery, size_t *count);
const struct chain_about *recovery_about(const struct recovery *recovery, size_t at);
struct bytes recovery_shard(const struct recovery *recovery, size_t at);
void recovery_close(struct recovery *recovery); /* NULL is fine */

#endif
