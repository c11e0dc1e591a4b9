/* The block that a builder fills: rows one behind another, in columns that are added as fields
 * come. Open, since whoever has rows writes them into its arrays: behind those that are there, no
 * more than growing_block_room() says.  Begins as zeros.  Thread: the builder's. */
#ifndef WEIR_STORE_PACKS_GROWING_BLOCK_H
#define WEIR_STORE_PACKS_GROWING_BLOCK_H

#include "base/error.h"
#include "model/block.h"

struct growing_column {
    struct bytes name; /* borrowed until the block is reset */
    enum value_type type;
    union cell *cells;
    uint8_t *present; /* 0 behind the rows that are there */
    uint32_t count;   /* cells present */
};

struct growing_block {
    struct bytes measurement; /* stays when the block is reset */
    uint32_t row_count, series_count;
    size_t text_bytes; /* of the strings */
    int64_t time[BLOCK_ROWS_MAX], ingest[BLOCK_ROWS_MAX], revision[BLOCK_ROWS_MAX];
    uint8_t history[BLOCK_ROWS_MAX];
    bool with_revision, with_history;
    struct series_id series[BLOCK_ROWS_MAX];
    uint32_t series_row_first[BLOCK_ROWS_MAX + 1];
    struct growing_column *columns; /* in order of first use */
    uint32_t column_count, column_capacity;
    uint32_t *entered; /* the column of each field that was entered last */
    uint32_t entered_capacity;
    struct block_column *sorted;
    uint32_t sorted_capacity;
};

void growing_block_release(struct growing_block *block);
/* No rows, series or columns; keeps their memory. */
void growing_block_reset(struct growing_block *block);

/* Fields are entered before their rows: room for so many, then each at its index.  A column that is
 * new is absent in the rows before.  False: no memory. */
MUST_USE bool growing_block_fields(struct growing_block *block, uint32_t count);
MUST_USE bool growing_block_enter(struct growing_block *block, uint32_t index, struct bytes name,
                                  enum value_type type);

/* Rows that still fit, once their fields are entered; of an empty block at least one. */
uint32_t growing_block_room(const struct growing_block *block);

/* The rows that come are of this series, which is the last one or behind it. */
void growing_block_series(struct growing_block *block, struct series_id id);
/* Zeros the cells of the next `count` rows in all columns, for rows that have not all of them. */
void growing_block_blank(struct growing_block *block, uint32_t count);

/* The block as it stands, with the columns that have a cell in it; it has rows.  The memory is the
 * growing block's. */
MUST_USE enum code growing_block_view(struct growing_block *block, struct block *view,
                                      struct error *err);

#endif
