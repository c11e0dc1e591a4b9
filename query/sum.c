/* Columns without gaps, the usual ones, are added in lanes, as the additions of one chain wait for
 * each other; the lanes' sums are exact like the one they end in. */
#include "query/sum.h"

#include <math.h>

enum { LANES = 4 };

/* Two doubles or integers: what every x86-64 and AArch64 has. */
typedef double f64x2 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));

struct real real_of_integer(wide integer)
{
    double high = (double)integer;

    return (struct real){high, (double)(integer - (wide)high)};
}

struct real real_of(enum value_type type, union cell cell)
{
    if (type == TYPE_F64)
        return (struct real){cell.f64, 0};
    return real_of_integer(integer_of(type, cell));
}

double real_value(struct real real)
{
    return real.high + real.low;
}

/* --- columns --- */

static void add_lane(struct real *real, f64x2 high, f64x2 low)
{
    for (int i = 0; i < 2; i++) {
        real_add(real, high[i]);
        real->low += low[i];
    }
}

static void add_reals(struct sum *sum, const union cell *cells, uint32_t count)
{
    f64x2 high[LANES] = {{0}}, low[LANES] = {{0}};
    uint32_t i = 0;

    sum->real_count += count;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
#pragma GCC unroll 4
        for (uint32_t lane = 0; lane < LANES; lane++) {
            f64x2 pair = {cells[i + 2 * lane].f64, cells[i + 2 * lane + 1].f64};
            f64x2 both = high[lane] + pair, part = both - high[lane];

            low[lane] += (high[lane] - (both - part)) + (pair - part);
            high[lane] = both;
        }
    }
    for (uint32_t lane = 0; i > 0 && lane < LANES; lane++)
        add_lane(&sum->real, high[lane], low[lane]);
    for (; i < count; i++)
        real_add(&sum->real, cells[i].f64);
}

/* Halves of 32 bits, each in a sum of 64: no carry is lost below 2^32 rows.  An i64's sign bit is
 * turned, which adds 2^63 to it; that is taken off at the end. */
static void add_integers(struct sum *sum, const union cell *cells, uint32_t count, bool is_signed)
{
    const uint64_t bias = is_signed ? (uint64_t)1 << 63 : 0;
    u64x2 low = {0}, high = {0};
    uint64_t low_rest = 0, high_rest = 0;
    uint32_t i = 0;

    sum->integer_count += count;
    for (; i + 2 <= count; i += 2) {
        u64x2 pair = {cells[i].u64, cells[i + 1].u64};

        pair ^= bias;
        low += pair & UINT32_MAX;
        high += pair >> 32;
    }
    for (; i < count; i++) {
        low_rest += (cells[i].u64 ^ bias) & UINT32_MAX;
        high_rest += (cells[i].u64 ^ bias) >> 32;
    }
    sum->integer += (wide)low[0] + low[1] + low_rest;
    sum->integer += ((wide)high[0] + high[1] + high_rest) * ((wide)1 << 32);
    sum->integer -= (wide)count * bias;
}

static void add_present(struct sum *sum, const struct rows_column *column, uint32_t first,
                        uint32_t end)
{
    struct real real = sum->real;
    uint64_t count = 0;
    wide integer = 0;

    if (column->type == TYPE_F64) {
        for (uint32_t i = first; i < end; i++) {
            if (!column->present[i])
                continue;
            real_add(&real, column->cells[i].f64);
            count++;
        }
        sum->real = real;
        sum->real_count += count;
        return;
    }
    for (uint32_t i = first; i < end; i++) {
        if (!column->present[i])
            continue;
        integer += integer_of(column->type, column->cells[i]);
        count++;
    }
    sum->integer += integer;
    sum->integer_count += count;
}

void sum_column(struct sum *sum, const struct rows_column *column, uint32_t first, uint32_t end)
{
    if (column->present)
        add_present(sum, column, first, end);
    else if (column->type == TYPE_F64)
        add_reals(sum, column->cells + first, end - first);
    else
        add_integers(sum, column->cells + first, end - first, column->type == TYPE_I64);
}

void sum_summary(struct sum *sum, enum value_type type, const struct column_summary *summary)
{
    if (type == TYPE_F64) {
        real_add(&sum->real, summary->sum.f64.high);
        sum->real.low += summary->sum.f64.low;
        sum->real_count += summary->valid_count;
        return;
    }
    /* Modulo 2^128, so that the sign of the high word needs no care. */
    sum->integer +=
        (wide)((unsigned_wide)(uint64_t)summary->sum.integer.high << 64 | summary->sum.integer.low);
    sum->integer_count += summary->valid_count;
}

/* --- sums --- */

void sum_integer(struct sum *sum, wide integer)
{
    sum->integer += integer;
    sum->integer_count++;
}

void sum_real(struct sum *sum, struct real real)
{
    real_add(&sum->real, real.high);
    sum->real.low += real.low;
    sum->real_count++;
}

void sum_merge(struct sum *sum, const struct sum *other)
{
    sum->integer += other->integer;
    sum->integer_count += other->integer_count;
    real_add(&sum->real, other->real.high);
    sum->real.low += other->real.low;
    sum->real_count += other->real_count;
}

struct real sum_total(const struct sum *sum)
{
    struct real integer = real_of_integer(sum->integer), total = sum->real;
    double high;

    real_add(&total, integer.high);
    total.low += integer.low;
    high = total.high + total.low;
    return (struct real){high, total.low - (high - total.high)};
}

struct real sum_mean(const struct sum *sum)
{
    struct real total = sum_total(sum);
    double count = (double)sum_count(sum), mean = total.high / count;

    return (struct real){mean, (fma(-mean, count, total.high) + total.low) / count}; /* Newton */
}

void put_real(double value, struct datum *datum)
{
    *datum = (struct datum){.type = isfinite(value) ? TYPE_F64 : TYPE_NONE, .cell.f64 = value};
}

void sum_datum(const struct sum *sum, struct datum *datum)
{
    if (sum->real_count > 0) {
        put_real(sum_total(sum).high, datum);
        return;
    }
    *datum = (struct datum){.type = sum->integer_count ? TYPE_I64 : TYPE_NONE,
                            .is_wide = sum->integer_count > 0,
                            .integer = sum->integer};
}
