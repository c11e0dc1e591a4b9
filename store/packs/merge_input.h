/* A pack that is being merged, as the rows of one series after another.  It is walked once for
 * each span of time; a block that several series share is read and decoded once a walk.
 *
 * Thread: the compactor. */
#ifndef WEIR_STORE_PACKS_MERGE_INPUT_H
#define WEIR_STORE_PACKS_MERGE_INPUT_H

#include "base/arena.h"
#include "model/rows.h"
#include "store/packs/pack.h"

/* Names of fields seen so far of a measurement; columns know theirs by index. */
struct merge_names {
    struct bytes *names; /* texts and array are the arena's */
    uint32_t count, capacity;
    struct arena arena;
};

void merge_names_init(struct merge_names *names);
void merge_names_release(struct merge_names *names);

/* A block's rows, decoded, all columns. */
struct merge_block;

struct merge_input {
    struct pack *pack; /* borrowed */
    const struct pack_block *blocks;
    size_t block_count, at;
    int64_t start, end;
    struct merge_block *shared; /* of block `at`, when several series share it */
    uint32_t series_at;         /* within it */
};

/* Rows of one series in one block, not decoded yet unless it is a shared one. */
struct merge_place {
    struct merge_input *input;
    const struct pack_block *entry;
    struct merge_block *block; /* counted; NULL until merge_place_open() */
    uint32_t first, end;       /* rows of the block; of an unopened one [0, row_count) */
    int64_t time_first, time_last;
};

struct merge_reader {
    struct block_decoder *decoder;
    struct merge_names *names;
};

/* Goes to the first block that touches [start, end). */
MUST_USE enum code merge_input_begin(struct merge_input *input, struct pack *pack, int64_t start,
                                     int64_t end, struct error *err);
/* The series at hand; false at the end. */
bool merge_input_peek(const struct merge_input *input, struct bytes *measurement,
                      struct series_id *id);
/* The next place of the series at hand, moving on; E_END when it has no more.  The place is
 * released by merge_place_release(). */
MUST_USE enum code merge_input_take(struct merge_input *input, struct bytes measurement,
                                    struct series_id id, struct merge_reader *reader,
                                    struct merge_place *place, struct error *err);
void merge_input_release(struct merge_input *input);

/* Decodes it. */
MUST_USE enum code merge_place_open(struct merge_place *place, struct merge_reader *reader,
                                    struct error *err);
const struct rows *merge_place_rows(const struct merge_place *place);
/* A byte a row: it stands for versions of a history pack; NULL = none does. */
const uint8_t *merge_place_history(const struct merge_place *place);
void merge_place_release(struct merge_place *place);

#endif
