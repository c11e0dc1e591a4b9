/* When packs are compacted, and by whom: a thread of its own that looks at one tenant after
 * another, works a part of the time and rests the other, and does at once what somebody asks for.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/packs/compaction.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/state.h"

enum {
    LOOK_PERIOD_MS = 1000,
    RETRY_MS = 10000, /* after a failure: the disk may be full */
    REST_NS_MAX = 100000000,
};

/* For answers that read packs which an erasure has replaced. */
static const int64_t readers_wait_ns = 10000000000;
/* For packs that are away and have something to erase to come back. */
static const int64_t back_wait_ns = 10000000000;

struct compact_request {
    struct compact_request *next;
    struct store *store;
    const struct tenant *tenant; /* NULL: all */
    enum compact_extent extent;
    void (*done)(void *context, enum code code, const struct error *err);
    void *context;
    bool flushed; /* else it still waits for that */
};

/* A pack that the manifest does not name any more; its file is there while views have it. */
struct retired_pack {
    struct retired_pack *next;
    struct pack *pack; /* a reference */
};

enum code store_retire_pack(struct store *store, struct pack *pack, struct error *err)
{
    struct retired_pack *retired = malloc(sizeof(*retired));

    if (retired == NULL)
        return error_set(err, E_MEMORY, "no memory to retire a pack");
    *retired = (struct retired_pack){store->retired, pack_ref(pack)};
    store->retired = retired;
    return OK;
}

/* Removes files of packs that nobody but this list has. */
static void retired_remove(struct store *store)
{
    struct retired_pack **at = &store->retired;

    while (*at != NULL) {
        struct retired_pack *retired = *at;
        struct error err = {0};
        char path[PACK_PATH_SIZE];

        if (!pack_is_last(retired->pack)) {
            at = &retired->next;
            continue;
        }
        snprintf(path, sizeof(path), "packs/%s.%s", pack_name(retired->pack),
                 pack_is_away(retired->pack) ? "stub" : "pack");
        if (fs_unlink(store->options.fs, path, &err) != OK)
            log_error(LOG_WARN, "an old pack stays until the next start", &err);
        *at = retired->next;
        pack_unref(retired->pack);
        free(retired);
    }
}

static enum code refuse_stopping(struct error *err)
{
    return error_set(err, E_DRAINING, "the server is shutting down");
}

enum code store_compact_pace(void *context, struct error *err)
{
    struct store *store = context;
    int64_t percent = (int64_t)store->limits.compact_percent_max;
    int64_t worked, rest;
    struct timespec until;
    bool stop;

    if (store->compactor_thread == NULL) /* the simulator's steps */
        return OK;
    worked = clock_monotonic_ns(store->options.clock) - store->compact_rest_ns;
    rest = worked * (100 - percent) / percent;
    if (rest > REST_NS_MAX)
        rest = REST_NS_MAX;
    pthread_mutex_lock(&store->compact_lock);
    until = condition_until(rest);
    while (!store->compact_stop && store->compact_requests == NULL && rest > 0 &&
           pthread_cond_timedwait(&store->compact_more, &store->compact_lock, &until) != ETIMEDOUT)
        ;
    stop = store->compact_stop;
    pthread_mutex_unlock(&store->compact_lock);
    store->compact_rest_ns = clock_monotonic_ns(store->options.clock);
    return stop ? refuse_stopping(err) : OK;
}

enum code store_step_compact(struct store *store, bool force, bool *did, struct error *err)
{
    uint32_t end = store_tenants_end(store);
    enum code code = OK;

    *did = false;
    if (store->options.rules == NULL || store->failed)
        return OK;
    retired_remove(store);
    for (uint32_t i = 0; code == OK && !*did && i < end; i++) {
        const struct tenant *tenant = store_tenant_at(store, store->compact_tenant++ % end);

        if (tenant != NULL)
            code = store_compact_tenant(store, tenant, force, did, err);
    }
    retired_remove(store);
    if (code == OK)
        code = store_scrub(store, err);
    return code;
}

/* Some are away and have something that is to be erased. */
static bool awaits_packs(struct store *store, const struct tenant *tenant)
{
    const struct pack_list *packs;
    bool awaits = false;

    pthread_mutex_lock(&store->state_lock);
    packs = store->holdings[tenant->ordinal]->packs;
    for (size_t i = 0; packs != NULL && i < packs->count && !awaits; i++)
        awaits = pack_is_away(packs->packs[i]) && pack_is_wanted(packs->packs[i]);
    pthread_mutex_unlock(&store->state_lock);
    return awaits;
}

static bool may_hold(const struct pack_list *packs, const struct tombstone *tombstone)
{
    for (size_t i = 0; packs != NULL && i < packs->count; i++) {
        struct pack_about about = pack_about(packs->packs[i]);

        if (compaction_may_hold(&about, tombstone))
            return true;
    }
    return false;
}

/* Where a pack may still have rows of a deletion that erases, it could not be rewritten.  That the
 * deletion is still there says nothing: rows of other members may need it.  Those above `sealed`
 * came later and have their own request. */
static enum code erased_check(struct store *store, const struct tenant *tenant, int64_t sealed,
                              struct error *err)
{
    const struct holding *holding;
    const struct tombstone_list *list;
    enum code code = OK;

    pthread_mutex_lock(&store->state_lock);
    holding = store->holdings[tenant->ordinal];
    list = holding->tombstones;
    for (size_t i = 0; code == OK && list != NULL && i < list->count; i++)
        if (list->tombstones[i].erase && list->tombstones[i].ingest <= sealed &&
            may_hold(holding->packs, &list->tombstones[i]))
            code = E_CORRUPT;
    pthread_mutex_unlock(&store->state_lock);
    if (code && awaits_packs(store, tenant))
        return error_set(err, E_SHARD,
                         "packs of %.*s that are at a shard alone may have rows that are to be "
                         "erased; they are brought back for that: ask again",
                         BYTES_ARG(tenant->name));
    if (code)
        error_set(err, code,
                  "a damaged pack of %.*s cannot be rewritten and may have rows that were to be "
                  "erased (weir verify names it)",
                  BYTES_ARG(tenant->name));
    return code;
}

/* Waits a moment; false: the store is closing. */
static bool pause_ns(struct store *store, int64_t ns)
{
    struct timespec until = condition_until(ns);
    bool stop;

    pthread_mutex_lock(&store->compact_lock);
    while (!store->compact_stop &&
           pthread_cond_timedwait(&store->compact_more, &store->compact_lock, &until) != ETIMEDOUT)
        ;
    stop = store->compact_stop;
    pthread_mutex_unlock(&store->compact_lock);
    return !stop;
}

/* Until what has to be rewritten is here.  False: not in time. */
static bool back_wait(struct store *store, const struct tenant *tenant, int64_t until_ns)
{
    do {
        if (clock_monotonic_ns(store->options.clock) > until_ns || !pause_ns(store, 50000000))
            return false;
    } while (awaits_packs(store, tenant));
    return true;
}

/* As far as it goes. */
static enum code tenant_compact(struct store *store, const struct tenant *tenant,
                                enum compact_extent extent, struct error *err)
{
    int64_t sealed = store_sealed(store);
    enum code code = OK;
    bool did = true;

    while (code == OK && did) {
        if (store->failed)
            return error_set(err, E_IO, "the disk failed; the server must be restarted");
        code = store_compact_tenant(store, tenant, extent == COMPACT_ALL, &did, err);
        retired_remove(store);
    }
    return code ? code : erased_check(store, tenant, sealed, err);
}

/* Packs that are away and have something to erase come back meanwhile: that is waited for. */
static enum code tenant_carry_out(struct store *store, const struct tenant *tenant,
                                  enum compact_extent extent, struct error *err)
{
    int64_t until_ns = clock_monotonic_ns(store->options.clock) + back_wait_ns;

    for (;;) {
        struct error found = {0};
        enum code code = tenant_compact(store, tenant, extent, &found);

        if (code == E_SHARD && back_wait(store, tenant, until_ns))
            continue;
        if (code && err != NULL)
            *err = found;
        return code;
    }
}

/* What was erased is in files as long as an answer under way has their packs. */
static enum code readers_wait(struct store *store, struct error *err)
{
    int64_t until_ns = clock_monotonic_ns(store->options.clock) + readers_wait_ns;

    retired_remove(store);
    while (store->retired != NULL) {
        if (clock_monotonic_ns(store->options.clock) > until_ns)
            return error_set(err, E_BUSY,
                             "the points are gone from every answer, but answers under way still "
                             "read files that have them; ask again to learn when these are gone");
        if (!pause_ns(store, 20000000))
            return refuse_stopping(err);
        retired_remove(store);
    }
    return OK;
}

static enum code request_carry_out(struct store *store, const struct compact_request *request,
                                   struct error *err)
{
    uint32_t end = store_tenants_end(store);
    enum code code = OK;

    if (store->options.rules == NULL)
        return error_set(err, E_NOT_SUPPORTED, "this store does not compact");
    for (uint32_t i = 0; code == OK && i < end; i++) {
        const struct tenant *tenant = store_tenant_at(store, i);

        if (tenant != NULL && (request->tenant == NULL || request->tenant == tenant))
            code = tenant_carry_out(store, tenant, request->extent, err);
    }
    if (code == OK)
        code = store_scrub(store, err);
    if (code == OK && request->extent == COMPACT_DUE)
        code = readers_wait(store, err);
    return code;
}

static void request_finish(struct compact_request *request, enum code code, const struct error *err)
{
    request->done(request->context, code, err);
    free(request);
}

/* The first that has been flushed, taken out; NULL: none.  Waits up to `ms`. */
static struct compact_request *request_wait(struct store *store, int64_t ms, bool *stop)
{
    struct timespec until = condition_until(ms * 1000000);
    struct compact_request *found = NULL;

    pthread_mutex_lock(&store->compact_lock);
    for (;;) {
        struct compact_request **at = &store->compact_requests;

        while (*at != NULL && !(*at)->flushed)
            at = &(*at)->next;
        found = *at;
        if (found != NULL)
            *at = found->next;
        if (found != NULL || store->compact_stop ||
            pthread_cond_timedwait(&store->compact_more, &store->compact_lock, &until) == ETIMEDOUT)
            break;
    }
    *stop = store->compact_stop;
    pthread_mutex_unlock(&store->compact_lock);
    return found;
}

void store_compactor_run(void *context)
{
    struct store *store = context;
    int64_t wait_ms = LOOK_PERIOD_MS;
    bool stop = false;

    store->scrub_wanted = store_scrub_marked(store);
    for (;;) {
        struct compact_request *request = request_wait(store, wait_ms, &stop);
        struct error err = {0};
        enum code code;
        bool did = false;

        wait_ms = LOOK_PERIOD_MS;
        store->compact_rest_ns = clock_monotonic_ns(store->options.clock);
        if (request != NULL) {
            code = stop ? refuse_stopping(&err) : request_carry_out(store, request, &err);
            request_finish(request, code, &err);
            continue;
        }
        if (stop)
            break;
        code = store_step_compact(store, false, &did, &err);
        if (code == OK && did) { /* of few rows it has not rested yet */
            wait_ms = 0;
            code = store_compact_pace(store, &err);
        }
        if (code && code != E_DRAINING) {
            log_error(LOG_WARN, "packs are not compacted for now", &err);
            wait_ms = RETRY_MS;
        }
    }
}

void store_compact_stop(struct store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&store->compact_lock);
    store->compact_stop = true;
    pthread_cond_broadcast(&store->compact_more);
    pthread_mutex_unlock(&store->compact_lock);
}

void store_compact_end(struct store *store)
{
    if (store == NULL)
        return;
    store_compact_stop(store);
    thread_join(store->compactor_thread);
    store->compactor_thread = NULL;
}

static void request_flushed(void *context, enum code code, const struct error *err)
{
    struct compact_request *request = context;
    struct store *store = request->store;
    struct compact_request **at = &store->compact_requests;
    struct error stopping = {0};

    pthread_mutex_lock(&store->compact_lock);
    if (code == OK && store->compact_stop) { /* the compactor may be gone */
        code = refuse_stopping(&stopping);
        err = &stopping;
    }
    if (code == OK) {
        request->flushed = true;
    } else {
        while (*at != request)
            at = &(*at)->next;
        *at = request->next;
    }
    pthread_cond_broadcast(&store->compact_more);
    pthread_mutex_unlock(&store->compact_lock);
    if (code)
        request_finish(request, code, err);
}

void store_compact(struct store *store, const struct tenant *tenant, enum compact_extent extent,
                   void (*done)(void *context, enum code code, const struct error *err),
                   void *context)
{
    struct compact_request *request = calloc(1, sizeof(*request)), **end;
    struct error err = {0};

    if (request == NULL) {
        error_set(&err, E_MEMORY, "no memory for a compaction");
        done(context, E_MEMORY, &err);
        return;
    }
    *request = (struct compact_request){
        .store = store, .tenant = tenant, .extent = extent, .done = done, .context = context};
    pthread_mutex_lock(&store->compact_lock);
    for (end = &store->compact_requests; *end != NULL; end = &(*end)->next)
        ;
    *end = request; /* the first that came is the first that is carried out */
    pthread_mutex_unlock(&store->compact_lock);
    store_flush(store, request_flushed, request);
}

/* Threads have ended: flushes are failed, so that no request waits for one. */
void store_compactor_release(struct store *store)
{
    struct error closing = {0};

    (void)refuse_stopping(&closing);
    while (store->compact_requests != NULL) {
        struct compact_request *request = store->compact_requests;

        store->compact_requests = request->next;
        request_finish(request, E_DRAINING, &closing);
    }
    retired_remove(store);
    while (store->retired != NULL) {
        struct retired_pack *retired = store->retired;

        store->retired = retired->next;
        pack_unref(retired->pack); /* its file goes at the next start */
        free(retired);
    }
}
