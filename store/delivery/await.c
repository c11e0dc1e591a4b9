/* Who waits for a shard.  What is in memory is sealed for all of them at once, when the shard's
 * thread comes round: while it delivers what was sealed before, the next ones gather. */
#include <inttypes.h>

#include "store/delivery/delivery_inside.h"
#include "store/state.h"

/* Each seal makes a pack of every tenant that has rows in memory, also of those that do not wait:
 * so it is not done often, and takes a fifth of the sealer's time at most, for all shards together.
 */
static const int64_t seal_gap_ns = 200000000;
enum { SEAL_REST = 4 };

static void refuse(struct delivery_ack *ack, enum code code, const char *text)
{
    struct error err = {0};

    (void)error_set(&err, code, "%s", text);
    ack->done(ack, code, &err);
}

void delivery_await(struct delivery *delivery, struct delivery_ack *ack)
{
    struct recipient *recipient = delivery_recipient(delivery, ack->tenant);
    int64_t ingest = ack->ingest, due_ns; /* `ack` may be gone once it is in the list */
    struct shard *shard;
    char name[SHARD_NAME_SIZE];

    if (!delivery_shard_of(delivery, ack->tenant, name)) {
        refuse(ack, E_NOT_DELIVERED, "the tenant has no shard any more");
        return;
    }
    shard = delivery_shard(delivery, name);
    if (recipient == NULL || shard == NULL) {
        refuse(ack, E_MEMORY, "no memory to wait for a shard");
        return;
    }
    due_ns = ack->due_ns =
        clock_monotonic_ns(delivery->store->options.clock) + (int64_t)ack->wait_ms * 1000000;
    if (!outbox_await(&recipient->outbox, ack)) {
        refuse(ack, E_DRAINING, "the server is shutting down");
        return;
    }
    if (recipient->stopped)
        recipient_refuse(recipient);
    pthread_mutex_lock(&delivery->lock);
    delivery->ack_sooner |= shard->ack_newest == 0 || due_ns < delivery->ack_due_ns;
    if (ingest > shard->ack_newest)
        shard->ack_newest = ingest;
    if (due_ns < delivery->ack_due_ns)
        delivery->ack_due_ns = due_ns;
    shard->wanted = true;
    pthread_cond_broadcast(&delivery->more);
    pthread_mutex_unlock(&delivery->lock);
}

void delivery_expire(struct delivery *delivery)
{
    int64_t now_ns = clock_monotonic_ns(delivery->store->options.clock), next_ns = INT64_MAX;
    size_t end;

    pthread_mutex_lock(&delivery->lock);
    delivery->ack_due_ns = INT64_MAX; /* whoever comes from here on lowers it again */
    end = delivery->recipient_capacity;
    pthread_mutex_unlock(&delivery->lock);
    for (size_t i = 0; i < end; i++) {
        struct recipient *recipient;
        int64_t due_ns;

        pthread_mutex_lock(&delivery->lock);
        recipient = delivery->recipients[i];
        pthread_mutex_unlock(&delivery->lock);
        due_ns = recipient == NULL ? INT64_MAX : outbox_expire(&recipient->outbox, now_ns);
        if (due_ns < next_ns)
            next_ns = due_ns;
    }
    pthread_mutex_lock(&delivery->lock);
    if (next_ns < delivery->ack_due_ns)
        delivery->ack_due_ns = next_ns;
    pthread_mutex_unlock(&delivery->lock);
}

void delivery_await_stop(struct delivery *delivery)
{
    struct error err = {0};
    size_t end;

    if (delivery == NULL)
        return;
    (void)error_set(&err, E_DRAINING, "the server is shutting down");
    pthread_mutex_lock(&delivery->lock);
    delivery->await_stopped = true; /* those made from here on are closed */
    end = delivery->recipient_capacity;
    pthread_mutex_unlock(&delivery->lock);
    for (size_t i = 0; i < end; i++) {
        struct recipient *recipient;

        pthread_mutex_lock(&delivery->lock);
        recipient = delivery->recipients[i];
        pthread_mutex_unlock(&delivery->lock);
        if (recipient != NULL)
            outbox_close(&recipient->outbox, &err);
    }
}

/* --- seals --- */

static void sealed(void *context, enum code code, const struct error *err)
{
    struct delivery *delivery = context;

    (void)code, (void)err; /* the sealer tells it, and is asked again */
    pthread_mutex_lock(&delivery->lock);
    delivery->sealed = true;
    pthread_cond_broadcast(&delivery->more);
    pthread_mutex_unlock(&delivery->lock);
}

/* Whoever has set `sealing`. */
static void seal(struct delivery *delivery)
{
    struct clock *clock = delivery->store->options.clock;
    int64_t began_ns = clock_monotonic_ns(clock), ended_ns, rest_ns;

    store_seal(delivery->store, sealed, delivery);
    pthread_mutex_lock(&delivery->lock);
    while (!delivery->sealed) /* also at a stop: sealed() will still come */
        pthread_cond_wait(&delivery->more, &delivery->lock);
    ended_ns = clock_monotonic_ns(clock);
    rest_ns = SEAL_REST * (ended_ns - began_ns);
    delivery->seal_next_ns = ended_ns + (rest_ns > seal_gap_ns ? rest_ns : seal_gap_ns);
    delivery->sealing = false;
    pthread_cond_broadcast(&delivery->more);
    pthread_mutex_unlock(&delivery->lock);
}

int64_t shard_seal(struct shard *shard)
{
    struct delivery *delivery = shard->delivery;
    int64_t newest, wait_ns;

    pthread_mutex_lock(&delivery->lock);
    while (delivery->sealing) /* for another shard, whose seal may be all that is needed here */
        pthread_cond_wait(&delivery->more, &delivery->lock);
    newest = shard->ack_newest;
    pthread_mutex_unlock(&delivery->lock);
    if (newest <= store_sealed(delivery->store))
        return INT64_MAX;
    pthread_mutex_lock(&delivery->lock);
    wait_ns = delivery->seal_next_ns - clock_monotonic_ns(delivery->store->options.clock);
    if (wait_ns <= 0 && delivery->sealing)
        wait_ns = seal_gap_ns;
    delivery->sealing |= wait_ns <= 0;
    delivery->sealed &= wait_ns > 0;
    pthread_mutex_unlock(&delivery->lock);
    if (wait_ns > 0)
        return wait_ns;
    seal(delivery);
    return INT64_MAX;
}
