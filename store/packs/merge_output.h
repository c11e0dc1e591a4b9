/* One of the two packs that come out of a merge: rows go in by measurement, series and time, their
 * blocks and the keys of their series go to the pack's writer.
 *
 * Owner: the merge, for one pack after another.  Thread: the compactor. */
#ifndef WEIR_STORE_PACKS_MERGE_OUTPUT_H
#define WEIR_STORE_PACKS_MERGE_OUTPUT_H

#include "store/packs/block_builder.h"
#include "store/packs/pack_writer.h"

struct merge_output {
    struct block_builder *builder;
    struct pack_writer *writer;   /* borrowed */
    const struct series **series; /* that have rows in it */
    size_t series_count, series_capacity;
    bool begun; /* the builder, with the measurement at hand */
};

/* Whatever it says, merge_output_release() is due. */
MUST_USE enum code merge_output_init(struct merge_output *output, struct error *err);
void merge_output_release(struct merge_output *output); /* one of zeros is fine */

/* The next pack. */
void merge_output_begin(struct merge_output *output, struct pack_writer *writer);
/* Rows of the series: slices of one come one behind another, in all about row_count rows (which
 * decides whether it fills blocks alone). */
MUST_USE enum code merge_output_slice(struct merge_output *output, const struct series *series,
                                      uint64_t row_count, const struct block_slice *slice,
                                      struct error *err);
/* What follows is of another measurement. */
MUST_USE enum code merge_output_end_measurement(struct merge_output *output, struct error *err);
/* The keys of the series, after the last measurement. */
MUST_USE enum code merge_output_end(struct merge_output *output, struct error *err);
/* Forgets what was begun, after an error or instead of the end. */
void merge_output_abort(struct merge_output *output);

#endif
