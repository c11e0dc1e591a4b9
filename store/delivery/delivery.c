/* Who takes turns, and when.  A shard's thread takes one of its tenants after another; what a
 * tenant's turn is, turn.c says. */
#include "store/delivery/delivery.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/log.h"
#include "store/delivery/delivery_inside.h"
#include "store/state.h"

enum { TURN_BYTES_MAX = 64 << 20 };

static const int64_t look_ns = 1000000000, rest_first_ns = 500000000,
                     rest_most_ns = 30 * INT64_C(1000000000), told_ns = 60 * INT64_C(1000000000);

/* --- shards --- */

static void shard_metrics(struct shard *shard)
{
    static const struct {
        size_t offset;
        const char *name, *help;
        enum metric_kind kind;
    } rows[] = {
#define SHARD_METRIC(member) offsetof(struct shard, member)
        {SHARD_METRIC(packs),       "weir_delivery_packs_total",    "Packs that a shard has, in a chain.",
                                                                   METRIC_COUNTER                                                                                                },
        {SHARD_METRIC(bytes),       "weir_delivery_bytes_total",    "Bytes of parts that a shard took.",
                                                                   METRIC_COUNTER                                                                                                },
        {SHARD_METRIC(failures),    "weir_delivery_failures_total", "Turns that did not come off.",
                                                                   METRIC_COUNTER                                                                                                },
        {SHARD_METRIC(stopped),     "weir_delivery_stopped",
                                                                   "Tenants whose delivery has ended: their data directory was copied.",                             METRIC_GAUGE},
        {SHARD_METRIC(lag_packs),   "weir_delivery_lag_packs",      "Packs that are to be delivered.",
                                                                   METRIC_GAUGE                                                                                                  },
        {SHARD_METRIC(lag_bytes),   "weir_delivery_lag_bytes",      "Their bytes.",                        METRIC_GAUGE},
        {SHARD_METRIC(lag_seconds), "weir_delivery_lag_seconds",
                                                                   "Since the oldest row in them was acknowledged.",                                                 METRIC_GAUGE},
#undef SHARD_METRIC
    };
    struct metrics *metrics = shard->delivery->store->options.metrics;
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "shard", bytes_of(shard->name));
    buf_put_char(&labels, 0);
    for (size_t i = 0; metrics != NULL && !labels.failed && i < COUNT_OF(rows); i++)
        *(struct metric **)((char *)shard + rows[i].offset) =
            metrics_get(metrics, rows[i].name, rows[i].help, rows[i].kind, labels.data);
    buf_release(&labels);
}

struct shard *delivery_shard(struct delivery *delivery, const char *name)
{
    struct shard *shard;

    pthread_mutex_lock(&delivery->lock);
    shard = delivery->shards;
    while (shard != NULL && strcmp(shard->name, name) != 0)
        shard = shard->next;
    if (shard == NULL && (shard = calloc(1, sizeof(*shard))) != NULL) {
        shard->delivery = delivery;
        (void)snprintf(shard->name, sizeof(shard->name), "%s", name);
        random_seed(&shard->random, (uint64_t)clock_wall_ns(delivery->store->options.clock));
        shard_metrics(shard);
        shard->next = delivery->shards;
        delivery->shards = shard;
    }
    pthread_mutex_unlock(&delivery->lock);
    return shard;
}

struct shard *delivery_shards(struct delivery *delivery)
{
    struct shard *shard;

    pthread_mutex_lock(&delivery->lock);
    shard = delivery->shards;
    pthread_mutex_unlock(&delivery->lock);
    return shard;
}

static void archive_leave(struct shard *shard)
{
    if (shard->archive != NULL)
        shard->archive->operations->close(shard->archive);
    shard->archive = NULL;
}

/* --- tenants --- */

bool delivery_shard_of(const struct delivery *delivery, const struct tenant *tenant,
                       char name[SHARD_NAME_SIZE])
{
    return delivery_rules_shard(delivery->rules, tenant, name);
}

/* Under the lock. */
static struct recipient *recipient_make(struct delivery *delivery, const struct tenant *tenant)
{
    struct recipient *recipient =
        recipient_new(tenant, delivery->store->options.clock, &delivery->looked);
    struct metrics *metrics = delivery->store->options.metrics;
    struct buf labels = BUF_INIT(512);

    if (recipient == NULL)
        return NULL;
    recipient->outbox.closed = delivery->await_stopped;
    metric_label(&labels, "tenant", tenant->name);
    buf_put_char(&labels, 0);
    if (metrics != NULL && !labels.failed)
        recipient->outbox.gauge = metrics_get(
            metrics, "weir_outbox_bytes",
            "Bytes of packs that the tenant's shard has not confirmed.", METRIC_GAUGE, labels.data);
    buf_release(&labels);
    return recipient;
}

/* Under the lock.  NULL when memory ran out. */
static struct recipient *recipient_of(struct delivery *delivery, const struct tenant *tenant)
{
    if (tenant->ordinal >= delivery->recipient_capacity) {
        size_t capacity = 2 * (size_t)tenant->ordinal + 16;
        struct recipient **grown = realloc(delivery->recipients, capacity * sizeof(*grown));

        if (grown == NULL)
            return NULL;
        memset(grown + delivery->recipient_capacity, 0,
               (capacity - delivery->recipient_capacity) * sizeof(*grown));
        delivery->recipients = grown;
        delivery->recipient_capacity = capacity;
    }
    if (delivery->recipients[tenant->ordinal] == NULL)
        delivery->recipients[tenant->ordinal] = recipient_make(delivery, tenant);
    return delivery->recipients[tenant->ordinal];
}

struct recipient *delivery_recipient(struct delivery *delivery, const struct tenant *tenant)
{
    struct recipient *recipient;

    pthread_mutex_lock(&delivery->lock);
    recipient = recipient_of(delivery, tenant);
    pthread_mutex_unlock(&delivery->lock);
    return recipient;
}

struct recipient *delivery_recipient_find(struct delivery *delivery, const struct tenant *tenant)
{
    struct recipient *recipient = NULL;

    pthread_mutex_lock(&delivery->lock);
    if (tenant->ordinal < delivery->recipient_capacity)
        recipient = delivery->recipients[tenant->ordinal];
    pthread_mutex_unlock(&delivery->lock);
    return recipient;
}

/* NULL when another thread has it: its shard was changed a moment ago. */
static struct recipient *recipient_enter(struct shard *shard, const struct tenant *tenant)
{
    struct delivery *delivery = shard->delivery;
    struct recipient *recipient;

    pthread_mutex_lock(&delivery->lock);
    recipient = recipient_of(delivery, tenant);
    if (recipient != NULL && recipient->busy)
        recipient = NULL;
    if (recipient != NULL) {
        recipient->busy = true;
        if (strcmp(recipient->shard, shard->name) != 0)
            recipient_move(recipient, shard->name);
    }
    pthread_mutex_unlock(&delivery->lock);
    return recipient;
}

static void recipient_leave(struct delivery *delivery, struct recipient *recipient)
{
    pthread_mutex_lock(&delivery->lock);
    recipient->busy = false;
    pthread_mutex_unlock(&delivery->lock);
}

/* --- turns --- */

/* The shard rests, somewhat longer or shorter than others that failed at the same time. */
static void note_failure(struct shard *shard, enum code code, const struct error *err)
{
    int64_t now_ns = clock_monotonic_ns(shard->delivery->store->options.clock);
    int64_t rest_ns;

    metric_add(shard->failures, 1);
    shard->rest_ns = shard->rest_ns == 0 ? rest_first_ns : 2 * shard->rest_ns;
    if (shard->rest_ns > rest_most_ns)
        shard->rest_ns = rest_most_ns;
    rest_ns =
        shard->rest_ns / 2 + (int64_t)random_below(&shard->random, (uint64_t)shard->rest_ns + 1);
    shard->rest_until_ns = now_ns + rest_ns;
    if (shard->trouble == code || (shard->told_at_ns != 0 && now_ns - shard->told_at_ns < told_ns))
        return;
    log_event(code == E_CONFIG ? LOG_ERROR : LOG_WARN,
              "a shard takes no packs; they wait here until it does",
              LOG_CSTR("shard", shard->name), LOG_CSTR("code", code_row(code)->slug),
              LOG_LONG_TEXT("error", bytes_of(err->text)));
    shard->trouble = code;
    shard->told_at_ns = now_ns;
}

static void note_success(struct shard *shard)
{
    shard->rest_ns = 0;
    if (shard->trouble == OK)
        return;
    log_event(LOG_INFO, "a shard takes packs again", LOG_CSTR("shard", shard->name));
    shard->trouble = OK;
}

static void note_stopped(struct shard *shard, struct recipient *recipient, const struct error *err)
{
    metric_add(shard->failures, 1);
    recipient_refuse(recipient);
    log_event(LOG_ERROR, "delivery of a tenant has ended",
              LOG_TEXT("tenant", recipient->tenant->name), LOG_CSTR("shard", shard->name),
              LOG_LONG_TEXT("error", bytes_of(err->text)));
}

static enum code archive_enter(struct shard *shard, struct error *err)
{
    const struct delivery_rules *rules = shard->delivery->rules;

    return shard->archive != NULL ? OK
                                  : rules->open(rules->context, shard->name, &shard->archive, err);
}

/* *did: it acted, or tried to. */
static enum code recipient_turn(struct shard *shard, struct recipient *recipient, bool *did,
                                struct error *err)
{
    struct store *store = shard->delivery->store;
    uint64_t bytes = shard->delivery->rules->turn_bytes;
    struct turn turn = {
        .store = store,
        .recipient = recipient,
        .bytes_max = bytes > 0 ? bytes : TURN_BYTES_MAX,
        .stop = &shard->delivery->stop,
        .packs = shard->packs,
        .bytes = shard->bytes,
    };
    struct error found = {0};
    enum code code = archive_enter(shard, &found);

    turn.archive = shard->archive;
    if (code == OK)
        code = turn_deliver(&turn, &found);
    *did = code != OK || turn.acted;
    if (code && store->failed) {
        if (err != NULL)
            *err = found;
        return E_IO;
    }
    if (code == E_DRAINING && shard->delivery->stop)
        return OK;
    if (recipient->stopped)
        note_stopped(shard, recipient, &found);
    else if (code)
        note_failure(shard, code, &found);
    else if (turn.acted)
        note_success(shard);
    return OK;
}

/* A turn of one of its tenants, if one has anything to do. */
static enum code shard_turn(struct shard *shard, bool *did, struct error *err)
{
    struct delivery *delivery = shard->delivery;
    struct store *store = delivery->store;
    uint32_t end = store_tenants_end(store);
    enum code code = OK;

    *did = false;
    if (clock_monotonic_ns(store->options.clock) < shard->rest_until_ns)
        return OK;
    for (uint32_t i = 0; code == OK && !*did && i < end && !delivery->stop && !store->failed; i++) {
        const struct tenant *tenant = store_tenant_at(store, shard->cursor++ % end);
        char name[SHARD_NAME_SIZE];
        struct recipient *recipient;

        if (tenant == NULL || !delivery_shard_of(delivery, tenant, name) ||
            strcmp(name, shard->name) != 0)
            continue;
        recipient = recipient_enter(shard, tenant);
        if (recipient == NULL)
            continue;
        if (recipient_waits(recipient, store))
            code = recipient_turn(shard, recipient, did, err);
        recipient_leave(delivery, recipient);
    }
    return code;
}

/* Shards that a tenant has now.  False: memory. */
static bool shards_look(struct delivery *delivery)
{
    uint32_t end = store_tenants_end(delivery->store);

    for (uint32_t i = 0; i < end; i++) {
        const struct tenant *tenant = store_tenant_at(delivery->store, i);
        char name[SHARD_NAME_SIZE];

        if (tenant != NULL && delivery_shard_of(delivery, tenant, name) &&
            delivery_shard(delivery, name) == NULL)
            return false;
    }
    return true;
}

enum code delivery_step(struct delivery *delivery, bool *did, struct error *err)
{
    enum code code = OK;

    assert(delivery->looker == NULL);
    *did = false;
    if (!shards_look(delivery))
        return error_set(err, E_MEMORY, "no memory for a shard");
    for (struct shard *shard = delivery_shards(delivery); code == OK && !*did && shard != NULL;
         shard = shard->next)
        code = shard_turn(shard, did, err);
    return code;
}

/* --- threads --- */

/* Until the time has passed, or `wanted` (NULL: nothing) is true, which is taken back.  False: to
 * stop. */
static bool wait_ns(struct delivery *delivery, int64_t ns, bool *wanted)
{
    struct timespec until = condition_until(ns);

    pthread_mutex_lock(&delivery->lock);
    while (!delivery->stop && (wanted == NULL || !*wanted) &&
           pthread_cond_timedwait(&delivery->more, &delivery->lock, &until) != ETIMEDOUT)
        ;
    if (wanted != NULL)
        *wanted = false;
    pthread_mutex_unlock(&delivery->lock);
    return !delivery->stop;
}

static void shard_run(void *context)
{
    struct shard *shard = context;
    struct delivery *delivery = shard->delivery;
    bool *wanted = &shard->wanted;
    int64_t pause_ns = 0;

    while (wait_ns(delivery, pause_ns, wanted)) {
        struct error err = {0};
        bool did = false;
        int64_t rest_ns, seal_ns = shard_seal(shard);

        if (shard_turn(shard, &did, &err) != OK)
            log_error(LOG_ERROR, "delivery ends until the next start", &err);
        rest_ns = shard->rest_until_ns - clock_monotonic_ns(delivery->store->options.clock);
        pause_ns = did ? 0 : seal_ns < look_ns ? seal_ns : look_ns;
        wanted = rest_ns > 0 ? NULL : &shard->wanted; /* whoever waits does not shorten a rest */
        if (rest_ns > 0)
            pause_ns = rest_ns;
        if (delivery->store->failed)
            break;
    }
}

static void threads_start(struct delivery *delivery)
{
    struct error err = {0};

    for (struct shard *shard = delivery_shards(delivery); shard != NULL; shard = shard->next) {
        char name[16];

        if (shard->thread != NULL)
            continue;
        (void)snprintf(name, sizeof(name), "to-%.12s", shard->name);
        if (thread_start(name, shard_run, shard, &shard->thread, &err) != OK)
            log_error(LOG_ERROR, "a shard gets no packs for want of a thread", &err);
    }
}

/* How long until the next look is due, or somebody has waited for long enough. */
static int64_t look_pause_ns(struct delivery *delivery, int64_t look_next_ns)
{
    int64_t now_ns = clock_monotonic_ns(delivery->store->options.clock), next_ns = look_next_ns;

    pthread_mutex_lock(&delivery->lock);
    if (delivery->ack_due_ns < next_ns)
        next_ns = delivery->ack_due_ns;
    pthread_mutex_unlock(&delivery->lock);
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

static void look_run(void *context)
{
    struct delivery *delivery = context;
    struct clock *clock = delivery->store->options.clock;
    int64_t next_ns = clock_monotonic_ns(clock);

    while (wait_ns(delivery, look_pause_ns(delivery, next_ns), &delivery->ack_sooner)) {
        if (clock_monotonic_ns(clock) < next_ns) {
            threads_start(delivery); /* of a shard that nobody has waited for before */
            delivery_expire(delivery);
            continue;
        }
        next_ns = clock_monotonic_ns(clock) + look_ns;
        if (delivery_look(delivery)) /* else once more */
            threads_start(delivery);
    }
}

enum code delivery_start(struct delivery *delivery, struct error *err)
{
    assert(delivery->looker == NULL);
    return thread_start("delivery", look_run, delivery, &delivery->looker, err);
}

void delivery_stop(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    pthread_mutex_lock(&delivery->lock);
    delivery->stop = true;
    pthread_cond_broadcast(&delivery->more);
    pthread_mutex_unlock(&delivery->lock);
    thread_join(delivery->looker); /* then no new ones are started */
    delivery->looker = NULL;
    for (struct shard *shard = delivery_shards(delivery); shard != NULL; shard = shard->next) {
        thread_join(shard->thread);
        shard->thread = NULL;
        archive_leave(shard);
    }
}

enum code delivery_new(struct store *store, const struct delivery_rules *rules,
                       struct delivery **out, struct error *err)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));

    *out = delivery;
    if (delivery == NULL)
        return error_set(err, E_MEMORY, "no memory for the delivery of packs");
    delivery->store = store;
    delivery->rules = rules;
    delivery->looked = store_sealed(store);
    pthread_mutex_init(&delivery->lock, NULL);
    condition_init(&delivery->more);
    delivery->ack_due_ns = INT64_MAX;
    return OK;
}

void delivery_free(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    delivery_stop(delivery);
    delivery_await_stop(delivery);
    while (delivery->shards != NULL) {
        struct shard *shard = delivery->shards;

        delivery->shards = shard->next;
        free(shard);
    }
    for (size_t i = 0; i < delivery->recipient_capacity; i++)
        recipient_free(delivery->recipients[i]);
    free(delivery->recipients);
    pthread_cond_destroy(&delivery->more);
    pthread_mutex_destroy(&delivery->lock);
    free(delivery);
}
