/* Goes on with the chains of members that have left: their packs are expired and erased here, as
 * nobody else will do it.  One node at a time goes on with what a member left, by a lease of the
 * registry; that two do by mistake harms nothing, as entries of a chain are inserted once.
 *
 * Nothing waits for it.  One thread looks every five seconds; what the shard refuses has it left
 * alone for 0.5 s, then twice as long each time up to 30 s.  docs/decisions/0050-caretaker.md */
#ifndef WEIR_STORE_GUESTS_CARETAKER_H
#define WEIR_STORE_GUESTS_CARETAKER_H

#include "base/hash.h"
#include "model/archive.h"

struct caretaker;
struct guests;
struct store;

/* What is asked of other rooms.  Any thread; lives as long as the caretaker. */
struct caretaker_rules {
    void *context;
    /* True: by all that the registry says at this moment the data directory of this incarnation has
     * left, and no process serves it. */
    bool (*gone)(void *context, const struct hash128 *incarnation);
    /* From now on this node wants to be the one that goes on with its chains, or no more. */
    enum code (*want)(void *context, const struct hash128 *incarnation, bool wanted,
                      struct error *err);
    /* Whether it is, at this moment. */
    bool (*held)(void *context, const struct hash128 *incarnation);
    /* As of struct delivery_rules. */
    enum code (*open)(void *context, const char *shard, struct archive **archive,
                      struct error *err);
};

/* All are borrowed and outlive it.  Starts nothing.  *caretaker is NULL on failure. */
MUST_USE enum code caretaker_new(struct store *store, struct guests *guests,
                                 const struct caretaker_rules *rules, struct caretaker **caretaker,
                                 struct error *err);
/* Without it caretaker_step() does the thread's work (tests). */
MUST_USE enum code caretaker_start(struct caretaker *caretaker, struct error *err);
/* Ends the thread; what bounds the wait is one call of an archive.  Before guests_free(); NULL is
 * fine. */
void caretaker_free(struct caretaker *caretaker);

/* A turn of each chain of each member that has left.  Whether something was done.  Not while the
 * thread runs. */
bool caretaker_step(struct caretaker *caretaker);

#endif
