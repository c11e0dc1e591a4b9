/* What delivery asks of other rooms: which shard a tenant has, and how to reach it. */
#ifndef WEIR_STORE_DELIVERY_DELIVERY_RULES_H
#define WEIR_STORE_DELIVERY_DELIVERY_RULES_H

#include <stdatomic.h>

#include "model/archive.h"
#include "model/series.h"

enum { SHARD_NAME_SIZE = 65 }; /* [a-z0-9_-]{1,64} and a NUL */

/* Any thread; lives as long as the delivery. */
struct delivery_rules {
    void *context;
    /* The shard that the tenant has now; false: none, its packs stay here alone. */
    bool (*shard_of)(void *context, const struct tenant *tenant, char name[SHARD_NAME_SIZE]);
    /* The caller closes it.  It is kept over failures: what it gives connects anew by itself, to
     * the address as it is by then. */
    enum code (*open)(void *context, const char *shard, struct archive **archive,
                      struct error *err);
    /* True: nothing is delivered, or let go of for being delivered: this member was given up, and
     * others go on without what it would say now.  NULL: never. */
    const _Atomic bool *given_up;
    /* Of parts that a tenant sends before the next one has its turn, and one part more; 0: 64 MiB.
     */
    uint64_t turn_bytes;
};

/* The shard that packs of the tenant go to now; false: none. */
static inline bool delivery_rules_shard(const struct delivery_rules *rules,
                                        const struct tenant *tenant, char name[SHARD_NAME_SIZE])
{
    return !(rules->given_up != NULL && *rules->given_up) &&
           rules->shard_of(rules->context, tenant, name);
}

#endif
