/* One walk a table; each entry goes to whom it is for. */
#include "store/index_load.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/reader.h"
#include "codec/record.h"
#include "store/identity.h"
#include "store/index.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/state.h"

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
    struct hash128 hash = hash128(key);
    const struct tenant *tenant;

    if (!index_key_split(key, &name, &rest) || reader.failed)
        return error_set(err, E_CORRUPT, "index: a damaged field entry");
    tenant = registry->tenant(registry, name);
    if (tenant == NULL || !hash_set_add(&store->fields_stored, &hash))
        return error_set(err, E_MEMORY, "no memory for the fields");
    return registry->field(registry, tenant, measurement, field, (enum value_type)type, err);
}

/* Where its file is not here, what stays of one whose blocks are at a shard may be. */
static enum code open_pack(struct store *store, struct bytes tenant,
                           const struct manifest_entry *entry, struct bytes inline_bytes,
                           struct pack **pack, struct error *err)
{
    struct error found = {0}, other = {0};
    enum code code = store_open_pack(store, tenant, entry, inline_bytes, pack, &found);

    if (code == E_NOT_FOUND && entry->in_file) {
        code = store_open_stub(store, tenant, entry, pack, &other);
        if (code && code != E_NOT_FOUND)
            found = other;
    }
    if (code && err != NULL)
        *err = found;
    return code;
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
    store->pack_next = pack_number_behind(entry.number, store->pack_next);
    if (entry.ingest_last > load->ingest_last)
        load->ingest_last = entry.ingest_last;
    if (!entry.in_file)
        code = load->index->get(load->transaction, INDEX_PACK, key, &inline_bytes, err);
    if (code == OK)
        code = open_pack(store, name, &entry, manifest_inline(&entry, inline_bytes), &pack, err);
    if (code == E_MEMORY)
        return code;
    if (code) {
        char text[ERROR_TEXT_SIZE + 64];

        log_error(LOG_ERROR, "a pack cannot be read", err);
        snprintf(text, sizeof(text), "pack %.*s/%016" PRIx64 ": %s", BYTES_ARG(name), entry.number,
                 err->text);
        *err = (struct error){0};
        return store_add_missing(store, tenant, text) &&
                       holding_note_unopened(holding, entry.number)
                   ? OK
                   : error_set(err, E_MEMORY, "no memory");
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
    return store_add_missing(load->store, NULL, text) ? OK : error_set(err, E_MEMORY, "no memory");
}

enum code index_load(struct store *store, int64_t *ingest_last, struct error *err)
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
    if (code == OK) /* also where nothing was sealed yet: a member that rests has one */
        code = identity_value(load.index, load.transaction, "ingest_last", ingest_last,
                              sizeof(*ingest_last), err);
    if (code == OK || code == E_NOT_FOUND) {
        code = identity_value(load.index, load.transaction, "sealed_lsn", &store->sealed_lsn,
                              sizeof(store->sealed_lsn), err);
        if (code == OK)
            code = identity_value(load.index, load.transaction, "pack_next", &pack_next,
                                  sizeof(pack_next), err);
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
