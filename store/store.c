/* The path of a submission: waiting -> (stamped, in the wal, synced) -> committed -> applied, the
 * watermark moved, acknowledged.  Each step is a function that a thread of engine.c, or the
 * simulator, calls. */
#include "store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "codec/record.h"
#include "store/identity.h"
#include "store/state.h"

/* Of a chunk of a generation's memory may be left over, which generation_cost() does not count. */
enum { HEAD_REST_BYTES_MAX = 1 << 20, BULK_SHARE = 16 };

static void list_init(struct submission_list *list)
{
    *list = (struct submission_list){.end = &list->first};
}

static void list_push(struct submission_list *list, struct submission *submission)
{
    submission->next = NULL;
    *list->end = submission;
    list->end = &submission->next;
    list->count++;
}

static struct submission *list_pop(struct submission_list *list)
{
    struct submission *submission = list->first;

    if (submission == NULL)
        return NULL;
    list->first = submission->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->count--;
    return submission;
}

static struct store *store_of(struct clock *believed)
{
    return (struct store *)((char *)believed - offsetof(struct store, believed));
}

static int64_t believed_wall_ns(struct clock *clock)
{
    struct store *store = store_of(clock);
    int64_t now_ns;

    pthread_mutex_lock(&store->state_lock);
    now_ns = stamp_wall(&store->stamp);
    pthread_mutex_unlock(&store->state_lock);
    return now_ns;
}

static int64_t believed_monotonic_ns(struct clock *clock)
{
    return clock_monotonic_ns(store_of(clock)->options.clock);
}

static int64_t believed_boot_ns(struct clock *clock)
{
    return clock_boot_ns(store_of(clock)->options.clock);
}

void store_lists_init(struct store *store)
{
    list_init(&store->waiting);
    list_init(&store->committed);
    store->believed = (struct clock){believed_wall_ns, believed_monotonic_ns, believed_boot_ns};
}

uint32_t store_tenants_end(struct store *store)
{
    size_t end;

    pthread_mutex_lock(&store->state_lock);
    end = store->holding_capacity;
    pthread_mutex_unlock(&store->state_lock);
    return (uint32_t)end;
}

bool store_has_members(struct store *store)
{
    bool any;

    pthread_mutex_lock(&store->state_lock);
    any = store->members != MEMBERS_NONE;
    pthread_mutex_unlock(&store->state_lock);
    return any;
}

const struct tenant *store_tenant_at(struct store *store, uint32_t ordinal)
{
    const struct tenant *tenant = NULL;

    pthread_mutex_lock(&store->state_lock);
    if (ordinal < store->holding_capacity && store->holdings[ordinal] != NULL)
        tenant = store->holdings[ordinal]->tenant;
    pthread_mutex_unlock(&store->state_lock);
    return tenant;
}

struct holding *store_held(const struct store *store, const struct tenant *tenant)
{
    return tenant->ordinal < store->holding_capacity ? store->holdings[tenant->ordinal] : NULL;
}

struct pack_list *store_packs(struct store *store, const struct tenant *tenant)
{
    const struct holding *holding;
    struct pack_list *list;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    list = holding == NULL ? NULL : pack_list_ref(holding->packs);
    pthread_mutex_unlock(&store->state_lock);
    return list;
}

struct holding *store_holding(struct store *store, const struct tenant *tenant)
{
    struct holding *holding;

    if (tenant->ordinal >= store->holding_capacity) {
        size_t capacity = (tenant->ordinal + 16) * (size_t)2;
        struct holding **grown = realloc(store->holdings, capacity * sizeof(struct holding *));

        if (grown == NULL)
            return NULL;
        memset(grown + store->holding_capacity, 0,
               (capacity - store->holding_capacity) * sizeof(struct holding *));
        store->holdings = grown;
        store->holding_capacity = capacity;
    }
    holding = store->holdings[tenant->ordinal];
    if (holding == NULL) {
        holding = calloc(1, sizeof(*holding));
        if (holding == NULL)
            return NULL;
        holding->tenant = tenant;
        arena_init(&holding->arena, SIZE_MAX, NULL);
        store->holdings[tenant->ordinal] = holding;
    }
    return holding;
}

bool store_add_missing(struct store *store, const struct tenant *tenant, const char *text)
{
    size_t size = strlen(text);
    char *copy = malloc(size + 1);
    struct lack *grown = realloc(store->missing, (store->missing_count + 1) * sizeof(*grown));

    if (grown != NULL)
        store->missing = grown;
    if (copy == NULL || grown == NULL) {
        free(copy);
        return false;
    }
    memcpy(copy, text, size + 1);
    store->missing[store->missing_count++] = (struct lack){
        tenant, {copy, size}
    };
    return true;
}

/* Whether there is room, and if so takes it. */
static enum code submit_reserve(struct store *store, struct submission *submission,
                                struct error *err)
{
    uint64_t wal = wal_bytes(store->wal);

    if (store->draining)
        return error_set(err, E_DRAINING, "the server is shutting down");
    if (store->waiting.count >= SUBMISSIONS_MAX) {
        metric_add(store->metrics.refused_busy, 1);
        error_retry(err, drain_seconds(&store->applying, store->waiting.count));
        return error_set(err, E_BUSY, "%d requests wait for the wal already", SUBMISSIONS_MAX);
    }
    if (store->head_bytes + store->reserved_bytes + submission->reserved_bytes +
            HEAD_REST_BYTES_MAX >
        store->limits.head_bytes_max) {
        store->crowded = true;
        metric_add(store->metrics.refused_busy, 1);
        error_retry(err, drain_seconds(&store->sealing, store->head_bytes));
        return error_set(err, E_BUSY,
                         "%" PRIu64 " bytes of rows are held until they are sealed, the request "
                         "may need %" PRIu64
                         ", and %d are kept free; all together they are at most "
                         "head_bytes_max, %" PRIu64,
                         (uint64_t)(store->head_bytes + store->reserved_bytes),
                         (uint64_t)submission->reserved_bytes, HEAD_REST_BYTES_MAX,
                         store->limits.head_bytes_max);
    }
    if (wal > store->limits.wal_bytes_max) {
        store->crowded = true;
        metric_add(store->metrics.refused_busy, 1);
        /* Its bytes are those of the head in another form, and go when those are sealed. */
        error_retry(err, drain_seconds(&store->sealing, store->head_bytes));
        return error_set(err, E_BUSY, "the wal holds %" PRIu64 " bytes; wal_bytes_max is %" PRIu64,
                         wal, store->limits.wal_bytes_max);
    }
    return OK;
}

/* Whether there would be an ingest time for it. */
static enum code submit_check(struct store *store, struct error *err)
{
    enum code code;

    pthread_mutex_lock(&store->state_lock);
    code = store->apart.code;
    if (code) {
        if (err != NULL)
            *err = store->apart;
        pthread_mutex_unlock(&store->state_lock);
        return code;
    }
    code = stamp_check(&store->stamp, err);
    pthread_mutex_unlock(&store->state_lock);
    if (code)
        metric_add(store->metrics.refused_clock, 1);
    return code;
}

enum code store_submit(struct store *store, struct submission *submission, struct error *err)
{
    enum code code;

    assert((submission->batch == NULL) != (submission->tombstone == NULL));
    if (submission->payload.size > store->limits.record_bytes_max)
        return error_set(err, E_RECORD_LARGE,
                         "the request makes a record of %zu bytes; the limit is %" PRIu64
                         ": send it in parts",
                         submission->payload.size, store->limits.record_bytes_max);
    if (store->failed)
        return error_set(err, E_IO, "the disk failed; the server must be restarted");
    code = submit_check(store, err);
    if (code)
        return code;
    submission->outcome = OK;
    submission->lsn = 0;
    submission->reserved_bytes =
        submission->batch != NULL ? generation_cost(submission->batch) : 4096;
    if (submission->reserved_bytes + HEAD_REST_BYTES_MAX > store->limits.head_bytes_max)
        return error_set(err, E_RECORD_LARGE,
                         "the request may take %" PRIu64 " bytes of the head; head_bytes_max is "
                         "%" PRIu64 ": send it in parts",
                         submission->reserved_bytes, store->limits.head_bytes_max);

    pthread_mutex_lock(&store->submit_lock);
    code = store->parted ? error_set(err, E_NOT_READY, "this node has just ceased to take writes")
                         : submit_reserve(store, submission, err);
    if (code == OK) {
        store->reserved_bytes += submission->reserved_bytes;
        drain_begin(&store->applying);
        list_push(&store->waiting, submission);
        pthread_cond_signal(&store->submit_more);
    }
    pthread_mutex_unlock(&store->submit_lock);
    return code;
}

/* Takes what one group commit may hold, in order. */
static size_t commit_take(struct store *store, struct submission **taken)
{
    uint64_t bytes = 0;
    size_t count = 0;

    pthread_mutex_lock(&store->submit_lock);
    while (store->waiting.first != NULL && count < COMMIT_COUNT_MAX &&
           (count == 0 || bytes + store->waiting.first->payload.size <= commit_bytes_max)) {
        taken[count] = list_pop(&store->waiting);
        bytes += taken[count++]->payload.size;
    }
    pthread_mutex_unlock(&store->submit_lock);
    return count;
}

/* The first reason to stop is the one that is told. */
static void trouble_set(struct store *store, const struct error *trouble)
{
    pthread_mutex_lock(&store->state_lock);
    if (!store->failed)
        store->trouble = *trouble;
    pthread_mutex_unlock(&store->state_lock);
}

void store_fail(struct store *store, const struct error *why)
{
    trouble_set(store, why);
    pthread_mutex_lock(&store->state_lock);
    store->failed = true;
    pthread_cond_broadcast(&store->applied_more);
    pthread_mutex_unlock(&store->state_lock);
}

enum code store_step_commit(struct store *store, bool *did, struct error *err)
{
    struct submission *taken[COMMIT_COUNT_MAX];
    struct wal_entry entries[COMMIT_COUNT_MAX];
    size_t count = commit_take(store, taken);
    struct error trouble = {0};
    int64_t began_ns;
    enum code code;

    *did = count > 0;
    if (count == 0)
        return OK;
    pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; i < count; i++) {
        taken[i]->ingest = stamp_next(&store->stamp);
        entries[i] = (struct wal_entry){.payload = taken[i]->payload, .ingest = taken[i]->ingest};
    }
    store->assigned = taken[count - 1]->ingest;
    pthread_mutex_unlock(&store->state_lock);

    began_ns = clock_monotonic_ns(store->options.clock);
    code = wal_commit(store->wal, entries, count, &trouble);
    metric_observe_ns(store->metrics.commit_seconds,
                      clock_monotonic_ns(store->options.clock) - began_ns);
    metric_add(store->metrics.commits, 1);
    if (code == OK) {
        store->disk_full = false;
    } else {
        log_error(LOG_ERROR, "commit failed", &trouble);
        trouble_set(store, &trouble);
        store->disk_full = code == E_DISK_FULL;
        if (wal_failed(store->wal))
            store_fail(store, &trouble);
        if (code == E_DISK_FULL)
            metric_add(store->metrics.refused_disk, count);
    }
    for (size_t i = 0; i < count; i++) {
        taken[i]->lsn = entries[i].lsn;
        taken[i]->outcome = entries[i].lsn != 0 ? OK : code;
        if (entries[i].lsn != 0)
            metric_add(store->metrics.wal_written, taken[i]->payload.size);
    }
    pthread_mutex_lock(&store->commit_lock);
    for (size_t i = 0; i < count; i++)
        list_push(&store->committed, taken[i]);
    pthread_cond_signal(&store->commit_more);
    pthread_mutex_unlock(&store->commit_lock);
    if (store->failed && err != NULL)
        *err = trouble;
    return store->failed ? E_IO : OK;
}

enum code store_freeze(struct store *store, struct error *err)
{
    struct generation *fresh = NULL;
    enum code code = OK;

    if (store->active->lsn_last != 0)
        code = generation_new(&fresh, err);
    if (code)
        return code;
    pthread_mutex_lock(&store->state_lock);
    if (fresh != NULL && store->generation_count == GENERATIONS_MAX) {
        pthread_mutex_unlock(&store->state_lock);
        generation_unref(fresh);
        return error_set(err, E_BUSY, "%d head generations wait to be sealed", GENERATIONS_MAX);
    }
    if (fresh != NULL) {
        store->generations[store->generation_count++] = fresh;
        store->active = fresh;
        store->frozen_count++;
    }
    for (struct flush *flush = store->flushes; flush != NULL; flush = flush->next)
        if (flush->seal_target == 0)
            flush->seal_target = store->frozen_count + 1; /* + 1: sealed_count + 1 reaches it */
    pthread_mutex_unlock(&store->state_lock);
    store_wake_sealer(store);
    return OK;
}

/* Encodes for the seal and adds to what readers see at once. */
static enum code apply_tombstone(struct store *store, struct generation *generation,
                                 const struct tenant *tenant, const struct tombstone *given,
                                 int64_t ingest, struct error *err)
{
    struct buf encoded = BUF_INIT(store->limits.record_bytes_max + 4096);
    struct tombstone tombstone = *given;
    struct holding *holding;
    enum code code;

    tombstone.ingest = ingest;
    tombstone_encode(&tombstone, &encoded);
    code = buf_finish(&encoded, err);
    if (code == OK)
        code = generation_note(generation, &generation->tombstones, tenant, buf_bytes(&encoded),
                               ingest, err);
    buf_release(&encoded);
    if (code)
        return code;
    pthread_mutex_lock(&store->state_lock);
    holding = store_holding(store, tenant);
    code = holding == NULL ? error_set(err, E_MEMORY, "no memory for the deletions of a tenant")
                           : holding_add_tombstone(holding, &tombstone, err);
    pthread_mutex_unlock(&store->state_lock);
    return code;
}

static enum code apply_note(struct generation *generation, const struct tenant *tenant,
                            const struct note *given, int64_t ingest, struct error *err)
{
    struct buf encoded = BUF_INIT((size_t)256 * 1024);
    struct note note = *given;
    enum code code;

    note.ingest = ingest;
    note_encode(&note, &encoded);
    code = buf_finish(&encoded, err);
    if (code == OK)
        code = generation_note(generation, &generation->notes, tenant, buf_bytes(&encoded), ingest,
                               err);
    buf_release(&encoded);
    return code;
}

static enum code count_rows(struct store *store, const struct tenant *tenant, uint64_t rows,
                            int64_t ingest, struct error *err)
{
    struct holding *holding;

    pthread_mutex_lock(&store->state_lock);
    holding = store_holding(store, tenant);
    if (holding != NULL) {
        holding->rows.accepted += rows;
        holding->rows.queued += rows;
        holding_note_newest(holding, ingest);
    }
    pthread_mutex_unlock(&store->state_lock);
    return holding != NULL ? OK : error_set(err, E_MEMORY, "no memory for a tenant");
}

enum code store_apply(struct store *store, const struct tenant *tenant, const struct batch *batch,
                      const struct tombstone *tombstone, const struct note *note, int64_t ingest,
                      uint64_t lsn, struct error *err)
{
    struct generation *active = store->active;
    enum code code = OK;

    if (batch != NULL)
        code = generation_apply(active, batch, ingest, err);
    if (code == OK && tombstone != NULL)
        code = apply_tombstone(store, active, tenant, tombstone, ingest, err);
    if (code == OK && note != NULL && note->key.size > 0)
        code = apply_note(active, tenant, note, ingest, err);
    if (code == OK && batch != NULL)
        code = count_rows(store, tenant, batch->row_count, ingest, err);
    if (code)
        return code;
    if (active->lsn_first == 0) {
        active->lsn_first = lsn;
        active->born_ns = clock_monotonic_ns(store->options.clock);
    }
    active->lsn_last = lsn;
    if (ingest > active->ingest_last)
        active->ingest_last = ingest;
    return OK;
}

/* Applies one committed submission; its outcome may change to a failure that stops the store. */
static void apply_one(struct store *store, struct submission *submission)
{
    struct error err = {0};

    if (submission->outcome != OK)
        return;
    submission->outcome =
        store_apply(store, submission->tenant, submission->batch, submission->tombstone,
                    submission->note, submission->ingest, submission->lsn, &err);
    if (submission->outcome != OK) {
        /* It is durable but cannot be shown: only a restart can put that right. */
        log_error(LOG_ERROR, "a durable record could not be applied", &err);
        store_fail(store, &err);
        return;
    }
    if (submission->batch != NULL) {
        metric_add(store->metrics.rows, submission->batch->row_count);
        metric_add(store->metrics.values, submission->batch->value_count);
    }
    metric_add(store->metrics.records, 1);
}

static uint64_t head_measure(const struct store *store)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < store->generation_count; i++)
        bytes += generation_bytes(store->generations[i]);
    return bytes;
}

/* Moves the watermark over the group and acknowledges it. */
static void apply_publish(struct store *store, struct submission_list *group)
{
    struct submission *submission;
    uint64_t reserved = 0;
    struct error trouble;

    pthread_mutex_lock(&store->state_lock);
    for (submission = group->first; submission != NULL; submission = submission->next) {
        reserved += submission->reserved_bytes;
        /* Once the disk failed, nobody knows what a restart will find of the rest. */
        if (submission->outcome == OK || !store->failed)
            store->applied = submission->ingest;
        if (submission->outcome == OK)
            store->durable = submission->ingest;
    }
    store->head_bytes = head_measure(store);
    trouble = store->trouble;
    pthread_cond_broadcast(&store->applied_more);
    pthread_mutex_unlock(&store->state_lock);

    pthread_mutex_lock(&store->submit_lock);
    store->reserved_bytes -= reserved;
    drain_out(&store->applying, group->count, store->waiting.count > 0);
    pthread_mutex_unlock(&store->submit_lock);

    while ((submission = list_pop(group)) != NULL)
        submission->done(submission, submission->outcome,
                         submission->outcome == OK ? NULL : &trouble);
}

enum code store_step_apply(struct store *store, bool *did, struct error *err)
{
    struct submission_list group;
    struct submission *submission;
    int64_t began_ns = clock_monotonic_ns(store->options.clock);
    uint64_t bytes_max = store->limits.generation_bytes_max;
    bool freeze;

    list_init(&group);
    pthread_mutex_lock(&store->commit_lock);
    while ((submission = list_pop(&store->committed)) != NULL)
        list_push(&group, submission);
    freeze = store->freeze_wanted;
    store->freeze_wanted = false;
    pthread_mutex_unlock(&store->commit_lock);

    *did = group.count > 0 || freeze;
    for (submission = group.first; submission != NULL; submission = submission->next) {
        apply_one(store, submission);
        if (submission->bulk)
            bytes_max = store->limits.generation_bytes_max / BULK_SHARE;
    }
    if (group.count > 0) {
        apply_publish(store, &group);
        metric_observe_ns(store->metrics.apply_seconds,
                          clock_monotonic_ns(store->options.clock) - began_ns);
    }
    if (freeze || generation_bytes(store->active) >= bytes_max)
        return store_freeze(store, err);
    return OK;
}

struct store_progress store_progress(struct store *store, const struct tenant *tenant)
{
    /* Twice what a wall clock may go back by without being refused. */
    static const int64_t margin_ns = 120 * INT64_C(1000000000);
    struct store_progress progress = {0};
    const struct holding *holding;
    int64_t quiet;

    pthread_mutex_lock(&store->state_lock);
    holding = store_held(store, tenant);
    if (holding != NULL)
        progress.newest = holding->newest;
    progress.durable = progress.settled = store->durable;
    quiet = stamp_wall(&store->stamp) - margin_ns;
    if (store->assigned <= store->applied && quiet > progress.settled) {
        progress.settled = quiet;
        stamp_raise(&store->stamp, quiet); /* an accepted clock may go back by any time */
    }
    pthread_mutex_unlock(&store->state_lock);
    return progress;
}

void store_mark(const struct store *store, char text[HASH128_TEXT_SIZE])
{
    identity_mark(&store->incarnation, text);
}

struct clock *store_clock(struct store *store)
{
    return &store->believed;
}

enum code store_ready(struct store *store, struct error *err)
{
    enum code code = OK;

    pthread_mutex_lock(&store->state_lock);
    if (store->failed || store->disk_full) {
        *err = store->trouble;
        code = store->failed ? E_IO : E_DISK_FULL;
        err->code = code;
    } else {
        code = stamp_check(&store->stamp, err);
    }
    pthread_mutex_unlock(&store->state_lock);
    return code;
}

int64_t store_stamp_newest(struct store *store)
{
    int64_t newest;

    pthread_mutex_lock(&store->state_lock);
    newest = store->assigned;
    pthread_mutex_unlock(&store->state_lock);
    return newest;
}

int64_t store_ahead_ns(struct store *store)
{
    int64_t ahead_ns;

    pthread_mutex_lock(&store->state_lock);
    ahead_ns = stamp_ahead(&store->stamp);
    pthread_mutex_unlock(&store->state_lock);
    return ahead_ns;
}
