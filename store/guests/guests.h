/* Reads what other members delivered: for each tenant, at each shard it ever had, the chain of each
 * other member of the registry is followed, and the packs that it lists are opened as guests
 * (store/guest_list.h), which views read beside our own.  Nothing in the store waits for it, and
 * nothing of it is in the index: it touches our own packs in no way.
 *
 * One thread a shard takes its tenants and members in turn: one look each second for a chain that
 * rests; of what is new some 16 MiB before the next has its turn.  After a failure a shard is left
 * alone for 0.5 s, then twice as long each time up to 30 s.  Another thread looks five times a
 * second who there is.  docs/decisions/0045-guests.md */
#ifndef WEIR_STORE_GUESTS_GUESTS_H
#define WEIR_STORE_GUESTS_GUESTS_H

#include "store/guests/guest_rules.h"

struct guests;
struct store;

/* Both are borrowed and outlive it; packs that are away can be read by now (store/delivery/away.h).
 * From now on answers say what of other members is missing.  Starts nothing.  *guests is NULL on
 * failure. */
MUST_USE enum code guests_new(struct store *store, const struct guest_rules *rules,
                              struct guests **guests, struct error *err);
/* Looks once who there is, then starts the threads.  Without it, guests_look() and guests_step() do
 * their work (tests). */
MUST_USE enum code guests_start(struct guests *guests, struct error *err);
/* Ends the threads; what bounds the wait is one call of an archive.  What is known stays known.
 * Before the packs' bringer goes; NULL is fine. */
void guests_free(struct guests *guests);

/* Looks who there is.  E_NOT_READY: nobody knows, and what was known stays. */
MUST_USE enum code guests_look(struct guests *guests, struct error *err);
/* A turn of every chain of every shard that has something to do; whether one had.  Not while
 * threads run. */
bool guests_step(struct guests *guests);

#endif
