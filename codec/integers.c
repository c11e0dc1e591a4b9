/* Integers as small ones.  Every value is seen as the first one plus a whole number of units (the
 * greatest of a few that divides all offsets: times in milliseconds, ingest times in steps of 1024
 * ns), and what is stored in planes are
 *   offsets        from the least one: noise, identifiers, levels,
 *   differences    of neighbours, from the usual step: walks, counters, times,
 *   accelerations  differences of those: smooth curves, series of different steps side by side,
 * whichever looks shortest on a sample of the rows.  All arithmetic is modulo 2^64, so that any
 * value, signed or not, comes back; signs go to the lowest bit (zigzag).
 *
 * Form: u8 kind | unit << 4, zigzag uvarint first value, [differences, accelerations: zigzag
 * uvarint step | offsets: zigzag uvarint least offset], planes of `count` residuals, the first of
 * which is 0 for differences and accelerations. */
#include "codec/column.h"

#include <assert.h>

enum integers_kind { INTEGERS_OFFSET = 0, INTEGERS_DELTA = 1, INTEGERS_DELTA2 = 2 };

enum { STEPS_SAMPLED = 15 };

static const int64_t units[] = {1, 1000, 1000000, 1000000000, 1024};

static inline uint64_t zigzag(uint64_t value)
{
    return value << 1 ^ (uint64_t)((int64_t)value >> 63);
}

static inline uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

static bool unit_divides(int64_t unit, const uint64_t *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if ((int64_t)(values[i] - values[0]) % unit != 0)
            return false;
    }
    return true;
}

/* Index of the greatest unit that divides all offsets. */
static uint8_t unit_find(const uint64_t *values, size_t count)
{
    static const uint8_t greatest_first[] = {3, 2, 4, 1};

    for (size_t i = 0; i < COUNT_OF(greatest_first); i++) {
        if (unit_divides(units[greatest_first[i]], values, count))
            return greatest_first[i];
    }
    return 0;
}

/* The median of some steps: gaps and jumps do not count, and jitter hardly. */
static uint64_t step_usual(const uint64_t *values, size_t count)
{
    int64_t steps[STEPS_SAMPLED];
    size_t step_count = count - 1 < STEPS_SAMPLED ? count - 1 : STEPS_SAMPLED;

    for (size_t i = 0; i < step_count; i++) {
        size_t row = 1 + i * (count - 1) / step_count, at = i;
        int64_t step = (int64_t)(values[row] - values[row - 1]);

        for (; at > 0 && steps[at - 1] > step; at--)
            steps[at] = steps[at - 1];
        steps[at] = step;
    }
    return (uint64_t)steps[step_count / 2];
}

static bool step_constant(const uint64_t *values, size_t count, uint64_t step)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i] - values[i - 1] != step)
            return false;
    }
    return true;
}

static uint64_t offset_least(const uint64_t *values, size_t count)
{
    int64_t least = 0;

    for (size_t i = 1; i < count; i++) {
        int64_t offset = (int64_t)(values[i] - values[0]);

        least = offset < least ? offset : least;
    }
    return (uint64_t)least;
}

/* Residuals of rows [first, end) to `out`.  `reference` is the least offset or the step. */
static void residuals(enum integers_kind kind, uint64_t reference, const uint64_t *values,
                      size_t first, size_t end, uint64_t *out)
{
    size_t i = first;

    if (kind == INTEGERS_OFFSET) {
        for (uint64_t least = values[0] + reference; i < end; i++)
            *out++ = values[i] - least;
        return;
    }
    if (i == 0 && i < end) {
        *out++ = 0;
        i++;
    }
    if (kind == INTEGERS_DELTA2) {
        if (i == 1 && i < end) {
            *out++ = zigzag(values[1] - values[0] - reference);
            i++;
        }
        for (; i < end; i++)
            *out++ = zigzag(values[i] - 2 * values[i - 1] + values[i - 2]);
        return;
    }
    for (; i < end; i++)
        *out++ = zigzag(values[i] - values[i - 1] - reference);
}

enum { SAMPLE_PARTS = 4, SAMPLE_PART_ROWS = PLANES_SAMPLE_MAX / SAMPLE_PARTS };

/* What the kind would take, seen from a few stretches of rows. */
static uint64_t residuals_cost(const struct column_encoder *encoder, enum integers_kind kind,
                               uint64_t reference, const uint64_t *values, size_t count)
{
    uint64_t sample[PLANES_SAMPLE_MAX];

    if (count <= PLANES_SAMPLE_MAX) {
        residuals(kind, reference, values, 0, count, sample);
        return planes_cost(encoder, sample, count);
    }
    for (size_t part = 0; part < SAMPLE_PARTS; part++) {
        size_t first = part * (count - SAMPLE_PART_ROWS) / (SAMPLE_PARTS - 1);

        residuals(kind, reference, values, first, first + SAMPLE_PART_ROWS,
                  sample + part * SAMPLE_PART_ROWS);
    }
    return planes_cost(encoder, sample, PLANES_SAMPLE_MAX);
}

/* The kind that looks shortest; differences when in doubt. */
static enum integers_kind kind_choose(const struct column_encoder *encoder, const uint64_t *values,
                                      size_t count, uint64_t least, uint64_t step)
{
    uint64_t delta = residuals_cost(encoder, INTEGERS_DELTA, step, values, count);
    uint64_t delta2 = residuals_cost(encoder, INTEGERS_DELTA2, step, values, count);
    uint64_t offset = residuals_cost(encoder, INTEGERS_OFFSET, least, values, count);

    if (offset < delta && offset < delta2)
        return INTEGERS_OFFSET;
    return delta2 < delta ? INTEGERS_DELTA2 : INTEGERS_DELTA;
}

void integers_encode(struct column_encoder *encoder, const uint64_t *values, size_t count)
{
    const uint64_t *quotients = values;
    enum integers_kind kind = INTEGERS_DELTA;
    uint64_t reference = 0, least;
    uint8_t unit = 0;

    assert(count <= BLOCK_ROWS_MAX);
    if (count == 0)
        return;
    if (count > 1)
        reference = step_usual(values, count);
    if (!step_constant(values, count, reference)) {
        unit = unit_find(values, count);
        if (unit != 0) {
            for (size_t i = 0; i < count; i++)
                encoder->quotients[i] = (uint64_t)((int64_t)(values[i] - values[0]) / units[unit]);
            quotients = encoder->quotients;
            reference = step_usual(quotients, count);
        }
        least = offset_least(quotients, count);
        kind = kind_choose(encoder, quotients, count, least, reference);
        if (kind == INTEGERS_OFFSET)
            reference = least;
    }
    buf_put_u8(&encoder->out, (uint8_t)((unsigned)kind | (unsigned)unit << 4));
    buf_put_uvarint(&encoder->out, zigzag(values[0]));
    buf_put_uvarint(&encoder->out, zigzag(reference));
    residuals(kind, reference, quotients, 0, count, encoder->residuals);
    planes_encode(encoder, encoder->residuals, count);
}

/* Two lanes: what every x86-64 and AArch64 has. */
typedef uint64_t u64x2 __attribute__((vector_size(16)));

/* Running sums of the differences of most columns, whose unit is 1.  In pairs: the chain through
 * all rows is one addition each two. */
static void differences_sum(uint64_t first, uint64_t delta, uint64_t *values, size_t count)
{
    u64x2 value = {first, first}, one = {1, 1};
    size_t i = 1;

    values[0] = first;
    for (; i + 2 <= count; i += 2) {
        u64x2 pair, step;

        memcpy(&pair, values + i, sizeof(pair));
        step = (pair >> 1 ^ (0 - (pair & one))) + delta;
        step += (u64x2){0, step[0]};
        pair = value + step;
        memcpy(values + i, &pair, sizeof(pair));
        value += (u64x2){step[1], step[1]};
    }
    if (i < count)
        values[i] = value[0] + delta + unzigzag(values[i]);
}

/* Residuals to values, in place.  The running sums go through every row: what can be is outside of
 * that chain. */
static void integers_restore(enum integers_kind kind, uint64_t first, uint64_t reference,
                             uint64_t unit, uint64_t *values, size_t count)
{
    uint64_t value = first, delta = reference * unit;

    switch (kind) {
    case INTEGERS_OFFSET:
        for (size_t i = 0; i < count; i++)
            values[i] = first + (reference + values[i]) * unit;
        break;
    case INTEGERS_DELTA:
        if (unit == 1) {
            differences_sum(first, delta, values, count);
            return;
        }
        values[0] = value;
        for (size_t i = 1; i < count; i++)
            values[i] = value += delta + unzigzag(values[i]) * unit;
        break;
    case INTEGERS_DELTA2:
        values[0] = value;
        for (size_t i = 1; i < count; i++) {
            delta += unzigzag(values[i]) * unit;
            values[i] = value += delta;
        }
        break;
    }
}

enum code integers_decode(struct column_decoder *decoder, struct reader *reader, uint64_t *values,
                          size_t count, struct error *err)
{
    unsigned kind, unit;
    uint64_t first, reference;
    enum code code;

    assert(count <= BLOCK_ROWS_MAX);
    if (count == 0)
        return OK;
    kind = reader_u8(reader);
    unit = kind >> 4;
    kind &= 15;
    first = unzigzag(reader_uvarint(reader));
    reference = unzigzag(reader_uvarint(reader));
    if (reader->failed || kind > INTEGERS_DELTA2 || unit >= COUNT_OF(units))
        return error_set(err, E_CORRUPT, "integers of kind %u and unit %u are unknown", kind, unit);
    code = planes_decode(decoder, reader, values, count, err);
    if (code)
        return code;
    integers_restore((enum integers_kind)kind, first, reference, (uint64_t)units[unit], values,
                     count);
    return OK;
}

bool integers_constant(struct reader *reader, size_t count, uint64_t *value)
{
    unsigned kind = reader_u8(reader), unit = kind >> 4;
    uint64_t reference;

    kind &= 15;
    *value = unzigzag(reader_uvarint(reader));
    reference = unzigzag(reader_uvarint(reader));
    if (kind > INTEGERS_DELTA2 || unit >= COUNT_OF(units) || reader_u8(reader) != 0 ||
        reader->failed) /* a form there is, and all residuals are 0 */
        return false;
    return count == 1 ? kind != INTEGERS_OFFSET || reference == 0
                      : kind == INTEGERS_DELTA && reference == 0;
}
