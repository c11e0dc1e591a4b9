/* Brings packs to where their tenant's archive is: what the manifest names and the shard has not
 * is uploaded, then named in the tenant's chain (store/delivery/chain.h); what the manifest names
 * no more is taken out of the chain, and its documents are deleted some time later.  There is no
 * list of work: the two tables of the index are compared at each turn, so several changes go as
 * their net, and a crash leaves nothing to be put right.
 *
 * Nothing in the store waits for it.  One thread a shard in use takes turns of the shard's tenants;
 * another looks every second which shards are in use.  After a failure a shard is left alone for
 * 0.5 s, then twice as long each time up to 30 s.  A shard that fails is logged when it begins to,
 * when the kind of failure changes and when it is over; a tenant whose delivery ends for good (its
 * chain is not ours: a copied data directory) once. */
#ifndef WEIR_STORE_DELIVERY_DELIVERY_H
#define WEIR_STORE_DELIVERY_DELIVERY_H

#include "store/delivery/delivery_rules.h"

struct delivery;
struct store;

/* Both are borrowed and outlive it.  Starts nothing.  *delivery is NULL on failure. */
MUST_USE enum code delivery_new(struct store *store, const struct delivery_rules *rules,
                                struct delivery **delivery, struct error *err);
/* Starts the threads.  Without it, delivery_step() does their work (simulator). */
MUST_USE enum code delivery_start(struct delivery *delivery, struct error *err);
/* Ends the threads.  What bounds the wait is one call of the archive (and one upload is at most 8
 * MiB): it is not cut.  Before store_close(); NULL is fine, and so is a second time. */
void delivery_stop(struct delivery *delivery);
void delivery_free(struct delivery *delivery); /* stops it; NULL is fine */

/* One turn of one tenant; *did: there was something to do, whether or not it came off.  Not while
 * threads run.  What the archive refused is told by metrics and the log and is no failure here:
 * E_IO: the disk failed and the store with it; E_MEMORY, E_DISK_FULL: later. */
MUST_USE enum code delivery_step(struct delivery *delivery, bool *did, struct error *err);
/* Refreshes the gauges for /metrics.  Any thread. */
void delivery_measure(struct delivery *delivery);

#endif
