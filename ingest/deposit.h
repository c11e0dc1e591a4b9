/* A batch that was made within the process, on its way to the store as a request's is: checked
 * against the catalog, one record, durable and visible when this returns.  What is over by itself,
 * or by somebody who makes room, is waited for here and told meanwhile: a rate, a full disk, an
 * outbox, a clock, too much work.  A store that fails is not: it does not come back in this
 * process.
 *
 * Thread: one that may wait; not an HTTP thread. */
#ifndef WEIR_INGEST_DEPOSIT_H
#define WEIR_INGEST_DEPOSIT_H

#include "ingest/intake.h"
#include "model/batch.h"

struct deposit_terms {
    const struct intake_environment *environment;
    const struct tenant *tenant;
    const struct limits *limits; /* the tenant's */
    const _Atomic bool *stop;    /* E_CANCELLED soon after it is set, and nothing was written, or */
                                 /* E_DRAINING of the store: it may have been */
    bool bulk;                   /* one of very many: store.h, struct submission */
    /* Why it waits, again and again; NULL: it no longer does.  NULL: nobody wants to know. */
    void (*waits)(void *waiter, const struct error *why);
    void *waiter;
};

/* E_INVALID_POINTS with the first row that does not fit (its kind, a limit), and nothing is
 * written; E_RECORD_LARGE; E_CANCELLED, E_DRAINING, E_IO, E_MEMORY.  *ingest: of the record. */
MUST_USE enum code deposit(const struct deposit_terms *terms, struct batch *batch, int64_t *ingest,
                           struct error *err);
/* The same, but what is refused for a while is told: who can do something else meanwhile. */
MUST_USE enum code deposit_once(const struct deposit_terms *terms, struct batch *batch,
                                int64_t *ingest, struct error *err);

#endif
