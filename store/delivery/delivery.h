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
 * chain is not ours: a copied data directory) once.
 *
 * Somebody may wait for it, who asked for that (delivery_await()); and what a tenant's shard lacks
 * is told to whoever wants to bound it (struct tenant, delivery_seconds()). */
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
/* Compares what has changed since the last time, for the gauges and for delivery_seconds(), and
 * tells those who have waited for too long.  The thread that looks does it; others only where none
 * was started.  False: memory was short, and not all was looked at. */
MUST_USE bool delivery_look(struct delivery *delivery);

/* In how many seconds the shard will have taken `bytes` of what waits for it, as it has done of
 * late: 1 to DRAIN_SECONDS_MAX.  Any thread; NULL: nobody can tell, 1. */
unsigned delivery_seconds(struct delivery *delivery, const struct tenant *tenant, uint64_t bytes);

/* What shards lack of all tenants that have one, as of the last look. */
struct delivery_backlog {
    uint64_t bytes;  /* of packs */
    int64_t through; /* all that was acknowledged up to this ingest time is there; 0 = not known */
    /* The same of all tenants there are: 0 as long as one that has no shard has anything. */
    int64_t closed;
};

/* Any thread; NULL: none. */
struct delivery_backlog delivery_backlog(struct delivery *delivery);

/* Somebody waits until rows that were acknowledged with this ingest time are at the tenant's shard.
 * The caller's, until done(). */
struct delivery_ack {
    const struct tenant *tenant;
    int64_t ingest;
    uint64_t wait_ms;
    /* Once, from any thread; it may only publish and wake.  OK: they read back from a majority.
     * E_NOT_DELIVERED: not within the time, or not at all, and why; E_DRAINING, E_MEMORY. */
    void (*done)(struct delivery_ack *ack, enum code code, const struct error *err);
    /* The delivery's. */
    struct delivery_ack *next;
    int64_t due_ns;
};

/* What is in memory is sealed soon: once for all who wait by then, not more often than five times a
 * second.  done() may come before this returns.  Any thread. */
void delivery_await(struct delivery *delivery, struct delivery_ack *ack);
/* Who waits, now or later, gets E_DRAINING.  Any thread; NULL is fine. */
void delivery_await_stop(struct delivery *delivery);

#endif
