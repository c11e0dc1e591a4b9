#include "store/new_pack.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/packs/pack.h"
#include "store/state.h"

static void directory_of(const struct tenant *tenant, char path[PACK_PATH_SIZE])
{
    snprintf(path, PACK_PATH_SIZE, "packs/%.*s", BYTES_ARG(tenant->name));
}

enum code new_pack_make_dir(struct store *store, const struct tenant *tenant, struct error *err)
{
    char directory[PACK_PATH_SIZE];

    directory_of(tenant, directory);
    return fs_make_dir(store->options.fs, directory, err);
}

enum code new_pack_begin(struct store *store, const struct pack_identity *identity,
                         struct pack_writer **writer, struct error *err)
{
    char path[PACK_PATH_SIZE];

    pack_path(identity->tenant, identity->number, path);
    return pack_writer_open(store->options.fs, path, identity, writer, err);
}

enum code new_pack_finish(const struct tenant *tenant, const struct pack_identity *identity,
                          struct pack_writer *writer, struct new_pack *made, struct error *err)
{
    struct pack_summary summary;
    enum code code = pack_writer_finish(writer, &summary, &made->inline_bytes, err);

    if (code) {
        pack_writer_abort(writer);
        return code;
    }
    made->tenant = tenant;
    made->entry = (struct manifest_entry){
        .number = identity->number,
        .incarnation = identity->incarnation,
        .in_file = summary.in_file,
        .bytes = summary.bytes,
        .hash = summary.hash,
        .row_count = summary.row_count,
        .value_count = summary.value_count,
        .time_first = summary.time_first,
        .time_last = summary.time_last,
        .ingest_first = summary.ingest_first,
        .ingest_last = summary.ingest_last,
        .lsn_first = identity->lsn_first,
        .lsn_last = identity->lsn_last,
        .kind = identity->kind,
        .settled = identity->settled,
        .floor = identity->floor,
    };
    return OK;
}

enum code new_packs_sync_names(struct store *store, const struct new_pack *packs, size_t count,
                               struct error *err)
{
    struct fs *fs = store->options.fs;
    char directory[PACK_PATH_SIZE];
    bool in_file = false;
    enum code code;

    for (size_t i = 0; i < count; i++)
        in_file |= packs[i].entry.in_file;
    if (!in_file)
        return OK;
    directory_of(packs[0].tenant, directory);
    code = fs_sync_dir(fs, directory, err);
    if (code == OK)
        code = fs_sync_dir(fs, "packs", err);
    return code;
}

static enum code pack_put(const struct index_operations *index,
                          struct index_transaction *transaction, const struct new_pack *made,
                          struct buf *key, struct buf *value, struct error *err)
{
    enum code code;

    index_key_u64(made->tenant->name, made->entry.number, key);
    manifest_entry_encode(&made->entry, value);
    code = buf_finish(key, err);
    if (code == OK)
        code = buf_finish(value, err);
    if (code == OK)
        code = index->put(transaction, INDEX_MANIFEST, buf_bytes(key), buf_bytes(value), err);
    if (code == OK && !made->entry.in_file)
        code = index->put(transaction, INDEX_PACK, buf_bytes(key), made->inline_bytes, err);
    buf_clear(key);
    buf_clear(value);
    return code;
}

enum code new_packs_put(struct store *store, struct index_transaction *transaction,
                        const struct new_pack *packs, size_t count, struct error *err)
{
    struct buf key = BUF_INIT(1024), value = BUF_INIT(1024);
    enum code code = OK;

    for (size_t i = 0; code == OK && i < count; i++)
        code =
            pack_put(store->options.index->operations, transaction, &packs[i], &key, &value, err);
    buf_release(&key);
    buf_release(&value);
    return code;
}

void new_packs_undo(struct store *store, const struct new_pack *packs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[PACK_PATH_SIZE];
        struct error ignored;

        if (!packs[i].entry.in_file)
            continue;
        pack_path(packs[i].tenant->name, packs[i].entry.number, path);
        (void)!fs_unlink(store->options.fs, path, &ignored); /* else removed at start */
    }
}

void new_packs_free(struct new_pack *packs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pack_unref(packs[i].pack);
        free((void *)packs[i].inline_bytes.data);
    }
    free(packs);
}
