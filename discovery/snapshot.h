/* What a tenants file or the registry says, read once: immutable and counted.  tenants_file.c and
 * registered.c make it, directory.c gives it out. */
#ifndef WEIR_DISCOVERY_SNAPSHOT_H
#define WEIR_DISCOVERY_SNAPSHOT_H

#include "base/arena.h"
#include "base/map.h"
#include "discovery/directory.h"
#include "discovery/token.h"

struct token_record {
    struct bytes id;
    struct token_hash hash;
    unsigned scopes;
    int64_t expires_ns; /* INT64_MAX = never */
    const struct tenant_settings *tenant;
    struct token_record *next; /* of the same id: tenants' records do not know each other's */
};

struct directory_snapshot {
    _Atomic uint32_t references;
    struct arena arena; /* of everything but the maps' slots */
    struct map tenants; /* name -> struct tenant_settings */
    struct map tokens;  /* id -> struct token_record, the first of them */
    struct map shards;  /* name -> struct shard_settings */
};

/* Empty, with one reference; NULL when memory ran out. */
struct directory_snapshot *snapshot_new(void);
/* Adds a tenant with the node's limits and no end of retention.  NULL when memory ran out. */
struct tenant_settings *snapshot_tenant_add(struct directory_snapshot *snapshot, struct bytes name,
                                            const struct limits *node);

#endif
