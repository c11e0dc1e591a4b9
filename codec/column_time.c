/* The times of rows: when it was true, when we knew, when the source says it was so.
 *
 * time:     integers: first time of each series; integers: the differences within the series, one
 *           series behind another.  A constant step, the same in all series, costs a few bytes.
 * ingest:   uvarint run count, integers: a value each run, integers: their lengths; or u8 0,
 *           uvarint run count, uvarint distinct count, u8 s, widths: the steps
 *           between the distinct values in ascending order, shifted by s bits, integers: the place
 *           among them of each run's, integers: the runs' lengths.  Clients with several
 *           connections commit what follows each other in time a little out of order, and how long
 *           after the one before is noise of every size.
 * revision: bits: which rows have one, integers: those. */
#include "codec/column.h"

#include <assert.h>

enum {
    INGEST_SORTED = 0,     /* where else is a run count */
    INGEST_MOVES_MAX = 32, /* a run: as far as a hundred connections put them out of order */
};

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

/* The distinct times of the runs, ascending, to `sorted`; how many, or 0 when they are too far from
 * that order for this way of sorting. */
static size_t ingest_sort(const uint64_t *runs, size_t run_count, union cell *sorted)
{
    size_t count = 0, moves = 0;

    for (size_t run = 0; run < run_count; run++) {
        int64_t time = (int64_t)runs[run];
        size_t at = count;

        while (at > 0 && sorted[at - 1].i64 > time)
            at--;
        moves += count - at;
        if (moves > run_count * INGEST_MOVES_MAX)
            return 0;
        if (at > 0 && sorted[at - 1].i64 == time)
            continue;
        memmove(sorted + at + 1, sorted + at, (count - at) * sizeof(*sorted));
        sorted[at].i64 = time;
        count++;
    }
    return count;
}

/* Where `time` is; it is there. */
static size_t ingest_place(const union cell *sorted, size_t count, int64_t time)
{
    size_t first = 0;

    while (count > 1) {
        size_t half = count / 2;

        first += sorted[first + half].i64 <= time ? half : 0;
        count -= half;
    }
    assert(sorted[first].i64 == time);
    return first;
}

/* Runs by their places among the distinct times; false when it is not worth trying. */
static bool ingest_sorted_encode(struct column_encoder *encoder, uint64_t *runs, size_t run_count)
{
    union cell *sorted = encoder->cells;
    size_t distinct = ingest_sort(runs, run_count, sorted);
    unsigned shift;
    uint64_t steps = 0, time;

    if (distinct == 0)
        return false;
    buf_put_u8(&encoder->out, INGEST_SORTED);
    buf_put_uvarint(&encoder->out, run_count);
    buf_put_uvarint(&encoder->out, distinct);
    for (size_t run = 0; run < run_count; run++)
        runs[run] = ingest_place(sorted, distinct, (int64_t)runs[run]);
    time = sorted[0].u64;
    for (size_t i = 1; i < distinct; i++) {
        uint64_t before = time;

        time = sorted[i].u64;
        sorted[i].u64 -= before;
        steps |= sorted[i].u64;
    }
    shift = steps == 0 ? 0 : (unsigned)__builtin_ctzll(steps);
    for (size_t i = 1; i < distinct; i++)
        sorted[i].u64 >>= shift;
    buf_put_u8(&encoder->out, (uint8_t)shift);
    widths_encode(encoder, &sorted[1].u64, distinct - 1);
    integers_encode(encoder, runs, run_count);
    return true;
}

/* A value each run, or their places among sorted ones, whichever is shorter. */
static void ingest_values_encode(struct column_encoder *encoder, uint64_t *runs, size_t run_count)
{
    struct buf *out = &encoder->out;
    size_t start = out->size, size;

    buf_put_uvarint(out, run_count);
    integers_encode(encoder, runs, run_count);
    size = out->size - start;
    if (!ingest_sorted_encode(encoder, runs, run_count) || out->failed)
        return;
    if (out->size - start - size < size) {
        memmove(out->data + start, out->data + start + size, out->size - start - size);
        out->size -= size;
    } else {
        out->size = start + size;
    }
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
    ingest_values_encode(encoder, runs, run_count);
    integers_encode(encoder, lengths, run_count);
}

/* The distinct times, ascending, behind the least, which is there. */
static enum code ingest_sorted_decode(struct column_decoder *decoder, struct reader *reader,
                                      uint64_t *sorted, size_t distinct, struct error *err)
{
    unsigned shift;
    enum code code;

    shift = reader_u8(reader);
    if (reader->failed || shift >= 64)
        return error_set(err, E_CORRUPT, "%zu sorted times in steps of 2^%u", distinct, shift);
    code = widths_decode(decoder, reader, sorted + 1, distinct - 1, err);
    if (code)
        return code;
    for (size_t i = 1; i < distinct; i++)
        sorted[i] = sorted[i - 1] + (sorted[i] << shift);
    return OK;
}

/* The runs' values to decoder->more_values. */
static enum code ingest_values_decode(struct column_decoder *decoder, struct reader *reader,
                                      int64_t least, size_t count, size_t *run_count,
                                      struct error *err)
{
    uint64_t *sorted = decoder->values, *runs = decoder->more_values, distinct = 1;
    uint64_t runs_said = reader_uvarint(reader);
    bool by_place = runs_said == INGEST_SORTED && !reader->failed;
    enum code code;

    if (by_place) {
        runs_said = reader_uvarint(reader);
        distinct = reader_uvarint(reader);
    }
    if (reader->failed || distinct == 0 || distinct > runs_said || runs_said > count)
        return error_set(err, E_CORRUPT, "%llu runs of %zu rows, %llu distinct",
                         (unsigned long long)runs_said, count, (unsigned long long)distinct);
    *run_count = (size_t)runs_said;
    if (!by_place)
        return integers_decode(decoder, reader, runs, *run_count, err);
    sorted[0] = (uint64_t)least;
    code = ingest_sorted_decode(decoder, reader, sorted, (size_t)distinct, err);
    if (code == OK)
        code = integers_decode(decoder, reader, runs, *run_count, err);
    if (code)
        return code;
    for (size_t run = 0; run < *run_count; run++) {
        if (runs[run] >= distinct)
            return error_set(err, E_CORRUPT, "run %zu is of time %llu of %llu", run,
                             (unsigned long long)runs[run], (unsigned long long)distinct);
        runs[run] = sorted[runs[run]];
    }
    return OK;
}

enum code column_ingest_decode(struct column_decoder *decoder, struct reader *reader, int64_t least,
                               int64_t *ingest, size_t count, struct error *err)
{
    const uint64_t *runs = decoder->more_values, *lengths = decoder->values;
    size_t run_count = 0, row = 0;
    enum code code;

    code = ingest_values_decode(decoder, reader, least, count, &run_count, err);
    if (code)
        return code;
    code = integers_decode(decoder, reader, decoder->values, run_count, err);
    if (code)
        return code;
    for (size_t run = 0; run < run_count; run++) {
        if (lengths[run] == 0 || lengths[run] > count - row)
            return error_set(err, E_CORRUPT, "run %zu of %zu is %llu rows long", run, run_count,
                             (unsigned long long)lengths[run]);
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
