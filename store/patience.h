/* What somebody who reads packs does while bytes have to come from a disk or a shard. */
#ifndef WEIR_STORE_PATIENCE_H
#define WEIR_STORE_PATIENCE_H

#include "base/error.h"

/* Both are called by the threads that read. */
struct patience {
    /* Asked some times a second while a read waits for a shard; not OK ends the wait, and is what
     * the read gives.  NULL: as long as it takes. */
    enum code (*ask)(void *context, struct error *err);
    void *context;
    /* Told when a thread begins to wait, and when it goes on.  NULL: nobody needs to know. */
    void (*wait)(void *waiter, bool waiting);
    void *waiter;
    bool at_hand; /* nothing is waited for: what is not at hand is E_BUSY, and the above not used */
};

static inline void patience_wait(const struct patience *patience, bool waiting)
{
    if (patience->wait != NULL)
        patience->wait(patience->waiter, waiting);
}

#endif
