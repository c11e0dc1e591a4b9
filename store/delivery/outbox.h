/* What a tenant's shard has not confirmed yet: how much it is, how fast it leaves, and who waits
 * for it.  A look is a comparison of the index (delivered.h); what the newest one found stands.
 *
 * Thread: any. */
#ifndef WEIR_STORE_DELIVERY_OUTBOX_H
#define WEIR_STORE_DELIVERY_OUTBOX_H

#include <pthread.h>

#include "base/drain.h"
#include "base/metric.h"
#include "store/delivery/delivered.h"
#include "store/delivery/delivery.h"

/* Of packs that are to be added. */
struct lag {
    uint64_t packs, bytes;
    int64_t oldest;  /* ingest time of a row in them; INT64_MAX = none */
    int64_t through; /* the chain has all up to here; INT64_MIN = nothing */
};

/* What somebody knew before he compared: what has come since is not in his result. */
struct outbox_look {
    uint64_t number, changes;
};

struct outbox {
    const struct tenant *tenant;
    const _Atomic int64_t *looked; /* ingest time up to which packs were there at the last look */
    struct metric *gauge;          /* of its bytes; NULL: none */
    struct drain drain;            /* of bytes, as the shard has them */
    pthread_mutex_t lock;          /* guards: */
    uint64_t looks, seen;          /* begun; the newest that was told */
    uint64_t changes;              /* as of that one */
    char shard[SHARD_NAME_SIZE];   /* that it was about */
    struct lag lag;
    uint64_t damaged_bytes; /* of it, which will not leave: nobody is held to them */
    uint64_t before;        /* likewise: had before it had the shard, see publish() */
    struct delivery_ack *acks, **acks_end; /* in the order of coming */
    bool asked;                            /* one came after the newest look had begun */
    bool closed;                           /* nobody may wait any more */
};

/* `looked` is borrowed; what is older when the first result for a shard is noted is no backlog. */
void outbox_init(struct outbox *outbox, const struct tenant *tenant, struct clock *clock,
                 const _Atomic int64_t *looked);
void outbox_release(struct outbox *outbox); /* nobody waits */

/* Before a comparison; `changes` counts what changed its result, as often as it was known to. */
struct outbox_look outbox_look(struct outbox *outbox, uint64_t changes);
/* Its result.  Those whose rows are there are told so. */
void outbox_note(struct outbox *outbox, const struct outbox_look *look, struct bytes shard,
                 const struct diff *diff);
/* Whether the last result was of this shard, and nothing has changed since. */
bool outbox_knows(struct outbox *outbox, uint64_t changes, struct bytes shard);
/* So many bytes are of packs that are damaged here, and left out. */
void outbox_except(struct outbox *outbox, uint64_t damaged_bytes);
/* An entry with so many bytes of packs is at the shard. */
void outbox_taken(struct outbox *outbox, uint64_t bytes);
/* The tenant has no shard: nothing waits, and whoever does is told that. */
void outbox_clear(struct outbox *outbox);
struct lag outbox_lag(struct outbox *outbox);
/* Whether somebody waits that no look has told anything yet. */
bool outbox_asked(struct outbox *outbox);

/* False: it is closed; the caller tells `ack`.  Else it is not to be touched afterwards. */
MUST_USE bool outbox_await(struct outbox *outbox, struct delivery_ack *ack);
/* Those who have waited for as long as they may are told so; when the next one will have, INT64_MAX
 * = nobody waits. */
int64_t outbox_expire(struct outbox *outbox, int64_t now_ns);
/* All who wait get this. */
void outbox_refuse(struct outbox *outbox, const struct error *err);
/* ... and whoever comes later, until it is released. */
void outbox_close(struct outbox *outbox, const struct error *err);

#endif
