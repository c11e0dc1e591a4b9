/* What waits for each shard: once a second the index is compared, of tenants of which something has
 * changed since anybody did. */
#include <inttypes.h>

#include "store/delivery/delivery_inside.h"
#include "store/holding.h"
#include "store/state.h"

/* What is found, tenant by tenant. */
struct sum {
    int64_t sealed;
    struct delivery_backlog backlog;
    bool known;    /* no comparison failed */
    bool homeless; /* of a tenant without a shard something is here */
};

static void add(struct sum *sum, const struct lag *lag)
{
    int64_t through = lag->packs == 0 ? sum->sealed : lag->through;

    sum->backlog.bytes += lag->bytes;
    if (through < sum->backlog.through)
        sum->backlog.through = through;
}

/* The gauges go on telling what was found last when a comparison fails: a turn tells why. */
static void look_at(struct delivery *delivery, struct recipient *recipient, struct shard *shard,
                    struct sum *sum)
{
    uint64_t changes = recipient_changes(recipient, delivery->store);
    struct bytes name = bytes_of(shard->name);
    struct outbox_look look;
    struct diff diff;
    struct lag lag;

    if (!outbox_knows(&recipient->outbox, changes, name) || outbox_asked(&recipient->outbox)) {
        look = outbox_look(&recipient->outbox, changes);
        if (delivered_compare(delivery->store->options.index, recipient->tenant->name, name, &diff,
                              NULL) == OK) {
            outbox_note(&recipient->outbox, &look, name, &diff);
            diff_release(&diff);
        } else {
            sum->known = false;
        }
    }
    lag = outbox_lag(&recipient->outbox);
    add(sum, &lag);
    shard->lag.packs += lag.packs;
    shard->lag.bytes += lag.bytes;
    if (lag.oldest < shard->lag.oldest)
        shard->lag.oldest = lag.oldest;
    shard->stopped_count += recipient->stopped;
}

/* Whether anything was ever acknowledged of the tenant that is still kept. */
static bool has_any(struct store *store, const struct tenant *tenant)
{
    const struct holding *holding;
    bool any;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    any = holding != NULL &&
          (holding->packs != NULL || holding->tombstones != NULL || holding->newest != 0);
    pthread_mutex_unlock(&store->state_lock);
    return any;
}

/* False: memory. */
static bool look_at_tenant(struct delivery *delivery, const struct tenant *tenant, struct sum *sum)
{
    char name[SHARD_NAME_SIZE];
    struct recipient *recipient;
    struct shard *shard;

    if (!delivery_shard_of(delivery, tenant, name)) {
        recipient = delivery_recipient_find(delivery, tenant);
        if (recipient != NULL)
            outbox_clear(&recipient->outbox);
        sum->homeless |= has_any(delivery->store, tenant);
        return true;
    }
    shard = delivery_shard(delivery, name);
    recipient = delivery_recipient(delivery, tenant);
    if (shard == NULL || recipient == NULL)
        return false;
    look_at(delivery, recipient, shard, sum);
    return true;
}

static void tell(struct shard *shard)
{
    int64_t now = clock_wall_ns(shard->delivery->store->options.clock);
    int64_t oldest = shard->lag.oldest;

    metric_set(shard->lag_packs, (int64_t)shard->lag.packs);
    metric_set(shard->lag_bytes, (int64_t)shard->lag.bytes);
    metric_set(shard->lag_seconds, now > oldest ? (now - oldest) / 1000000000 : 0);
    metric_set(shard->stopped, (int64_t)shard->stopped_count);
}

/* Rows of tenants that nobody can name, as a gap in the log has them: this member's own answers
 * tell of them, so it is to be asked for ever. */
static bool has_lost(struct store *store)
{
    bool lost = false;

    pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; i < store->missing_count && !lost; i++)
        lost = store->missing[i].tenant == NULL;
    pthread_mutex_unlock(&store->state_lock);
    return lost;
}

static void keep(struct delivery *delivery, const struct sum *sum)
{
    bool lost = has_lost(delivery->store);

    pthread_mutex_lock(&delivery->lock);
    delivery->backlog.bytes = sum->backlog.bytes;
    if (sum->known)
        delivery->backlog.through = sum->backlog.through < 0 ? 0 : sum->backlog.through;
    delivery->backlog.closed =
        sum->known && !sum->homeless && !lost ? delivery->backlog.through : 0;
    pthread_mutex_unlock(&delivery->lock);
}

struct delivery_backlog delivery_backlog(struct delivery *delivery)
{
    struct delivery_backlog backlog = {0};

    if (delivery == NULL)
        return backlog;
    pthread_mutex_lock(&delivery->lock);
    backlog = delivery->backlog;
    pthread_mutex_unlock(&delivery->lock);
    return backlog;
}

bool delivery_look(struct delivery *delivery)
{
    /* In this order: a tenant that is new has all of its rows above it. */
    int64_t sealed = store_sealed(delivery->store);
    uint32_t end = store_tenants_end(delivery->store);
    struct sum sum = {.sealed = sealed, .backlog.through = sealed, .known = true};
    bool whole = true;

    for (struct shard *shard = delivery_shards(delivery); shard != NULL; shard = shard->next) {
        shard->lag = (struct lag){.oldest = INT64_MAX};
        shard->stopped_count = 0;
    }
    for (uint32_t i = 0; i < end && !delivery->stop; i++) {
        const struct tenant *tenant = store_tenant_at(delivery->store, i);

        if (tenant != NULL)
            whole &= look_at_tenant(delivery, tenant, &sum);
    }
    for (struct shard *shard = delivery_shards(delivery); shard != NULL; shard = shard->next)
        tell(shard);
    sum.known &= whole && !delivery->stop;
    keep(delivery, &sum);
    delivery->looked = sealed;
    delivery_expire(delivery);
    return whole;
}

unsigned delivery_seconds(struct delivery *delivery, const struct tenant *tenant, uint64_t bytes)
{
    struct recipient *recipient =
        delivery == NULL ? NULL : delivery_recipient_find(delivery, tenant);

    return recipient == NULL ? 1 : drain_seconds(&recipient->outbox.drain, bytes);
}
