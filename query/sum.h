/* Sums that depend on no order: of integers exact, of f64 a double-double. */
#ifndef WEIR_QUERY_SUM_H
#define WEIR_QUERY_SUM_H

#include "model/block.h"
#include "model/rows.h"
#include "query/datum.h"

/* The number high + low. */
struct real {
    double high, low;
};

struct sum {
    wide integer;     /* of the i64 and u64; 2^64 of them fit */
    struct real real; /* of the f64 */
    uint64_t integer_count, real_count;
};

/* += value, exactly but for what falls below low's last place (Knuth's two-sum). */
static inline void real_add(struct real *real, double value)
{
    double sum = real->high + value;
    double part = sum - real->high;

    real->low += (real->high - (sum - part)) + (value - part);
    real->high = sum;
}

static inline bool holds(const struct rows_column *column, uint32_t row)
{
    return !column->present || column->present[row];
}

/* Any number, exactly. */
struct real real_of(enum value_type type, union cell cell);
struct real real_of_integer(wide integer);
double real_value(struct real real);

/* Rows [first, end) of a column of numbers. */
void sum_column(struct sum *sum, const struct rows_column *column, uint32_t first, uint32_t end);
/* What a block's header says of a column of that type. */
void sum_summary(struct sum *sum, enum value_type type, const struct column_summary *summary);
void sum_integer(struct sum *sum, wide integer);
void sum_real(struct sum *sum, struct real real);
void sum_merge(struct sum *sum, const struct sum *other);
static inline uint64_t sum_count(const struct sum *sum)
{
    return sum->integer_count + sum->real_count;
}
/* Both parts normalised: high is the number rounded. */
struct real sum_total(const struct sum *sum);
/* Of at least one value. */
struct real sum_mean(const struct sum *sum);
/* An integer of any size, with an f64 among them an f64; null of nothing and beyond the f64. */
void sum_datum(const struct sum *sum, struct datum *datum);
/* Null where it is not finite. */
void put_real(double value, struct datum *datum);

#endif
