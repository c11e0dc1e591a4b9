#include "store/delivery/outbox.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

void outbox_init(struct outbox *outbox, const struct tenant *tenant, struct clock *clock,
                 const _Atomic int64_t *looked)
{
    *outbox = (struct outbox){.tenant = tenant, .looked = looked, .lag.oldest = INT64_MAX};
    outbox->acks_end = &outbox->acks;
    drain_init(&outbox->drain, clock);
    pthread_mutex_init(&outbox->lock, NULL);
}

void outbox_release(struct outbox *outbox)
{
    assert(outbox->acks == NULL);
    pthread_mutex_destroy(&outbox->lock);
    drain_release(&outbox->drain);
}

/* --- who waits --- */

/* Under the lock: takes those out that `leaves` is true of, in order. */
static struct delivery_ack *
take(struct outbox *outbox, bool (*leaves)(const struct delivery_ack *ack, const void *context),
     const void *context)
{
    struct delivery_ack *taken = NULL, **end = &taken, **at = &outbox->acks;

    while (*at != NULL) {
        struct delivery_ack *ack = *at;

        if (!leaves(ack, context)) {
            at = &ack->next;
            continue;
        }
        *at = ack->next;
        ack->next = NULL;
        *end = ack;
        end = &ack->next;
    }
    outbox->acks_end = at;
    return taken;
}

/* Without the lock: they may be gone when they are told. */
static void tell(struct delivery_ack *acks, enum code code, const struct error *err)
{
    while (acks != NULL) {
        struct delivery_ack *next = acks->next;

        acks->done(acks, code, err);
        acks = next;
    }
}

static bool everybody(const struct delivery_ack *ack, const void *context)
{
    (void)ack, (void)context;
    return true;
}

/* No pack that the shard lacks can have a row of this ingest time that anybody wrote, and no row of
 * it is still to be sealed. */
static bool is_served(const struct delivery_ack *ack, const void *context)
{
    const struct diff *diff = context;

    if (diff->returns || ack->ingest > diff->ingest_last)
        return false;
    for (size_t i = 0; i < diff->count; i++) {
        const struct manifest_entry *entry = &diff->packs[i].pack.entry;

        if (diff->packs[i].kind == DIFF_ADD && !diff->packs[i].notes &&
            entry->ingest_first <= ack->ingest && ack->ingest <= entry->ingest_last)
            return false;
    }
    return true;
}

static bool is_due(const struct delivery_ack *ack, const void *now_ns)
{
    return ack->due_ns <= *(const int64_t *)now_ns;
}

bool outbox_await(struct outbox *outbox, struct delivery_ack *ack)
{
    bool taken;

    ack->next = NULL;
    pthread_mutex_lock(&outbox->lock);
    taken = !outbox->closed;
    if (taken) {
        *outbox->acks_end = ack;
        outbox->acks_end = &ack->next;
        outbox->asked = true;
    }
    pthread_mutex_unlock(&outbox->lock);
    return taken;
}

int64_t outbox_expire(struct outbox *outbox, int64_t now_ns)
{
    struct delivery_ack *due;
    int64_t next_ns = INT64_MAX;

    pthread_mutex_lock(&outbox->lock);
    due = take(outbox, is_due, &now_ns);
    for (const struct delivery_ack *ack = outbox->acks; ack != NULL; ack = ack->next)
        if (ack->due_ns < next_ns)
            next_ns = ack->due_ns;
    pthread_mutex_unlock(&outbox->lock);
    while (due != NULL) {
        struct delivery_ack *ack = due;
        struct error err = {0};

        due = ack->next;
        ack->next = NULL;
        error_set(&err, E_NOT_DELIVERED,
                  "the tenant's shard has not confirmed them within %" PRIu64
                  " ms (shard_ack_ms_max)",
                  ack->wait_ms);
        tell(ack, E_NOT_DELIVERED, &err);
    }
    return next_ns;
}

void outbox_refuse(struct outbox *outbox, const struct error *err)
{
    struct delivery_ack *all;

    pthread_mutex_lock(&outbox->lock);
    all = take(outbox, everybody, NULL);
    pthread_mutex_unlock(&outbox->lock);
    tell(all, err->code, err);
}

void outbox_close(struct outbox *outbox, const struct error *err)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->closed = true;
    pthread_mutex_unlock(&outbox->lock);
    outbox_refuse(outbox, err);
}

bool outbox_asked(struct outbox *outbox)
{
    bool asked;

    pthread_mutex_lock(&outbox->lock);
    asked = outbox->asked;
    pthread_mutex_unlock(&outbox->lock);
    return asked;
}

/* --- how much --- */

struct outbox_look outbox_look(struct outbox *outbox, uint64_t changes)
{
    struct outbox_look look = {.changes = changes};

    pthread_mutex_lock(&outbox->lock);
    look.number = ++outbox->looks;
    outbox->asked = false;
    pthread_mutex_unlock(&outbox->lock);
    return look;
}

/* Under the lock.  Where every write of the tenant reads it: of a shard that has never had all,
 * what has come beyond the least that waited since the tenant has it.  What was there before would
 * refuse writes that are none of its making; and what waits is bounded all the same. */
static void publish(struct outbox *outbox)
{
    uint64_t bytes = outbox->lag.bytes, damaged = outbox->damaged_bytes;
    uint64_t waits = bytes > damaged ? bytes - damaged : 0;

    if (waits < outbox->before)
        outbox->before = waits;
    metric_set(outbox->gauge, (int64_t)bytes);
    atomic_store_explicit(outbox->tenant->undelivered, waits - outbox->before,
                          memory_order_relaxed);
}

/* Of what the shard lacks, bytes of packs with nothing newer than the last look. */
static uint64_t bytes_before(const struct outbox *outbox, const struct diff *diff)
{
    int64_t looked = atomic_load_explicit(outbox->looked, memory_order_relaxed);
    uint64_t bytes = 0;

    for (size_t i = 0; i < diff->count; i++)
        if (diff->packs[i].kind == DIFF_ADD && diff->packs[i].pack.entry.ingest_last <= looked)
            bytes += diff->packs[i].pack.entry.bytes;
    return bytes;
}

/* The shard has not had all of the tenant yet, since the tenant has it. */
static bool is_first(const struct diff *diff)
{
    return diff->moved || diff->through == INT64_MIN;
}

void outbox_note(struct outbox *outbox, const struct outbox_look *look, struct bytes shard,
                 const struct diff *diff)
{
    struct lag lag = {.oldest = INT64_MAX, .through = diff->returns ? INT64_MIN : diff->through};
    struct delivery_ack *served = NULL;
    uint64_t before = bytes_before(outbox, diff);

    for (size_t i = 0; i < diff->count; i++) {
        const struct manifest_entry *entry = &diff->packs[i].pack.entry;

        if (diff->packs[i].kind != DIFF_ADD)
            continue;
        lag.packs++;
        lag.bytes += entry->bytes;
        if (entry->row_count > 0 && entry->ingest_first < lag.oldest)
            lag.oldest = entry->ingest_first;
    }
    pthread_mutex_lock(&outbox->lock);
    if (look->number > outbox->seen) {
        bool first = outbox->seen == 0 || !bytes_equal(bytes_of(outbox->shard), shard);

        outbox->seen = look->number;
        outbox->changes = look->changes;
        if (!is_first(diff))
            outbox->before = 0;
        else if (first)
            outbox->before = before;
        (void)snprintf(outbox->shard, sizeof(outbox->shard), "%.*s", BYTES_ARG(shard));
        outbox->lag = lag;
        publish(outbox);
        if (lag.bytes > 0)
            drain_begin(&outbox->drain);
        served = take(outbox, is_served, diff);
    }
    pthread_mutex_unlock(&outbox->lock);
    tell(served, OK, NULL);
}

bool outbox_knows(struct outbox *outbox, uint64_t changes, struct bytes shard)
{
    bool knows;

    pthread_mutex_lock(&outbox->lock);
    knows = outbox->seen > 0 && outbox->changes == changes &&
            bytes_equal(bytes_of(outbox->shard), shard);
    pthread_mutex_unlock(&outbox->lock);
    return knows;
}

void outbox_except(struct outbox *outbox, uint64_t damaged_bytes)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->damaged_bytes = damaged_bytes;
    publish(outbox);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_taken(struct outbox *outbox, uint64_t bytes)
{
    bool more;

    pthread_mutex_lock(&outbox->lock);
    outbox->lag.bytes -= bytes < outbox->lag.bytes ? bytes : outbox->lag.bytes;
    more = outbox->lag.bytes > 0;
    publish(outbox);
    pthread_mutex_unlock(&outbox->lock);
    drain_out(&outbox->drain, bytes, more);
}

void outbox_clear(struct outbox *outbox)
{
    struct error err = {0};

    pthread_mutex_lock(&outbox->lock);
    outbox->seen = 0; /* and what comes of looks under way counts again when there is a shard */
    outbox->lag = (struct lag){.oldest = INT64_MAX};
    publish(outbox);
    pthread_mutex_unlock(&outbox->lock);
    error_set(&err, E_NOT_DELIVERED, "the tenant has no shard any more");
    outbox_refuse(outbox, &err);
}

struct lag outbox_lag(struct outbox *outbox)
{
    struct lag lag;

    pthread_mutex_lock(&outbox->lock);
    lag = outbox->lag;
    pthread_mutex_unlock(&outbox->lock);
    return lag;
}
