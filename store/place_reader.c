/* What is kept is never handed out: a series has few rows in a shared block, so they are copied,
 * and a block can give way to the next one while rows of it are in use. */
#include "store/place_reader.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "store/view_inside.h"

/* The block kept of a pack. */
struct kept {
    struct kept *next;
    const struct pack *pack;
    const struct pack_block *entry; /* NULL = none */
    struct arena arena;
    struct block_rows block;
};

struct place_reader {
    const struct view *view;
    const struct bytes *fields;
    uint32_t field_count;
    size_t bytes, bytes_max; /* of all kept */
    uint64_t read_bytes;     /* of blocks as they are stored */
    struct budget *memory;
    struct block_decoder *decoder; /* taken at the first block */
    const void *timed;             /* the block whose times are in `times`; NULL: none */
    struct arena timed_arena;
    const int64_t *times;
    struct map by_pack; /* the address of a pack to its struct kept */
    struct kept *all;
};

enum code place_reader_new(const struct view *view, const struct bytes *fields,
                           uint32_t field_count, size_t keep_bytes_max, struct budget *memory,
                           struct place_reader **reader, struct error *err)
{
    *reader = malloc(sizeof(**reader));
    if (*reader == NULL)
        return error_set(err, E_MEMORY, "no memory for a reader");
    **reader = (struct place_reader){.view = view,
                                     .fields = fields,
                                     .field_count = field_count,
                                     .bytes_max = keep_bytes_max,
                                     .memory = memory,
                                     .by_pack = MAP_INIT};
    arena_init(&(*reader)->timed_arena, memory->bytes_max, memory);
    return OK;
}

static struct decoders *decoders_of(const struct place_reader *reader)
{
    return reader->view == NULL ? NULL : &reader->view->store->decoders;
}

static void forget(struct place_reader *reader, struct kept *kept)
{
    if (kept->entry != NULL)
        reader->bytes -= kept->arena.used;
    kept->entry = NULL;
    arena_release(&kept->arena);
}

void place_reader_free(struct place_reader *reader)
{
    if (reader == NULL)
        return;
    while (reader->all != NULL) {
        struct kept *kept = reader->all;

        reader->all = kept->next;
        forget(reader, kept);
        free(kept);
    }
    map_release(&reader->by_pack);
    arena_release(&reader->timed_arena);
    decoders_give(decoders_of(reader), reader->decoder);
    free(reader);
}

/* NULL when memory ran out. */
static struct kept *kept_of(struct place_reader *reader, const struct pack *pack)
{
    struct kept *kept =
        map_get(&reader->by_pack, (struct bytes){(const char *)&pack, sizeof(struct pack *)});

    if (kept != NULL)
        return kept;
    kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return NULL;
    kept->pack = pack;
    arena_init(&kept->arena, reader->memory->bytes_max, reader->memory);
    if (!map_put(&reader->by_pack, (struct bytes){(const char *)&kept->pack, sizeof(struct pack *)},
                 kept)) {
        free(kept);
        return NULL;
    }
    kept->next = reader->all;
    reader->all = kept;
    return kept;
}

/* The place's block, decoded. */
static enum code keep(struct place_reader *reader, const struct place *place, struct kept **found,
                      struct error *err)
{
    struct kept *kept = kept_of(reader, place->source);
    enum code code;

    *found = kept;
    if (kept == NULL)
        return error_set(err, E_MEMORY, "no memory for a block");
    if (kept->entry == place->detail)
        return OK;
    forget(reader, kept);
    code = block_rows_read(reader->view, place, reader->fields, reader->field_count,
                           reader->decoder, NULL, &kept->arena, &kept->block, err);
    if (code) {
        arena_release(&kept->arena);
        return code;
    }
    kept->entry = place->detail;
    reader->read_bytes += place->bytes;
    reader->bytes += kept->arena.used;
    return OK;
}

static enum code read_shared(struct place_reader *reader, const struct place *place,
                             const struct series *series, struct arena *arena, struct rows *rows,
                             struct error *err)
{
    const uint8_t *history;
    struct kept *kept;
    enum code code = keep(reader, place, &kept, err);

    if (code)
        return code;
    code = block_rows_slice(&kept->block, series->id, arena, rows, &history, err);
    if (code == OK && rows->count > 0 && !rows_copy(rows, arena))
        code = error_set(err, E_QUERY_MEMORY, "decoding passes the query's memory limit");
    if (code == OK && place->apart && history != NULL)
        rows_leave_out(rows, history);
    if (reader->bytes > reader->bytes_max)
        forget(reader, kept);
    return code;
}

enum code place_reader_read(struct place_reader *reader, const struct place *place,
                            const struct series *series, struct arena *arena, struct rows *rows,
                            struct error *err)
{
    enum code code = OK;

    *rows = (struct rows){0};
    if (place->in_pack && reader->decoder == NULL)
        code = decoders_take(decoders_of(reader), &reader->decoder, err);
    if (code)
        return code;
    if (place->in_pack && reader->bytes_max > 0 &&
        ((const struct pack_block *)place->detail)->series_count > 1)
        return read_shared(reader, place, series, arena, rows, err);
    reader->read_bytes += place->bytes;
    return place_read(reader->view, place, series, reader->fields, reader->field_count,
                      reader->decoder, arena, rows, err);
}

uint64_t place_reader_bytes(const struct place_reader *reader)
{
    return reader->read_bytes;
}

enum code place_reader_time(struct place_reader *reader, const struct place *place, uint32_t row,
                            int64_t *time, struct error *err)
{
    enum code code = OK;

    if (reader->timed != place->detail) {
        reader->timed = NULL;
        arena_release(&reader->timed_arena);
        if (reader->decoder == NULL)
            code = decoders_take(decoders_of(reader), &reader->decoder, err);
        if (code == OK)
            code = place_times(reader->view, place, reader->decoder, &reader->timed_arena,
                               &reader->times, err);
        if (code)
            return code;
        reader->timed = place->detail;
    }
    assert(row < place->row_count);
    *time = reader->times[row];
    return OK;
}
