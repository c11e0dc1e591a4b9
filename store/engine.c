/* Three of the store's threads (compactor.c has the fourth): each waits for its work, does a step,
 * and wakes the next. */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "store/idle.h"
#include "store/index.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/state.h"

enum {
    SEAL_PERIOD_MS = 100, /* how often age, spare segment and ballast are looked at */
    SEAL_RETRY_MS = 1000, /* after a failed seal: the disk may be full */
};

static const char ballast_name[] = "ballast";
static const int64_t tidy_period_ns = INT64_C(5000000000);

/* Between a disk that refuses more and one that merely is slow stands this file: it goes when space
 * runs out, so that sealing (which frees the wal) can go on. */
void store_ballast(struct store *store)
{
    static const char zeros[64 * 1024];
    struct fs *fs = store->options.fs;
    struct file *file = NULL;
    struct error err = {0};
    uint64_t free_bytes = 0, size = 0;
    enum code code;

    if (store->options.ballast_bytes == 0 || store->ballast)
        return;
    if (fs_space(fs, &free_bytes, &err) != OK || free_bytes < 8 * store->options.ballast_bytes)
        return;
    code = fs_open(fs, ballast_name, FS_CREATE, &file, &err);
    if (code == E_EXISTS) {
        store->ballast = true;
        return;
    }
    while (code == OK && size < store->options.ballast_bytes) {
        struct bytes part = {zeros, sizeof(zeros)};

        code = fs_write(file, size, &part, 1, &err);
        size += sizeof(zeros);
    }
    if (code == OK)
        code = fs_sync(file, &err);
    fs_close(file);
    if (code)
        (void)!fs_unlink(fs, ballast_name, &err);
    store->ballast = code == OK;
}

static bool ballast_drop(struct store *store)
{
    struct error err = {0};

    if (!store->ballast || fs_unlink(store->options.fs, ballast_name, &err) != OK)
        return false;
    store->ballast = false;
    log_event(LOG_WARN, "disk full: released the ballast to go on sealing",
              LOG_UINT("bytes", store->options.ballast_bytes));
    return true;
}

/* Asks the applier for a new generation when there is a reason. */
static void freeze_ask(struct store *store)
{
    pthread_mutex_lock(&store->commit_lock);
    store->freeze_wanted = true;
    pthread_cond_signal(&store->commit_more);
    pthread_mutex_unlock(&store->commit_lock);
}

static size_t frozen_waiting(struct store *store)
{
    size_t count;

    pthread_mutex_lock(&store->state_lock);
    count = store->generation_count - 1;
    pthread_mutex_unlock(&store->state_lock);
    return count;
}

static uint64_t oldest_bytes(struct store *store)
{
    uint64_t bytes;

    pthread_mutex_lock(&store->state_lock);
    bytes = generation_bytes(store->generations[0]);
    pthread_mutex_unlock(&store->state_lock);
    return bytes;
}

static enum code seal_one(struct store *store, struct error *err)
{
    uint64_t bytes = oldest_bytes(store);
    enum code code;

    if (store->failed) /* what the index holds now, only a start can tell */
        return error_set(err, E_IO, "the disk failed; the server must be restarted");
    drain_begin(&store->sealing);
    if (sabotage("trim_early")) {
        code = wal_trim(store->wal, store->generations[0]->lsn_last, err);
        if (code)
            return code;
    }
    code = store_seal_oldest(store, err);
    if (code == E_DISK_FULL && ballast_drop(store)) {
        if (err != NULL)
            *err = (struct error){0};
        code = store_seal_oldest(store, err);
    }
    if (code == OK) {
        drain_out(&store->sealing, bytes, frozen_waiting(store) > 0);
        code = wal_trim(store->wal, store->sealed_lsn, err);
    }
    return code;
}

/* True when a flush waits for a generation that could not be begun: memory was short, or too many
 * were frozen. */
static bool flush_unfrozen(struct store *store)
{
    bool found = false;

    pthread_mutex_lock(&store->state_lock);
    for (const struct flush *flush = store->flushes; flush != NULL; flush = flush->next)
        found |= flush->seal_target == 0;
    pthread_mutex_unlock(&store->state_lock);
    return found;
}

static bool too_old(struct store *store)
{
    int64_t age_max = (int64_t)store->limits.generation_age_ms_max * 1000000;
    int64_t born;

    pthread_mutex_lock(&store->state_lock);
    born = store->generations[store->generation_count - 1]->born_ns;
    pthread_mutex_unlock(&store->state_lock);
    return born != 0 && clock_monotonic_ns(store->options.clock) - born > age_max;
}

/* Takes the flushes that are due.  All generations frozen for them are sealed. */
static struct flush *flushes_due(struct store *store)
{
    struct flush **at = &store->flushes, *due = NULL;

    pthread_mutex_lock(&store->state_lock);
    while (*at != NULL) {
        struct flush *flush = *at;

        if (flush->seal_target != 0 && flush->seal_target <= store->sealed_count + 1) {
            *at = flush->next;
            flush->next = due;
            due = flush;
        } else {
            at = &flush->next;
        }
    }
    pthread_mutex_unlock(&store->state_lock);
    return due;
}

static void rotate(struct store *store)
{
    struct error err = {0};

    if (wal_rotate(store->wal, &err) != OK)
        log_error(LOG_ERROR, "rotating the wal", &err);
    pthread_mutex_lock(&store->seal_lock);
    store->rotate_wanted = false;
    pthread_cond_broadcast(&store->seal_more);
    pthread_mutex_unlock(&store->seal_lock);
}

/* Everything is in packs: the wal begins a new segment, and the old ones go. */
static void wal_shrink(struct store *store)
{
    struct error err = {0};
    struct timespec until = condition_until(5000 * INT64_C(1000000));

    store->rotate_wanted = true;
    if (store->wal_thread == NULL) /* not started: this is its thread */
        rotate(store);
    pthread_mutex_lock(&store->submit_lock);
    pthread_cond_signal(&store->submit_more);
    pthread_mutex_unlock(&store->submit_lock);
    pthread_mutex_lock(&store->seal_lock);
    while (store->rotate_wanted &&
           pthread_cond_timedwait(&store->seal_more, &store->seal_lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&store->seal_lock);
    if (wal_trim(store->wal, store->sealed_lsn, &err) != OK)
        log_error(LOG_ERROR, "trimming the wal", &err);
}

static void flushes_finish(struct flush *flush, enum code code, const struct error *err)
{
    while (flush != NULL) {
        struct flush *next = flush->next;

        flush->done(flush->context, code, err);
        free(flush);
        flush = next;
    }
}

/* Fails every waiting flush: the seal it waits for did not work. */
static void flushes_fail(struct store *store, enum code code, const struct error *err)
{
    struct flush *all;

    pthread_mutex_lock(&store->state_lock);
    all = store->flushes;
    store->flushes = NULL;
    pthread_mutex_unlock(&store->state_lock);
    flushes_finish(all, code, err);
}

/* After a seal, or when there was nothing to seal. */
static void seal_finish(struct store *store)
{
    struct flush *due = flushes_due(store);
    bool shrink = false;

    for (const struct flush *flush = due; flush != NULL; flush = flush->next)
        shrink |= flush->shrink;
    if (shrink) {
        wal_shrink(store);
        (void)malloc_trim(0); /* what the head was made of goes back to the machine */
    }
    flushes_finish(due, OK, NULL);
    store_ballast(store);
}

/* A spare segment of zeros is the proof that there is space again: who asks store_ready() before
 * sending anything would else wait for ever. */
static enum code prepare(struct store *store, struct error *err)
{
    enum code code = wal_prepare(store->wal, err);

    if (code == OK)
        store->disk_full = false;
    else if (wal_failed(store->wal))
        store_fail(store, err);
    return code;
}

enum code store_step_seal(struct store *store, bool force, bool *did, struct error *err)
{
    enum code code = OK;

    *did = false;
    if ((force || too_old(store)) && store->active->lsn_last != 0 && frozen_waiting(store) == 0)
        code = store_freeze(store, err);
    if (code == OK && frozen_waiting(store) > 0) {
        *did = true;
        code = seal_one(store, err);
    }
    if (code == OK && !wal_failed(store->wal))
        code = prepare(store, err);
    if (code)
        flushes_fail(store, code, err);
    else
        seal_finish(store);
    return code;
}

/* A request was refused for want of room, and no seal is due that would make some. */
static bool crowded(struct store *store)
{
    return frozen_waiting(store) == 0 && atomic_exchange(&store->crowded, false);
}

static bool sealer_stopping(struct store *store)
{
    bool stop;

    pthread_mutex_lock(&store->seal_lock);
    stop = store->seal_stop;
    pthread_mutex_unlock(&store->seal_lock);
    return stop;
}

static bool sealer_wait(struct store *store, int64_t ms)
{
    struct timespec until = condition_until(ms * INT64_C(1000000));
    bool stop;

    pthread_mutex_lock(&store->seal_lock);
    while (!store->seal_stop && !store->seal_wanted &&
           pthread_cond_timedwait(&store->seal_more, &store->seal_lock, &until) != ETIMEDOUT)
        ;
    store->seal_wanted = false;
    stop = store->seal_stop;
    pthread_mutex_unlock(&store->seal_lock);
    return !stop;
}

/* What generations and the requests before them were made of goes back to the machine: the
 * allocator keeps what was freed below something that lives, up to all that ever was. */
static void tidy(struct store *store, bool *untidy, int64_t *tidied_ns)
{
    int64_t now_ns = clock_monotonic_ns(store->options.clock);

    if (!*untidy || now_ns - *tidied_ns < tidy_period_ns)
        return;
    (void)malloc_trim(0);
    *untidy = false;
    *tidied_ns = now_ns;
}

/* What fails is tried again when it would be due again, and not ten times a second. */
static void rest(struct store *store, int64_t *failed_ns)
{
    int64_t now_ns = clock_monotonic_ns(store->options.clock);
    struct error err = {0};

    if (*failed_ns != 0 && now_ns - *failed_ns < idle_period_ns)
        return;
    *failed_ns = 0;
    if (store_step_idle(store, &err) == OK)
        return;
    log_error(LOG_WARN, "other members cannot be told that nothing is written", &err);
    *failed_ns = now_ns;
}

static void sealer_run(void *context)
{
    struct store *store = context;
    int64_t wait_ms = SEAL_PERIOD_MS, tidied_ns = 0, failed_ns = 0;
    bool untidy = false;

    while (sealer_wait(store, wait_ms)) {
        struct error err = {0};
        enum code code = OK;

        wait_ms = SEAL_PERIOD_MS;
        if (too_old(store) || flush_unfrozen(store) || crowded(store))
            freeze_ask(store);
        while (code == OK && frozen_waiting(store) > 0 && !sealer_stopping(store)) {
            code = seal_one(store, &err);
            untidy = true;
        }
        if (code == OK && !store->failed)
            code = prepare(store, &err);
        if (code) {
            log_error(LOG_ERROR, "the sealer cannot go on", &err);
            flushes_fail(store, code, &err);
            wait_ms = SEAL_RETRY_MS;
            continue;
        }
        seal_finish(store);
        store_pin(store, NULL);
        tidy(store, &untidy, &tidied_ns);
        rest(store, &failed_ns);
    }
}

void store_wake_sealer(struct store *store)
{
    pthread_mutex_lock(&store->seal_lock);
    store->seal_wanted = true;
    pthread_cond_broadcast(&store->seal_more);
    pthread_mutex_unlock(&store->seal_lock);
}

static void applier_run(void *context)
{
    struct store *store = context;
    bool stop = false;

    while (!stop) {
        struct error err = {0};
        bool did;

        pthread_mutex_lock(&store->commit_lock);
        while (store->committed.first == NULL && !store->freeze_wanted && !store->applier_stop)
            pthread_cond_wait(&store->commit_more, &store->commit_lock);
        stop = store->applier_stop && store->committed.first == NULL;
        pthread_mutex_unlock(&store->commit_lock);
        if (stop)
            break;
        if (store_step_apply(store, &did, &err) != OK)
            log_error(LOG_WARN, "the head goes on without a new generation", &err);
    }
}

static void wal_run(void *context)
{
    struct store *store = context;
    bool stop = false;

    while (!stop) {
        bool did = false;

        pthread_mutex_lock(&store->submit_lock);
        while (store->waiting.first == NULL && !store->draining && !store->rotate_wanted)
            pthread_cond_wait(&store->submit_more, &store->submit_lock);
        stop = store->draining && store->waiting.first == NULL;
        pthread_mutex_unlock(&store->submit_lock);
        if (store->rotate_wanted)
            rotate(store);
        (void)!store_step_commit(store, &did, NULL); /* told to each submission */
    }
}

enum code store_start(struct store *store, struct error *err)
{
    enum code code;

    code = thread_start("weir-applier", applier_run, store, &store->applier_thread, err);
    if (code == OK)
        code = thread_start("weir-wal", wal_run, store, &store->wal_thread, err);
    if (code == OK)
        code = thread_start("weir-sealer", sealer_run, store, &store->sealer_thread, err);
    if (code == OK)
        code = thread_start("weir-compactor", store_compactor_run, store, &store->compactor_thread,
                            err);
    return code;
}

static void seal_ask(struct store *store, bool shrink,
                     void (*done)(void *context, enum code code, const struct error *err),
                     void *context)
{
    struct flush *flush = calloc(1, sizeof(*flush));
    struct error err = {0};

    if (flush == NULL) {
        error_set(&err, E_MEMORY, "no memory for a flush");
        done(context, E_MEMORY, &err);
        return;
    }
    *flush = (struct flush){.done = done, .context = context, .shrink = shrink};
    pthread_mutex_lock(&store->state_lock);
    flush->next = store->flushes;
    store->flushes = flush;
    pthread_mutex_unlock(&store->state_lock);
    freeze_ask(store);
}

void store_flush(struct store *store,
                 void (*done)(void *context, enum code code, const struct error *err),
                 void *context)
{
    seal_ask(store, true, done, context);
}

void store_seal(struct store *store,
                void (*done)(void *context, enum code code, const struct error *err), void *context)
{
    seal_ask(store, false, done, context);
}

int64_t store_sealed(struct store *store)
{
    int64_t sealed;

    pthread_mutex_lock(&store->state_lock);
    sealed = store->sealed_ingest;
    pthread_mutex_unlock(&store->state_lock);
    return sealed;
}

/* In order of the path: nothing is lost that a later thread would have acknowledged. */
static void threads_stop(struct store *store)
{
    store_compact_end(store);

    pthread_mutex_lock(&store->submit_lock);
    store->draining = true;
    pthread_cond_broadcast(&store->submit_more);
    pthread_mutex_unlock(&store->submit_lock);
    thread_join(store->wal_thread);

    pthread_mutex_lock(&store->commit_lock);
    store->applier_stop = true;
    pthread_cond_broadcast(&store->commit_more);
    pthread_mutex_unlock(&store->commit_lock);
    thread_join(store->applier_thread);

    pthread_mutex_lock(&store->seal_lock);
    store->seal_stop = true;
    pthread_cond_broadcast(&store->seal_more);
    pthread_mutex_unlock(&store->seal_lock);
    thread_join(store->sealer_thread);
}

void store_close(struct store *store)
{
    struct error closing = {0};

    if (store == NULL)
        return;
    threads_stop(store);
    error_set(&closing, E_DRAINING, "the server is shutting down");
    flushes_fail(store, E_DRAINING, &closing);
    store_compactor_release(store);
    wal_close(store->wal);
    for (size_t i = 0; i < store->generation_count; i++)
        generation_unref(store->generations[i]);
    for (size_t i = 0; i < store->pinned_count; i++)
        generation_unref(store->pinned[i]);
    for (size_t i = 0; i < store->holding_capacity; i++) {
        if (store->holdings[i] != NULL)
            holding_release(store->holdings[i]);
        free(store->holdings[i]);
    }
    free(store->holdings);
    for (size_t i = 0; i < store->missing_count; i++)
        free((void *)store->missing[i].text.data);
    free(store->missing);
    block_builder_free(store->builder);
    hash_set_release(&store->fields_stored);
    drain_release(&store->sealing);
    drain_release(&store->applying);
    decoders_release(&store->decoders);
    column_cache_free(store->columns);
    pthread_mutex_destroy(&store->submit_lock);
    pthread_mutex_destroy(&store->commit_lock);
    pthread_mutex_destroy(&store->state_lock);
    pthread_mutex_destroy(&store->seal_lock);
    pthread_cond_destroy(&store->submit_more);
    pthread_cond_destroy(&store->commit_more);
    pthread_cond_destroy(&store->applied_more);
    pthread_cond_destroy(&store->seal_more);
    pthread_mutex_destroy(&store->compact_lock);
    pthread_cond_destroy(&store->compact_more);
    free(store);
}
