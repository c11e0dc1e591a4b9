/* The inside of delivery, shared by delivery.c (turns and threads), look.c (what waits) and await.c
 * (who waits), and nobody else. */
#ifndef WEIR_STORE_DELIVERY_DELIVERY_INSIDE_H
#define WEIR_STORE_DELIVERY_DELIVERY_INSIDE_H

#include <pthread.h>

#include "base/random.h"
#include "base/thread.h"
#include "store/delivery/delivery.h"
#include "store/delivery/turn.h"

struct shard {
    struct shard *next;
    struct delivery *delivery;
    char name[SHARD_NAME_SIZE];
    struct thread *thread; /* NULL without delivery_start() */
    struct metric *packs, *bytes, *failures, *stopped, *lag_packs, *lag_bytes, *lag_seconds;
    /* Its thread's. */
    struct archive *archive; /* NULL: to be opened */
    uint32_t cursor;         /* whose turn it is */
    int64_t rest_ns, rest_until_ns;
    struct random random;
    enum code trouble; /* that was told; OK: none */
    int64_t told_at_ns;
    /* Of the look under way, and whoever looks. */
    struct lag lag;
    uint64_t stopped_count;
    /* The delivery's lock guards: */
    int64_t ack_newest; /* ingest time that somebody waits for; 0 = nobody has yet */
    bool wanted;        /* somebody has begun to wait */
};

struct delivery {
    struct store *store;
    const struct delivery_rules *rules;
    struct thread *looker;
    _Atomic bool stop;
    _Atomic int64_t looked;        /* all up to this ingest time was in packs at the last look */
    pthread_mutex_t lock;          /* guards, and `busy` of recipients: */
    pthread_cond_t more;           /* something that a thread waits for has come */
    struct shard *shards;          /* one is made when it is first seen, and stays */
    struct recipient **recipients; /* by tenant ordinal; NULL = none yet; one that is made stays */
    size_t recipient_capacity;
    int64_t ack_due_ns; /* when the first of those who wait will have waited enough; INT64_MAX */
    bool ack_sooner;    /* it was made earlier, or somebody waits for a shard for the first time */
    bool await_stopped;
    struct delivery_backlog backlog;
    bool sealing, sealed; /* a shard's thread has asked for a seal; it is done */
    int64_t seal_next_ns; /* not before this for those who wait */
};

bool delivery_shard_of(const struct delivery *delivery, const struct tenant *tenant,
                       char name[SHARD_NAME_SIZE]);
/* Finds or makes; NULL when memory ran out. */
struct shard *delivery_shard(struct delivery *delivery, const char *name);
/* For a walk: none goes while there is a delivery. */
struct shard *delivery_shards(struct delivery *delivery);
/* Finds or makes; NULL when memory ran out.  The lock is not held; nor for the next. */
struct recipient *delivery_recipient(struct delivery *delivery, const struct tenant *tenant);
struct recipient *delivery_recipient_find(struct delivery *delivery, const struct tenant *tenant);

/* await.c: seals for those who wait for the shard, unless it is too early: in how many nanoseconds
 * it will not be, INT64_MAX = nobody waits for a seal.  The share of the time that seals may take
 * is of all shards together: each one seals what is in memory of all tenants.  The shard's thread.
 */
int64_t shard_seal(struct shard *shard);
/* Those whose time has passed are told so. */
void delivery_expire(struct delivery *delivery);

#endif
