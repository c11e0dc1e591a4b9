/* From what is on disk to a store that can serve: identity, what the index holds
 * (store/index_load.h), then the wal behind the sealed position into the head.
 *
 * What cannot be read is told (view_missing) and left where it is: a gap in the wal, as a damaged
 * pack, must not keep the rest from being served. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/condition.h"
#include "base/log.h"
#include "codec/record.h"
#include "store/identity.h"
#include "store/index.h"
#include "store/index_load.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/packs/pack_stub.h"
#include "store/state.h"

struct orphans {
    struct store *store;
    struct bytes tenant;
    struct bytes *names; /* of tenants, while these are listed */
    size_t count;
    bool failed;
};

/* The index may be an older one than the packs: nothing that it does not name is removed then, and
 * no new pack takes its number. */
static void orphan_keep(struct store *store, const char *path, uint64_t number)
{
    log_event(LOG_WARN, "kept a pack that the index does not name, since something is missing",
              LOG_CSTR("path", path));
    store->pack_next = pack_number_behind(number, store->pack_next);
}

/* The file that it was to stand for did not go before the power did: that is what counts. */
static bool stub_remove(const struct orphans *orphans, uint64_t number, const char *stub)
{
    struct fs *fs = orphans->store->options.fs;
    struct file *file = NULL;
    struct error ignored;
    char path[PACK_PATH_SIZE];
    bool whole;

    pack_path(orphans->tenant, number, path);
    whole = fs_open(fs, path, FS_READ, &file, &ignored) == OK;
    fs_close(file);
    return whole && fs_unlink(fs, stub, &ignored) == OK;
}

/* A pack file that no manifest entry names was being written when the power went. */
static void orphan_remove(void *context, const char *name)
{
    struct orphans *orphans = context;
    char path[PACK_PATH_SIZE + 256];
    struct bytes key, value;
    struct buf wanted = BUF_INIT(256);
    struct index_transaction *transaction = NULL;
    const struct index_operations *index = orphans->store->options.index->operations;
    struct error err = {0};
    uint64_t number = strtoull(name, NULL, 16);

    pack_path(orphans->tenant, number, path);
    if (strcmp(strrchr(path, '/') + 1, name) != 0) {
        pack_stub_path(orphans->tenant, number, path);
        if (strcmp(strrchr(path, '/') + 1, name) != 0)
            return; /* not ours */
        if (stub_remove(orphans, number, path))
            return;
    }
    index_key_u64(orphans->tenant, number, &wanted);
    key = buf_bytes(&wanted);
    if (!wanted.failed &&
        index->begin(orphans->store->options.index, false, &transaction, &err) == OK) {
        bool unnamed = index->get(transaction, INDEX_MANIFEST, key, &value, &err) == E_NOT_FOUND;

        if (unnamed && orphans->store->missing_count > 0)
            orphan_keep(orphans->store, path, number);
        else if (unnamed && fs_unlink(orphans->store->options.fs, path, &err) == OK)
            log_event(LOG_INFO, "removed an unfinished pack", LOG_CSTR("path", path));
        index->abort(transaction);
    }
    buf_release(&wanted);
}

static void tenant_dir_note(void *context, const char *name)
{
    struct orphans *orphans = context;
    struct bytes *grown = realloc(orphans->names, (orphans->count + 1) * sizeof(*grown));
    char *copy = strdup(name);

    if (grown != NULL)
        orphans->names = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        orphans->failed = true;
        return;
    }
    orphans->names[orphans->count++] = bytes_of(copy);
}

static enum code orphans_remove(struct store *store, struct error *err)
{
    struct orphans orphans = {.store = store};
    enum code code = fs_make_dir(store->options.fs, "packs", err);

    if (code == OK)
        code = fs_list(store->options.fs, "packs", tenant_dir_note, &orphans, err);
    for (size_t i = 0; i < orphans.count; i++) {
        char path[PACK_PATH_SIZE + 256];

        orphans.tenant = orphans.names[i];
        snprintf(path, sizeof(path), "packs/%.*s", BYTES_ARG(orphans.tenant));
        if (code == OK && orphans.tenant.size <= 64)
            code = fs_list(store->options.fs, path, orphan_remove, &orphans, err);
        free((char *)orphans.names[i].data);
    }
    free(orphans.names);
    if (code == OK && orphans.failed)
        code = error_set(err, E_MEMORY, "no memory to list the packs");
    return code;
}

struct replay {
    struct store *store;
    struct arena arena;
    int64_t ingest_last;
    uint64_t records, rows;
};

/* Gives the record's series their place in the catalog. */
static enum code replay_resolve(struct store *store, const struct tenant *tenant,
                                struct batch *batch, struct error *err)
{
    struct series_registry *registry = store->options.registry;
    enum code code = OK;

    for (uint32_t i = 0; code == OK && i < batch->series_count; i++) {
        struct batch_series *series = &batch->series[i];

        if (series->key.size > 0)
            code = registry->series(registry, tenant, series->key, &series->series, err);
        else
            series->series = registry->series_by_id(registry, tenant, series->id);
        if (code == OK && series->series == NULL)
            code = error_set(err, E_CORRUPT, "it names a series whose key is nowhere");
    }
    for (struct batch_table *table = batch->tables; code == OK && table != NULL;
         table = table->next)
        for (uint32_t f = 0; code == OK && f < table->field_count; f++)
            code = registry->field(registry, tenant, table->measurement, table->fields[f].name,
                                   table->fields[f].type, err);
    return code;
}

/* Keeps the fact that something is missing, until `weir verify --accept-loss`. */
static enum code gap_keep(struct store *store, uint64_t lsn, const char *text, struct error *err)
{
    const struct index_operations *index = store->options.index->operations;
    struct index_transaction *transaction = NULL;
    char key[40];
    struct bytes known;
    enum code code;

    log_event(LOG_ERROR, "acknowledged records are missing", LOG_CSTR("what", text));
    snprintf(key, sizeof(key), "gap/%016" PRIx64, lsn);
    code = index->begin(store->options.index, true, &transaction, err);
    if (code)
        return code;
    code = index->get(transaction, INDEX_META, bytes_of(key), &known, err);
    if (code == OK) { /* told at an earlier start, and loaded from there */
        index->abort(transaction);
        return OK;
    }
    code = index->put(transaction, INDEX_META, bytes_of(key), bytes_of(text), err);
    if (code) {
        index->abort(transaction);
        return code;
    }
    code = index->commit(transaction, err);
    if (code == OK && !store_add_missing(store, NULL, text))
        code = error_set(err, E_MEMORY, "no memory");
    return code;
}

static enum code replay_gap(void *context, uint64_t lsn_last, uint64_t lsn_next, const char *what,
                            struct error *err)
{
    struct replay *replay = context;
    char text[256];

    snprintf(text, sizeof(text), "%s: records after %" PRIu64 " and before %" PRIu64, what,
             lsn_last, lsn_next);
    return gap_keep(replay->store, lsn_next, text, err);
}

static enum code replay_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                               struct error *err)
{
    struct replay *replay = context;
    struct store *store = replay->store;
    struct series_registry *registry = store->options.registry;
    struct record record;
    const struct tenant *tenant = NULL;
    bool rows;
    enum code code;

    if (ingest > replay->ingest_last)
        replay->ingest_last = ingest;
    code = record_decode(payload, &replay->arena, &record, err);
    if (code == OK) {
        tenant = registry->tenant(registry, record.tenant);
        if (tenant == NULL)
            code = error_set(err, E_MEMORY, "no memory for a tenant");
    }
    rows = code == OK && record.type == RECORD_ROWS;
    if (rows)
        code = replay_resolve(store, tenant, record.batch, err);
    if (code == E_CORRUPT) {
        char text[ERROR_TEXT_SIZE + 64];

        snprintf(text, sizeof(text), "wal record %" PRIu64 ": %s", lsn, err->text);
        *err = (struct error){0};
        code = gap_keep(store, lsn, text, err);
        arena_release(&replay->arena);
        return code;
    }
    if (code == OK)
        code = store_apply(store, tenant, rows ? record.batch : NULL,
                           rows ? NULL : &record.tombstone, &record.note, ingest, lsn, err);
    if (code == OK && record.note.key.size > 0 && store->options.notes != NULL) {
        record.note.ingest = ingest;
        code = store->options.notes->note(store->options.notes, tenant, &record.note, err);
    }
    if (rows && code == OK)
        replay->rows += record.batch->row_count;
    if (rows)
        batch_release(record.batch);
    replay->records++;
    arena_release(&replay->arena);
    if (code == OK && generation_bytes(store->active) >= store->limits.generation_bytes_max &&
        store->generation_count < GENERATIONS_MAX)
        code = store_freeze(store, err);
    return code;
}

static const uint64_t segment_bytes_most = UINT64_C(64) * 1024 * 1024;

static enum code head_load(struct store *store, int64_t *ingest_last, struct error *err)
{
    struct wal_options options = {
        .fs = store->options.fs,
        .incarnation = store->incarnation,
        /* The current segment and the spare stay when all is sealed: they must not fill the limit.
         */
        .segment_bytes_max = store->limits.wal_bytes_max / 8 < segment_bytes_most
                                 ? store->limits.wal_bytes_max / 8
                                 : segment_bytes_most,
    };
    struct replay replay = {.store = store, .ingest_last = *ingest_last};
    struct wal_replay callbacks = {.record = replay_record, .gap = replay_gap, .context = &replay};
    int64_t began_ns = clock_monotonic_ns(store->options.clock);
    enum code code;

    arena_init(&replay.arena, SIZE_MAX, NULL);
    code = generation_new(&store->generations[0], err);
    if (code)
        return code;
    store->generation_count = 1;
    store->active = store->generations[0];
    code = wal_open(&options, store->sealed_lsn, &callbacks, &store->wal, err);
    arena_release(&replay.arena);
    *ingest_last = replay.ingest_last;
    if (code == OK && replay.records > 0)
        log_event(LOG_INFO, "replayed the wal", LOG_UINT("records", replay.records),
                  LOG_UINT("rows", replay.rows),
                  LOG_REAL("seconds",
                           (double)(clock_monotonic_ns(store->options.clock) - began_ns) / 1e9));
    return code;
}

static void store_init(struct store *store, const struct store_options *options)
{
    store->options = *options;
    if (options->joins) /* before anything is compacted: deletions may be needed by others' rows */
        store->members = MEMBERS_UNKNOWN;
    if (options->joins)
        (void)error_set(&store->apart, E_NOT_READY, "this node has no member number yet");
    store->limits = *options->limits;
    drain_init(&store->sealing, options->clock);
    drain_init(&store->applying, options->clock);
    decoders_init(&store->decoders);
    pthread_mutex_init(&store->submit_lock, NULL);
    pthread_mutex_init(&store->commit_lock, NULL);
    pthread_mutex_init(&store->state_lock, NULL);
    pthread_mutex_init(&store->seal_lock, NULL);
    condition_init(&store->submit_more);
    condition_init(&store->commit_more);
    condition_init(&store->applied_more);
    condition_init(&store->seal_more);
    pthread_mutex_init(&store->compact_lock, NULL);
    condition_init(&store->compact_more);
    store_lists_init(store);
    store_metrics_init(store);
}

/* Whoever set the clock right since then is to know what came of it. */
static void ahead_tell(const struct store *store)
{
    int64_t ahead_ns = stamp_ahead(&store->stamp);

    if (ahead_ns > 0)
        log_event(LOG_WARN,
                  store->options.accept_clock
                      ? "ingest times are ahead of the wall clock, and will be until it gets there"
                      : "the newest ingest time is ahead of the wall clock: writes are refused "
                        "until it gets there, unless started with --accept-clock",
                  LOG_INT("seconds", ahead_ns / 1000000000));
}

enum code store_open(const struct store_options *options, struct store **out, struct error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    struct identity identity = {.number = 0};
    int64_t ingest_last = 0;
    enum code code;

    *out = NULL;
    if (store == NULL)
        return error_set(err, E_MEMORY, "no memory for the store");
    store_init(store, options);
    code = block_builder_new(&store->builder, err);
    if (code == OK)
        code = column_cache_new(store->limits.column_cache_bytes_max, &store->columns, err);
    if (code == OK)
        code = identity_load(options->fs, options->index, &store->incarnation, err);
    if (code == OK)
        code = identity_read(options->index, &identity, err);
    if (code == OK)
        code = index_load(store, &ingest_last, err);
    store->sealed_ingest = ingest_last;
    if (code == OK)
        code = head_load(store, &ingest_last, err);
    if (code == OK) /* last: the wal tells whether the index is ours */
        code = orphans_remove(store, err);
    if (code) {
        error_context(err, "opening the store");
        store_close(store);
        return code;
    }
    stamp_init(&store->stamp, options->clock, (uint16_t)identity.number, options->accept_clock,
               ingest_last);
    store->applied = ingest_last;
    store->durable = ingest_last;
    store->assigned = ingest_last;
    ahead_tell(store);
    store_ballast(store);
    *out = store;
    return OK;
}
