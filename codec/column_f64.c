/* f64 columns.  Most measured numbers were decimals once: 21.5 is 215 / 10, exactly, in the sense
 * that the double nearest to 215 / 10 has the same bits.  Such columns become integers, and the few
 * cells that are not (-0.0, NaN, 1e300 among temperatures) are kept beside them as they are.
 * Everything else is kept as bits: each xor'ed with its predecessor's, or as they are.
 *
 * Form, decimal: u8 scale, uvarint exception count, for each uvarint cells since the one before + 1
 *                (the first: since the start) and u64 bits; then integers, value = integer /
 * 10^scale. xor:     u64 bits of the first cell, planes of the xors, the first of which is 0.
 *       plain:   planes of the bits. */
#include "codec/column.h"

#include <assert.h>

enum { F64_DECIMAL = 1, F64_XOR = 2, F64_PLAIN = 3 };

/* Two lanes: what every x86-64 and AArch64 has. */
typedef double f64x2 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));

static const double powers[DECIMAL_SCALES] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

enum { SCALE_NONE = DECIMAL_SCALES, SCALE_SAMPLE_CELLS = 32, STRETCH_CELLS = 64 };

/* A double of this size has a last place of 1: adding it rounds to an integer, which is then in the
 * low bits; taking it off gives that integer as a double.  Good for |x| <= 2^51. */
static const double round_magic = 0x1.8p52;
static const uint64_t round_magic_bits = 0x4338000000000000;
static const double decimal_max = 0x1p51;

/* The integers of two cells at `scale`; bits of *wrong are set in the lanes where the integer would
 * not give back the same bits.  It never does for -0.0, which would become 0. */
static inline u64x2 decimal_pair(f64x2 value, double power, u64x2 *wrong)
{
    f64x2 shifted = value * power + round_magic, rounded = shifted - round_magic;
    u64x2 in_range = (u64x2)(rounded < decimal_max) & (u64x2)(rounded > -decimal_max);

    *wrong = ((u64x2)(rounded / power) ^ (u64x2)value) | ~in_range;
    return (u64x2)shifted - round_magic_bits;
}

bool decimal_of(double value, unsigned scale, int64_t *integer)
{
    u64x2 wrong;

    assert(scale < DECIMAL_SCALES);
    *integer = (int64_t)decimal_pair((f64x2){value, value}, powers[scale], &wrong)[0];
    return wrong[0] == 0;
}

double decimal_value(int64_t integer, unsigned scale)
{
    assert(scale < DECIMAL_SCALES);
    return (double)integer / powers[scale];
}

static bool decimal_exact(double value, unsigned scale)
{
    int64_t integer;

    return decimal_of(value, scale, &integer);
}

/* The least scale from `scale` on at which the value is exact, or SCALE_NONE. */
static unsigned scale_of(double value, unsigned scale)
{
    while (scale < DECIMAL_SCALES && !decimal_exact(value, scale))
        scale++;
    return scale;
}

/* Enough digits for most of a sample of the cells; SCALE_NONE when an eighth of it has no scale. */
static unsigned scale_guess(const union cell *cells, size_t count)
{
    size_t sample = count < SCALE_SAMPLE_CELLS ? count : SCALE_SAMPLE_CELLS, without = 0;
    unsigned scale = 0;

    for (size_t i = 0; i < sample; i++) {
        unsigned need = scale_of(cells[i * count / sample].f64, scale);

        if (need != SCALE_NONE)
            scale = need;
        else if (++without > sample / 8)
            return SCALE_NONE;
    }
    return without == sample ? SCALE_NONE : scale;
}

/* Integers of a stretch of cells; false when one of them at least is not exact. */
static bool decimal_stretch(const union cell *cells, size_t count, double power, uint64_t *integers)
{
    u64x2 wrong, wrong_any = {0, 0};
    size_t i = 0;

    for (; i + 2 <= count; i += 2) {
        u64x2 pair = decimal_pair((f64x2){cells[i].f64, cells[i + 1].f64}, power, &wrong);

        wrong_any |= wrong;
        memcpy(integers + i, &pair, sizeof(pair));
    }
    if (i < count) {
        integers[i] = decimal_pair((f64x2){cells[i].f64, 0}, power, &wrong)[0];
        wrong_any |= wrong;
    }
    return (wrong_any[0] | wrong_any[1]) == 0;
}

/* Integers of all cells at this scale; the indexes of those that are not exact go to `exceptions`.
 * Stops when there are more than `exceptions_max` of them. */
static size_t decimal_convert(const union cell *cells, size_t count, unsigned scale,
                              uint64_t *integers, uint64_t *exceptions, size_t exceptions_max)
{
    size_t exception_count = 0;

    for (size_t first = 0; first < count; first += STRETCH_CELLS) {
        size_t end = count - first < STRETCH_CELLS ? count : first + STRETCH_CELLS;

        if (decimal_stretch(cells + first, end - first, powers[scale], integers + first))
            continue;
        for (size_t i = first; i < end; i++) {
            if (!decimal_exact(cells[i].f64, scale))
                exceptions[exception_count++] = i;
        }
        if (exception_count > exceptions_max)
            break;
    }
    return exception_count;
}

/* False when the column is not decimal.  Else encoder->values holds the integers and ->more_values
 * the indexes of *exception_count exceptions.  A digit more costs the whole column about 0.4 bytes
 * a cell and an exception 10 bytes: up to one in 32, exceptions are cheaper. */
static bool decimal_find(struct column_encoder *encoder, const union cell *cells, size_t count,
                         unsigned *scale, size_t *exception_count)
{
    size_t exceptions_max = count / 32;

    *scale = scale_guess(cells, count);
    while (*scale != SCALE_NONE) {
        unsigned more = *scale;

        *exception_count = decimal_convert(cells, count, *scale, encoder->values,
                                           encoder->more_values, exceptions_max);
        if (*exception_count <= exceptions_max)
            return true;
        for (size_t i = 0; i < *exception_count; i++) {
            unsigned need = scale_of(cells[encoder->more_values[i]].f64, more);

            more = need == SCALE_NONE ? more : need;
        }
        *scale = more > *scale ? more : (unsigned)SCALE_NONE;
    }
    return false;
}

static void decimal_put(struct column_encoder *encoder, const union cell *cells, size_t count,
                        unsigned scale, size_t exception_count)
{
    size_t next = 0;

    buf_put_u8(&encoder->out, (uint8_t)scale);
    buf_put_uvarint(&encoder->out, exception_count);
    for (size_t i = 0; i < exception_count; i++) {
        size_t at = (size_t)encoder->more_values[i];

        buf_put_uvarint(&encoder->out, at - next);
        buf_put_u64(&encoder->out, cells[at].u64);
        encoder->values[at] = at == 0 ? 0 : encoder->values[at - 1];
        next = at + 1;
    }
    integers_encode(encoder, encoder->values, count);
}

static uint64_t stride_cost(const struct column_encoder *encoder, const uint64_t *values,
                            size_t count)
{
    uint64_t sample[PLANES_SAMPLE_MAX];
    size_t size = count < PLANES_SAMPLE_MAX ? count : PLANES_SAMPLE_MAX;

    for (size_t i = 0; i < size; i++)
        sample[i] = values[i * count / size];
    return planes_cost(encoder, sample, size);
}

uint8_t column_f64_encode(struct column_encoder *encoder, const union cell *cells, size_t count)
{
    size_t exception_count;
    unsigned scale;

    assert(count <= BLOCK_ROWS_MAX);
    if (count == 0)
        return F64_PLAIN;
    if (decimal_find(encoder, cells, count, &scale, &exception_count)) {
        decimal_put(encoder, cells, count, scale, exception_count);
        return F64_DECIMAL;
    }
    for (size_t i = 0; i < count; i++) {
        encoder->values[i] = cells[i].u64;
        encoder->residuals[i] = cells[i].u64 ^ cells[i == 0 ? 0 : i - 1].u64;
    }
    if (stride_cost(encoder, encoder->residuals, count) <
        stride_cost(encoder, encoder->values, count)) {
        buf_put_u64(&encoder->out, cells[0].u64);
        planes_encode(encoder, encoder->residuals, count);
        return F64_XOR;
    }
    planes_encode(encoder, encoder->values, count);
    return F64_PLAIN;
}

static inline f64x2 whole_pair(u64x2 integers)
{
    return (f64x2)(integers + round_magic_bits) - round_magic;
}

/* Whole numbers are not divided: that would take longer than all else together. */
static void decimal_restore(const uint64_t *integers, unsigned scale, union cell *cells,
                            size_t count)
{
    double power = powers[scale];
    size_t i = 0;

    for (; scale == 0 && i + 2 <= count; i += 2) {
        f64x2 value = whole_pair((u64x2){integers[i], integers[i + 1]});

        memcpy(&cells[i], &value, sizeof(value));
    }
    for (; i + 2 <= count; i += 2) {
        f64x2 value = whole_pair((u64x2){integers[i], integers[i + 1]}) / power;

        memcpy(&cells[i], &value, sizeof(value));
    }
    if (i < count)
        cells[i].f64 = whole_pair((u64x2){integers[i], integers[i]})[0] / power;
}

static enum code decimal_decode(struct column_decoder *decoder, struct reader *reader,
                                union cell *cells, size_t count, struct error *err)
{
    uint8_t scale = reader_u8(reader);
    uint64_t exception_count = reader_uvarint(reader);
    struct reader exceptions;
    size_t next = 0;
    enum code code;

    if (reader->failed || scale >= DECIMAL_SCALES || exception_count > count)
        return error_set(err, E_CORRUPT, "decimals of scale %u with %llu exceptions", scale,
                         (unsigned long long)exception_count);
    exceptions = *reader;
    for (size_t i = 0; i < exception_count; i++) {
        reader_uvarint(reader);
        reader_u64(reader);
    }
    code = integers_decode(decoder, reader, decoder->values, count, err);
    if (code)
        return code;
    decimal_restore(decoder->values, scale, cells, count);
    for (size_t i = 0; i < exception_count; i++) {
        uint64_t skip = reader_uvarint(&exceptions);

        if (skip >= count - next)
            return error_set(err, E_CORRUPT, "exception %zu is past cell %zu", i, count);
        next += (size_t)skip + 1;
        cells[next - 1].u64 = reader_u64(&exceptions);
    }
    return OK;
}

enum code column_f64_decode(struct column_decoder *decoder, uint8_t encoding, struct reader *reader,
                            union cell *cells, size_t count, struct error *err)
{
    uint64_t bits = 0;
    enum code code;

    if (encoding < F64_DECIMAL || encoding > F64_PLAIN)
        return error_set(err, E_CORRUPT, "f64 encoding %u is unknown", encoding);
    if (count == 0)
        return OK;
    if (encoding == F64_DECIMAL)
        return decimal_decode(decoder, reader, cells, count, err);
    if (encoding == F64_XOR)
        bits = reader_u64(reader);
    code = planes_decode(decoder, reader, decoder->values, count, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (encoding == F64_XOR)
            cells[i].u64 = bits ^= decoder->values[i];
        else
            cells[i].u64 = decoder->values[i];
    }
    return OK;
}
