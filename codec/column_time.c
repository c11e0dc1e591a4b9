/* The times of rows: when it was true, when we knew, when the source says it was so.
 *
 * time:     integers: first time of each series; integers: the differences within the series, one
 *           series behind another.  A constant step, the same in all series, costs a few bytes.
 * ingest:   uvarint run count, integers: a value each run, integers: their lengths.
 * revision: bits: which rows have one, integers: those. */
#include "codec/column.h"

#include <assert.h>

void column_time_encode(struct column_encoder *encoder, const struct block *block)
{
    uint64_t *values = encoder->values;
    size_t count = 0;

    for (size_t i = 0; i < block->series_count; i++)
        values[i] = (uint64_t)block->time[block->series_row_first[i]];
    integers_encode(encoder, values, block->series_count);
    for (size_t i = 0; i < block->series_count; i++) {
        for (size_t row = block->series_row_first[i] + 1; row < block->series_row_first[i + 1];
             row++) {
            assert(block->time[row] >= block->time[row - 1]);
            values[count++] = (uint64_t)block->time[row] - (uint64_t)block->time[row - 1];
        }
    }
    integers_encode(encoder, values, count);
}

bool column_time_step(struct reader *reader, size_t row_count, int64_t *first, int64_t *step)
{
    struct reader ahead = *reader;
    uint64_t value = 0, between = 0;

    if (!integers_constant(&ahead, 1, &value) ||
        (row_count > 1 && !integers_constant(&ahead, row_count - 1, &between)))
        return false;
    *first = (int64_t)value;
    *step = (int64_t)between;
    *reader = ahead;
    return true;
}

/* Two lanes: what every x86-64 and AArch64 has. */
typedef uint64_t u64x2 __attribute__((vector_size(16)));

static void steps_fill(uint64_t first, uint64_t step, int64_t *time, size_t count)
{
    u64x2 pair = {first, first + step}, both = {2 * step, 2 * step};
    size_t row = 0;

    for (; row + 2 <= count; row += 2) {
        memcpy(&time[row], &pair, sizeof(pair));
        pair += both;
    }
    if (row < count)
        time[row] = (int64_t)pair[0];
}

enum code column_time_decode(struct column_decoder *decoder, struct reader *reader,
                             const uint32_t *series_row_first, size_t series_count, int64_t *time,
                             struct error *err)
{
    uint64_t *firsts = decoder->values, *steps = decoder->more_values;
    size_t row_count = series_row_first[series_count];
    struct reader ahead = *reader;
    int64_t first, step;
    uint64_t span;
    enum code code;

    if (series_count == 1 && column_time_step(&ahead, row_count, &first, &step) &&
        !__builtin_mul_overflow((uint64_t)step, (uint64_t)row_count - 1, &span) &&
        (int64_t)((uint64_t)first + span) >= first) {
        steps_fill((uint64_t)first, (uint64_t)step, time, row_count);
        *reader = ahead;
        return OK;
    }
    code = integers_decode(decoder, reader, firsts, series_count, err);
    if (code)
        return code;
    code = integers_decode(decoder, reader, steps, row_count - series_count, err);
    if (code)
        return code;
    for (size_t i = 0; i < series_count; i++) {
        uint64_t value = firsts[i];

        time[series_row_first[i]] = (int64_t)value;
        for (size_t row = series_row_first[i] + 1; row < series_row_first[i + 1]; row++) {
            value += *steps++;
            time[row] = (int64_t)value;
            if (time[row] < time[row - 1])
                return error_set(err, E_CORRUPT, "times fall at row %zu", row);
        }
    }
    return OK;
}

void column_ingest_encode(struct column_encoder *encoder, const int64_t *ingest, size_t count)
{
    uint64_t *runs = encoder->values, *lengths = encoder->more_values;
    size_t run_count = 0;

    assert(count > 0 && count <= BLOCK_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && ingest[i] == ingest[i - 1]) {
            lengths[run_count - 1]++;
        } else {
            runs[run_count] = (uint64_t)ingest[i];
            lengths[run_count++] = 1;
        }
    }
    if (run_count == 1)
        return; /* the header's ingest_first says it */
    buf_put_uvarint(&encoder->out, run_count);
    integers_encode(encoder, runs, run_count);
    integers_encode(encoder, lengths, run_count);
}

enum code column_ingest_decode(struct column_decoder *decoder, struct reader *reader,
                               int64_t *ingest, size_t count, struct error *err)
{
    const uint64_t *runs = decoder->values, *lengths = decoder->more_values;
    uint64_t run_count = reader_uvarint(reader);
    size_t row = 0;
    enum code code;

    if (reader->failed || run_count == 0 || run_count > count)
        return error_set(err, E_CORRUPT, "%llu runs of %zu rows", (unsigned long long)run_count,
                         count);
    code = integers_decode(decoder, reader, decoder->values, (size_t)run_count, err);
    if (code)
        return code;
    code = integers_decode(decoder, reader, decoder->more_values, (size_t)run_count, err);
    if (code)
        return code;
    for (size_t run = 0; run < run_count; run++) {
        if (lengths[run] == 0 || lengths[run] > count - row)
            return error_set(err, E_CORRUPT, "run %zu of %llu is %llu rows long", run,
                             (unsigned long long)run_count, (unsigned long long)lengths[run]);
        for (size_t end = row + (size_t)lengths[run]; row < end; row++)
            ingest[row] = (int64_t)runs[run];
    }
    if (row != count)
        return error_set(err, E_CORRUPT, "runs cover %zu rows of %zu", row, count);
    return OK;
}

void column_revision_encode(struct column_encoder *encoder, const int64_t *revision, size_t count)
{
    uint8_t *flags = (uint8_t *)encoder->more_values;
    size_t claimed = 0;

    assert(count > 0 && count <= BLOCK_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        flags[i] = revision[i] != INT64_MIN;
        encoder->values[claimed] = (uint64_t)revision[i];
        claimed += flags[i];
    }
    bits_encode(encoder, flags, count);
    integers_encode(encoder, encoder->values, claimed);
}

enum code column_revision_decode(struct column_decoder *decoder, struct reader *reader,
                                 int64_t *revision, size_t count, struct error *err)
{
    const uint64_t *value = decoder->values;
    size_t claimed = 0;
    enum code code;

    code = bits_decode(decoder, reader, decoder->flags, count, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        claimed += decoder->flags[i];
    code = integers_decode(decoder, reader, decoder->values, claimed, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        revision[i] = decoder->flags[i] ? (int64_t)*value++ : INT64_MIN;
    return OK;
}
