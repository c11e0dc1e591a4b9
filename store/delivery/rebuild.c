#include "store/delivery/rebuild.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/reader.h"
#include "codec/block_codec.h"
#include "codec/record.h"
#include "codec/series_key.h"
#include "store/identity.h"
#include "store/index.h"

enum { KEY_BYTES_MAX = 1024, VALUE_BYTES_MAX = 64 << 20, DELETION_BYTES_MAX = 256 << 20 };

struct rebuild {
    struct fs *fs;
    struct index *index;
    struct identity identity; /* what the new one goes on from */
    uint64_t pack_next;
    struct map fields; /* keys of INDEX_FIELD that are there: most blocks have the same ones */
    struct arena arena;
    /* Of the pack at hand. */
    struct bytes tenant;
    struct pack *pack;
    struct index_transaction *transaction;
    struct buf key, value;
};

static enum code put(struct rebuild *rebuild, enum index_table table, struct error *err)
{
    enum code code = buf_finish(&rebuild->key, err);

    if (code == OK)
        code = buf_finish(&rebuild->value, err);
    if (code == OK)
        code = rebuild->index->operations->put(
            rebuild->transaction, table, buf_bytes(&rebuild->key), buf_bytes(&rebuild->value), err);
    buf_clear(&rebuild->key);
    buf_clear(&rebuild->value);
    return code;
}

static void note_ingest(struct rebuild *rebuild, int64_t ingest)
{
    if (ingest > rebuild->identity.ingest_last)
        rebuild->identity.ingest_last = ingest;
}

static enum code add_entry(struct rebuild *rebuild, const struct manifest_entry *entry,
                           struct bytes inline_bytes, struct error *err)
{
    enum code code;

    index_key_u64(rebuild->tenant, entry->number, &rebuild->key);
    manifest_entry_encode(entry, &rebuild->value);
    code = put(rebuild, INDEX_MANIFEST, err);
    if (code || entry->in_file)
        return code;
    index_key_u64(rebuild->tenant, entry->number, &rebuild->key);
    buf_put(&rebuild->value, inline_bytes);
    return put(rebuild, INDEX_PACK, err);
}

static enum code add_series(void *context, struct bytes entry, struct error *err)
{
    struct rebuild *rebuild = context;

    index_key_series(rebuild->tenant, series_key_id(entry), &rebuild->key);
    buf_put(&rebuild->value, entry);
    return put(rebuild, INDEX_SERIES, err);
}

static enum code add_deletion(void *context, struct bytes entry, struct error *err)
{
    struct rebuild *rebuild = context;
    struct tombstone tombstone;
    struct arena arena;
    enum code code;

    arena_init(&arena, DELETION_BYTES_MAX, NULL);
    code = tombstone_decode(entry, &arena, &tombstone, err);
    arena_release(&arena);
    if (code)
        return code;
    note_ingest(rebuild, tombstone.ingest);
    index_key_i64(rebuild->tenant, tombstone.ingest, &rebuild->key);
    buf_put(&rebuild->value, entry);
    return put(rebuild, INDEX_TOMBSTONE, err);
}

static enum code add_note(void *context, struct bytes entry, struct error *err)
{
    struct rebuild *rebuild = context;
    struct note note;
    enum code code = note_decode(entry, &note, err);

    if (code)
        return code;
    index_key_i64(rebuild->tenant, note.ingest, &rebuild->key);
    buf_put(&rebuild->value, entry);
    return put(rebuild, INDEX_NOTE, err);
}

static enum code add_field(struct rebuild *rebuild, struct bytes measurement,
                           const struct block_section *column, struct error *err)
{
    struct bytes kept;

    if (column->type == TYPE_RETRACTED) /* takes a value back, and claims no type */
        return OK;
    buf_put_span(&rebuild->value, measurement);
    buf_put_span(&rebuild->value, column->name);
    buf_put_u8(&rebuild->value, (uint8_t)column->type);
    if (!rebuild->value.failed)
        index_key_field(rebuild->tenant, buf_bytes(&rebuild->value), &rebuild->key);
    if (!rebuild->key.failed && map_get(&rebuild->fields, buf_bytes(&rebuild->key)) != NULL) {
        buf_clear(&rebuild->key);
        buf_clear(&rebuild->value);
        return OK;
    }
    kept = arena_copy(&rebuild->arena, buf_bytes(&rebuild->key));
    if (kept.data == NULL || !map_put(&rebuild->fields, kept, rebuild))
        return error_set(err, E_MEMORY, "no memory for the fields");
    return put(rebuild, INDEX_FIELD, err);
}

static enum code add_block_fields(struct rebuild *rebuild, const struct pack_file *file,
                                  const struct pack_block *block, struct arena *arena,
                                  struct error *err)
{
    struct block_view view;
    struct bytes header;
    enum code code = pack_read_block_header(rebuild->pack, file, block, arena, &header, err);

    if (code == OK)
        code = block_open_header(header, block->size, arena, &view, err);
    for (uint32_t i = 0; code == OK && i < view.column_count; i++)
        code = add_field(rebuild, view.measurement, &view.columns[i], err);
    return code;
}

static enum code add_fields(struct rebuild *rebuild, struct error *err)
{
    struct pack_file *file = NULL;
    const struct pack_block *blocks;
    struct arena arena;
    size_t count;
    enum code code = pack_file_open(rebuild->pack, &file, err);

    arena_init(&arena, SIZE_MAX, NULL);
    blocks = pack_blocks(rebuild->pack, &count);
    for (size_t i = 0; code == OK && i < count; i++) {
        code = add_block_fields(rebuild, file, &blocks[i], &arena, err);
        arena_release(&arena);
    }
    pack_file_close(file);
    return code;
}

/* What a compaction may have dropped is not told by its packs: they tell what it was allowed to
 * drop.  So less of the past may be asked for here than where they come from, never more. */
static enum code add_floor(struct rebuild *rebuild, const struct manifest_entry *entry,
                           struct error *err)
{
    struct bytes known;
    enum code code;

    if (entry->kind == PACK_PLAIN || entry->floor == INT64_MIN)
        return OK;
    buf_put(&rebuild->key, BYTES("floor/"));
    buf_put(&rebuild->key, rebuild->tenant);
    code = buf_finish(&rebuild->key, err);
    if (code == OK)
        code = rebuild->index->operations->get(rebuild->transaction, INDEX_META,
                                               buf_bytes(&rebuild->key), &known, err);
    if (code == OK) {
        struct reader reader = reader_of(known);

        if (reader_i64(&reader) >= entry->floor) {
            buf_clear(&rebuild->key);
            return OK;
        }
    } else if (code != E_NOT_FOUND) {
        buf_clear(&rebuild->key);
        return code;
    }
    buf_put_i64(&rebuild->value, entry->floor);
    return put(rebuild, INDEX_META, err);
}

static void note_counters(struct rebuild *rebuild, const struct manifest_entry *entry)
{
    note_ingest(rebuild, entry->ingest_last);
    if (entry->kind != PACK_PLAIN)
        note_ingest(rebuild, entry->settled);
    if (entry->lsn_last > rebuild->identity.sealed_lsn)
        rebuild->identity.sealed_lsn = entry->lsn_last;
    rebuild->pack_next = pack_number_behind(entry->number, rebuild->pack_next);
}

static enum code add_all(struct rebuild *rebuild, const struct manifest_entry *entry,
                         struct bytes inline_bytes, struct error *err)
{
    enum code code = add_entry(rebuild, entry, inline_bytes, err);

    if (code == OK)
        code = pack_walk_series(rebuild->pack, add_series, rebuild, err);
    if (code == OK)
        code = add_fields(rebuild, err);
    if (code == OK)
        code = pack_walk_tombstones(rebuild->pack, add_deletion, rebuild, err);
    if (code == OK)
        code = pack_walk_notes(rebuild->pack, add_note, rebuild, err);
    if (code == OK)
        code = add_floor(rebuild, entry, err);
    return code;
}

/* The entry comes from elsewhere, and counters go by it. */
static enum code expect(const struct rebuild *rebuild, const struct manifest_entry *entry,
                        struct error *err)
{
    struct pack_about about = pack_about(rebuild->pack);
    enum code code = manifest_entry_expect(entry, rebuild->tenant, rebuild->pack, err);

    if (code)
        return code;
    if (entry->bytes != about.bytes || entry->row_count != about.row_count ||
        entry->time_first != about.time_first || entry->time_last != about.time_last ||
        entry->ingest_first != about.ingest_first || entry->ingest_last != about.ingest_last ||
        entry->lsn_first != about.lsn_first || entry->lsn_last != about.lsn_last)
        return error_set(err, E_CORRUPT, "its entry tells of other rows than the pack itself");
    return OK;
}

enum code rebuild_add(struct rebuild *rebuild, struct bytes tenant,
                      const struct manifest_entry *entry, struct bytes inline_bytes,
                      struct error *err)
{
    const struct index_operations *index = rebuild->index->operations;
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_path(tenant, entry->number, path);
    rebuild->tenant = tenant;
    code = entry->in_file ? pack_open_file(rebuild->fs, path, &rebuild->pack, err)
                          : pack_open_memory(inline_bytes, &rebuild->pack, err);
    if (code == OK)
        code = expect(rebuild, entry, err);
    if (code == OK)
        code = index->begin(rebuild->index, true, &rebuild->transaction, err);
    if (code == OK) {
        code = add_all(rebuild, entry, inline_bytes, err);
        if (code)
            index->abort(rebuild->transaction);
        else
            code = index->commit(rebuild->transaction, err);
    }
    if (code == OK)
        note_counters(rebuild, entry);
    else
        error_context(err, "%s", path);
    pack_unref(rebuild->pack);
    rebuild->pack = NULL;
    rebuild->transaction = NULL;
    return code;
}

enum code rebuild_remove(struct rebuild *rebuild, struct bytes tenant,
                         const struct manifest_entry *entry, struct error *err)
{
    const struct index_operations *index = rebuild->index->operations;
    struct index_transaction *transaction;
    enum code code;

    index_key_u64(tenant, entry->number, &rebuild->key);
    code = buf_finish(&rebuild->key, err);
    if (code == OK)
        code = index->begin(rebuild->index, true, &transaction, err);
    if (code == OK) {
        code = index->remove(transaction, INDEX_MANIFEST, buf_bytes(&rebuild->key), err);
        if (code == OK)
            code = index->remove(transaction, INDEX_PACK, buf_bytes(&rebuild->key), err);
        if (code)
            index->abort(transaction);
        else
            code = index->commit(transaction, err);
    }
    buf_clear(&rebuild->key);
    return code;
}

enum code rebuild_new(struct fs *fs, struct index *index, struct rebuild **out, struct error *err)
{
    struct rebuild *rebuild = calloc(1, sizeof(*rebuild));

    *out = rebuild;
    if (rebuild == NULL)
        return error_set(err, E_MEMORY, "no memory to make an index");
    rebuild->fs = fs;
    rebuild->index = index;
    rebuild->pack_next = 1;
    rebuild->key = BUF_INIT(KEY_BYTES_MAX);
    rebuild->value = BUF_INIT(VALUE_BYTES_MAX);
    arena_init(&rebuild->arena, SIZE_MAX, NULL);
    return OK;
}

enum code rebuild_finish(struct rebuild *rebuild, int64_t ingest_last, struct hash128 *incarnation,
                         struct error *err)
{
    enum code code;

    note_ingest(rebuild, ingest_last);
    code = identity_found(rebuild->index, &rebuild->identity, rebuild->pack_next, err);
    *incarnation = rebuild->identity.incarnation;
    return code;
}

void rebuild_free(struct rebuild *rebuild)
{
    if (rebuild == NULL)
        return;
    map_release(&rebuild->fields);
    arena_release(&rebuild->arena);
    buf_release(&rebuild->key);
    buf_release(&rebuild->value);
    free(rebuild);
}
