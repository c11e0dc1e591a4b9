/* Whether a store that takes nothing any more has brought all that it acknowledged to the shards of
 * its tenants, so that nobody will miss it.  Asked again and again, it has what is in memory
 * sealed; the rest is delivery's.
 *
 * Thread: one at a time. */
#ifndef WEIR_STORE_DELIVERY_LEAVING_H
#define WEIR_STORE_DELIVERY_LEAVING_H

#include <stdatomic.h>

#include "store/delivery/delivery_rules.h"

struct store;

struct leaving {
    struct store *store; /* both borrowed */
    const struct delivery_rules *rules;
    /* Whether anybody may still ask for the tenant's rows: it was not deleted. */
    bool (*lives)(void *context, const struct tenant *tenant);
    void *context;
    _Atomic bool sealing;
};

/* OK: it has.  E_BUSY: not yet, and what is waited for, in words that stay the same as long as that
 * does.  What is asked of the sealer ends before store_close() does, and `leaving` after it. */
MUST_USE enum code leaving_step(struct leaving *leaving, struct error *err);

#endif
