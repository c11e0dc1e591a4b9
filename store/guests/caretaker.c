#include "store/guests/caretaker.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/log.h"
#include "store/guest_list.h"
#include "store/guests/caretaker_inside.h"
#include "store/state.h"

enum { REST_NS_MAX = 100000000 };

static const int64_t look_ns = 5 * INT64_C(1000000000), gone_ns = 60 * INT64_C(1000000000),
                     rest_first_ns = 500000000, rest_most_ns = 30 * INT64_C(1000000000);

static int64_t now_of(const struct caretaker *caretaker)
{
    return clock_monotonic_ns(caretaker->store->options.clock);
}

/* --- who has left --- */

/* Finds or makes; NULL: memory. */
static struct departed *departed_of(struct caretaker *caretaker, const struct hash128 *incarnation)
{
    struct departed *departed = caretaker->departed;

    while (departed != NULL && !hash128_equal(&departed->incarnation, incarnation))
        departed = departed->next;
    if (departed != NULL || (departed = calloc(1, sizeof(*departed))) == NULL)
        return departed;
    *departed = (struct departed){
        .next = caretaker->departed, .incarnation = *incarnation, .gone_since_ns = INT64_MAX};
    caretaker->departed = departed;
    return departed;
}

static void want(struct caretaker *caretaker, struct departed *departed, bool wanted)
{
    const struct caretaker_rules *rules = caretaker->rules;
    struct error err = {0};

    if (departed->wanted == wanted)
        return;
    if (rules->want(rules->context, &departed->incarnation, wanted, &err) != OK)
        log_error(LOG_WARN, "nobody asks for the lease of a member that has left", &err);
    else
        departed->wanted = wanted;
}

/* A process that serves it still may have its own chain go on; one that has just ended may be
 * started again, so a minute passes first. */
static void look_at(struct caretaker *caretaker, struct departed *departed)
{
    const struct caretaker_rules *rules = caretaker->rules;
    bool gone = rules->gone(rules->context, &departed->incarnation);

    if (!gone)
        departed->gone_since_ns = INT64_MAX;
    else if (departed->gone_since_ns == INT64_MAX)
        departed->gone_since_ns = now_of(caretaker);
    gone = gone && now_of(caretaker) - departed->gone_since_ns >= gone_ns;
    want(caretaker, departed, gone);
    departed->ready =
        gone && departed->wanted && rules->held(rules->context, &departed->incarnation);
}

static void departed_begin(struct caretaker *caretaker)
{
    for (struct departed *d = caretaker->departed; d != NULL; d = d->next)
        d->named = d->ready = false;
}

static void departed_end(struct caretaker *caretaker)
{
    for (struct departed *d = caretaker->departed; d != NULL; d = d->next) {
        if (d->named)
            continue;
        d->gone_since_ns = INT64_MAX;
        want(caretaker, d, false);
    }
}

/* --- shards --- */

static void shard_metrics(const struct caretaker *caretaker, struct care_shard *shard)
{
    static const struct {
        size_t offset;
        const char *name, *help;
    } rows[] = {
        {offsetof(struct care_shard, packs),     "weir_caretaker_packs_total",
         "Packs of members that have left which were expired or erased."},
        {offsetof(struct care_shard, documents), "weir_caretaker_documents_total",
         "Documents of members that have left which were deleted."      },
        {offsetof(struct care_shard, failures),  "weir_caretaker_failures_total",
         "Times that what a member left could not be gone on with."     },
    };
    struct metrics *metrics = caretaker->store->options.metrics;
    struct buf labels = BUF_INIT(512);

    metric_label(&labels, "shard", bytes_of(shard->name));
    buf_put_char(&labels, 0);
    for (size_t i = 0; metrics != NULL && !labels.failed && i < COUNT_OF(rows); i++)
        *(struct metric **)((char *)shard + rows[i].offset) =
            metrics_get(metrics, rows[i].name, rows[i].help, METRIC_COUNTER, labels.data);
    buf_release(&labels);
}

/* Finds or makes; NULL: memory. */
static struct care_shard *shard_of(struct caretaker *caretaker, const char *name)
{
    struct care_shard *shard = caretaker->shards;

    while (shard != NULL && strcmp(shard->name, name) != 0)
        shard = shard->next;
    if (shard != NULL || (shard = calloc(1, sizeof(*shard))) == NULL)
        return shard;
    (void)snprintf(shard->name, sizeof(shard->name), "%s", name);
    shard_metrics(caretaker, shard);
    shard->next = caretaker->shards;
    caretaker->shards = shard;
    return shard;
}

/* Somewhat longer or shorter than others that failed at the same time. */
static void rest(struct caretaker *caretaker, struct care_shard *shard)
{
    shard->rest_ns = shard->rest_ns == 0 ? rest_first_ns : 2 * shard->rest_ns;
    if (shard->rest_ns > rest_most_ns)
        shard->rest_ns = rest_most_ns;
    shard->rest_until_ns = now_of(caretaker) + shard->rest_ns / 2 +
                           (int64_t)random_below(&caretaker->random, (uint64_t)shard->rest_ns + 1);
}

/* --- a chain's turn --- */

/* Finds or makes; NULL: memory. */
static struct care *care_of(struct caretaker *caretaker, const struct tenant *tenant,
                            const struct known_chain *chain)
{
    struct care_shard *shard = shard_of(caretaker, chain->shard);
    struct care *care = caretaker->cares;

    while (care != NULL && (care->tenant != tenant || care->shard != shard ||
                            !hash128_equal(&care->incarnation, &chain->incarnation)))
        care = care->next;
    if (care != NULL || shard == NULL || (care = calloc(1, sizeof(*care))) == NULL)
        return care;
    *care = (struct care){.next = caretaker->cares,
                          .caretaker = caretaker,
                          .tenant = tenant,
                          .shard = shard,
                          .incarnation = chain->incarnation,
                          .member = chain->member};
    follow_init(&care->follow, tenant->name, &care->incarnation);
    caretaker->cares = care;
    return care;
}

/* Whether it is the shard that failed, and not what it has. */
static bool is_of_shard(enum code code)
{
    return code == E_NOT_READY || code == E_TIMEOUT || code == E_CONFIG;
}

static void note_failure(struct care *care, enum code code, const struct error *err)
{
    struct care_shard *shard = care->shard;
    bool of_shard = is_of_shard(code);
    enum code *trouble = of_shard ? &shard->trouble : &care->trouble;

    if (code == E_DRAINING || code == E_BUSY)
        return;
    metric_add(shard->failures, 1);
    if (of_shard)
        rest(care->caretaker, shard);
    else
        care->rest_until_ns = now_of(care->caretaker) + rest_most_ns;
    if (*trouble != code)
        log_event(LOG_WARN, "what a member left is not gone on with",
                  LOG_TEXT("tenant", care->tenant->name), LOG_CSTR("shard", shard->name),
                  LOG_UINT("member", care->member), LOG_CSTR("code", code_row(code)->slug),
                  LOG_LONG_TEXT("error", bytes_of(err->text)));
    *trouble = code;
}

static void take_turn(struct care *care, const struct known *known, bool *did)
{
    struct care_shard *shard = care->shard;
    int64_t now_ns = now_of(care->caretaker);
    struct error err = {0};
    enum code code;

    if (now_ns < shard->rest_until_ns || now_ns < care->rest_until_ns)
        return;
    code = care_turn(care, known, did, &err);
    if (code) {
        note_failure(care, code, &err);
        return;
    }
    shard->trouble = care->trouble = OK;
    shard->rest_ns = 0;
}

static bool is_left(const struct known *known, const struct known_chain *chain)
{
    const struct guest_author *author = known_author(known, &chain->incarnation);

    return author != NULL && !author->active && chain->chain != NULL && chain->chain->next > 0;
}

static void look_at_tenant(struct caretaker *caretaker, const struct known *known, bool *did)
{
    for (size_t i = 0; i < known->chain_count && !caretaker->stop; i++) {
        const struct known_chain *chain = &known->chains[i];
        struct departed *departed;
        struct care *care;

        if (!is_left(known, chain))
            continue;
        departed = departed_of(caretaker, &chain->incarnation);
        care = departed == NULL ? NULL : care_of(caretaker, known->tenant, chain);
        if (care == NULL) /* no memory: the next time */
            continue;
        if (!departed->named)
            look_at(caretaker, departed);
        departed->named = true;
        if (departed->ready)
            take_turn(care, known, did);
        else
            care_forget(care);
    }
}

bool caretaker_step(struct caretaker *caretaker)
{
    uint32_t end = known_end(caretaker->guests);
    bool did = false;

    departed_begin(caretaker);
    for (uint32_t i = 0; i < end && !caretaker->stop && !caretaker->store->failed; i++) {
        struct known known;

        if (known_take(caretaker->guests, i, &known) && known.tenant != NULL)
            look_at_tenant(caretaker, &known, &did);
        known_release(&known);
    }
    departed_end(caretaker);
    return did;
}

/* --- the thread --- */

/* False: to stop. */
static bool wait_ns(struct caretaker *caretaker, int64_t ns)
{
    struct timespec until = condition_until(ns);

    pthread_mutex_lock(&caretaker->lock);
    while (!caretaker->stop &&
           pthread_cond_timedwait(&caretaker->more, &caretaker->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&caretaker->lock);
    return !caretaker->stop;
}

enum code caretaker_pace(void *context, struct error *err)
{
    struct caretaker *caretaker = context;
    int64_t percent = (int64_t)caretaker->store->limits.compact_percent_max;
    int64_t pause_ns;

    if (!caretaker->rests) /* steps of a test */
        return OK;
    pause_ns = (now_of(caretaker) - caretaker->rested_ns) * (100 - percent) / percent;
    if (!wait_ns(caretaker, pause_ns < REST_NS_MAX ? pause_ns : REST_NS_MAX))
        return error_set(err, E_DRAINING, "the server is shutting down");
    caretaker->rested_ns = now_of(caretaker);
    return OK;
}

static void run(void *context)
{
    struct caretaker *caretaker = context;
    int64_t pause_ns = look_ns;

    while (wait_ns(caretaker, pause_ns)) {
        caretaker->rested_ns = now_of(caretaker);
        /* What was done is known to readers here within a second. */
        pause_ns = caretaker_step(caretaker) ? look_ns / 5 : look_ns;
    }
}

enum code caretaker_new(struct store *store, struct guests *guests,
                        const struct caretaker_rules *rules, struct caretaker **out,
                        struct error *err)
{
    struct caretaker *caretaker = calloc(1, sizeof(*caretaker));

    *out = caretaker;
    if (caretaker == NULL)
        return error_set(err, E_MEMORY, "no memory to go on with what members left");
    caretaker->store = store;
    caretaker->guests = guests;
    caretaker->rules = rules;
    random_seed(&caretaker->random, (uint64_t)clock_wall_ns(store->options.clock));
    pthread_mutex_init(&caretaker->lock, NULL);
    condition_init(&caretaker->more);
    care_packs_sweep(store);
    return OK;
}

enum code caretaker_start(struct caretaker *caretaker, struct error *err)
{
    caretaker->rests = true;
    return thread_start("caretaker", run, caretaker, &caretaker->thread, err);
}

static void departed_free(struct caretaker *caretaker)
{
    while (caretaker->departed != NULL) {
        struct departed *departed = caretaker->departed;

        caretaker->departed = departed->next;
        want(caretaker, departed, false);
        free(departed);
    }
}

void caretaker_free(struct caretaker *caretaker)
{
    if (caretaker == NULL)
        return;
    pthread_mutex_lock(&caretaker->lock);
    caretaker->stop = true;
    pthread_cond_broadcast(&caretaker->more);
    pthread_mutex_unlock(&caretaker->lock);
    thread_join(caretaker->thread);
    departed_free(caretaker);
    while (caretaker->cares != NULL) {
        struct care *care = caretaker->cares;

        caretaker->cares = care->next;
        care_free(care);
    }
    while (caretaker->shards != NULL) {
        struct care_shard *shard = caretaker->shards;

        caretaker->shards = shard->next;
        if (shard->archive != NULL)
            shard->archive->operations->close(shard->archive);
        free(shard);
    }
    pthread_cond_destroy(&caretaker->more);
    pthread_mutex_destroy(&caretaker->lock);
    free(caretaker);
}
