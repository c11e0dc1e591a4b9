#include "store/packs/merge_output.h"

#include <stdlib.h>

enum code merge_output_init(struct merge_output *output, struct error *err)
{
    *output = (struct merge_output){0};
    return block_builder_new(&output->builder, err);
}

void merge_output_release(struct merge_output *output)
{
    block_builder_free(output->builder);
    free(output->series);
    *output = (struct merge_output){0};
}

void merge_output_begin(struct merge_output *output, struct pack_writer *writer)
{
    output->writer = writer;
    output->begun = false;
    output->series_count = 0;
}

static enum code take_block(void *context, const struct block *block, struct error *err)
{
    return pack_writer_block(context, block, err);
}

static enum code series_enter(struct merge_output *output, const struct series *series,
                              uint64_t row_count, struct error *err)
{
    if (output->series_count > 0 && output->series[output->series_count - 1] == series)
        return OK;
    if (output->series_count == output->series_capacity) {
        size_t capacity = output->series_capacity * 2 + 64;
        const struct series **grown =
            realloc(output->series, capacity * sizeof(const struct series *));

        if (grown == NULL)
            return error_set(err, E_MEMORY, "no memory for the series of a pack");
        output->series = grown;
        output->series_capacity = capacity;
    }
    output->series[output->series_count++] = series;
    if (!output->begun)
        block_builder_begin(output->builder, series->measurement, take_block, output->writer);
    output->begun = true;
    return block_builder_series(output->builder, series->id, row_count, err);
}

enum code merge_output_slice(struct merge_output *output, const struct series *series,
                             uint64_t row_count, const struct block_slice *slice, struct error *err)
{
    enum code code = series_enter(output, series, row_count, err);

    return code ? code : block_builder_slice(output->builder, slice, err);
}

enum code merge_output_end_measurement(struct merge_output *output, struct error *err)
{
    bool begun = output->begun;

    output->begun = false;
    return begun ? block_builder_end(output->builder, err) : OK;
}

static int series_order(const void *a, const void *b)
{
    return series_id_compare((*(const struct series *const *)a)->id,
                             (*(const struct series *const *)b)->id);
}

enum code merge_output_end(struct merge_output *output, struct error *err)
{
    enum code code = OK;

    if (output->series_count > 1)
        qsort(output->series, output->series_count, sizeof(const struct series *), series_order);
    for (size_t i = 0; code == OK && i < output->series_count; i++)
        code =
            pack_writer_series(output->writer, output->series[i]->id, output->series[i]->key, err);
    output->series_count = 0;
    return code;
}

void merge_output_abort(struct merge_output *output)
{
    block_builder_reset(output->builder);
    output->begun = false;
    output->series_count = 0;
}
