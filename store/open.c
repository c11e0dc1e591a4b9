/* From what is on disk to a store that can serve: identity, series, packs, deletions and notes
 * from the index, then the wal behind the sealed position into the head.
 *
 * What cannot be read is told (view_missing) and left where it is: a damaged pack or a gap in
 * the wal must not keep the rest from being served. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"
#include "base/reader.h"
#include "codec/record.h"
#include "store/index.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/state.h"

enum { FORMAT = 1 }; /* of the data directory as a whole */

static enum code meta_get(struct index_transaction *transaction, const char *name, void *value,
                          size_t size, const struct index_operations *index, struct error *err)
{
    struct bytes found;
    enum code code = index->get(transaction, INDEX_META, bytes_of(name), &found, err);

    if (code == OK && found.size != size)
        code = error_set(err, E_CORRUPT, "index: %s has %zu bytes instead of %zu", name, found.size,
                         size);
    if (code == OK)
        memcpy(value, found.data, size);
    return code;
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
}

/* A new index beside a wal or packs is not the first start: the index was lost.  What it named
 * would be taken for leftovers and removed. */
static enum code identity_may_be_drawn(struct store *store, struct error *err)
{
    static const char *const directories[] = {"wal", "packs"};
    enum code code = OK;

    for (size_t i = 0; code == OK && i < COUNT_OF(directories); i++) {
        size_t names = 0;

        code = fs_make_dir(store->options.fs, directories[i], err);
        if (code == OK)
            code = fs_list(store->options.fs, directories[i], count_name, &names, err);
        if (code == OK && names > 0)
            code = error_set(err, E_CORRUPT,
                             "%s/ holds data but the index is empty; put the index/ back that "
                             "belongs to it",
                             directories[i]);
    }
    return code;
}

/* The identity of this data directory, drawn at its first start. */
static enum code identity_load(struct store *store, struct error *err)
{
    const struct index_operations *index = store->options.index->operations;
    struct index_transaction *transaction = NULL;
    uint32_t format = FORMAT;
    enum code code;

    code = index->begin(store->options.index, true, &transaction, err);
    if (code)
        return code;
    code = meta_get(transaction, "format", &format, sizeof(format), index, err);
    if (code == OK && format != FORMAT)
        code = error_set(err, E_CORRUPT, "the data is of format %u, this program knows %d", format,
                         FORMAT);
    if (code != OK && code != E_NOT_FOUND) {
        index->abort(transaction);
        return code;
    }
    code = meta_get(transaction, "incarnation", &store->incarnation, sizeof(store->incarnation),
                    index, err);
    if (code == OK) {
        index->abort(transaction);
        return OK;
    }
    if (code == E_NOT_FOUND) {
        code = identity_may_be_drawn(store, err);
        if (code) {
            index->abort(transaction);
            return code;
        }
        random_secure(&store->incarnation, sizeof(store->incarnation));
        code = index->put(
            transaction, INDEX_META, BYTES("incarnation"),
            (struct bytes){(const char *)&store->incarnation, sizeof(store->incarnation)}, err);
        if (code == OK)
            code = index->put(transaction, INDEX_META, BYTES("format"),
                              (struct bytes){(const char *)&format, sizeof(format)}, err);
    }
    if (code) {
        index->abort(transaction);
        return code;
    }
    return index->commit(transaction, err);
}

struct load {
    struct store *store;
    const struct index_operations *index;
    struct index_transaction *transaction;
    struct arena arena;
    int64_t ingest_last;
};

static enum code load_series(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct load *load = context;
    struct series_registry *registry = load->store->options.registry;
    struct bytes name, rest;
    const struct tenant *tenant;
    struct series *series = NULL;
    enum code code;

    if (!index_key_split(key, &name, &rest))
        return error_set(err, E_CORRUPT, "index: a series entry without a tenant");
    tenant = registry->tenant(registry, name);
    if (tenant == NULL)
        return error_set(err, E_MEMORY, "no memory for a tenant");
    code = registry->series(registry, tenant, value, &series, err);
    if (code == OK) {
        series->stored = true;
    }
    return code;
}

static enum code load_field(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct load *load = context;
    struct store *store = load->store;
    struct series_registry *registry = store->options.registry;
    struct reader reader = reader_of(value);
    struct bytes name, rest, measurement = reader_span(&reader), field = reader_span(&reader);
    uint8_t type = reader_u8(&reader);
    struct bytes kept = arena_copy(&store->fields_arena, key);
    const struct tenant *tenant;

    if (!index_key_split(key, &name, &rest) || reader.failed)
        return error_set(err, E_CORRUPT, "index: a damaged field entry");
    tenant = registry->tenant(registry, name);
    if (tenant == NULL || kept.data == NULL || !map_put(&store->fields_stored, kept, store))
        return error_set(err, E_MEMORY, "no memory for the fields");
    return registry->field(registry, tenant, measurement, field, (enum value_type)type, err);
}

static enum code load_pack(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct load *load = context;
    struct store *store = load->store;
    struct series_registry *registry = store->options.registry;
    struct manifest_entry entry;
    struct bytes name, rest, inline_bytes = {0};
    const struct tenant *tenant;
    struct holding *holding;
    struct pack *pack = NULL;
    enum code code;

    if (!index_key_split(key, &name, &rest))
        return error_set(err, E_CORRUPT, "index: a manifest entry without a tenant");
    code = manifest_entry_decode(value, &entry, err);
    if (code)
        return code;
    tenant = registry->tenant(registry, name);
    holding = tenant == NULL ? NULL : store_holding(store, tenant);
    if (holding == NULL)
        return error_set(err, E_MEMORY, "no memory for a tenant");
    if (entry.number >= store->pack_next)
        store->pack_next = entry.number + 1;
    if (entry.ingest_last > load->ingest_last)
        load->ingest_last = entry.ingest_last;
    if (!entry.in_file)
        code = load->index->get(load->transaction, INDEX_PACK, key, &inline_bytes, err);
    if (code == OK)
        code = store_open_pack(store, name, &entry, inline_bytes, &pack, err);
    if (code == E_MEMORY)
        return code;
    if (code) {
        char text[ERROR_TEXT_SIZE + 64];

        log_error(LOG_ERROR, "a pack cannot be read", err);
        snprintf(text, sizeof(text), "pack %.*s/%016" PRIx64 ": %s", BYTES_ARG(name), entry.number,
                 err->text);
        *err = (struct error){0};
        return store_add_missing(store, text) ? OK : error_set(err, E_MEMORY, "no memory");
    }
    code = holding_add_pack(holding, pack, err);
    if (code)
        pack_unref(pack);
    return code;
}

static enum code load_tombstone(void *context, struct bytes key, struct bytes value,
                                struct error *err)
{
    struct load *load = context;
    struct series_registry *registry = load->store->options.registry;
    struct bytes name, rest;
    const struct tenant *tenant;
    struct holding *holding;
    struct tombstone tombstone;
    enum code code;

    if (!index_key_split(key, &name, &rest))
        return error_set(err, E_CORRUPT, "index: a deletion without a tenant");
    code = tombstone_decode(value, &load->arena, &tombstone, err);
    if (code)
        return code;
    tenant = registry->tenant(registry, name);
    holding = tenant == NULL ? NULL : store_holding(load->store, tenant);
    if (holding == NULL)
        return error_set(err, E_MEMORY, "no memory for a tenant");
    if (tombstone.ingest > load->ingest_last)
        load->ingest_last = tombstone.ingest;
    code = holding_add_tombstone(holding, &tombstone, err);
    arena_release(&load->arena);
    return code;
}

static enum code load_note(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct load *load = context;
    struct store_options *options = &load->store->options;
    struct bytes name, rest;
    const struct tenant *tenant;
    struct note note;
    enum code code;

    if (options->notes == NULL)
        return OK;
    if (!index_key_split(key, &name, &rest))
        return error_set(err, E_CORRUPT, "index: an idempotency note without a tenant");
    code = note_decode(value, &note, err);
    if (code)
        return code;
    tenant = options->registry->tenant(options->registry, name);
    if (tenant == NULL)
        return error_set(err, E_MEMORY, "no memory for a tenant");
    return options->notes->note(options->notes, tenant, &note, err);
}

/* What follows the prefix. */
static bool key_after(struct bytes key, struct bytes prefix, struct bytes *rest)
{
    if (key.size < prefix.size || memcmp(key.data, prefix.data, prefix.size) != 0)
        return false;
    *rest = bytes_slice(key, prefix.size, key.size);
    return true;
}

/* A time of a tenant, which is in the index as it is in the holding. */
static enum code load_time(struct load *load, struct bytes name, struct bytes value, bool floor,
                           struct error *err)
{
    struct series_registry *registry = load->store->options.registry;
    const struct tenant *tenant = registry->tenant(registry, name);
    struct holding *holding = tenant == NULL ? NULL : store_holding(load->store, tenant);
    struct reader reader = reader_of(value);

    if (holding == NULL)
        return error_set(err, E_MEMORY, "no memory for a tenant");
    *(floor ? &holding->history_floor : &holding->deleted_last) = reader_i64(&reader);
    holding_note_newest(holding, holding->deleted_last);
    return OK;
}

static enum code load_meta(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct load *load = context;
    char text[ERROR_TEXT_SIZE];
    struct bytes rest;

    if (key_after(key, BYTES("deleted/"), &rest))
        return load_time(load, rest, value, false, err);
    if (key_after(key, BYTES("floor/"), &rest))
        return load_time(load, rest, value, true, err);
    if (!key_after(key, BYTES("gap/"), &rest))
        return OK;
    snprintf(text, sizeof(text), "%.*s", BYTES_ARG(value));
    return store_add_missing(load->store, text) ? OK : error_set(err, E_MEMORY, "no memory");
}

static enum code index_load(struct store *store, int64_t *ingest_last, struct error *err)
{
    static const struct {
        enum index_table table;
        enum code (*each)(void *context, struct bytes key, struct bytes value, struct error *err);
    } loads[] = {
        {INDEX_META,      load_meta     },
        {INDEX_SERIES,    load_series   },
        {INDEX_FIELD,     load_field    },
        {INDEX_MANIFEST,  load_pack     },
        {INDEX_TOMBSTONE, load_tombstone},
        {INDEX_NOTE,      load_note     },
    };
    struct load load = {.store = store, .index = store->options.index->operations};
    uint64_t pack_next = 0;
    enum code code;

    arena_init(&load.arena, SIZE_MAX, NULL);
    code = load.index->begin(store->options.index, false, &load.transaction, err);
    if (code)
        return code;
    store->pack_next = 1;
    for (size_t i = 0; code == OK && i < COUNT_OF(loads); i++)
        code = load.index->walk(load.transaction, loads[i].table, (struct bytes){0}, loads[i].each,
                                &load, err);
    if (code == OK) {
        code = meta_get(load.transaction, "sealed_lsn", &store->sealed_lsn,
                        sizeof(store->sealed_lsn), load.index, err);
        if (code == OK)
            code = meta_get(load.transaction, "ingest_last", ingest_last, sizeof(*ingest_last),
                            load.index, err);
        if (code == OK)
            code = meta_get(load.transaction, "pack_next", &pack_next, sizeof(pack_next),
                            load.index, err);
        if (code == E_NOT_FOUND) /* nothing was sealed yet */
            code = OK;
    }
    if (load.ingest_last > *ingest_last)
        *ingest_last = load.ingest_last;
    if (pack_next > store->pack_next)
        store->pack_next = pack_next;
    load.index->abort(load.transaction);
    arena_release(&load.arena);
    return code;
}

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
    if (number >= store->pack_next)
        store->pack_next = number + 1;
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
    if (strcmp(strrchr(path, '/') + 1, name) != 0)
        return; /* not ours */
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
    if (code == OK && !store_add_missing(store, text))
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
    pthread_condattr_t monotonic;

    store->options = *options;
    store->limits = *options->limits;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    drain_init(&store->sealing, options->clock);
    drain_init(&store->applying, options->clock);
    decoders_init(&store->decoders);
    pthread_mutex_init(&store->submit_lock, NULL);
    pthread_mutex_init(&store->commit_lock, NULL);
    pthread_mutex_init(&store->state_lock, NULL);
    pthread_mutex_init(&store->seal_lock, NULL);
    pthread_cond_init(&store->submit_more, &monotonic);
    pthread_cond_init(&store->commit_more, &monotonic);
    pthread_cond_init(&store->applied_more, &monotonic);
    pthread_cond_init(&store->seal_more, &monotonic);
    pthread_mutex_init(&store->compact_lock, NULL);
    pthread_cond_init(&store->compact_more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    store_lists_init(store);
    arena_init(&store->fields_arena, SIZE_MAX, NULL);
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
        code = identity_load(store, err);
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
    stamp_init(&store->stamp, options->clock, options->member, options->accept_clock, ingest_last);
    store->applied = ingest_last;
    store->durable = ingest_last;
    store->assigned = ingest_last;
    ahead_tell(store);
    store_ballast(store);
    *out = store;
    return OK;
}
