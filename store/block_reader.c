/* The cache has copies: a part is decoded into the reader's arena as ever, and copied when it was
 * met before.  So what cannot be kept costs nothing, and no part is decoded into memory that
 * another reader waits for.
 *
 * Texts are not kept: cells point to them, and many cells to one. */
#include "store/block_reader.h"

#include <inttypes.h>

#include "store/column_cache.h"
#include "store/view_inside.h"

enum part { PART_HEADER, PART_TIME, PART_INGEST, PART_REVISION, PART_HISTORY, PART_COLUMN };

/* In the cache, in front of the arrays that it points to. */
struct kept_header {
    struct block_view block;
    int64_t step;
};

static struct column_key key_of(const struct block_reader *reader, uint32_t part)
{
    const struct pack_block *entry = reader->place->detail;

    return (struct column_key){pack_serial(reader->place->source), entry->offset, part};
}

/* .data is NULL where the cache does not have it. */
static struct bytes look_up(struct block_reader *reader, uint32_t part, bool *wanted)
{
    struct column_key key = key_of(reader, part);
    const struct cached *cached = column_cache_find(reader->cache, &key, wanted);

    if (cached == NULL)
        return (struct bytes){NULL, 0};
    if (arena_on_release(reader->arena, cached_unpin, (void *)cached))
        return cached_bytes(cached);
    cached_unpin((void *)cached);
    return (struct bytes){NULL, 0};
}

/* Keeps both, the second behind the first. */
static void keep(struct block_reader *reader, uint32_t part, struct bytes first,
                 struct bytes second)
{
    struct column_key key = key_of(reader, part);
    struct cached *made = column_cache_make(reader->cache, &key, first.size + second.size);

    if (made == NULL)
        return;
    memcpy(cached_room(made), first.data, first.size);
    if (second.size > 0)
        memcpy(cached_room(made) + first.size, second.data, second.size);
    column_cache_put(made);
}

/* --- headers --- */

static size_t names_size(const struct block_view *block)
{
    size_t size = block->measurement.size;

    for (uint32_t i = 0; i < block->column_count; i++)
        size += block->columns[i].name.size;
    return size;
}

static struct bytes name_move(struct bytes name, char **at)
{
    struct bytes moved = {*at, name.size};

    if (name.size > 0)
        memcpy(*at, name.data, name.size);
    *at += name.size;
    return moved;
}

static void *array_move(const void *array, size_t size, char **at)
{
    void *moved = *at;

    memcpy(moved, array, size);
    *at += size;
    return moved;
}

/* All that it points to follows it, the widest things first. */
static void header_keep(struct block_reader *reader)
{
    const struct block_view *block = reader->block;
    size_t columns_size = block->column_count * sizeof(struct block_section);
    size_t series_size = block->series_count * sizeof(struct series_id);
    size_t first_size = (block->series_count + (size_t)1) * sizeof(uint32_t);
    struct column_key key = key_of(reader, PART_HEADER);
    struct cached *made = column_cache_make(reader->cache, &key,
                                            sizeof(struct kept_header) + columns_size +
                                                series_size + first_size + names_size(block));
    struct block_section *columns;
    struct kept_header *header;
    char *at;

    if (made == NULL)
        return;
    at = cached_room(made);
    header = (struct kept_header *)(void *)at;
    *header = (struct kept_header){*block, reader->step};
    at += sizeof(*header);
    columns = array_move(block->columns, columns_size, &at);
    header->block.columns = columns;
    header->block.series = array_move(block->series, series_size, &at);
    header->block.series_row_first = array_move(block->series_row_first, first_size, &at);
    header->block.measurement = name_move(block->measurement, &at);
    for (uint32_t i = 0; i < block->column_count; i++) {
        columns[i].name = name_move(columns[i].name, &at);
        columns[i].data.data = NULL;
    }
    column_cache_put(made);
}

static bool header_look_up(struct block_reader *reader, bool *wanted)
{
    struct bytes bytes = look_up(reader, PART_HEADER, wanted);
    const struct kept_header *header = (const struct kept_header *)(const void *)bytes.data;

    if (header == NULL)
        return false;
    reader->block = &header->block;
    reader->step = header->step;
    return true;
}

static enum code told(const struct block_reader *reader, enum code code, struct error *err)
{
    const struct pack_block *entry = reader->place->detail;

    if (code)
        error_context(err, "pack %s, block at %" PRIu64, pack_name(reader->place->source),
                      entry->offset);
    return code;
}

/* The bytes of the block, for parts to be decoded. */
static enum code read_encoded(struct block_reader *reader, struct error *err)
{
    const struct place *place = reader->place;
    struct pack_file *file;
    struct bytes encoded;
    enum code code;

    if (reader->opened)
        return OK;
    file = view_take_file(reader->view, place->source);
    code = pack_read_block(place->source, file, place->detail, reader->arena, &encoded, err);
    view_give_file(reader->view, file);
    if (code)
        return code; /* it has said which block of which pack */
    code = block_open(encoded, reader->arena, &reader->encoded, err);
    reader->opened = code == OK;
    return told(reader, code, err);
}

static int64_t step_of(const struct block_view *block, struct bytes section)
{
    int64_t step = 0;

    return block_time_step(block, section, &step) ? step : 0;
}

enum code block_reader_open(struct block_reader *reader, const struct view *view,
                            const struct place *place, struct block_decoder *decoder,
                            struct column_cache *cache, struct arena *arena, struct error *err)
{
    bool wanted;
    enum code code;

    *reader = (struct block_reader){
        .view = view, .place = place, .decoder = decoder, .arena = arena, .cache = cache};
    if (header_look_up(reader, &wanted))
        return OK;
    code = read_encoded(reader, err);
    if (code)
        return code;
    reader->block = &reader->encoded;
    if (wanted) {
        reader->step = step_of(&reader->encoded, reader->encoded.time.data);
        header_keep(reader);
    }
    return OK;
}

enum code block_reader_open_header(struct block_reader *reader, const struct view *view,
                                   const struct place *place, struct column_cache *cache,
                                   struct arena *arena, struct error *err)
{
    const struct pack_block *entry = place->detail;
    struct pack_file *file;
    struct bytes header;
    size_t first, end;
    bool wanted;
    enum code code;

    *reader = (struct block_reader){.view = view, .place = place, .arena = arena, .cache = cache};
    if (header_look_up(reader, &wanted))
        return OK;
    file = view_take_file(view, place->source);
    code = pack_read_block_header(place->source, file, entry, arena, &header, err);
    view_give_file(view, file);
    if (code)
        return code;
    code = block_open_header(header, entry->size, arena, &reader->encoded, err);
    if (code)
        return told(reader, code, err);
    reader->block = &reader->encoded;
    /* The times' section stands right behind the header, so that a short one, as that of a constant
     * step is, was mostly read with it. */
    first = block_header_size(header);
    end = first + reader->encoded.time.data.size;
    if (end <= header.size)
        reader->step = step_of(&reader->encoded, bytes_slice(header, first, end));
    if (wanted)
        header_keep(reader);
    return OK;
}

/* --- parts --- */

typedef enum code (*times_decode)(struct block_decoder *decoder, const struct block_view *view,
                                  struct arena *arena, const int64_t **times, struct error *err);

static enum code read_times(struct block_reader *reader, enum part part, times_decode decode,
                            const int64_t **times, struct error *err)
{
    bool wanted;
    struct bytes bytes = look_up(reader, part, &wanted);
    enum code code;

    *times = (const int64_t *)(const void *)bytes.data;
    if (*times != NULL)
        return OK;
    code = read_encoded(reader, err);
    if (code)
        return code;
    code = decode(reader->decoder, &reader->encoded, reader->arena, times, err);
    if (code == OK && wanted)
        keep(reader, part,
             (struct bytes){(const char *)*times, reader->block->row_count * sizeof(int64_t)},
             BYTES(""));
    return told(reader, code, err);
}

enum code block_reader_time(struct block_reader *reader, const int64_t **time, struct error *err)
{
    return read_times(reader, PART_TIME, block_read_time, time, err);
}

enum code block_reader_ingest(struct block_reader *reader, const int64_t **ingest,
                              struct error *err)
{
    return read_times(reader, PART_INGEST, block_read_ingest, ingest, err);
}

enum code block_reader_revision(struct block_reader *reader, const int64_t **revision,
                                struct error *err)
{
    *revision = NULL;
    return reader->block->has_revision
               ? read_times(reader, PART_REVISION, block_read_revision, revision, err)
               : OK;
}

enum code block_reader_history(struct block_reader *reader, const uint8_t **history,
                               struct error *err)
{
    struct bytes bytes;
    bool wanted;
    enum code code;

    *history = NULL;
    if (!reader->block->has_history)
        return OK;
    bytes = look_up(reader, PART_HISTORY, &wanted);
    *history = (const uint8_t *)bytes.data;
    if (*history != NULL)
        return OK;
    code = read_encoded(reader, err);
    if (code)
        return code;
    code = block_read_history(reader->decoder, &reader->encoded, reader->arena, history, err);
    if (code == OK && wanted)
        keep(reader, PART_HISTORY, (struct bytes){(const char *)*history, reader->block->row_count},
             BYTES(""));
    return told(reader, code, err);
}

enum code block_reader_column(struct block_reader *reader, uint32_t column,
                              const union cell **cells, const uint8_t **present, struct error *err)
{
    bool text = reader->block->columns[column].type == TYPE_STRING, wanted = false;
    uint32_t rows = reader->block->row_count;
    struct bytes bytes = {NULL, 0};
    enum code code;

    if (!text)
        bytes = look_up(reader, PART_COLUMN + column, &wanted);
    if (bytes.data != NULL) { /* flags, where there are any, follow the cells */
        *cells = (const union cell *)(const void *)bytes.data;
        *present =
            bytes.size == rows * sizeof(union cell) ? NULL : (const uint8_t *)(*cells + rows);
        return OK;
    }
    code = read_encoded(reader, err);
    if (code)
        return code;
    code = block_read_column(reader->decoder, &reader->encoded, column, reader->arena, cells,
                             present, err);
    if (code == OK && wanted)
        keep(reader, PART_COLUMN + column,
             (struct bytes){(const char *)*cells, rows * sizeof(union cell)},
             (struct bytes){(const char *)*present, *present == NULL ? 0 : rows});
    return told(reader, code, err);
}
