/* increase and rate of counters; delta and derivative of anything.  A change is of two values of
 * one series that follow each other, and belongs to the window of the later one: windows add up to
 * the whole.  Series are worked out one by one, and their results added. */
#include <math.h>

#include "query/parts.h"

/* Rates are for each so many ns, about a second: a power of two rounds nothing off, and keeps what
 * is very large or very small in range. */
#define RATE_NS 0x1p30

static bool has_changes(const struct change_state *change)
{
    return sum_count(&change->sum) > 0;
}

/* From the first value to the last. */
static struct real span_of(const struct change_state *change)
{
    struct real ns = real_of_integer((wide)change->end - change->first.time);

    return (struct real){ns.high / RATE_NS, ns.low / RATE_NS};
}

/* Of the series at hand. */
static struct real rate_of(const struct change_state *change)
{
    struct real total = sum_total(&change->sum), span = span_of(change);
    double rate = total.high / span.high;
    double rest = fma(-rate, span.high, total.high) + total.low - rate * span.low;

    return (struct real){rate, rest / span.high};
}

static void add_rate(struct real *rate, struct real more)
{
    real_add(rate, more.high);
    rate->low += more.low;
}

/* The series at hand is over. */
static void fold(struct change_state *change)
{
    if (!has_changes(change))
        return;
    add_rate(&change->rate, rate_of(change));
    sum_merge(&change->before, &change->sum);
    change->sum = (struct sum){0};
}

static void put_integer(struct sum *sum, wide value, wide before, bool counter)
{
    wide rise = value - before;

    if (counter && rise < 0) /* it began anew from zero */
        rise = value > 0 ? value : 0;
    sum_integer(sum, rise);
}

static void put_number(struct sum *sum, struct real value, struct real before, bool counter)
{
    struct real rise = value;

    real_add(&rise, -before.high);
    rise.low -= before.low;
    if (counter && real_value(rise) < 0)
        rise = real_value(value) > 0 ? value : (struct real){0, 0};
    sum_real(sum, rise);
}

static void put_change(struct sum *sum, enum value_type type, union cell cell,
                       const struct part_carry *before, bool counter)
{
    enum value_type type_before = (enum value_type)before->type;

    if (type != TYPE_F64 && type_before != TYPE_F64)
        put_integer(sum, integer_of(type, cell), integer_of(type_before, before->cell), counter);
    else
        put_number(sum, real_of(type, cell), real_of(type_before, before->cell), counter);
}

/* A change of the series at hand is to come, the first one from `before`. */
static void reach(struct change_state *change, const struct part_input *input,
                  const struct part_carry *before)
{
    if (change->series != input->series)
        fold(change);
    change->series = input->series;
    if (!has_changes(change))
        change->first = *before;
}

static struct part_carry carry_of(const struct part_input *input, uint32_t row)
{
    return (struct part_carry){
        .time = input->time[row], .cell = input->column->cells[row], .type = input->column->type};
}

/* The rises of rows [first, end) of one type, from `before` on; where values fall they began anew.
 */
static void add_reals(struct sum *sum, const struct rows_column *column, uint32_t first,
                      uint32_t end, double before)
{
    struct real real = sum->real;
    uint64_t count = 0;

    for (uint32_t i = first; i < end; i++) {
        double value = column->cells[i].f64, from = value < before ? 0 : before, rise, part;

        if (!holds(column, i))
            continue;
        value = value < from ? from : value; /* below zero, and anew: nothing */
        rise = value - from;
        part = value - rise;
        real_add(&real, rise);
        real.low += (value - (rise + part)) + (part - from);
        before = column->cells[i].f64;
        count++;
    }
    sum->real = real;
    sum->real_count += count;
}

static void add_integers(struct sum *sum, const struct rows_column *column, uint32_t first,
                         uint32_t end, union cell before)
{
    /* An i64 in the order of u64: with its sign bit turned, as zero is then. */
    const uint64_t zero = column->type == TYPE_I64 ? (uint64_t)1 << 63 : 0;
    uint64_t last = before.u64 ^ zero, count = 0;
    wide rises = 0;

    for (uint32_t i = first; i < end; i++) {
        uint64_t value = column->cells[i].u64 ^ zero, from = value < last ? zero : last;

        if (!holds(column, i))
            continue;
        rises += value < from ? 0 : value - from;
        last = value;
        count++;
    }
    sum->integer += rises;
    sum->integer_count += count;
}

bool increase_add(void *state, const struct part_input *input)
{
    const struct rows_column *column = input->column;
    struct part_carry *carry = input->carry;
    struct change_state *change = state;
    uint32_t first = input->first, last = input->end;

    while (last > first && !holds(column, last - 1))
        last--;
    while (first < last && !holds(column, first))
        first++;
    if (first == last)
        return true;
    if (carry->type != TYPE_NONE)
        reach(change, input, carry);
    if (carry->type != TYPE_NONE && carry->type != column->type) {
        put_change(&change->sum, column->type, column->cells[first], carry, true);
        change->end = input->time[first];
    }
    if (carry->type != column->type)
        *carry = carry_of(input, first++);
    if (first == last)
        return true;
    reach(change, input, carry);
    if (column->type == TYPE_F64)
        add_reals(&change->sum, column, first, last, carry->cell.f64);
    else
        add_integers(&change->sum, column, first, last, carry->cell);
    *carry = carry_of(input, last - 1);
    change->end = carry->time;
    return true;
}

/* From the value before the first change to the last one: what lies between has no say. */
bool delta_add(void *state, const struct part_input *input)
{
    struct part_carry before = *input->carry;
    struct change_state *change = state;
    uint32_t first = input->first, last = input->end;

    while (first < last && !holds(input->column, first))
        first++;
    while (last > first && !holds(input->column, last - 1))
        last--;
    if (first == last)
        return true;
    *input->carry = carry_of(input, --last);
    if (before.type == TYPE_NONE && first == last)
        return true;
    if (before.type == TYPE_NONE)
        before = carry_of(input, first);
    reach(change, input, &before);
    change->sum = (struct sum){0};
    put_change(&change->sum, input->column->type, input->column->cells[last], &change->first,
               false);
    change->end = input->time[last];
    return true;
}

bool change_merge(void *state, const void *other, struct pool *pool)
{
    struct change_state *change = state, from = *(const struct change_state *)other;

    (void)pool;
    fold(change);
    fold(&from);
    sum_merge(&change->before, &from.before);
    add_rate(&change->rate, from.rate);
    return true;
}

void change_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct change_state *change = state;
    struct sum sum = change->before;

    (void)call;
    sum_merge(&sum, &change->sum);
    sum_datum(&sum, datum);
}

void change_rate_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct change_state *change = state;
    double units = (double)call->unit_ns / RATE_NS, product;
    struct real rate = change->rate;

    *datum = (struct datum){.type = TYPE_NONE};
    if (sum_count(&change->before) == 0 && !has_changes(change))
        return;
    if (has_changes(change))
        add_rate(&rate, rate_of(change));
    product = rate.high * units;
    put_real(product + (fma(rate.high, units, -product) + rate.low * units), datum);
}
