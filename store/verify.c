#include "store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"
#include "codec/block_codec.h"
#include "codec/record.h"
#include "codec/series_key.h"
#include "store/delivery/delivered.h"
#include "store/file_copy.h"
#include "store/index.h"
#include "store/packs/manifest.h"
#include "store/packs/pack.h"
#include "store/packs/pack_stub.h"
#include "store/wal/replay.h"

struct verify {
    struct fs *fs;
    const struct index_operations *index;
    struct index_transaction *transaction;
    struct block_decoder *decoder;
    struct arena arena;
    void (*tell)(void *context, const char *fault);
    void *context;
    struct verify_report *report;
};

static void fault(struct verify *verify, const char *where, const struct error *err)
{
    char text[ERROR_TEXT_SIZE + 256];

    verify->report->faults++;
    snprintf(text, sizeof(text), "%s: %s", where, err->text);
    verify->tell(verify->context, text);
}

/* What a check gave: damage is told and the walk goes on, want of memory says nothing of the data
 * and ends it. */
static enum code judge(struct verify *verify, const char *where, enum code code,
                       const struct error *found, struct error *err)
{
    if (code == E_MEMORY) {
        if (err != NULL)
            *err = *found;
        return code;
    }
    if (code)
        fault(verify, where, found);
    return OK;
}

/* Whether the bytes are those that were written when the entry was. */
static enum code verify_hash(struct verify *verify, const struct manifest_entry *entry,
                             const char *path, struct bytes inline_bytes, struct error *err)
{
    struct hash128 hash;
    uint64_t size;
    enum code code = OK;

    if (entry->in_file)
        code = file_hash(verify->fs, path, &hash, &size, err);
    else
        hash = hash128(inline_bytes);
    if (code == OK && memcmp(&hash, &entry->hash, sizeof(hash)) != 0)
        code = error_set(err, E_CORRUPT, "it is not the pack that the manifest was told of");
    return code;
}

static enum code look(void *context, struct bytes entry, struct error *err)
{
    (void)context, (void)entry, (void)err;
    return OK;
}

/* What stays here of a pack whose file went: all its sections, and that its parts are a table.  The
 * hash of the pack was held against its file before that went. */
static enum code verify_stub(struct verify *verify, const struct manifest_entry *entry,
                             struct bytes tenant, struct error *err)
{
    static struct pack_bringer *_Atomic nobody;
    struct pack *pack = NULL;
    char path[PACK_PATH_SIZE];
    enum code code;

    pack_stub_path(tenant, entry->number, path);
    code = pack_open_stub(verify->fs, path, &nobody, &pack, err);
    if (code == OK)
        code = manifest_entry_expect(entry, tenant, pack, err);
    if (code == OK && pack_about(pack).bytes != entry->bytes)
        code = error_set(err, E_CORRUPT, "of a pack of %" PRIu64 " bytes, and it has %" PRIu64,
                         pack_about(pack).bytes, entry->bytes);
    if (code == OK)
        code = pack_walk_series(pack, look, NULL, err);
    if (code == OK)
        code = pack_walk_tombstones(pack, look, NULL, err);
    if (code == OK)
        code = pack_walk_notes(pack, look, NULL, err);
    if (code == OK) {
        verify->report->packs_away++;
        verify->report->away_bytes += entry->bytes;
    }
    pack_unref(pack);
    return code;
}

static enum code verify_pack(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct verify *verify = context;
    struct manifest_entry entry;
    struct bytes tenant = {0}, rest, inline_bytes = {0};
    struct pack *pack = NULL;
    struct error found = {0}, other = {0};
    char path[PACK_PATH_SIZE] = "manifest entry";
    bool away = false;
    enum code code;

    code = manifest_entry_decode(value, &entry, &found);
    if (code == OK && !index_key_split(key, &tenant, &rest))
        code = error_set(&found, E_CORRUPT, "its key names no tenant");
    if (code == OK)
        pack_path(tenant, entry.number, path);
    if (code == OK && entry.in_file)
        code = pack_open_file(verify->fs, path, &pack, &found);
    if (code == E_NOT_FOUND) {
        enum code stub = verify_stub(verify, &entry, tenant, &other);

        away = stub == OK;
        if (stub != E_NOT_FOUND) {
            code = stub;
            found = other;
        }
    }
    if (code == OK && !entry.in_file) {
        code = verify->index->get(verify->transaction, INDEX_PACK, key, &inline_bytes, &found);
        if (code == E_NOT_FOUND)
            error_set(&found, E_CORRUPT, "the index does not have its bytes");
        inline_bytes = manifest_inline(&entry, inline_bytes);
        if (code == OK)
            code = pack_open_memory(inline_bytes, &pack, &found);
    }
    if (code == OK && !away)
        code = manifest_entry_expect(&entry, tenant, pack, &found);
    if (code == OK && !away)
        code = pack_check(pack, verify->decoder, &found);
    if (code == OK && !away)
        code = verify_hash(verify, &entry, path, inline_bytes, &found);
    if (code == OK) {
        verify->report->packs++;
        verify->report->blocks_rows += entry.row_count;
        verify->report->pack_bytes += entry.bytes;
    }
    pack_unref(pack);
    return judge(verify, path, code, &found, err);
}

static enum code verify_series(void *context, struct bytes key, struct bytes value,
                               struct error *err)
{
    struct verify *verify = context;
    struct buf expected = BUF_INIT(1024);
    struct bytes tenant, rest, measurement;
    const struct series_tag *tags;
    uint32_t tag_count;
    struct error found = {0};
    enum code code;

    if (index_key_split(key, &tenant, &rest))
        index_key_series(tenant, series_key_id(value), &expected);
    code = buf_finish(&expected, &found);
    if (code == OK && !bytes_equal(buf_bytes(&expected), key))
        code = error_set(&found, E_CORRUPT, "a key and its series id do not belong together");
    if (code == OK)
        code = series_key_decode(value, &verify->arena, &measurement, &tags, &tag_count, &found);
    verify->report->series++;
    buf_release(&expected);
    arena_release(&verify->arena);
    return judge(verify, "series", code, &found, err);
}

static enum code verify_tombstone(void *context, struct bytes key, struct bytes value,
                                  struct error *err)
{
    struct verify *verify = context;
    struct tombstone tombstone;
    struct error found = {0};
    enum code code = tombstone_decode(value, &verify->arena, &tombstone, &found);

    (void)key;
    verify->report->tombstones++;
    arena_release(&verify->arena);
    return judge(verify, "deletion", code, &found, err);
}

static enum code verify_note(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct verify *verify = context;
    struct note note;
    struct error found = {0};

    (void)key, (void)err;
    if (note_decode(value, &note, &found) != OK)
        fault(verify, "idempotency note", &found);
    verify->report->notes++;
    return OK;
}

/* What is told of a pack that shards have is what the manifest tells of it. */
static enum code verify_delivered(void *context, struct bytes key, struct bytes value,
                                  struct error *err)
{
    struct verify *verify = context;
    struct buf expected = BUF_INIT(1024);
    struct delivered delivered;
    struct manifest_entry entry;
    struct bytes tenant, rest, live;
    struct error found = {0};
    enum code code = delivered_decode(value, &delivered, &found);

    if (code == OK && index_key_split(key, &tenant, &rest))
        index_key_u64(tenant, delivered.pack.entry.number, &expected);
    if (code == OK && !bytes_equal(buf_bytes(&expected), key))
        code = error_set(&found, E_CORRUPT, "it stands under the key of another pack");
    if (code == OK)
        code = verify->index->get(verify->transaction, INDEX_MANIFEST, key, &live, &found);
    if (code == OK && manifest_entry_decode(live, &entry, NULL) == OK &&
        (delivered.state == DELIVERED_REMOVED ||
         memcmp(&entry.incarnation, &delivered.pack.entry.incarnation, sizeof(entry.incarnation)) !=
             0 ||
         memcmp(&entry.hash, &delivered.pack.entry.hash, sizeof(entry.hash)) != 0))
        code = error_set(&found, E_CORRUPT, "pack %.*s/%016" PRIx64 " is not the one that it tells",
                         BYTES_ARG(tenant), entry.number);
    buf_release(&expected);
    return judge(verify, "delivered pack", code == E_NOT_FOUND ? OK : code, &found, err);
}

static enum code verify_meta(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct verify *verify = context;
    struct error told = {0};

    (void)err;
    if (key.size > 4 && memcmp(key.data, "gap/", 4) == 0) {
        verify->report->gaps_known++;
        error_set(&told, E_CORRUPT, "%.*s", BYTES_ARG(value));
        fault(verify, "told at an earlier start", &told);
    }
    return OK;
}

static enum code verify_record(void *context, uint64_t lsn, int64_t ingest, struct bytes payload,
                               struct error *err)
{
    struct verify *verify = context;
    struct record record;
    struct error found = {0};
    char where[64];
    enum code code = record_decode(payload, &verify->arena, &record, &found);

    (void)ingest;
    snprintf(where, sizeof(where), "wal record %" PRIu64, lsn);
    if (code == OK && record.type == RECORD_ROWS) {
        verify->report->wal_rows += record.batch->row_count;
        batch_release(record.batch);
    }
    arena_release(&verify->arena);
    return judge(verify, where, code, &found, err);
}

static enum code verify_gap(void *context, uint64_t lsn_last, uint64_t lsn_next, const char *what,
                            struct error *err)
{
    struct verify *verify = context;
    struct error found = {0};

    (void)err;
    error_set(&found, E_CORRUPT, "records after %" PRIu64 " and before %" PRIu64 " are missing",
              lsn_last, lsn_next);
    fault(verify, what, &found);
    return OK;
}

static enum code meta_bytes(struct verify *verify, const char *name, void *value, size_t size,
                            struct error *err)
{
    struct bytes found;
    enum code code =
        verify->index->get(verify->transaction, INDEX_META, bytes_of(name), &found, err);

    if (code == E_NOT_FOUND)
        return OK; /* nothing was sealed yet: the caller's zeros hold */
    if (code == OK && found.size != size)
        return error_set(err, E_CORRUPT, "index: %s has %zu bytes", name, found.size);
    if (code == OK)
        memcpy(value, found.data, size);
    return code;
}

static enum code verify_wal(struct verify *verify, struct error *err)
{
    struct wal_replay callbacks = {verify_record, verify_gap, verify};
    struct replay_report wal = {0};
    struct hash128 incarnation = {{0}};
    uint64_t sealed_lsn = 0;
    enum code code = meta_bytes(verify, "incarnation", &incarnation, sizeof(incarnation), err);

    if (code == OK)
        code = meta_bytes(verify, "sealed_lsn", &sealed_lsn, sizeof(sealed_lsn), err);
    if (code == OK)
        code = replay_examine(verify->fs, &incarnation, sealed_lsn, &callbacks, &wal, err);
    verify->report->wal_records = wal.records;
    verify->report->wal_records_torn = wal.records_torn;
    return code;
}

enum code store_verify(struct fs *fs, struct index *index,
                       void (*tell)(void *context, const char *fault), void *context,
                       struct verify_report *report, struct error *err)
{
    static const struct {
        enum index_table table;
        enum code (*each)(void *context, struct bytes key, struct bytes value, struct error *err);
    } walks[] = {
        {INDEX_META,      verify_meta     },
        {INDEX_MANIFEST,  verify_pack     },
        {INDEX_SERIES,    verify_series   },
        {INDEX_TOMBSTONE, verify_tombstone},
        {INDEX_NOTE,      verify_note     },
        {INDEX_DELIVERED, verify_delivered},
    };
    struct verify verify = {
        .fs = fs,
        .index = index->operations,
        .tell = tell,
        .context = context,
        .report = report,
    };
    enum code code;

    *report = (struct verify_report){0};
    arena_init(&verify.arena, SIZE_MAX, NULL);
    code = block_decoder_new(&verify.decoder, err);
    if (code == OK)
        code = index->operations->begin(index, false, &verify.transaction, err);
    for (size_t i = 0; code == OK && i < COUNT_OF(walks); i++)
        code = verify.index->walk(verify.transaction, walks[i].table, (struct bytes){0},
                                  walks[i].each, &verify, err);
    if (code == OK)
        code = verify_wal(&verify, err);
    index->operations->abort(verify.transaction);
    block_decoder_free(verify.decoder);
    arena_release(&verify.arena);
    return code;
}

struct gap_keys {
    struct buf keys; /* spans */
    uint64_t count;
};

static enum code gap_collect(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct gap_keys *gaps = context;

    (void)value, (void)err;
    if (key.size > 4 && memcmp(key.data, "gap/", 4) == 0) {
        buf_put_span(&gaps->keys, key);
        gaps->count++;
    }
    return OK;
}

enum code store_accept_loss(struct index *index, uint64_t *forgotten, struct error *err)
{
    struct index_transaction *transaction = NULL;
    struct gap_keys gaps = {.keys = BUF_INIT((size_t)16 * 1024 * 1024)};
    struct reader reader;
    enum code code = index->operations->begin(index, true, &transaction, err);

    if (code)
        return code;
    code = index->operations->walk(transaction, INDEX_META, (struct bytes){0}, gap_collect, &gaps,
                                   err);
    if (code == OK)
        code = buf_finish(&gaps.keys, err);
    reader = reader_of(buf_bytes(&gaps.keys));
    while (code == OK && reader_left(&reader) > 0)
        code = index->operations->remove(transaction, INDEX_META, reader_span(&reader), err);
    buf_release(&gaps.keys);
    *forgotten = gaps.count;
    if (code) {
        index->operations->abort(transaction);
        return code;
    }
    return index->operations->commit(transaction, err);
}
