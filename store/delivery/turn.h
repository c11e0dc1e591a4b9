/* One turn of one tenant at its shard.
 *
 * Order, and what a crash leaves:
 *   1. the index notes which packs are begun, then their parts are sent    -> documents that are
 *      sent again, or deleted when the pack is gone by then
 *   2. the chain's next entry is inserted                                  -> found there at the
 * next turn, held against our packs and taken for ours
 *   3. the index notes what the entry says
 *   4. documents of packs that it removed are deleted, ten minutes later; the index forgets them
 *
 * Packs that replace others go with the entry that removes those, so that no list has rows twice:
 * they are sent before, over as many turns as it takes.  A pack that is damaged here is left out.
 * What is here goes first: packs that are away come out of another shard, which may be dead.
 * A pack of what sources have done is listed when all rows that are older are, but for what is
 * damaged here: where a window is known to be done its rows are, or nobody would ask for them
 * again.
 */
#ifndef WEIR_STORE_DELIVERY_TURN_H
#define WEIR_STORE_DELIVERY_TURN_H

#include <stdatomic.h>

#include "base/metric.h"
#include "store/delivery/outbox.h"

struct store;

/* A tenant as delivery knows it between turns.  Nothing of it needs to outlive the process. */
struct recipient {
    /* Of the pack that a turn sent a part of; .number 0 = none. */
    struct {
        struct hash128_state hash; /* of what was sent; the widest alignment stands first */
        uint64_t number;
        uint32_t next; /* part */
    } partial;
    const struct tenant *tenant;
    struct outbox outbox;
    _Atomic uint64_t listings;   /* how often an entry was noted */
    char shard[SHARD_NAME_SIZE]; /* what else stands here is of this one */
    bool busy;                   /* somebody takes a turn; the delivery's lock guards it */
    _Atomic bool stopped;        /* for good: the chain is not ours */
    /* Nothing was left to do when the tenant's packs had changed so often. */
    bool settled;
    uint64_t packs_changed;
    int64_t told; /* the chain has all up to here but what is damaged; INT64_MIN = not known */
    /* Numbers of packs; owned. */
    uint64_t *sent;         /* whole there, and not listed */
    uint64_t *damaged;      /* here: left out */
    uint64_t *unread;       /* away, and could not be had: the others come first */
    uint64_t *leaving;      /* whose documents are deleted at ... */
    int64_t leaving_due_ns; /* ... this monotonic time */
    size_t sent_count, damaged_count, unread_count, leaving_count;
};

/* As outbox_init().  NULL: memory. */
MUST_USE struct recipient *recipient_new(const struct tenant *tenant, struct clock *clock,
                                         const _Atomic int64_t *looked);
/* Nobody waits any more.  NULL is fine. */
void recipient_free(struct recipient *recipient);
/* It begins anew with the shard. */
void recipient_move(struct recipient *recipient, const char *shard);
/* Whether a turn could have something to do. */
bool recipient_waits(struct recipient *recipient, struct store *store);
/* How often what a comparison gives may have changed.  Any thread. */
uint64_t recipient_changes(const struct recipient *recipient, struct store *store);
/* It is stopped: whoever waits is told so.  Any thread. */
void recipient_refuse(struct recipient *recipient);

struct turn {
    struct store *store;
    struct archive *archive;
    struct recipient *recipient;
    uint64_t bytes_max;       /* of parts that are sent, and one part more */
    const _Atomic bool *stop; /* between two calls of the archive it is looked at; NULL: never */
    struct metric *packs, *bytes;
    bool acted; /* out: something was changed, here or there */
};

/* E_DRAINING: told to stop.  E_CORRUPT: recipient->stopped is set.  store->failed: the index could
 * not be written.  What else fails may be tried again. */
MUST_USE enum code turn_deliver(struct turn *turn, struct error *err);

#endif
