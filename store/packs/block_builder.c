#include "store/packs/block_builder.h"

#include <assert.h>
#include <stdlib.h>

#include "store/packs/growing_block.h"
#include "store/packs/row_order.h"

enum {
    TEXT_COPIES_MAX = 256 << 20, /* of one block: a string of a row can be that large */
};

struct block_builder {
    struct growing_block block;
    block_take take;
    void *context;
    const struct shape *shape; /* entered last, so that a run of equal shapes looks nothing up */
    struct series_id slice_series;
    bool slice_alone;
    struct arena texts; /* of slices, whose blocks go before the block is full */
};

enum code block_builder_new(struct block_builder **builder, struct error *err)
{
    *builder = calloc(1, sizeof(**builder));
    if (*builder == NULL)
        return error_set(err, E_MEMORY, "no memory to build blocks");
    arena_init(&(*builder)->texts, TEXT_COPIES_MAX, NULL);
    return OK;
}

void block_builder_free(struct block_builder *builder)
{
    if (builder == NULL)
        return;
    arena_release(&builder->texts);
    growing_block_release(&builder->block);
    free(builder);
}

void block_builder_reset(struct block_builder *builder)
{
    growing_block_reset(&builder->block);
    builder->shape = NULL;
    arena_release(&builder->texts);
}

void block_builder_begin(struct block_builder *builder, struct bytes measurement, block_take take,
                         void *context)
{
    assert(builder->block.row_count == 0);
    block_builder_reset(builder);
    builder->slice_alone = false;
    builder->block.measurement = measurement;
    builder->take = take;
    builder->context = context;
}

static enum code builder_flush(struct block_builder *builder, struct error *err)
{
    struct block block;
    enum code code;

    if (builder->block.row_count == 0)
        return OK;
    code = growing_block_view(&builder->block, &block, err);
    if (code)
        return code;
    code = builder->take(builder->context, &block, err);
    block_builder_reset(builder);
    return code;
}

/* Enters the fields of the shape. */
static bool shape_enter(struct block_builder *builder, const struct shape *shape)
{
    if (builder->shape == shape)
        return true;
    builder->shape = NULL;
    if (!growing_block_fields(&builder->block, shape->field_count))
        return false;
    for (uint32_t f = 0; f < shape->field_count; f++)
        if (!growing_block_enter(&builder->block, f, shape->fields[f].name, shape->fields[f].type))
            return false;
    builder->shape = shape;
    return true;
}

/* Enters the fields of the slice. */
static bool slice_enter(struct block_builder *builder, const struct block_slice *slice)
{
    const struct rows *rows = slice->rows;

    builder->shape = NULL;
    if (!growing_block_fields(&builder->block, rows->column_count))
        return false;
    for (uint32_t c = 0; c < rows->column_count; c++)
        if (!growing_block_enter(&builder->block, c, slice->names[rows->columns[c].field],
                                 rows->columns[c].type))
            return false;
    return true;
}

static bool shape_has_text(const struct shape *shape)
{
    bool has_text = false;

    for (uint32_t f = 0; f < shape->field_count; f++)
        has_text |= shape->fields[f].type == TYPE_STRING;
    return has_text;
}

static bool slice_has_text(const struct block_slice *slice)
{
    bool has_text = false;

    for (uint32_t c = 0; c < slice->rows->column_count; c++)
        has_text |= slice->rows->columns[c].type == TYPE_STRING;
    return has_text;
}

/* Enters the fields of rows of the shape or, where that is NULL, of the slice; `room` is how many
 * of the rows can be taken at once.  The block is handed out first if it has no room for them. */
static enum code builder_make_room(struct block_builder *builder, const struct shape *shape,
                                   const struct block_slice *slice, uint32_t *room,
                                   struct error *err)
{
    for (;;) { /* twice at the most: an empty block has room */
        enum code code;

        if (!(shape != NULL ? shape_enter(builder, shape) : slice_enter(builder, slice)))
            return error_set(err, E_MEMORY, "no memory to build a block");
        *room = growing_block_room(&builder->block);
        if (*room > 0)
            break;
        code = builder_flush(builder, err);
        if (code)
            return code;
    }
    if (shape != NULL ? shape_has_text(shape) : slice_has_text(slice))
        *room = 1; /* each row's text counts before the next is taken */
    return OK;
}

/* Cells of the next `count` rows are all there, in the column of the shape's field. */
static void column_filled(struct growing_block *block, struct growing_column *column,
                          uint32_t count)
{
    uint32_t at = block->row_count;

    memset(column->present + at, 1, count);
    column->count += count;
    if (column->type == TYPE_STRING)
        for (uint32_t i = 0; i < count; i++)
            block->text_bytes += column->cells[at + i].text->size;
}

/* Appends rows [first, first + count) of a run; they fit. */
static void rows_append(struct growing_block *block, const struct run *run, uint32_t first,
                        uint32_t count)
{
    uint32_t at = block->row_count;

    memcpy(block->time + at, run->time + first, count * sizeof(*run->time));
    memcpy(block->ingest + at, run->ingest + first, count * sizeof(*run->ingest));
    for (uint32_t i = 0; i < count; i++)
        block->revision[at + i] = run->revision != NULL ? run->revision[first + i] : INT64_MIN;
    memset(block->history + at, 0, count);
    block->with_revision |= run->revision != NULL;
    if (block->column_count > run->shape->field_count)
        growing_block_blank(block, count);
    for (uint32_t f = 0; f < run->shape->field_count; f++) {
        struct growing_column *column = &block->columns[block->entered[f]];

        memcpy(column->cells + at, run->columns[f] + first, count * sizeof(union cell));
        column_filled(block, column, count);
    }
    block->row_count += count;
}

/* Appends rows of the run, beginning new blocks as they fill. */
static enum code run_append(struct block_builder *builder, struct series_id id,
                            const struct run *run, uint32_t count, struct error *err)
{
    for (uint32_t first = 0, n; first < count; first += n) {
        uint32_t room;
        enum code code = builder_make_room(builder, run->shape, NULL, &room, err);

        if (code)
            return code;
        n = count - first < room ? count - first : room;
        growing_block_series(&builder->block, id);
        rows_append(&builder->block, run, first, n);
    }
    return OK;
}

/* True when the runs one behind another are in order as they stand. */
static bool chain_ordered(const struct chain *chain)
{
    const struct run *before = NULL;

    for (const struct run *run = chain->first; run != NULL; run = run->next) {
        if (!run->ordered || (before != NULL && run->time_first <= before->time_last))
            return false;
        before = run;
    }
    return true;
}

/* Appends rows of one shape, one by one from anywhere; they fit. */
static void keys_append(struct growing_block *block, const struct run *const *runs,
                        const struct row_key *keys, uint32_t count)
{
    const struct shape *shape = runs[keys[0].run]->shape;
    uint32_t at = block->row_count;

    for (uint32_t i = 0; i < count; i++) {
        const struct run *run = runs[keys[i].run];
        uint32_t row = keys[i].row;

        block->time[at + i] = keys[i].time;
        block->ingest[at + i] = run->ingest[row];
        block->revision[at + i] = run->revision != NULL ? run->revision[row] : INT64_MIN;
        block->with_revision |= run->revision != NULL;
    }
    memset(block->history + at, 0, count);
    if (block->column_count > shape->field_count)
        growing_block_blank(block, count);
    for (uint32_t f = 0; f < shape->field_count; f++) {
        struct growing_column *column = &block->columns[block->entered[f]];

        for (uint32_t i = 0; i < count; i++)
            column->cells[at + i] = runs[keys[i].run]->columns[f][keys[i].row];
        column_filled(block, column, count);
    }
    block->row_count += count;
}

/* Appends sorted rows, as many of one shape at a time as there are. */
static enum code sorted_append(struct block_builder *builder, struct series_id id,
                               const struct run *const *runs, const struct row_key *keys,
                               size_t count, struct error *err)
{
    uint32_t n;

    for (size_t i = 0; i < count; i += n) {
        const struct shape *shape = runs[keys[i].run]->shape;
        uint32_t room;
        enum code code = builder_make_room(builder, shape, NULL, &room, err);

        if (code)
            return code;
        for (n = 1; n < room && i + n < count && runs[keys[i + n].run]->shape == shape;)
            n++;
        growing_block_series(&builder->block, id);
        keys_append(&builder->block, runs, keys + i, n);
    }
    return OK;
}

static enum code chain_append_sorted(struct block_builder *builder, const struct chain *chain,
                                     struct error *err)
{
    size_t row_count = chain->row_count, run_count = 0, count = 0;
    struct row_key *keys = calloc(2 * row_count, sizeof(*keys));
    const struct run **runs = NULL;
    enum code code = OK;

    for (const struct run *run = chain->first; run != NULL; run = run->next)
        run_count++;
    assert(run_count > 0); /* a chain of no rows is in order */
    runs = calloc(run_count, sizeof(const struct run *));
    if (keys == NULL || runs == NULL) {
        code = error_set(err, E_MEMORY, "no memory to sort %zu rows", row_count);
        goto out;
    }
    run_count = 0;
    for (const struct run *run = chain->first; run != NULL; run = run->next) {
        for (uint32_t r = 0; r < run->count; r++)
            keys[count++] = (struct row_key){run->time[r], (uint32_t)run_count, r};
        runs[run_count++] = run;
    }
    row_order(keys, keys + row_count, count, runs);
    code = sorted_append(builder, chain->series->id, runs, keys, count, err);

out:
    free(runs);
    free(keys);
    return code;
}

enum code block_builder_chain(struct block_builder *builder, const struct chain *chain,
                              struct error *err)
{
    bool alone = chain->row_count >= BLOCK_SPARSE_ROWS_MAX;
    enum code code = OK;

    if (alone || builder->block.row_count + chain->row_count > BLOCK_SHARED_ROWS_MAX)
        code = builder_flush(builder, err);
    if (code)
        return code;
    if (chain_ordered(chain)) {
        for (const struct run *run = chain->first; code == OK && run != NULL; run = run->next)
            code = run_append(builder, chain->series->id, run, run->count, err);
    } else {
        code = chain_append_sorted(builder, chain, err);
    }
    if (code == OK && alone)
        code = builder_flush(builder, err);
    return code;
}

/* The texts of a column's rows, copied. */
static bool texts_copy(struct block_builder *builder, struct growing_column *column, uint32_t at,
                       uint32_t count)
{
    for (uint32_t i = at; i < at + count; i++) {
        const struct text *text = column->cells[i].text;
        struct text *copy;

        if (!column->present[i])
            continue;
        copy = arena_alloc(&builder->texts, sizeof(*copy) + text->size);
        if (copy == NULL)
            return false;
        memcpy(copy, text, sizeof(*copy) + text->size);
        column->cells[i].text = copy;
        builder->block.text_bytes += text->size;
    }
    return true;
}

/* Cells of rows [first, first + count), which fit. */
static bool cells_append(struct block_builder *builder, const struct block_slice *slice,
                         uint32_t first, uint32_t count)
{
    struct growing_block *block = &builder->block;
    uint32_t at = block->row_count;

    growing_block_blank(block, count);
    for (uint32_t c = 0; c < slice->rows->column_count; c++) {
        const struct rows_column *from = &slice->rows->columns[c];
        struct growing_column *column = &block->columns[block->entered[c]];
        uint32_t present = count;

        memcpy(column->cells + at, from->cells + first, count * sizeof(union cell));
        memset(column->present + at, 1, count);
        if (from->present != NULL) {
            memcpy(column->present + at, from->present + first, count);
            present = 0;
            for (uint32_t i = 0; i < count; i++)
                present += column->present[at + i];
        }
        column->count += present;
        if (column->type == TYPE_STRING && !texts_copy(builder, column, at, count))
            return false;
    }
    return true;
}

static enum code slice_append(struct block_builder *builder, const struct block_slice *slice,
                              uint32_t first, uint32_t count, struct error *err)
{
    struct growing_block *block = &builder->block;
    const struct rows *rows = slice->rows;
    uint32_t at = block->row_count;

    growing_block_series(block, builder->slice_series);
    if (!cells_append(builder, slice, first, count))
        return error_set(err, E_MEMORY, "no memory to build a block");
    memcpy(block->time + at, rows->time + first, count * sizeof(*rows->time));
    memcpy(block->ingest + at, rows->ingest + first, count * sizeof(*rows->ingest));
    for (uint32_t i = 0; i < count; i++) {
        block->revision[at + i] = rows->revision != NULL ? rows->revision[first + i] : INT64_MIN;
        block->with_revision |= block->revision[at + i] != INT64_MIN;
        block->history[at + i] = slice->history != NULL ? slice->history[first + i] : 0;
        block->with_history |= block->history[at + i] != 0;
    }
    block->row_count += count;
    return OK;
}

enum code block_builder_series(struct block_builder *builder, struct series_id id,
                               uint64_t row_count, struct error *err)
{
    bool alone = row_count >= BLOCK_SPARSE_ROWS_MAX;
    enum code code = OK;

    if (alone || builder->slice_alone ||
        builder->block.row_count + row_count > BLOCK_SHARED_ROWS_MAX)
        code = builder_flush(builder, err);
    builder->slice_series = id;
    builder->slice_alone = alone;
    return code;
}

enum code block_builder_slice(struct block_builder *builder, const struct block_slice *slice,
                              struct error *err)
{
    for (uint32_t first = slice->first, n; first < slice->end; first += n) {
        uint32_t left = slice->end - first, room;
        enum code code = builder_make_room(builder, NULL, slice, &room, err);

        if (code)
            return code;
        n = left < room ? left : room;
        code = slice_append(builder, slice, first, n, err);
        if (code)
            return code;
    }
    return OK;
}

enum code block_builder_end(struct block_builder *builder, struct error *err)
{
    enum code code = builder_flush(builder, err);

    block_builder_reset(builder);
    return code;
}
