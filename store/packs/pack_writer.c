/* Bytes gather in `pending` and go out a part at a time.  As long as nothing went out there is no
 * file: a small pack ends as the bytes themselves.  A crash leaves a file that no manifest names;
 * whoever is given the same number next replaces it. */
#include "store/packs/pack_writer.h"

#include "codec/block_codec.h"
#include "store/packs/pack_directory.h"
#include "store/packs/pack_footer.h"

#include <assert.h>
#include <stdlib.h>

enum {
    PENDING_BYTES_MAX = 1 << 30, /* one part, or one oversize block */
    DIRECTORY_BYTES_MAX = 512 << 20,
    VIEW_BYTES_MAX = 64 << 20,
    STAGE_BLOCKS = -1,
};

struct pack_writer {
    struct hash128_state hash; /* the widest alignment stands first */
    struct fs *fs;             /* NULL: all of it stays in `pending` */
    char *path;
    struct file *file;  /* NULL until the first part goes out */
    uint64_t file_size; /* written so far */
    struct block_encoder *encoder;
    struct buf pending;
    size_t part_first; /* where the open part begins in `pending` */
    struct buf block, directory, parts;
    struct arena arena; /* of the view of one block */
    struct pack_footer footer;
    int stage; /* STAGE_BLOCKS, then enum pack_section */
    struct buf last_measurement;
    struct pack_block last_block; /* its measurement is the buf's */
    struct series_id last_series;
};

enum code pack_writer_open_memory(const struct pack_identity *identity, struct pack_writer **writer,
                                  struct error *err)
{
    return pack_writer_open(NULL, "in memory", identity, writer, err);
}

enum code pack_writer_open(struct fs *fs, const char *path, const struct pack_identity *identity,
                           struct pack_writer **writer, struct error *err)
{
    struct pack_writer *made = aligned_alloc(_Alignof(struct pack_writer), sizeof(*made));
    struct pack_head head = {identity->tenant, identity->incarnation, identity->number,
                             identity->kind,   identity->settled,     identity->floor};
    enum code code;

    *writer = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a pack writer");
    *made = (struct pack_writer){0};
    made->fs = fs;
    made->stage = STAGE_BLOCKS;
    made->pending = BUF_INIT(PENDING_BYTES_MAX);
    made->block = BUF_INIT(PENDING_BYTES_MAX);
    made->directory = BUF_INIT(DIRECTORY_BYTES_MAX);
    made->parts = BUF_INIT(DIRECTORY_BYTES_MAX);
    made->last_measurement = BUF_INIT(PENDING_BYTES_MAX);
    made->footer.lsn_first = identity->lsn_first;
    made->footer.lsn_last = identity->lsn_last;
    arena_init(&made->arena, VIEW_BYTES_MAX, NULL);
    hash128_begin(&made->hash);
    made->path = strdup(path);
    code = made->path ? block_encoder_new(&made->encoder, err)
                      : error_set(err, E_MEMORY, "no memory for a pack writer");
    pack_head_put(&head, &made->pending);
    if (code == OK)
        code = buf_finish(&made->pending, err);
    if (code) {
        pack_writer_abort(made);
        return code;
    }
    made->footer.head_size = (uint32_t)made->pending.size;
    *writer = made;
    return OK;
}

static void writer_free(struct pack_writer *writer)
{
    fs_close(writer->file);
    block_encoder_free(writer->encoder);
    buf_release(&writer->pending);
    buf_release(&writer->block);
    buf_release(&writer->directory);
    buf_release(&writer->parts);
    buf_release(&writer->last_measurement);
    arena_release(&writer->arena);
    free(writer->path);
    free(writer);
}

void pack_writer_abort(struct pack_writer *writer)
{
    if (!writer)
        return;
    if (writer->file) {
        enum code code = fs_unlink(writer->fs, writer->path, NULL);

        (void)code; /* if this fails too, the file is what a crash would leave */
    }
    writer_free(writer);
}

static uint64_t writer_at(const struct pack_writer *writer)
{
    return writer->file_size + writer->pending.size;
}

/* Creates the file anew: what is there under this name, a crash left. */
static enum code file_create(struct pack_writer *writer, struct error *err)
{
    enum code code = fs_open(writer->fs, writer->path, FS_CREATE, &writer->file, err);

    if (code != E_EXISTS)
        return code;
    code = fs_unlink(writer->fs, writer->path, err);
    if (code)
        return code;
    return fs_open(writer->fs, writer->path, FS_CREATE, &writer->file, err);
}

static enum code pending_write(struct pack_writer *writer, struct error *err)
{
    struct bytes bytes = buf_bytes(&writer->pending);
    enum code code = buf_finish(&writer->pending, err);

    if (code || !writer->fs)
        return code;
    if (!writer->file) {
        code = file_create(writer, err);
        if (code)
            goto out;
    }
    code = fs_write(writer->file, writer->file_size, &bytes, 1, err);
    if (code)
        goto out;
    hash128_add(&writer->hash, bytes);
    writer->file_size += bytes.size;
    buf_clear(&writer->pending);
    writer->part_first = 0;

out:
    if (code)
        error_context(err, "pack %s", writer->path);
    return code;
}

static void part_close(struct pack_writer *writer)
{
    struct bytes bytes =
        bytes_slice(buf_bytes(&writer->pending), writer->part_first, writer->pending.size);
    struct pack_part part = {writer->file_size + writer->part_first, bytes.size, hash128(bytes)};

    pack_part_put(&part, &writer->parts);
    writer->footer.count[PACK_PARTS]++;
    writer->part_first = writer->pending.size;
}

/* Appends bytes that stay in one part, which is the next one if this one would grow too large. */
static enum code writer_put(struct pack_writer *writer, struct bytes bytes, struct error *err)
{
    size_t part_size = writer->pending.size - writer->part_first;

    if (part_size > 0 && part_size + bytes.size > PACK_PART_BYTES_MAX) {
        enum code code;

        part_close(writer);
        code = pending_write(writer, err);
        if (code)
            return code;
    }
    if (writer->stage != STAGE_BLOCKS)
        writer->footer.crc[writer->stage] = crc32c(writer->footer.crc[writer->stage], bytes);
    buf_put(&writer->pending, bytes);
    return buf_finish(&writer->pending, err);
}

/* Sections in their order; one that nothing was put into is empty. */
static void stage_enter(struct pack_writer *writer, enum pack_section section)
{
    assert(writer->stage <= (int)section);
    while (writer->stage < (int)section)
        writer->footer.at[++writer->stage] = writer_at(writer);
}

/* The block's entry in the directory, and its share of the totals. */
static enum code block_enter(struct pack_writer *writer, struct error *err)
{
    struct pack_footer *footer = &writer->footer;
    struct bytes encoded = buf_bytes(&writer->block);
    struct block_view view;
    struct pack_block entry;
    enum code code = block_open(encoded, &writer->arena, &view, err);

    if (code)
        return code;
    entry = (struct pack_block){
        .measurement = view.measurement,
        .series_first = view.series[0],
        .series_last = view.series[view.series_count - 1],
        .series_count = view.series_count,
        .row_count = view.row_count,
        .time_first = view.time_first,
        .time_last = view.time_last,
        .ingest_first = view.ingest_first,
        .ingest_last = view.ingest_last,
        .times_unique = view.times_unique,
        .has_history = view.has_history,
        .size = (uint32_t)encoded.size,
        .crc = crc32c(0, encoded),
    };
    assert(footer->count[PACK_DIRECTORY] == 0 ||
           pack_directory_follows(&writer->last_block, &entry));
    pack_directory_put(&entry, &writer->directory);
    footer->count[PACK_DIRECTORY]++;
    pack_footer_add(footer, &view);
    buf_clear(&writer->last_measurement);
    buf_put(&writer->last_measurement, view.measurement);
    writer->last_block = entry;
    writer->last_block.measurement = buf_bytes(&writer->last_measurement);
    return buf_finish(&writer->last_measurement, err);
}

enum code pack_writer_block(struct pack_writer *writer, const struct block *block,
                            struct error *err)
{
    enum code code;

    assert(writer->stage == STAGE_BLOCKS);
    buf_clear(&writer->block);
    code = block_encode(writer->encoder, block, &writer->block, err);
    if (code == OK)
        code = block_enter(writer, err);
    arena_release(&writer->arena);
    if (code)
        return code;
    return writer_put(writer, buf_bytes(&writer->block), err);
}

/* An entry of a section that is a list of spans. */
static enum code span_put(struct pack_writer *writer, enum pack_section section, struct bytes span,
                          struct error *err)
{
    enum code code;

    stage_enter(writer, section);
    writer->footer.count[section]++;
    buf_clear(&writer->block);
    buf_put_span(&writer->block, span);
    code = buf_finish(&writer->block, err);
    if (code)
        return code;
    return writer_put(writer, buf_bytes(&writer->block), err);
}

enum code pack_writer_series(struct pack_writer *writer, struct series_id id, struct bytes key,
                             struct error *err)
{
    assert(writer->footer.count[PACK_SERIES] == 0 ||
           series_id_compare(writer->last_series, id) < 0);
    writer->last_series = id;
    return span_put(writer, PACK_SERIES, key, err);
}

enum code pack_writer_tombstone(struct pack_writer *writer, struct bytes encoded, struct error *err)
{
    return span_put(writer, PACK_TOMBSTONES, encoded, err);
}

enum code pack_writer_note(struct pack_writer *writer, struct bytes encoded, struct error *err)
{
    return span_put(writer, PACK_NOTES, encoded, err);
}

uint64_t pack_writer_bytes(const struct pack_writer *writer)
{
    return writer_at(writer);
}

uint64_t pack_writer_rows(const struct pack_writer *writer)
{
    return writer->footer.row_count;
}

/* The directory, cut wherever a part is full; the table of parts and the footer, which are in no
 * part. */
static enum code tail_put(struct pack_writer *writer, struct error *err)
{
    struct bytes rest = buf_bytes(&writer->directory);
    enum code code = buf_finish(&writer->directory, err);

    stage_enter(writer, PACK_DIRECTORY);
    while (code == OK && rest.size > 0) {
        size_t left = PACK_PART_BYTES_MAX - (writer->pending.size - writer->part_first);
        size_t size = left == 0 || left > PACK_PART_BYTES_MAX ? PACK_PART_BYTES_MAX : left;

        size = size < rest.size ? size : rest.size;
        code = writer_put(writer, bytes_slice(rest, 0, size), err);
        rest = bytes_slice(rest, size, rest.size);
    }
    if (code)
        return code;
    part_close(writer);
    stage_enter(writer, PACK_PARTS);
    code = buf_finish(&writer->parts, err);
    if (code)
        return code;
    writer->footer.crc[PACK_PARTS] = crc32c(0, buf_bytes(&writer->parts));
    buf_put(&writer->pending, buf_bytes(&writer->parts));
    writer->footer.at[PACK_SECTION_COUNT] = writer_at(writer);
    pack_footer_put(&writer->footer, &writer->pending);
    return buf_finish(&writer->pending, err);
}

enum code pack_writer_finish(struct pack_writer *writer, struct pack_summary *summary,
                             struct bytes *bytes, struct error *err)
{
    const struct pack_footer *footer = &writer->footer;
    enum code code = tail_put(writer, err);

    *bytes = (struct bytes){NULL, 0};
    if (code)
        return code;
    if (writer->file || (writer->fs && writer->pending.size >= PACK_INLINE_BYTES_MAX)) {
        code = pending_write(writer, err);
        if (code)
            return code;
        code = fs_sync(writer->file, err);
        if (code) {
            error_context(err, "pack %s", writer->path);
            return code;
        }
    } else {
        *bytes = buf_bytes(&writer->pending);
        hash128_add(&writer->hash, *bytes);
        writer->pending = BUF_INIT(PENDING_BYTES_MAX); /* the caller's now */
    }
    *summary = (struct pack_summary){
        .in_file = writer->file != NULL,
        .bytes = footer->at[PACK_SECTION_COUNT] + PACK_FOOTER_SIZE,
        .row_count = footer->row_count,
        .value_count = footer->value_count,
        .block_count = footer->count[PACK_DIRECTORY],
        .hash = hash128_end(&writer->hash),
        .time_first = footer->time_first,
        .time_last = footer->time_last,
        .ingest_first = footer->ingest_first,
        .ingest_last = footer->ingest_last,
    };
    writer_free(writer);
    return OK;
}
