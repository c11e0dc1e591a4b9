#include "store/packs/block_builder.h"

#include <assert.h>
#include <stdlib.h>

#include "store/packs/row_order.h"

enum {
    CELLS_MAX = 512 * 1024,      /* of a block under construction: 4 MiB, far below 1 MiB encoded */
    TEXT_BYTES_MAX = 512 * 1024, /* so that strings do not make a block larger than a part */
    TEXT_COPIES_MAX = 256 << 20, /* of one block: a string of a row can be that large */
};

struct builder_column {
    struct bytes name; /* borrowed from the generation or the slice */
    enum value_type type;
    union cell *cells;
    uint8_t *present;
    uint32_t count; /* cells present */
};

struct block_builder {
    struct bytes measurement;
    block_take take;
    void *context;
    uint32_t row_count, series_count;
    size_t text_bytes;
    int64_t time[BLOCK_ROWS_MAX], ingest[BLOCK_ROWS_MAX], revision[BLOCK_ROWS_MAX];
    uint8_t history[BLOCK_ROWS_MAX];
    bool with_revision, with_history;
    struct arena texts; /* of slices, whose blocks go before the block is full */
    struct series_id slice_series;
    bool slice_alone;
    struct series_id series[BLOCK_ROWS_MAX];
    uint32_t series_row_first[BLOCK_ROWS_MAX + 1];
    struct builder_column *columns; /* in order of first use */
    uint32_t column_count, column_capacity;
    /* Columns of the shape seen last, so that a run of equal shapes looks nothing up; or of the
     * slice at hand (shape NULL). */
    const struct shape *shape;
    uint32_t *shape_columns;
    uint32_t shape_capacity;
    struct block_column *sorted;
    uint32_t sorted_capacity;
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
    for (uint32_t i = 0; i < builder->column_capacity; i++) {
        free(builder->columns[i].cells);
        free(builder->columns[i].present);
    }
    arena_release(&builder->texts);
    free(builder->columns);
    free(builder->shape_columns);
    free(builder->sorted);
    free(builder);
}

void block_builder_reset(struct block_builder *builder)
{
    builder->row_count = 0;
    builder->series_count = 0;
    builder->column_count = 0;
    builder->text_bytes = 0;
    builder->with_revision = false;
    builder->with_history = false;
    builder->shape = NULL;
    arena_release(&builder->texts);
}

void block_builder_begin(struct block_builder *builder, struct bytes measurement, block_take take,
                         void *context)
{
    assert(builder->row_count == 0);
    block_builder_reset(builder);
    builder->slice_alone = false;
    builder->measurement = measurement;
    builder->take = take;
    builder->context = context;
}

static int column_order(const void *a, const void *b)
{
    const struct block_column *left = a, *right = b;
    int order = bytes_compare(left->name, right->name);

    return order != 0 ? order : (int)left->type - (int)right->type;
}

static enum code builder_flush(struct block_builder *builder, struct error *err)
{
    struct block block = {
        .measurement = builder->measurement,
        .row_count = builder->row_count,
        .series_count = builder->series_count,
        .series = builder->series,
        .series_row_first = builder->series_row_first,
        .time = builder->time,
        .ingest = builder->ingest,
        .revision = builder->with_revision ? builder->revision : NULL,
        .history = builder->with_history ? builder->history : NULL,
    };
    enum code code;

    if (builder->row_count == 0)
        return OK;
    if (builder->sorted_capacity < builder->column_count) {
        free(builder->sorted);
        builder->sorted = calloc(builder->column_count, sizeof(*builder->sorted));
        builder->sorted_capacity = builder->sorted == NULL ? 0 : builder->column_count;
        if (builder->sorted == NULL)
            return error_set(err, E_MEMORY, "no memory to build a block");
    }
    builder->series_row_first[builder->series_count] = builder->row_count;
    for (uint32_t i = 0; i < builder->column_count; i++) {
        const struct builder_column *column = &builder->columns[i];

        if (column->count == 0) /* of the rows that found no room any more */
            continue;
        builder->sorted[block.column_count++] = (struct block_column){
            .name = column->name,
            .type = column->type,
            .cells = column->cells,
            .present = column->count == builder->row_count ? NULL : column->present,
        };
    }
    if (block.column_count > 0)
        qsort(builder->sorted, block.column_count, sizeof(*builder->sorted), column_order);
    block.columns = builder->sorted;
    code = builder->take(builder->context, &block, err);
    block_builder_reset(builder);
    return code;
}

static struct builder_column *column_add(struct block_builder *builder, struct bytes name,
                                         enum value_type type)
{
    struct builder_column *column;

    if (builder->column_count == builder->column_capacity) {
        uint32_t capacity = builder->column_capacity * 2 + 16;
        struct builder_column *grown =
            realloc(builder->columns, capacity * sizeof(*builder->columns));

        if (grown == NULL)
            return NULL;
        memset(grown + builder->column_capacity, 0,
               (capacity - builder->column_capacity) * sizeof(*grown));
        builder->columns = grown;
        builder->column_capacity = capacity;
    }
    column = &builder->columns[builder->column_count];
    if (column->cells == NULL)
        column->cells = malloc(BLOCK_ROWS_MAX * sizeof(*column->cells));
    if (column->present == NULL)
        column->present = malloc(BLOCK_ROWS_MAX);
    if (column->cells == NULL || column->present == NULL)
        return NULL;
    column->name = name;
    column->type = type;
    column->count = 0;
    memset(column->present, 0, BLOCK_ROWS_MAX);
    memset(column->cells, 0, builder->row_count * sizeof(*column->cells));
    builder->column_count++;
    return column;
}

static bool column_is(const struct builder_column *column, struct bytes name, enum value_type type)
{
    return column->type == type && bytes_equal(column->name, name);
}

/* Finds or adds; `guess` is looked at first, since rows mostly agree. */
static bool column_find(struct block_builder *builder, struct bytes name, enum value_type type,
                        uint32_t guess, uint32_t *index)
{
    uint32_t i = guess;

    if (i >= builder->column_count || !column_is(&builder->columns[i], name, type))
        for (i = 0; i < builder->column_count; i++)
            if (column_is(&builder->columns[i], name, type))
                break;
    *index = i;
    return i < builder->column_count || column_add(builder, name, type) != NULL;
}

/* Room to note which columns `count` fields are in. */
static bool shape_columns_reserve(struct block_builder *builder, uint32_t count)
{
    builder->shape = NULL;
    if (builder->shape_capacity >= count)
        return true;
    free(builder->shape_columns);
    builder->shape_columns = calloc(count, sizeof(*builder->shape_columns));
    builder->shape_capacity = builder->shape_columns == NULL ? 0 : count;
    return builder->shape_columns != NULL;
}

/* Finds or adds the columns of the shape. */
static bool shape_enter(struct block_builder *builder, const struct shape *shape)
{
    if (builder->shape == shape)
        return true;
    if (!shape_columns_reserve(builder, shape->field_count))
        return false;
    for (uint32_t f = 0; f < shape->field_count; f++) {
        if (!column_find(builder, shape->fields[f].name, shape->fields[f].type, f,
                         &builder->shape_columns[f]))
            return false;
    }
    builder->shape = shape;
    return true;
}

/* Rows that still fit, once the run's columns are there. */
static uint32_t builder_room(const struct block_builder *builder)
{
    uint32_t columns = builder->column_count == 0 ? 1 : builder->column_count;
    uint32_t rows_max = CELLS_MAX / columns;

    if (rows_max > BLOCK_ROWS_MAX)
        rows_max = BLOCK_ROWS_MAX;
    if (rows_max == 0)
        rows_max = 1;
    if (builder->text_bytes >= TEXT_BYTES_MAX || builder->row_count >= rows_max)
        return 0;
    return rows_max - builder->row_count;
}

static void series_enter(struct block_builder *builder, struct series_id id)
{
    uint32_t count = builder->series_count;

    if (count > 0 && series_id_compare(builder->series[count - 1], id) == 0)
        return;
    assert(count == 0 || series_id_compare(builder->series[count - 1], id) < 0);
    builder->series[count] = id;
    builder->series_row_first[count] = builder->row_count;
    builder->series_count++;
}

/* Appends rows [first, first + count) of a run; they fit. */
static void rows_append(struct block_builder *builder, const struct run *run, uint32_t first,
                        uint32_t count)
{
    uint32_t at = builder->row_count;

    memcpy(builder->time + at, run->time + first, count * sizeof(*run->time));
    memcpy(builder->ingest + at, run->ingest + first, count * sizeof(*run->ingest));
    for (uint32_t i = 0; i < count; i++)
        builder->revision[at + i] = run->revision != NULL ? run->revision[first + i] : INT64_MIN;
    memset(builder->history + at, 0, count);
    builder->with_revision |= run->revision != NULL;
    for (uint32_t c = 0;
         builder->column_count > run->shape->field_count && c < builder->column_count; c++)
        memset(builder->columns[c].cells + at, 0, count * sizeof(union cell));
    for (uint32_t f = 0; f < run->shape->field_count; f++) {
        struct builder_column *column = &builder->columns[builder->shape_columns[f]];

        memcpy(column->cells + at, run->columns[f] + first, count * sizeof(union cell));
        memset(column->present + at, 1, count);
        column->count += count;
        if (column->type == TYPE_STRING)
            for (uint32_t i = 0; i < count; i++)
                builder->text_bytes += column->cells[at + i].text->size;
    }
    builder->row_count += count;
}

static bool shape_has_text(const struct shape *shape)
{
    bool has_text = false;

    for (uint32_t f = 0; f < shape->field_count; f++)
        has_text |= shape->fields[f].type == TYPE_STRING;
    return has_text;
}

/* Appends rows of the run, beginning new blocks as they fill. */
static enum code run_append(struct block_builder *builder, struct series_id id,
                            const struct run *run, uint32_t first, uint32_t count,
                            struct error *err)
{
    while (count > 0) {
        uint32_t room, n;
        enum code code;

        if (!shape_enter(builder, run->shape))
            return error_set(err, E_MEMORY, "no memory to build a block");
        room = builder_room(builder);
        if (room == 0) {
            code = builder_flush(builder, err);
            if (code)
                return code;
            continue;
        }
        n = count < room ? count : room;
        if (shape_has_text(run->shape))
            n = 1; /* each row's text counts before the next is taken */
        series_enter(builder, id);
        rows_append(builder, run, first, n);
        first += n;
        count -= n;
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
static void keys_append(struct block_builder *builder, const struct run *const *runs,
                        const struct row_key *keys, uint32_t count)
{
    const struct shape *shape = runs[keys[0].run]->shape;
    uint32_t at = builder->row_count;

    for (uint32_t i = 0; i < count; i++) {
        const struct run *run = runs[keys[i].run];
        uint32_t row = keys[i].row;

        builder->time[at + i] = keys[i].time;
        builder->ingest[at + i] = run->ingest[row];
        builder->revision[at + i] = run->revision != NULL ? run->revision[row] : INT64_MIN;
        builder->with_revision |= run->revision != NULL;
    }
    memset(builder->history + at, 0, count);
    for (uint32_t c = 0; builder->column_count > shape->field_count && c < builder->column_count;
         c++)
        memset(builder->columns[c].cells + at, 0, count * sizeof(union cell));
    for (uint32_t f = 0; f < shape->field_count; f++) {
        struct builder_column *column = &builder->columns[builder->shape_columns[f]];

        for (uint32_t i = 0; i < count; i++)
            column->cells[at + i] = runs[keys[i].run]->columns[f][keys[i].row];
        memset(column->present + at, 1, count);
        column->count += count;
        if (column->type == TYPE_STRING)
            for (uint32_t i = 0; i < count; i++)
                builder->text_bytes += column->cells[at + i].text->size;
    }
    builder->row_count += count;
}

/* Appends sorted rows, as many of one shape at a time as there are. */
static enum code sorted_append(struct block_builder *builder, struct series_id id,
                               const struct run *const *runs, const struct row_key *keys,
                               size_t count, struct error *err)
{
    for (size_t i = 0; i < count;) {
        const struct shape *shape = runs[keys[i].run]->shape;
        uint32_t room, n = 1, most;
        enum code code;

        if (!shape_enter(builder, shape))
            return error_set(err, E_MEMORY, "no memory to build a block");
        room = builder_room(builder);
        if (room == 0) {
            code = builder_flush(builder, err);
            if (code)
                return code;
            continue;
        }
        most = shape_has_text(shape) ? 1 : room; /* each row's text counts before the next */
        while (n < most && i + n < count && runs[keys[i + n].run]->shape == shape)
            n++;
        series_enter(builder, id);
        keys_append(builder, runs, keys + i, n);
        i += n;
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

    if (alone || builder->row_count + chain->row_count > BLOCK_SHARED_ROWS_MAX)
        code = builder_flush(builder, err);
    if (code)
        return code;
    if (chain_ordered(chain)) {
        for (const struct run *run = chain->first; code == OK && run != NULL; run = run->next)
            code = run_append(builder, chain->series->id, run, 0, run->count, err);
    } else {
        code = chain_append_sorted(builder, chain, err);
    }
    if (code == OK && alone)
        code = builder_flush(builder, err);
    return code;
}

/* The texts of a column's rows, copied. */
static bool texts_copy(struct block_builder *builder, struct builder_column *column, uint32_t at,
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
        builder->text_bytes += text->size;
    }
    return true;
}

/* Finds or adds the columns of the slice: how many rows fit depends on them. */
static bool slice_enter(struct block_builder *builder, const struct block_slice *slice)
{
    const struct rows *rows = slice->rows;

    if (!shape_columns_reserve(builder, rows->column_count))
        return false;
    for (uint32_t c = 0; c < rows->column_count; c++)
        if (!column_find(builder, slice->names[rows->columns[c].field], rows->columns[c].type, c,
                         &builder->shape_columns[c]))
            return false;
    return true;
}

/* Cells of rows [first, first + count), which fit. */
static bool cells_append(struct block_builder *builder, const struct block_slice *slice,
                         uint32_t first, uint32_t count)
{
    uint32_t at = builder->row_count;

    for (uint32_t c = 0; c < builder->column_count; c++)
        memset(builder->columns[c].cells + at, 0, count * sizeof(union cell));
    for (uint32_t c = 0; c < slice->rows->column_count; c++) {
        const struct rows_column *from = &slice->rows->columns[c];
        struct builder_column *column = &builder->columns[builder->shape_columns[c]];
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
    const struct rows *rows = slice->rows;
    uint32_t at = builder->row_count;

    series_enter(builder, builder->slice_series);
    if (!cells_append(builder, slice, first, count))
        return error_set(err, E_MEMORY, "no memory to build a block");
    memcpy(builder->time + at, rows->time + first, count * sizeof(*rows->time));
    memcpy(builder->ingest + at, rows->ingest + first, count * sizeof(*rows->ingest));
    for (uint32_t i = 0; i < count; i++) {
        builder->revision[at + i] = rows->revision != NULL ? rows->revision[first + i] : INT64_MIN;
        builder->with_revision |= builder->revision[at + i] != INT64_MIN;
        builder->history[at + i] = slice->history != NULL ? slice->history[first + i] : 0;
        builder->with_history |= builder->history[at + i] != 0;
    }
    builder->row_count += count;
    return OK;
}

enum code block_builder_series(struct block_builder *builder, struct series_id id,
                               uint64_t row_count, struct error *err)
{
    bool alone = row_count >= BLOCK_SPARSE_ROWS_MAX;
    enum code code = OK;

    if (alone || builder->slice_alone || builder->row_count + row_count > BLOCK_SHARED_ROWS_MAX)
        code = builder_flush(builder, err);
    builder->slice_series = id;
    builder->slice_alone = alone;
    return code;
}

enum code block_builder_slice(struct block_builder *builder, const struct block_slice *slice,
                              struct error *err)
{
    uint32_t first = slice->first;
    bool has_text = false;

    for (uint32_t c = 0; c < slice->rows->column_count; c++)
        has_text |= slice->rows->columns[c].type == TYPE_STRING;
    while (first < slice->end) {
        uint32_t room, count = slice->end - first;
        enum code code;

        if (!slice_enter(builder, slice))
            return error_set(err, E_MEMORY, "no memory to build a block");
        room = builder_room(builder);
        if (room == 0) {
            code = builder_flush(builder, err);
            if (code)
                return code;
            continue;
        }
        count = count < room ? count : room;
        if (has_text)
            count = 1; /* each row's text counts before the next is taken */
        code = slice_append(builder, slice, first, count, err);
        if (code)
            return code;
        first += count;
    }
    return OK;
}

enum code block_builder_end(struct block_builder *builder, struct error *err)
{
    enum code code = builder_flush(builder, err);

    block_builder_reset(builder);
    return code;
}
