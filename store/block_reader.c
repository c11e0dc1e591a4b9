/* The cache has copies: a part is decoded into the reader's arena as ever, and copied when it was
 * met before.  So what cannot be kept costs nothing, and no part is decoded into memory that
 * another reader waits for.
 *
 * Texts are not kept: cells point to them, and many cells to one. */
#include "store/block_reader.h"

#include <inttypes.h>

#include "store/column_cache.h"
#include "store/view_inside.h"

enum {
    /* When more columns of a block are asked for, reading all of it once is less work. */
    APART_SHARE = 4,
};

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
    header->block.time.data.data = header->block.ingest.data.data = NULL;
    header->block.revision.data.data = header->block.history.data.data = NULL;
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

/* --- bytes --- */

static enum code read_whole(struct block_reader *reader, struct error *err)
{
    const struct place *place = reader->place;
    struct pack_file *file = view_take_file(reader->view, place->source);
    struct bytes bytes;
    enum code code =
        pack_read_block(place->source, file, place->detail, reader->arena, &bytes, err);

    view_give_file(reader->view, file);
    if (code == OK)
        reader->bytes = bytes;
    return code; /* it has said which block of which pack */
}

static enum code read_part(struct block_reader *reader, struct block_section *section,
                           struct error *err)
{
    const struct place *place = reader->place;
    struct pack_file *file = view_take_file(reader->view, place->source);
    enum code code = pack_read_block_part(place->source, file, place->detail, section->at,
                                          section->data.size, reader->arena, &section->data, err);

    view_give_file(reader->view, file);
    return code;
}

/* `section` is a copy of one of the block's, and gets its bytes.  Bytes that fail their check are
 * read again with the whole block: that tells what is wrong, or finds a better copy.  Where the
 * block is damaged elsewhere, the section is well by itself. */
static enum code read_section(struct block_reader *reader, struct block_section *section,
                              struct error *err)
{
    size_t end = section->at + section->data.size;
    bool apart = false;
    enum code code = OK;

    if (section->data.size == 0) {
        section->data = BYTES("");
        return OK;
    }
    while (end > reader->bytes.size) {
        if (!reader->whole && !apart) {
            code = read_part(reader, section, err);
            if (code || block_section_whole(section, section->data))
                return code;
            apart = true;
        }
        code = read_whole(reader, err);
        if (code == E_CORRUPT && !apart)
            reader->whole = false;
        else if (code)
            return code;
    }
    section->data = bytes_slice(reader->bytes, section->at, end);
    return OK;
}

void block_reader_expect(struct block_reader *reader, size_t columns)
{
    reader->whole = columns > reader->block->column_count / APART_SHARE;
}

/* The times' section stands right behind the header, so that a short one, as that of a constant
 * step is, was mostly read with it. */
static void step_look(struct block_reader *reader)
{
    const struct block_section *time = &reader->parsed.time;
    size_t end = time->at + time->data.size;

    if (end > reader->bytes.size ||
        !block_time_step(&reader->parsed, bytes_slice(reader->bytes, time->at, end), &reader->step))
        reader->step = 0;
}

/* All that is read after it is told by it alone, so it must be the one that was looked for. */
static enum code parse_header(struct block_reader *reader, struct error *err)
{
    const struct pack_block *entry = reader->place->detail;
    enum code code =
        block_open_header(reader->bytes, entry->size, reader->arena, &reader->parsed, err);

    if (code == OK && !pack_block_is(entry, &reader->parsed))
        code = error_set(err, E_CORRUPT, "its header is not what the directory says");
    return told(reader, code, err);
}

/* A shard gives a part of the pack for however few bytes, and the block mostly lies in it. */
static enum code read_header(struct block_reader *reader, struct error *err)
{
    const struct place *place = reader->place;
    enum code code = E_CORRUPT;

    if (!pack_is_away(place->source)) {
        struct pack_file *file = view_take_file(reader->view, place->source);

        code = pack_read_block_header(place->source, file, place->detail, reader->arena,
                                      &reader->bytes, err);
        view_give_file(reader->view, file);
        if (code == OK)
            code = parse_header(reader, err);
    }
    if (code != E_CORRUPT)
        return code;
    code = read_whole(reader, err); /* as with a section */
    return code ? code : parse_header(reader, err);
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
    code = read_header(reader, err);
    if (code)
        return code;
    reader->block = &reader->parsed;
    step_look(reader);
    if (wanted)
        header_keep(reader);
    return OK;
}

/* --- parts --- */

static struct block_section *section_of(struct block_view *view, enum part part)
{
    switch (part) {
    case PART_TIME:
        return &view->time;
    case PART_INGEST:
        return &view->ingest;
    case PART_REVISION:
        return &view->revision;
    default:
        return &view->history;
    }
}

typedef enum code (*times_decode)(struct block_decoder *decoder, const struct block_view *view,
                                  struct arena *arena, const int64_t **times, struct error *err);

static enum code read_times(struct block_reader *reader, enum part part, times_decode decode,
                            const int64_t **times, struct error *err)
{
    bool wanted;
    struct bytes bytes = look_up(reader, part, &wanted);
    struct block_view view = *reader->block;
    enum code code;

    *times = (const int64_t *)(const void *)bytes.data;
    if (*times != NULL)
        return OK;
    code = read_section(reader, section_of(&view, part), err);
    if (code)
        return code;
    code = decode(reader->decoder, &view, reader->arena, times, err);
    if (code == OK && wanted)
        keep(reader, part, (struct bytes){(const char *)*times, view.row_count * sizeof(int64_t)},
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
    struct block_view view = *reader->block;
    struct bytes bytes;
    bool wanted;
    enum code code;

    *history = NULL;
    if (!view.has_history)
        return OK;
    bytes = look_up(reader, PART_HISTORY, &wanted);
    *history = (const uint8_t *)bytes.data;
    if (*history != NULL)
        return OK;
    code = read_section(reader, section_of(&view, PART_HISTORY), err);
    if (code)
        return code;
    code = block_read_history(reader->decoder, &view, reader->arena, history, err);
    if (code == OK && wanted)
        keep(reader, PART_HISTORY, (struct bytes){(const char *)*history, view.row_count},
             BYTES(""));
    return told(reader, code, err);
}

enum code block_reader_column(struct block_reader *reader, uint32_t column,
                              const union cell **cells, const uint8_t **present, struct error *err)
{
    struct block_section section = reader->block->columns[column];
    struct block_view view = *reader->block; /* of this column alone */
    struct bytes bytes = {NULL, 0};
    bool wanted = false;
    enum code code;

    view.columns = &section;
    view.column_count = 1;
    if (section.type != TYPE_STRING)
        bytes = look_up(reader, PART_COLUMN + column, &wanted);
    if (bytes.data != NULL) { /* flags, where there are any, follow the cells */
        *cells = (const union cell *)(const void *)bytes.data;
        *present = bytes.size == view.row_count * sizeof(union cell)
                       ? NULL
                       : (const uint8_t *)(*cells + view.row_count);
        return OK;
    }
    code = read_section(reader, &section, err);
    if (code)
        return code;
    code = block_read_column(reader->decoder, &view, 0, reader->arena, cells, present, err);
    if (code == OK && wanted)
        keep(reader, PART_COLUMN + column,
             (struct bytes){(const char *)*cells, view.row_count * sizeof(union cell)},
             (struct bytes){(const char *)*present, *present == NULL ? 0 : view.row_count});
    return told(reader, code, err);
}
