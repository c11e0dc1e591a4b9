/* Gathers rows into blocks: series after series, sorted within each, columns side by side.  A
 * series of BLOCK_SPARSE_ROWS_MAX rows or more fills blocks alone, smaller ones share.  Rows come
 * from the head (chains) or from blocks that are being merged (slices).  Thread: one. */
#ifndef WEIR_STORE_PACKS_BLOCK_BUILDER_H
#define WEIR_STORE_PACKS_BLOCK_BUILDER_H

#include "base/arena.h"
#include "model/block.h"
#include "model/rows.h"
#include "store/head/generation.h"

struct block_builder;

/* Takes each finished block; its memory is the builder's and changes after the call. */
typedef enum code (*block_take)(void *context, const struct block *block, struct error *err);

MUST_USE enum code block_builder_new(struct block_builder **builder, struct error *err);
void block_builder_free(struct block_builder *builder);

/* All series of one measurement follow, ascending by id. */
void block_builder_begin(struct block_builder *builder, struct bytes measurement, block_take take,
                         void *context);
MUST_USE enum code block_builder_chain(struct block_builder *builder, const struct chain *chain,
                                       struct error *err);
/* Rows [first, end) of one series, sorted, behind those given before. */
struct block_slice {
    const struct rows *rows;
    const struct bytes *names; /* of the fields of rows->columns; they outlive the measurement */
    const uint8_t *history;    /* as in model/block.h; NULL = none of them */
    uint32_t first, end;
};

/* The slices that follow are of this series, in all about row_count rows (which decides whether it
 * fills blocks alone). */
MUST_USE enum code block_builder_series(struct block_builder *builder, struct series_id id,
                                        uint64_t row_count, struct error *err);
/* Everything but the names is copied. */
MUST_USE enum code block_builder_slice(struct block_builder *builder,
                                       const struct block_slice *slice, struct error *err);
/* Hands out what is left of the measurement. */
MUST_USE enum code block_builder_end(struct block_builder *builder, struct error *err);

/* Forgets what was begun, after a failure. */
void block_builder_reset(struct block_builder *builder);

#endif
