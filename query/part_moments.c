/* variance and stddev: the sum of squared distances from the mean.  A stretch is walked twice, for
 * its mean and then for the distances, which keeps all digits; stretches are put together by
 * Chan's formula, so a block's header serves as one. */
#include <math.h>

#include "query/parts.h"

/* Adds values of which the sum and m2 are known. */
static void put_values(struct moments_state *moments, const struct sum *sum, double m2)
{
    double count = (double)sum_count(&moments->sum), more = (double)sum_count(sum);
    struct real mean, other, distance;

    if (more == 0)
        return;
    if (count > 0) {
        mean = sum_mean(&moments->sum);
        other = sum_mean(sum);
        distance = (struct real){other.high, other.low};
        real_add(&distance, -mean.high);
        distance.low -= mean.low;
        m2 += real_value(distance) * real_value(distance) * (count / (count + more) * more);
    }
    moments->m2 += m2;
    sum_merge(&moments->sum, sum);
}

/* In lanes, as the additions of one chain wait for each other. */
static double squares_of_reals(const struct part_input *input, struct real mean)
{
    const union cell *cells = input->column->cells;
    double even = 0, odd = 0;
    uint32_t i = input->first;

    for (; !input->column->present && i + 2 <= input->end; i += 2) {
        double a = (cells[i].f64 - mean.high) - mean.low;
        double b = (cells[i + 1].f64 - mean.high) - mean.low;

        even += a * a;
        odd += b * b;
    }
    for (; i < input->end; i++) {
        double a = (cells[i].f64 - mean.high) - mean.low;

        if (holds(input->column, i))
            even += a * a;
    }
    return even + odd;
}

/* Around the integer that is nearest to the mean, so that each distance is exact before it is
 * rounded to a double.  What is taken off at the end is half of it at most: of integers d the sum
 * of d^2 is not below that of |d|. */
static double squares_of_integers(const struct part_input *input, const struct sum *sum)
{
    wide count = (wide)sum->integer_count;
    wide half = sum->integer < 0 ? -(count / 2) : count / 2;
    wide middle = (sum->integer + half) / count;
    double squares = 0, rest = 0;

    for (uint32_t i = input->first; i < input->end; i++) {
        double distance;

        if (!holds(input->column, i))
            continue;
        distance = (double)(integer_of(input->column->type, input->column->cells[i]) - middle);
        squares += distance * distance;
        rest += distance;
    }
    return squares - rest * rest / (double)count;
}

bool moments_add(void *state, const struct part_input *input)
{
    struct sum sum = {0};
    double m2 = 0;

    sum_column(&sum, input->column, input->first, input->end);
    if (sum_count(&sum) > 1)
        m2 = input->column->type == TYPE_F64 ? squares_of_reals(input, sum_mean(&sum))
                                             : squares_of_integers(input, &sum);
    put_values(state, &sum, m2);
    return true;
}

void moments_take(void *state, const struct part_summary *input)
{
    const struct column_summary *summary = input->summary;
    struct sum sum = {0};

    sum_summary(&sum, input->type, summary);
    put_values(state, &sum, summary->min.u64 == summary->max.u64 ? 0 : summary->m2);
}

bool moments_merge(void *state, const void *other, struct pool *pool)
{
    const struct moments_state *from = other;

    (void)pool;
    put_values(state, &from->sum, from->m2);
    return true;
}

static double variance_of(const struct moments_state *moments)
{
    uint64_t count = sum_count(&moments->sum);

    return count < 2 ? NAN : moments->m2 / (double)(count - 1);
}

void variance_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    put_real(variance_of(state), datum);
}

void stddev_finish(const void *state, const struct aggregate_call *call, struct datum *datum)
{
    (void)call;
    put_real(sqrt(variance_of(state)), datum);
}
