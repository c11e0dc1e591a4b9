/* What following other members asks of other rooms: who they are, which shards tenants ever had,
 * and how to reach these. */
#ifndef WEIR_STORE_GUESTS_GUEST_RULES_H
#define WEIR_STORE_GUESTS_GUEST_RULES_H

#include "base/arena.h"
#include "base/hash.h"
#include "model/archive.h"

/* A member: a data directory that delivers. */
struct guest_author {
    uint32_t number;
    struct hash128 incarnation;
    bool active; /* else drained or lost: what it delivered is all there will ever be */
};

struct guest_tenant {
    struct bytes name;
    const struct bytes *shards; /* all that it ever had */
    size_t shard_count;
};

struct guest_survey {
    const struct guest_author *authors; /* all members, this node among them */
    size_t author_count;
    const struct guest_tenant *tenants;
    size_t tenant_count;
    uint64_t version; /* of the registry: all of it up to this is in it; 0: nobody knows */
};

/* Any thread; lives as long as who follows. */
struct guest_rules {
    void *context;
    /* As of now; all is from the arena.  E_NOT_READY: nobody knows yet. */
    enum code (*survey)(void *context, struct arena *arena, struct guest_survey *survey,
                        struct error *err);
    /* As of struct delivery_rules. */
    enum code (*open)(void *context, const char *shard, struct archive **archive,
                      struct error *err);
};

#endif
