/* Form: uvarint valid count; of numbers, when it is not 0: uvarint rows of least, greatest, first
 * and last cell; these four values; sum; u64 m2.  Of a column without gaps the valid count and the
 * rows of the first and last cell are not written.  Values of f64 that are decimals of one scale
 * are zigzag uvarints as the integers are; other f64 are uvarints of their bits with the bytes in
 * reverse, since those of plain numbers end in zeros; the sum of integers is its high word zigzag
 * and its low word as a uvarint. */
#include "codec/column_summary.h"

#include "codec/column.h"

#include <assert.h>
#include <math.h>

/* Two lanes: what every x86-64 and AArch64 has. */
typedef double f64x2 __attribute__((vector_size(16)));

static bool type_is_number(enum value_type type)
{
    return value_kind(type) == KIND_NUMBER;
}

/* m2 in a second pass around the mean.  In lanes, since additions of one chain would wait for each
 * other; what the rounded mean is off by is taken off again (Chan, Golub, LeVeque). */
static double squares_f64(const union cell *cells, size_t count, double mean)
{
    f64x2 squares = {0, 0}, more_squares = {0, 0}, rest = {0, 0}, more_rest = {0, 0};
    double m2;
    size_t i = 0;

    for (; i + 4 <= count; i += 4) {
        f64x2 pair = (f64x2){cells[i].f64, cells[i + 1].f64} - mean;
        f64x2 more = (f64x2){cells[i + 2].f64, cells[i + 3].f64} - mean;

        squares += pair * pair;
        more_squares += more * more;
        rest += pair;
        more_rest += more;
    }
    for (; i < count; i++) {
        f64x2 single = {cells[i].f64 - mean, 0};

        squares += single * single;
        rest += single;
    }
    squares += more_squares;
    rest += more_rest;
    m2 = squares[0] + squares[1];
    m2 -= (rest[0] + rest[1]) * (rest[0] + rest[1]) / (double)count;
    return m2 < 0 ? 0 : m2;
}

/* What is gathered in one walk, in two lanes: even cells and odd cells. */
struct walk {
    f64x2 high, low; /* sum, and the sum of its rounding errors */
    double least[2], greatest[2];
};

/* The rounding error of an addition, which is always a double itself (Knuth's TwoSum). */
static inline f64x2 two_sum_error(f64x2 a, f64x2 b, f64x2 sum)
{
    f64x2 part = sum - a;

    return (a - (sum - part)) + (b - part);
}

static inline void walk_sum(struct walk *walk, f64x2 pair)
{
    f64x2 sum = walk->high + pair;

    walk->low += two_sum_error(walk->high, pair, sum);
    walk->high = sum;
}

static inline void walk_extremes(struct walk *walk, unsigned lane, double value)
{
    walk->least[lane] = value < walk->least[lane] ? value : walk->least[lane];
    walk->greatest[lane] = value > walk->greatest[lane] ? value : walk->greatest[lane];
}

/* The first cell that equals `value`; 0 when none does, as no cell equals NaN. */
static uint32_t cell_find(const union cell *cells, size_t count, double value)
{
    for (size_t i = 0; i < count; i++) {
        if (cells[i].f64 == value)
            return (uint32_t)i;
    }
    return 0;
}

/* The sum is a double-double.  One that overflows is infinite and its low part 0. */
static void summary_f64(const union cell *cells, size_t count, struct column_summary *summary)
{
    double first = cells[0].f64, least, greatest, high, low;
    struct walk walk = {
        .least = {first, first},
          .greatest = {first, first}
    };
    f64x2 even, odd, both;
    size_t i = 0;

    for (; i + 2 <= count; i += 2) {
        walk_sum(&walk, (f64x2){cells[i].f64, cells[i + 1].f64});
        walk_extremes(&walk, 0, cells[i].f64);
        walk_extremes(&walk, 1, cells[i + 1].f64);
    }
    if (i < count) {
        walk_sum(&walk, (f64x2){cells[i].f64, 0});
        walk_extremes(&walk, 0, cells[i].f64);
    }
    even = (f64x2){walk.high[0], 0};
    odd = (f64x2){walk.high[1], 0};
    both = even + odd;
    high = both[0];
    low = walk.low[0] + walk.low[1] + two_sum_error(even, odd, both)[0];
    summary->sum.f64.high = isfinite(high) ? high + low : high;
    summary->sum.f64.low = isfinite(high) ? low - (summary->sum.f64.high - high) : 0;
    summary->m2 = squares_f64(cells, count, summary->sum.f64.high / (double)count);
    least = walk.least[1] < walk.least[0] ? walk.least[1] : walk.least[0];
    greatest = walk.greatest[1] > walk.greatest[0] ? walk.greatest[1] : walk.greatest[0];
    summary->row_min = cell_find(cells, count, least);
    summary->row_max = cell_find(cells, count, greatest);
}

/* Both integer types in one: i64 is brought into the order of u64 by turning its sign bit. */
static void summary_integer(enum value_type type, const union cell *cells, size_t count,
                            struct column_summary *summary)
{
    uint64_t sign = type == TYPE_I64 ? (uint64_t)1 << 63 : 0;
    uint64_t least = cells[0].u64 ^ sign, greatest = least;
    size_t row_least = 0, row_greatest = 0;
    __int128 sum = 0;
    double mean, m2 = 0, rest = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t value = cells[i].u64 ^ sign;

        sum += sign ? (__int128)cells[i].i64 : (__int128)cells[i].u64;
        if (value < least) {
            least = value;
            row_least = i;
        }
        if (value > greatest) {
            greatest = value;
            row_greatest = i;
        }
    }
    mean = (double)sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        double distance = (sign ? (double)cells[i].i64 : (double)cells[i].u64) - mean;

        m2 += distance * distance;
        rest += distance;
    }
    m2 -= rest * rest / (double)count;
    summary->sum.integer.high = (int64_t)(sum >> 64);
    summary->sum.integer.low = (uint64_t)sum;
    summary->m2 = m2 < 0 ? 0 : m2;
    summary->row_min = (uint32_t)row_least;
    summary->row_max = (uint32_t)row_greatest;
}

void column_summary_make(enum value_type type, const union cell *cells, const uint16_t *rows,
                         size_t count, struct column_summary *summary)
{
    *summary = (struct column_summary){.valid_count = (uint32_t)count};
    if (!type_is_number(type) || count == 0)
        return;
    if (type == TYPE_F64)
        summary_f64(cells, count, summary);
    else
        summary_integer(type, cells, count, summary);
    summary->row_last = (uint32_t)count - 1;
    summary->first = cells[0];
    summary->last = cells[count - 1];
    summary->min = cells[summary->row_min];
    summary->max = cells[summary->row_max];
    if (rows) {
        summary->row_first = rows[summary->row_first];
        summary->row_last = rows[summary->row_last];
        summary->row_min = rows[summary->row_min];
        summary->row_max = rows[summary->row_max];
    }
}

static uint64_t f64_reversed(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return __builtin_bswap64(bits);
}

static double f64_restored(uint64_t reversed)
{
    uint64_t bits = __builtin_bswap64(reversed);
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void integer_put(int64_t value, struct buf *out)
{
    buf_put_uvarint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static int64_t integer_read(struct reader *reader)
{
    uint64_t value = reader_uvarint(reader);

    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static bool extremes_exact(const struct column_summary *summary, unsigned scale)
{
    int64_t integer;

    return decimal_of(summary->min.f64, scale, &integer) &&
           decimal_of(summary->max.f64, scale, &integer) &&
           decimal_of(summary->first.f64, scale, &integer) &&
           decimal_of(summary->last.f64, scale, &integer);
}

/* Of struct summary_form. */
static bool decimal_sum(uint8_t decimal)
{
    return decimal > DECIMAL_SCALES;
}

static uint8_t decimal_scale(uint8_t decimal)
{
    return decimal_sum(decimal) ? decimal - DECIMAL_SCALES : decimal;
}

uint8_t column_summary_decimal(enum value_type type, const struct column_summary *summary)
{
    if (type != TYPE_F64 || summary->valid_count == 0)
        return 0;
    for (unsigned scale = 0; scale < DECIMAL_SCALES; scale++) {
        int64_t sum;

        if (!extremes_exact(summary, scale))
            continue;
        return (uint8_t)(scale + 1 +
                         (decimal_of(summary->sum.f64.high, scale, &sum) &&
                                  summary->sum.f64.low == 0 && !signbit(summary->sum.f64.low)
                              ? DECIMAL_SCALES
                              : 0));
    }
    return 0;
}

static void cell_put(enum value_type type, uint8_t decimal, union cell cell, struct buf *out)
{
    if (type == TYPE_F64 && decimal != 0) {
        bool exact = decimal_of(cell.f64, decimal - 1u, &cell.i64);

        assert(exact);
    }
    if (type == TYPE_F64 && decimal == 0)
        buf_put_uvarint(out, f64_reversed(cell.f64));
    else
        integer_put(cell.i64, out);
}

static union cell cell_read(enum value_type type, uint8_t decimal, struct reader *reader)
{
    if (type == TYPE_F64 && decimal == 0)
        return (union cell){.f64 = f64_restored(reader_uvarint(reader))};
    if (type == TYPE_F64)
        return (union cell){.f64 = decimal_value(integer_read(reader), decimal - 1u)};
    return (union cell){.i64 = integer_read(reader)};
}

void column_summary_put(enum value_type type, const struct summary_form *form,
                        const struct column_summary *summary, struct buf *out)
{
    uint8_t scale = decimal_scale(form->decimal);

    assert(!form->version_1);
    if (!form->all)
        buf_put_uvarint(out, summary->valid_count);
    if (!type_is_number(type) || summary->valid_count == 0)
        return;
    buf_put_uvarint(out, summary->row_min);
    buf_put_uvarint(out, summary->row_max);
    if (!form->all) {
        buf_put_uvarint(out, summary->row_first);
        buf_put_uvarint(out, summary->row_last);
    }
    cell_put(type, scale, summary->min, out);
    cell_put(type, scale, summary->max, out);
    cell_put(type, scale, summary->first, out);
    cell_put(type, scale, summary->last, out);
    if (decimal_sum(form->decimal)) {
        cell_put(type, scale, (union cell){.f64 = summary->sum.f64.high}, out);
    } else if (type == TYPE_F64) {
        buf_put_uvarint(out, f64_reversed(summary->sum.f64.high));
        buf_put_uvarint(out, f64_reversed(summary->sum.f64.low));
    } else {
        integer_put(summary->sum.integer.high, out);
        buf_put_uvarint(out, summary->sum.integer.low);
    }
    buf_put_u64(out, (union cell){.f64 = summary->m2}.u64);
}

/* Which rows they are of. */
static bool rows_read(const struct summary_form *form, struct reader *reader,
                      struct column_summary *summary)
{
    bool known = form->all && !form->version_1;

    summary->row_min = (uint32_t)reader_uvarint(reader);
    summary->row_max = (uint32_t)reader_uvarint(reader);
    summary->row_first = known ? 0 : (uint32_t)reader_uvarint(reader);
    summary->row_last = known ? form->row_count - 1 : (uint32_t)reader_uvarint(reader);
    return summary->row_min < form->row_count && summary->row_max < form->row_count &&
           summary->row_first < form->row_count && summary->row_last < form->row_count;
}

bool column_summary_read(enum value_type type, const struct summary_form *form,
                         struct reader *reader, struct column_summary *summary)
{
    uint8_t scale = decimal_scale(form->decimal);
    uint64_t valid_count = form->all && !form->version_1 ? form->row_count : reader_uvarint(reader);

    *summary = (struct column_summary){0};
    if (reader->failed || valid_count > form->row_count || form->decimal > 2 * DECIMAL_SCALES ||
        (form->decimal != 0 && (type != TYPE_F64 || valid_count == 0)))
        return false;
    summary->valid_count = (uint32_t)valid_count;
    if (!type_is_number(type) || valid_count == 0)
        return true;
    if (!rows_read(form, reader, summary))
        return false;
    summary->min = cell_read(type, scale, reader);
    summary->max = cell_read(type, scale, reader);
    summary->first = cell_read(type, scale, reader);
    summary->last = cell_read(type, scale, reader);
    if (decimal_sum(form->decimal)) {
        summary->sum.f64.high = cell_read(type, scale, reader).f64;
    } else if (type == TYPE_F64) {
        summary->sum.f64.high = f64_restored(reader_uvarint(reader));
        summary->sum.f64.low = f64_restored(reader_uvarint(reader));
    } else {
        summary->sum.integer.high = integer_read(reader);
        summary->sum.integer.low = reader_uvarint(reader);
    }
    summary->m2 = form->version_1 ? f64_restored(reader_uvarint(reader))
                                  : (union cell){.u64 = reader_u64(reader)}.f64;
    return !reader->failed;
}

static bool f64_same(double a, double b)
{
    return f64_reversed(a) == f64_reversed(b) || (isnan(a) && isnan(b));
}

static bool cell_same(enum value_type type, union cell a, union cell b)
{
    return type == TYPE_F64 ? f64_same(a.f64, b.f64) : a.u64 == b.u64;
}

const char *column_summary_differs(enum value_type type, const struct column_summary *a,
                                   const struct column_summary *b)
{
    if (a->valid_count != b->valid_count)
        return "valid_count";
    if (!type_is_number(type))
        return NULL;
    if (a->row_min != b->row_min || !cell_same(type, a->min, b->min))
        return "min";
    if (a->row_max != b->row_max || !cell_same(type, a->max, b->max))
        return "max";
    if (a->row_first != b->row_first || !cell_same(type, a->first, b->first))
        return "first";
    if (a->row_last != b->row_last || !cell_same(type, a->last, b->last))
        return "last";
    if (type == TYPE_F64 ? !f64_same(a->sum.f64.high, b->sum.f64.high) ||
                               !f64_same(a->sum.f64.low, b->sum.f64.low)
                         : a->sum.integer.high != b->sum.integer.high ||
                               a->sum.integer.low != b->sum.integer.low)
        return "sum";
    return f64_same(a->m2, b->m2) ? NULL : "m2";
}
