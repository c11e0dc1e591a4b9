/* Step 2 of sealing: what the index has of the packs and their rows. */
#include <assert.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/reader.h"
#include "codec/record.h"
#include "store/seal_inside.h"

/* Notes looked for at a time; a seal removes at least twice as many as it adds, if they are due. */
enum { NOTES_EXPIRED_AT_ONCE = 10000 };

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

        seal_look_ahead(generation->chains, i, generation->chain_count);
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

enum code seal_commit(struct seal *seal, bool *unknown, struct error *err)
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

enum code seal_remember(struct seal *seal, struct error *err)
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
