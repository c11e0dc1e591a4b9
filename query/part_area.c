/* integral and time-weighted mean: the area under straight lines from value to value.  A line
 * belongs to the window of its later value. */
#include <math.h>

#include "query/parts.h"

/* Times in this unit make areas no larger than their values: they do not overflow on the way. */
#define WIDTH_NS 0x1p64

/* Of more ns than a double tells apart, both halves: what is lost of a long piece would be seen
 * where another one takes most of it back. */
static struct real width_of(uint64_t ns)
{
    uint64_t rest = ns >> 53 ? ns % 2048 : 0;

    return (struct real){(double)(ns - rest) / WIDTH_NS, (double)rest / WIDTH_NS};
}

/* The trapezoid: half of each side, times what lies between them. */
static void put_piece(struct area_state *area, const struct part_input *input, uint32_t row)
{
    const struct part_carry *before = input->carry;
    uint64_t ns = (uint64_t)input->time[row] - (uint64_t)before->time;
    struct real sides = real_of(input->column->type, input->column->cells[row]);
    struct real other = real_of((enum value_type)before->type, before->cell);
    struct real width = width_of(ns);
    double product;

    sides = (struct real){sides.high / 2, sides.low / 2};
    real_add(&sides, other.high / 2);
    sides.low += other.low / 2;
    product = sides.high * width.high;
    real_add(&area->area, product);
    area->area.low +=
        fma(sides.high, width.high, -product) + sides.low * width.high + sides.high * width.low;
    area->ns += ns;
}

bool area_add(void *state, const struct part_input *input)
{
    struct part_carry *carry = input->carry;
    struct area_state *area = state;

    for (uint32_t i = input->first; i < input->end; i++) {
        if (!holds(input->column, i))
            continue;
        if (carry->type != TYPE_NONE)
            put_piece(area, input, i);
        else
            sum_column(&area->alone, input->column, i, i + 1);
        *carry = (struct part_carry){
            .time = input->time[i], .cell = input->column->cells[i], .type = input->column->type};
    }
    return true;
}

bool area_merge(void *state, const void *other, struct pool *pool)
{
    struct area_state *area = state;
    const struct area_state *from = other;

    (void)pool;
    real_add(&area->area, from->area.high);
    area->area.low += from->area.low;
    area->ns += from->ns;
    sum_merge(&area->alone, &from->alone);
    return true;
}

void integral_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    const struct area_state *area = state;

    *datum = (struct datum){.type = TYPE_NONE};
    if (area->ns > 0)
        put_real(real_value(area->area) * (WIDTH_NS / (double)call->unit_ns), datum);
}

/* Of values alone, which have no time: their mean. */
void time_weighted_mean_finish(const void *state, const struct aggregate_call *call,
                               struct datum *datum)
{
    const struct area_state *area = state;

    (void)call;
    *datum = (struct datum){.type = TYPE_NONE};
    if (area->ns > 0)
        put_real(real_value(area->area) / ((double)area->ns / WIDTH_NS), datum);
    else if (sum_count(&area->alone) > 0)
        put_real(real_value(sum_mean(&area->alone)), datum);
}
