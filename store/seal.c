/* Sealing: the oldest frozen generation becomes packs, one a tenant, and behind it one of what the
 * tenant's sources have done, which may have to wait where it is delivered, as rows must not.
 *
 * Order, and what a crash leaves:
 *   1. pack files written and fdatasync'ed, their directory synced    -> files nobody names:
 * removed at start
 *   2. one index transaction: manifest entries, small packs, series keys, fields, deletions, notes,
 *      sealed position, pack counter                                  -> all of it, or step 1's
 * leftovers
 *   3. readers get the packs in place of the generation
 *   4. the wal is trimmed up to the sealed position                   -> sealed records skipped at
 * start */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/reader.h"
#include "codec/record.h"
#include "store/index.h"
#include "store/new_pack.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/packs/pack_stub.h"
#include "store/packs/pack_writer.h"
#include "store/state.h"

/* Notes looked for at a time; a seal removes at least twice as many as it adds, if they are due. */
enum { NOTES_EXPIRED_AT_ONCE = 10000 };

struct seal {
    struct store *store;
    struct generation *generation;
    struct new_pack *packs;
    size_t pack_count;
    bool news; /* the transaction has series or fields that the index did not have */
    struct index_transaction *transaction;
    struct buf key, value;
};

/* A chain with what orders it beside it: the series of a sparse generation lie all over the
 * memory, and sorting looks at each many times. */
struct place {
    const struct tenant *tenant;
    const char *measurement; /* one address is one name; two may be one name, too */
    uint64_t id_high;
    struct chain *chain;
    bool note;
};

/* By tenant, pack, measurement, id: the order of packs, and of blocks within. */
static int place_order(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    int order = 0;

    if (left->tenant != right->tenant)
        return left->tenant->ordinal < right->tenant->ordinal ? -1 : 1;
    if (left->note != right->note)
        return left->note ? 1 : -1;
    if (left->measurement != right->measurement)
        order = bytes_compare(left->chain->series->measurement, right->chain->series->measurement);
    if (order != 0)
        return order;
    if (left->id_high != right->id_high)
        return left->id_high < right->id_high ? -1 : 1;
    return series_id_compare(left->chain->series->id, right->chain->series->id);
}

static int series_order(const void *a, const void *b)
{
    return series_id_compare((*(struct chain *const *)a)->series->id,
                             (*(struct chain *const *)b)->series->id);
}

/* Chains, their series and their runs lie anywhere when the series are many: what a pass comes to
 * soon is asked for now, each thing when what points to it has come. */
static void look_ahead(struct chain *const *chains, size_t at, size_t count)
{
    const size_t step = 6;

    if (at + 3 * step < count)
        __builtin_prefetch(chains[at + 3 * step]);
    if (at + 2 * step < count) {
        const struct chain *chain = chains[at + 2 * step];
        const struct run *run = atomic_load_explicit(&chain->first, memory_order_relaxed);

        __builtin_prefetch(chain->series);
        __builtin_prefetch(&chain->series->stored);
        __builtin_prefetch(run);
        __builtin_prefetch(&run->columns);
        __builtin_prefetch(chain->last);
        __builtin_prefetch(&chain->last->columns);
    }
    if (at + step < count) {
        const char *key = chains[at + step]->series->key.data;

        __builtin_prefetch(key);
    }
}

static enum code take_block(void *context, const struct block *block, struct error *err)
{
    return pack_writer_block(context, block, err);
}

static enum code write_blocks(struct store *store, struct pack_writer *writer,
                              struct chain *const *chains, size_t count, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < count; i++) {
        struct bytes measurement = chains[i]->series->measurement;

        look_ahead(chains, i, count);
        if (i == 0 || !bytes_equal(measurement, chains[i - 1]->series->measurement)) {
            if (i > 0)
                code = block_builder_end(store->builder, err);
            if (code == OK)
                block_builder_begin(store->builder, measurement, take_block, writer);
        }
        if (code == OK)
            code = block_builder_chain(store->builder, chains[i], err);
    }
    if (code == OK && count > 0)
        code = block_builder_end(store->builder, err);
    return code;
}

/* The keys of all series in the pack, ascending by id over all measurements. */
static enum code write_keys(struct pack_writer *writer, struct chain *const *chains, size_t count,
                            struct error *err)
{
    struct chain **sorted = malloc((count + 1) * sizeof(struct chain *));
    enum code code = OK;

    if (sorted == NULL)
        return error_set(err, E_MEMORY, "no memory to sort the series of a pack");
    if (count > 0)
        memcpy(sorted, chains, count * sizeof(struct chain *));
    if (count > 0 && !bytes_equal(chains[0]->series->measurement,
                                  chains[count - 1]->series->measurement)) /* else they are */
        qsort(sorted, count, sizeof(struct chain *), series_order);
    for (size_t i = 0; code == OK && i < count; i++) {
        look_ahead(sorted, i, count);
        code = pack_writer_series(writer, sorted[i]->series->id, sorted[i]->series->key, err);
    }
    free(sorted);
    return code;
}

static enum code write_notes(struct pack_writer *writer, const struct generation_note *notes,
                             const struct tenant *tenant,
                             enum code (*write)(struct pack_writer *writer, struct bytes encoded,
                                                struct error *err),
                             struct error *err)
{
    enum code code = OK;

    for (; code == OK && notes != NULL; notes = notes->next)
        if (notes->tenant == tenant)
            code = write(writer, notes->encoded, err);
    return code;
}

/* Step 1 for one pack.  `carries`: what travels beside rows, too. */
static enum code seal_pack(struct seal *seal, const struct tenant *tenant,
                           struct chain *const *chains, size_t count, bool carries,
                           struct error *err)
{
    struct store *store = seal->store;
    struct generation *generation = seal->generation;
    struct new_pack *sealed = &seal->packs[seal->pack_count];
    struct pack_identity identity = {
        .tenant = tenant->name,
        .incarnation = store->incarnation,
        .number = atomic_fetch_add(&store->pack_next, 1),
        .lsn_first = generation->lsn_first,
        .lsn_last = generation->lsn_last,
        .kind = PACK_PLAIN,
        .settled = INT64_MIN,
        .floor = INT64_MIN,
    };
    struct pack_writer *writer = NULL;
    enum code code;

    code = new_pack_make_dir(store, tenant, err);
    if (code == OK)
        code = new_pack_begin(store, &identity, &writer, err);
    if (code == OK)
        code = write_blocks(store, writer, chains, count, err);
    if (code == OK)
        code = write_keys(writer, chains, count, err);
    if (code == OK && carries)
        code = write_notes(writer, generation->tombstones, tenant, pack_writer_tombstone, err);
    if (code == OK && carries)
        code = write_notes(writer, generation->notes, tenant, pack_writer_note, err);
    if (code) {
        pack_writer_abort(writer);
        block_builder_reset(store->builder);
        return code;
    }
    code = new_pack_finish(tenant, &identity, writer, sealed, err);
    if (code) {
        block_builder_reset(store->builder);
        return code;
    }
    seal->pack_count++;
    return OK;
}

static bool has_notes(const struct generation_note *notes, const struct tenant *tenant)
{
    while (notes != NULL && notes->tenant != tenant)
        notes = notes->next;
    return notes != NULL;
}

/* Step 1 for one tenant.  What travels beside rows goes with them, were there none. */
static enum code seal_tenant(struct seal *seal, const struct tenant *tenant,
                             struct chain *const *chains, size_t count, struct error *err)
{
    size_t first = seal->pack_count, rows = count;
    enum code code = OK;

    while (rows > 0 && measurement_is_note(chains[rows - 1]->series->measurement))
        rows--;
    if (rows > 0 || has_notes(seal->generation->tombstones, tenant) ||
        has_notes(seal->generation->notes, tenant))
        code = seal_pack(seal, tenant, chains, rows, true, err);
    if (code == OK && rows < count)
        code = seal_pack(seal, tenant, chains + rows, count - rows, false, err);
    if (code == OK)
        code =
            new_packs_sync_names(seal->store, seal->packs + first, seal->pack_count - first, err);
    return code;
}

static bool tenant_sealed(const struct seal *seal, const struct tenant *tenant)
{
    for (size_t i = seal->pack_count; i > 0; i--)
        if (seal->packs[i - 1].tenant == tenant)
            return true;
    return false;
}

/* Tenants without rows in the generation still get a pack when they deleted or noted something. */
static enum code seal_noted_tenants(struct seal *seal, struct error *err)
{
    const struct generation_note *const lists[] = {seal->generation->tombstones,
                                                   seal->generation->notes};
    enum code code = OK;

    for (size_t l = 0; l < COUNT_OF(lists); l++)
        for (const struct generation_note *note = lists[l]; code == OK && note != NULL;
             note = note->next)
            if (!tenant_sealed(seal, note->tenant))
                code = seal_tenant(seal, note->tenant, NULL, 0, err);
    return code;
}

/* Sorts the chains; *tenants tells of how many tenants they are. */
static enum code chains_sort(struct generation *generation, size_t *tenants, struct error *err)
{
    size_t count = generation->chain_count;
    struct place *places = malloc((count + 1) * sizeof(*places));

    if (places == NULL)
        return error_set(err, E_MEMORY, "no memory to sort the series of a generation");
    for (size_t i = 0; i < count; i++) {
        struct chain *chain = generation->chains[i];

        places[i] = (struct place){.tenant = chain->series->tenant,
                                   .measurement = chain->series->measurement.data,
                                   .id_high = chain->series->id.high,
                                   .chain = chain,
                                   .note = measurement_is_note(chain->series->measurement)};
    }
    qsort(places, count, sizeof(*places), place_order);
    *tenants = count > 0;
    for (size_t i = 0; i < count; i++) {
        *tenants += i > 0 && places[i].tenant != places[i - 1].tenant;
        generation->chains[i] = places[i].chain;
    }
    free(places);
    return OK;
}

static size_t notes_count(const struct generation *generation)
{
    size_t count = 0;

    for (const struct generation_note *n = generation->tombstones; n != NULL; n = n->next)
        count++;
    for (const struct generation_note *n = generation->notes; n != NULL; n = n->next)
        count++;
    return count;
}

static enum code seal_packs(struct seal *seal, struct error *err)
{
    struct generation *generation = seal->generation;
    size_t tenants = 0, first = 0;
    enum code code = chains_sort(generation, &tenants, err);

    if (code)
        return code;
    seal->packs = calloc(2 * tenants + notes_count(generation) + 1, sizeof(*seal->packs));
    if (seal->packs == NULL)
        return error_set(err, E_MEMORY, "no memory for the list of packs");
    while (code == OK && first < generation->chain_count) {
        const struct tenant *tenant = generation->chains[first]->series->tenant;
        size_t end = first;

        while (end < generation->chain_count && generation->chains[end]->series->tenant == tenant)
            end++;
        code = seal_tenant(seal, tenant, generation->chains + first, end - first, err);
        first = end;
    }
    if (code == OK)
        code = seal_noted_tenants(seal, err);
    return code;
}

static enum code put(struct seal *seal, enum index_table table, struct error *err)
{
    enum code code = buf_finish(&seal->key, err);

    if (code == OK)
        code = buf_finish(&seal->value, err);
    if (code == OK)
        code = seal->store->options.index->operations->put(
            seal->transaction, table, buf_bytes(&seal->key), buf_bytes(&seal->value), err);
    buf_clear(&seal->key);
    buf_clear(&seal->value);
    return code;
}

static enum code put_meta(struct seal *seal, const char *name, const void *value, size_t size,
                          struct error *err)
{
    return seal->store->options.index->operations->put(
        seal->transaction, INDEX_META, bytes_of(name), (struct bytes){value, size}, err);
}

/* The one whose key is at hand. */
static bool field_is_stored(const struct seal *seal)
{
    struct hash128 hash = hash128(buf_bytes(&seal->key));

    return hash_set_has(&seal->store->fields_stored, &hash);
}

/* Those that the index does not have; seal_remember() notes them once the transaction is through.
 */
static enum code put_shape_fields(struct seal *seal, const struct tenant *tenant,
                                  const struct shape *shape, struct error *err)
{
    enum code code = OK;

    for (uint32_t f = 0; code == OK && f < shape->field_count; f++) {
        if (shape->fields[f].type == TYPE_RETRACTED)
            continue;
        buf_put_span(&seal->value, shape->measurement);
        buf_put_span(&seal->value, shape->fields[f].name);
        buf_put_u8(&seal->value, (uint8_t)shape->fields[f].type);
        code = buf_finish(&seal->value, err);
        if (code == OK)
            index_key_field(tenant->name, buf_bytes(&seal->value), &seal->key);
        if (code || field_is_stored(seal)) {
            buf_clear(&seal->key);
            buf_clear(&seal->value);
            continue;
        }
        seal->news = true;
        code = put(seal, INDEX_FIELD, err);
    }
    return code;
}

static enum code put_series(struct seal *seal, struct error *err)
{
    const struct generation *generation = seal->generation;
    const struct tenant *tenant = NULL;
    const struct shape *shape = NULL; /* the last one put, for `tenant` */
    enum code code = OK;

    for (size_t i = 0; code == OK && i < generation->chain_count; i++) {
        const struct chain *chain = generation->chains[i];
        const struct series *series = chain->series;

        look_ahead(generation->chains, i, generation->chain_count);
        assert(series->tenant != NULL);
        if (series->tenant != tenant)
            shape = NULL;
        tenant = series->tenant;
        if (!series->stored) {
            seal->news = true;
            index_key_series(series->tenant->name, series->id, &seal->key);
            buf_put(&seal->value, series->key);
            code = put(seal, INDEX_SERIES, err);
        }
        for (const struct run *run = chain->first; code == OK && run != NULL; run = run->next) {
            if (run->shape != shape)
                code = put_shape_fields(seal, series->tenant, run->shape, err);
            shape = run->shape;
        }
    }
    return code;
}

static enum code put_notes(struct seal *seal, enum index_table table,
                           const struct generation_note *notes, struct error *err)
{
    enum code code = OK;

    for (; code == OK && notes != NULL; notes = notes->next) {
        index_key_i64(notes->tenant->name, notes->ingest, &seal->key);
        buf_put(&seal->value, notes->encoded);
        code = put(seal, table, err);
    }
    return code;
}

struct expiry {
    struct buf keys; /* spans */
    int64_t before;
    size_t count;
    struct bytes tenant;
};

static enum code expiry_each(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct expiry *expiry = context;
    struct bytes tenant, rest;
    struct note note;

    (void)err;
    if (!index_key_split(key, &tenant, &rest) || !bytes_equal(tenant, expiry->tenant))
        return E_END;
    if (note_decode(value, &note, NULL) == OK && note.ingest >= expiry->before)
        return E_END;
    buf_put_span(&expiry->keys, key);
    return ++expiry->count < NOTES_EXPIRED_AT_ONCE ? OK : E_END;
}

/* Removes some notes of the tenant that are past their time; *count tells how many. */
static enum code expire_some(struct seal *seal, struct bytes tenant, int64_t before, size_t *count,
                             struct error *err)
{
    const struct index_operations *index = seal->store->options.index->operations;
    struct expiry expiry = {
        .keys = BUF_INIT((size_t)16 * 1024 * 1024),
        .before = before,
        .tenant = tenant,
    };
    struct reader reader;
    enum code code;

    index_key_tenant(tenant, &seal->key);
    code = index->walk(seal->transaction, INDEX_NOTE, buf_bytes(&seal->key), expiry_each, &expiry,
                       err);
    buf_clear(&seal->key);
    if (code == E_END)
        code = OK;
    reader = reader_of(buf_bytes(&expiry.keys));
    while (code == OK && reader_left(&reader) > 0 && !reader.failed)
        code = index->remove(seal->transaction, INDEX_NOTE, reader_span(&reader), err);
    buf_release(&expiry.keys);
    *count = expiry.count;
    return code;
}

/* Removes idempotency notes past their time, of the tenants that are being sealed: more than were
 * added, or the index would grow for ever. */
static enum code expire_notes(struct seal *seal, struct error *err)
{
    int64_t keep_ns = (int64_t)seal->store->limits.idempotency_ms_max * 1000000;
    int64_t before = seal->generation->ingest_last - keep_ns;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < seal->pack_count; i++) {
        const struct tenant *tenant = seal->packs[i].tenant;
        size_t due = NOTES_EXPIRED_AT_ONCE, count = NOTES_EXPIRED_AT_ONCE;

        if (i > 0 && seal->packs[i - 1].tenant == tenant)
            continue;
        for (const struct generation_note *n = seal->generation->notes; n != NULL; n = n->next)
            due += n->tenant == tenant ? 2 : 0;
        for (; code == OK && due > 0 && count == NOTES_EXPIRED_AT_ONCE;
             due -= count < due ? count : due)
            code = expire_some(seal, tenant->name, before, &count, err);
    }
    return code;
}

/* Step 2.  *unknown: the commit itself failed, and may be found done at the next start. */
static enum code seal_commit(struct seal *seal, bool *unknown, struct error *err)
{
    struct store *store = seal->store;
    const struct index_operations *index = store->options.index->operations;
    const struct generation *generation = seal->generation;
    uint64_t pack_next;
    enum code code;

    code = index->begin(store->options.index, true, &seal->transaction, err);
    if (code)
        return code;
    code = new_packs_put(store, seal->transaction, seal->packs, seal->pack_count, err);
    if (code == OK)
        code = put_series(seal, err);
    if (code == OK)
        code = put_notes(seal, INDEX_TOMBSTONE, generation->tombstones, err);
    if (code == OK)
        code = put_notes(seal, INDEX_NOTE, generation->notes, err);
    if (code == OK)
        code = expire_notes(seal, err);
    if (code == OK)
        code = put_meta(seal, "sealed_lsn", &generation->lsn_last, sizeof(uint64_t), err);
    if (code == OK)
        code = put_meta(seal, "ingest_last", &generation->ingest_last, sizeof(int64_t), err);
    pack_next = store->pack_next; /* within the transaction, so that it never falls */
    if (code == OK)
        code = put_meta(seal, "pack_next", &pack_next, sizeof(pack_next), err);
    if (code) {
        index->abort(seal->transaction);
        return code;
    }
    if (failpoint("seal.before_manifest")) {
        index->abort(seal->transaction);
        return error_set(err, E_IO, "failpoint seal.before_manifest");
    }
    code = index->commit(seal->transaction, err);
    *unknown = code != OK && code != E_DISK_FULL && code != E_MEMORY;
    return code;
}

/* What is in the index now need not be put again. */
static enum code seal_remember(struct seal *seal, struct error *err)
{
    struct store *store = seal->store;
    const struct generation *generation = seal->generation;
    const struct tenant *tenant = NULL;
    const struct shape *shape = NULL; /* the last one noted, for `tenant` */

    for (size_t i = 0; seal->news && i < generation->chain_count; i++) {
        const struct chain *chain = generation->chains[i];

        assert(chain->series->tenant != NULL);
        chain->series->stored = true;
        if (chain->series->tenant != tenant)
            shape = NULL;
        tenant = chain->series->tenant;
        for (const struct run *run = chain->first; run != NULL; run = run->next) {
            if (run->shape == shape)
                continue;
            shape = run->shape;
            for (uint32_t f = 0; f < run->shape->field_count; f++) {
                struct hash128 hash;

                buf_put_span(&seal->value, run->shape->measurement);
                buf_put_span(&seal->value, run->shape->fields[f].name);
                buf_put_u8(&seal->value, (uint8_t)run->shape->fields[f].type);
                index_key_field(chain->series->tenant->name, buf_bytes(&seal->value), &seal->key);
                hash = hash128(buf_bytes(&seal->key));
                if (!hash_set_add(&store->fields_stored, &hash))
                    return error_set(err, E_MEMORY, "no memory for the fields");
                buf_clear(&seal->key);
                buf_clear(&seal->value);
            }
        }
    }
    return OK;
}

/* Step 3: readers see the packs from here on, and the generation no more. */
static enum code seal_publish(struct seal *seal, struct error *err)
{
    struct store *store = seal->store;
    uint64_t head_bytes = 0;
    enum code code = OK;

    pthread_mutex_lock(&store->state_lock);
    for (size_t i = 0; code == OK && i < seal->pack_count; i++) {
        struct holding *holding = store_holding(store, seal->packs[i].tenant);

        code = holding == NULL ? error_set(err, E_MEMORY, "no memory for a tenant")
                               : holding_add_pack(holding, seal->packs[i].pack, err);
        if (code)
            break;
        seal->packs[i].pack = NULL;
        holding->rows.stored += seal->packs[i].entry.row_count;
        holding->rows.queued -= seal->packs[i].entry.row_count;
    }
    if (code == OK) {
        assert(store->generations[0] == seal->generation);
        store->generation_count--;
        memmove(store->generations, store->generations + 1,
                store->generation_count * sizeof(struct generation *));
        store->sealed_count++;
        store->sealed_ingest = seal->generation->ingest_last;
        for (size_t i = 0; i < store->generation_count; i++)
            head_bytes += generation_bytes(store->generations[i]);
        store->head_bytes = head_bytes; /* at once: store_submit() reads it without the lock */
    }
    pthread_mutex_unlock(&store->state_lock);
    store->sealed_lsn = seal->generation->lsn_last;
    return code;
}

/* *pack is as `code` says. */
static enum code opened(struct store *store, struct bytes tenant,
                        const struct manifest_entry *entry, enum code code, struct pack **pack,
                        struct error *err)
{
    if (code == OK)
        code = manifest_entry_expect(entry, tenant, *pack, err);
    if (code) {
        pack_unref(*pack);
        *pack = NULL;
        return code;
    }
    if (store->columns != NULL)
        pack_on_close(*pack, column_cache_forget, store->columns);
    return OK;
}

enum code store_open_pack(struct store *store, struct bytes tenant,
                          const struct manifest_entry *entry, struct bytes inline_bytes,
                          struct pack **pack, struct error *err)
{
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_path(tenant, entry->number, path);
    code = entry->in_file ? pack_open_file(store->options.fs, path, pack, err)
                          : pack_open_memory(inline_bytes, pack, err);
    return opened(store, tenant, entry, code, pack, err);
}

enum code store_open_stub(struct store *store, struct bytes tenant,
                          const struct manifest_entry *entry, struct pack **pack, struct error *err)
{
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_stub_path(tenant, entry->number, path);
    code = pack_open_stub(store->options.fs, path, &store->bringer, pack, err);
    return opened(store, tenant, entry, code, pack, err);
}

enum code store_seal_oldest(struct store *store, struct error *err)
{
    struct seal seal = {
        .store = store,
        .key = BUF_INIT(1024),
        .value = BUF_INIT((size_t)64 * 1024 * 1024),
    };
    int64_t began_ns = clock_monotonic_ns(store->options.clock);
    bool committed = false, unknown = false, pinned = false;
    enum code code;

    pthread_mutex_lock(&store->state_lock);
    assert(store->generation_count > 1);
    seal.generation = generation_ref(store->generations[0]);
    pthread_mutex_unlock(&store->state_lock);

    code = seal_packs(&seal, err);
    for (size_t i = 0; code == OK && i < seal.pack_count; i++)
        code = store_open_pack(store, seal.packs[i].tenant->name, &seal.packs[i].entry,
                               seal.packs[i].inline_bytes, &seal.packs[i].pack, err);
    if (code == OK) {
        code = seal_commit(&seal, &unknown, err);
        committed = code == OK;
    }
    if (!committed && !unknown)
        new_packs_undo(store, seal.packs, seal.pack_count);
    if (code == OK)
        code = seal_remember(&seal, err);
    if (code == OK)
        code = seal_publish(&seal, err);
    if (code == OK) {
        for (size_t i = 0; i < seal.pack_count; i++) {
            metric_add(store->metrics.pack_bytes, seal.packs[i].entry.bytes);
            metric_add(store->metrics.pack_rows, seal.packs[i].entry.row_count);
        }
        metric_add(store->metrics.seals, 1);
        metric_observe_ns(store->metrics.seal_seconds,
                          clock_monotonic_ns(store->options.clock) - began_ns);
        log_event(LOG_DEBUG, "sealed", LOG_UINT("rows", seal.generation->row_count),
                  LOG_UINT("packs", seal.pack_count));
        generation_unref(seal.generation); /* the list's */
        pinned = true;
    } else if (committed || unknown) {
        store_fail(store, err); /* perhaps in the index, but not shown */
    }
    new_packs_free(seal.packs, seal.pack_count);
    buf_release(&seal.key);
    buf_release(&seal.value);
    if (pinned)
        store_pin(store, seal.generation);
    generation_unref(seal.generation);
    if (code)
        error_context(err, "sealing");
    return code;
}
