#include "store/packs/growing_block.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CELLS_MAX = 512 * 1024,      /* 4 MiB, far below 1 MiB encoded */
    TEXT_BYTES_MAX = 512 * 1024, /* so that strings do not make a block larger than a part */
};

void growing_block_release(struct growing_block *block)
{
    for (uint32_t i = 0; i < block->column_capacity; i++) {
        free(block->columns[i].cells);
        free(block->columns[i].present);
    }
    free(block->columns);
    free(block->entered);
    free(block->sorted);
}

void growing_block_reset(struct growing_block *block)
{
    block->row_count = 0;
    block->series_count = 0;
    block->column_count = 0;
    block->text_bytes = 0;
    block->with_revision = false;
    block->with_history = false;
}

bool growing_block_fields(struct growing_block *block, uint32_t count)
{
    if (block->entered_capacity >= count)
        return true;
    free(block->entered);
    block->entered = calloc(count, sizeof(*block->entered));
    block->entered_capacity = block->entered == NULL ? 0 : count;
    return block->entered != NULL;
}

static struct growing_column *column_add(struct growing_block *block, struct bytes name,
                                         enum value_type type)
{
    struct growing_column *column;

    if (block->column_count == block->column_capacity) {
        uint32_t capacity = block->column_capacity * 2 + 16;
        struct growing_column *grown = realloc(block->columns, capacity * sizeof(*block->columns));

        if (grown == NULL)
            return NULL;
        memset(grown + block->column_capacity, 0,
               (capacity - block->column_capacity) * sizeof(*grown));
        block->columns = grown;
        block->column_capacity = capacity;
    }
    column = &block->columns[block->column_count];
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
    memset(column->cells, 0, block->row_count * sizeof(*column->cells));
    block->column_count++;
    return column;
}

static bool column_is(const struct growing_column *column, struct bytes name, enum value_type type)
{
    return column->type == type && bytes_equal(column->name, name);
}

/* The column of the same index is looked at first, since rows mostly agree. */
bool growing_block_enter(struct growing_block *block, uint32_t index, struct bytes name,
                         enum value_type type)
{
    uint32_t i = index;

    assert(index < block->entered_capacity);
    if (i >= block->column_count || !column_is(&block->columns[i], name, type))
        for (i = 0; i < block->column_count; i++)
            if (column_is(&block->columns[i], name, type))
                break;
    block->entered[index] = i;
    return i < block->column_count || column_add(block, name, type) != NULL;
}

uint32_t growing_block_room(const struct growing_block *block)
{
    uint32_t columns = block->column_count == 0 ? 1 : block->column_count;
    uint32_t rows_max = CELLS_MAX / columns;

    if (rows_max > BLOCK_ROWS_MAX)
        rows_max = BLOCK_ROWS_MAX;
    if (rows_max == 0)
        rows_max = 1;
    if (block->text_bytes >= TEXT_BYTES_MAX || block->row_count >= rows_max)
        return 0;
    return rows_max - block->row_count;
}

void growing_block_series(struct growing_block *block, struct series_id id)
{
    uint32_t count = block->series_count;

    if (count > 0 && series_id_compare(block->series[count - 1], id) == 0)
        return;
    assert(count == 0 || series_id_compare(block->series[count - 1], id) < 0);
    block->series[count] = id;
    block->series_row_first[count] = block->row_count;
    block->series_count++;
}

void growing_block_blank(struct growing_block *block, uint32_t count)
{
    for (uint32_t c = 0; c < block->column_count; c++)
        memset(block->columns[c].cells + block->row_count, 0, count * sizeof(union cell));
}

static int column_order(const void *a, const void *b)
{
    const struct block_column *left = a, *right = b;
    int order = bytes_compare(left->name, right->name);

    return order != 0 ? order : (int)left->type - (int)right->type;
}

enum code growing_block_view(struct growing_block *block, struct block *view, struct error *err)
{
    assert(block->row_count > 0);
    *view = (struct block){
        .measurement = block->measurement,
        .row_count = block->row_count,
        .series_count = block->series_count,
        .series = block->series,
        .series_row_first = block->series_row_first,
        .time = block->time,
        .ingest = block->ingest,
        .revision = block->with_revision ? block->revision : NULL,
        .history = block->with_history ? block->history : NULL,
    };
    if (block->sorted_capacity < block->column_count) {
        free(block->sorted);
        block->sorted = calloc(block->column_count, sizeof(*block->sorted));
        block->sorted_capacity = block->sorted == NULL ? 0 : block->column_count;
        if (block->sorted == NULL)
            return error_set(err, E_MEMORY, "no memory to build a block");
    }
    block->series_row_first[block->series_count] = block->row_count;
    for (uint32_t i = 0; i < block->column_count; i++) {
        const struct growing_column *column = &block->columns[i];

        if (column->count == 0) /* of the rows that found no room any more */
            continue;
        block->sorted[view->column_count++] = (struct block_column){
            .name = column->name,
            .type = column->type,
            .cells = column->cells,
            .present = column->count == block->row_count ? NULL : column->present,
        };
    }
    if (view->column_count > 0)
        qsort(block->sorted, view->column_count, sizeof(*block->sorted), column_order);
    view->columns = block->sorted;
    return OK;
}
