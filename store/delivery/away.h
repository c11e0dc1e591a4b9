/* Packs whose files need not be here: when those of all tenants come to more than
 * `local_packs_bytes_max`, the ones that were read longest ago go, as far as a shard has them, and
 * stubs stay (store/packs/pack_stub.h).  What of them is read later is brought (store/delivery/
 * bring.h) and kept, in a quarter of these bytes.  docs/decisions/0041-packs-read-from-shards.md
 *
 * How one goes or comes back, and what a crash leaves: store/delivery/move.h.  Plain packs stay:
 * they are about to be merged; so do those that came back to be rewritten.
 *
 * Thread: its own, one for all shards: it is in no hurry, and nobody waits for it. */
#ifndef WEIR_STORE_DELIVERY_AWAY_H
#define WEIR_STORE_DELIVERY_AWAY_H

#include "store/delivery/delivery_rules.h"

struct away;
struct store;

/* Both are borrowed and outlive it.  From now on packs that are away can be read; starts nothing.
 * *away is NULL on failure. */
MUST_USE enum code away_new(struct store *store, const struct delivery_rules *rules,
                            struct away **away, struct error *err);
/* Starts the threads, its own and those that bring.  Without it, away_step() and whoever reads do
 * their work (simulator). */
MUST_USE enum code away_start(struct away *away, struct error *err);
/* Ends them.  Nobody reads any more, delivery least of all.  NULL is fine. */
void away_free(struct away *away);
/* One look at what is there; whether a file went or came.  What fails is logged and tried again
 * later.  Not while threads run. */
bool away_step(struct away *away);
/* Refreshes the gauges for /metrics.  Any thread. */
void away_measure(struct away *away);

#endif
