#include "store/packs/merge_input.h"

#include <assert.h>
#include <stdlib.h>

#include "codec/block_codec.h"

enum {
    BLOCK_BYTES_MAX = 256 << 20, /* of one block decoded: strings can be long */
    NAMES_BYTES_MAX = 64 << 20,
};

struct merge_block {
    unsigned references; /* the input and its places, all of one thread */
    struct arena arena;
    struct block_view view;
    struct rows rows;
    const uint8_t *history;
};

void merge_names_init(struct merge_names *names)
{
    *names = (struct merge_names){0};
    arena_init(&names->arena, NAMES_BYTES_MAX, NULL);
}

void merge_names_release(struct merge_names *names)
{
    arena_release(&names->arena);
    merge_names_init(names);
}

/* Finds or adds; blocks of one measurement mostly agree, so `guess` is looked at first. */
static bool names_find(struct merge_names *names, struct bytes name, uint32_t guess,
                       uint32_t *index)
{
    if (guess < names->count && bytes_equal(names->names[guess], name)) {
        *index = guess;
        return true;
    }
    for (*index = 0; *index < names->count; ++*index)
        if (bytes_equal(names->names[*index], name))
            return true;
    if (names->count == names->capacity) {
        uint32_t capacity = names->capacity * 2 + 16;
        struct bytes *grown = arena_grow(&names->arena, names->names, names->count * sizeof(*grown),
                                         capacity * sizeof(*grown));

        if (grown == NULL)
            return false;
        names->names = grown;
        names->capacity = capacity;
    }
    names->names[names->count] = arena_copy(&names->arena, name);
    return names->names[names->count++].data != NULL;
}

static void block_unref(struct merge_block *block)
{
    if (block == NULL || --block->references > 0)
        return;
    arena_release(&block->arena);
    free(block);
}

static enum code columns_read(struct merge_block *block, struct merge_reader *reader,
                              struct error *err)
{
    const struct block_view *view = &block->view;
    struct rows_column *columns =
        ARENA_ARRAY(&block->arena, struct rows_column, view->column_count);
    enum code code = OK;
    uint32_t guess = 0;

    if (columns == NULL)
        return error_set(err, E_MEMORY, "no memory to merge a block");
    for (uint32_t c = 0; code == OK && c < view->column_count; c++) {
        columns[c].type = view->columns[c].type;
        if (!names_find(reader->names, view->columns[c].name, guess, &columns[c].field))
            return error_set(err, E_MEMORY, "no memory to merge a block");
        guess = columns[c].field + 1;
        code = block_read_column(reader->decoder, view, c, &block->arena, &columns[c].cells,
                                 &columns[c].present, err);
    }
    block->rows.columns = columns;
    block->rows.column_count = view->column_count;
    return code;
}

/* Its header and which series it has. */
static enum code block_load(const struct merge_input *input, const struct pack_block *entry,
                            struct merge_block **out, struct error *err)
{
    struct merge_block *block = calloc(1, sizeof(*block));
    struct bytes encoded;
    enum code code;

    *out = NULL;
    if (block == NULL)
        return error_set(err, E_MEMORY, "no memory to merge a block");
    block->references = 1;
    arena_init(&block->arena, BLOCK_BYTES_MAX, NULL);
    code = pack_read_block(input->pack, NULL, entry, &block->arena, &encoded, err);
    if (code == OK)
        code = block_open(encoded, &block->arena, &block->view, err);
    if (code) {
        block_unref(block);
        return code;
    }
    *out = block;
    return OK;
}

/* Its rows, once.  The measurement at hand must be its own, since names are that measurement's. */
static enum code block_decode(const struct merge_input *input, const struct pack_block *entry,
                              struct merge_block *block, struct merge_reader *reader,
                              struct error *err)
{
    struct rows *rows = &block->rows;
    enum code code;

    if (rows->count > 0)
        return OK;
    code = block_read_time(reader->decoder, &block->view, &block->arena, &rows->time, err);
    if (code == OK)
        code = block_read_ingest(reader->decoder, &block->view, &block->arena, &rows->ingest, err);
    if (code == OK)
        code =
            block_read_revision(reader->decoder, &block->view, &block->arena, &rows->revision, err);
    if (code == OK)
        code =
            block_read_history(reader->decoder, &block->view, &block->arena, &block->history, err);
    if (code == OK)
        code = columns_read(block, reader, err);
    if (code)
        error_context(err, "pack %s, block at %llu", pack_name(input->pack),
                      (unsigned long long)entry->offset);
    else
        rows->count = block->view.row_count;
    return code;
}

/* To the next block that touches the span, and into it when it is shared. */
static enum code input_settle(struct merge_input *input, struct error *err)
{
    for (; input->at < input->block_count; input->at++) {
        const struct pack_block *entry = &input->blocks[input->at];

        if (entry->time_first >= input->end || entry->time_last < input->start)
            continue;
        if (entry->series_count == 1)
            return OK;
        return block_load(input, entry, &input->shared, err);
    }
    return OK;
}

enum code merge_input_begin(struct merge_input *input, struct pack *pack, int64_t start,
                            int64_t end, struct error *err)
{
    *input = (struct merge_input){.pack = pack, .start = start, .end = end};
    input->blocks = pack_blocks(pack, &input->block_count);
    return input_settle(input, err);
}

bool merge_input_peek(const struct merge_input *input, struct bytes *measurement,
                      struct series_id *id)
{
    const struct pack_block *entry = &input->blocks[input->at];

    if (input->at == input->block_count)
        return false;
    *measurement = entry->measurement;
    *id =
        input->shared == NULL ? entry->series_first : input->shared->view.series[input->series_at];
    return true;
}

/* Beyond the series at hand. */
static enum code input_next(struct merge_input *input, struct error *err)
{
    if (input->shared != NULL && ++input->series_at < input->shared->view.series_count)
        return OK;
    block_unref(input->shared);
    input->shared = NULL;
    input->series_at = 0;
    input->at++;
    return input_settle(input, err);
}

enum code merge_input_take(struct merge_input *input, struct bytes measurement, struct series_id id,
                           struct merge_reader *reader, struct merge_place *place,
                           struct error *err)
{
    const struct pack_block *entry = &input->blocks[input->at];
    struct bytes own_measurement;
    struct series_id own_id;
    enum code code;

    *place = (struct merge_place){0};
    if (!merge_input_peek(input, &own_measurement, &own_id) || series_id_compare(own_id, id) != 0 ||
        !bytes_equal(own_measurement, measurement))
        return E_END;
    *place = (struct merge_place){
        .input = input,
        .entry = entry,
        .block = input->shared,
        .end = entry->row_count,
        .time_first = entry->time_first,
        .time_last = entry->time_last,
    };
    if (input->shared != NULL) {
        input->shared->references++;
        code = block_decode(input, entry, input->shared, reader, err);
        if (code)
            goto out;
        place->first = input->shared->view.series_row_first[input->series_at];
        place->end = input->shared->view.series_row_first[input->series_at + 1];
        place->time_first = input->shared->rows.time[place->first];
        place->time_last = input->shared->rows.time[place->end - 1];
    }
    code = input_next(input, err);

out:
    if (code)
        merge_place_release(place);
    return code;
}

void merge_input_release(struct merge_input *input)
{
    block_unref(input->shared);
    *input = (struct merge_input){0};
}

enum code merge_place_open(struct merge_place *place, struct merge_reader *reader,
                           struct error *err)
{
    enum code code = OK;

    if (place->block == NULL)
        code = block_load(place->input, place->entry, &place->block, err);
    if (code == OK)
        code = block_decode(place->input, place->entry, place->block, reader, err);
    return code;
}

const struct rows *merge_place_rows(const struct merge_place *place)
{
    assert(place->block != NULL);
    return &place->block->rows;
}

const uint8_t *merge_place_history(const struct merge_place *place)
{
    assert(place->block != NULL);
    return place->block->history;
}

void merge_place_release(struct merge_place *place)
{
    block_unref(place->block);
    place->block = NULL;
}
