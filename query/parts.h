/* The parts of aggregates: what each keeps of the values of one field in one window, and the
 * functions of the tables in aggregate.c.  A file for each kind: part_<kind>.c. */
#ifndef WEIR_QUERY_PARTS_H
#define WEIR_QUERY_PARTS_H

#include "query/aggregate.h"
#include "query/sum.h"
#include "query/tally.h"

/* --- part_basic.c: count; sum and mean, of a struct sum; first and last --- */

struct count_state {
    uint64_t count;
    uint64_t unused;
};

struct end_state {
    int64_t time;
    union cell cell;
    uint32_t type;      /* TYPE_NONE = nothing yet */
    uint32_t text_room; /* bytes at `text`; texts go with their place, so they are copied */
    struct text *text;
};

part_add count_add, sum_add, first_add, last_add;
part_take count_take, sum_take, first_take, last_take;
part_merge count_merge, sum_state_merge, first_merge, last_merge;
aggregate_finish count_finish, sum_finish, mean_finish, end_finish;

/* --- part_extreme.c: min and max --- */

/* One extreme for each type, so that no loop compares across types. */
struct extreme_state {
    double f64;
    int64_t i64;
    uint64_t u64;
    uint64_t has; /* which of them */
};

part_add min_add, max_add;
part_take min_take, max_take;
part_merge min_merge, max_merge;
aggregate_finish min_finish, max_finish;

/* --- part_moments.c: variance and stddev --- */

struct moments_state {
    struct sum sum;
    double m2; /* sum of squared distances from the mean */
    uint64_t unused;
};

part_add moments_add;
part_take moments_take;
part_merge moments_merge;
aggregate_finish variance_finish, stddev_finish;

/* --- part_quantile.c: median and pNN --- */

enum { QUANTILE_EXACT_MAX = 65536 };

/* Values as keys: 64 bits that stand in the order of the doubles. */
struct quantile_state {
    uint64_t count;
    uint64_t least, greatest;
    uint64_t *keys;   /* of all values, in no order, while `count` <= QUANTILE_EXACT_MAX; */
    uint64_t **pages; /* then counts of buckets, a page for each sign and exponent, or NULL */
    uint64_t capacity;
};

part_add quantile_add;
part_merge quantile_merge;
aggregate_finish quantile_finish;

/* --- part_distinct.c --- */

enum { DISTINCT_EXACT_MAX = 65536 };

struct distinct_state {
    struct tally tally;
    uint8_t *registers; /* NULL while the tally has them all */
    uint64_t unused;
};

part_add distinct_add;
part_merge distinct_merge;
aggregate_finish distinct_finish;

/* --- part_mode.c: mode, of a struct tally --- */

part_add mode_add;
part_merge mode_merge;
aggregate_finish mode_finish;

/* --- part_change.c: increase and rate; delta and derivative --- */

struct change_state {
    struct sum before;       /* changes of the series before the one at hand */
    struct real rate;        /* the same, each by the time it took */
    struct sum sum;          /* changes of the series at hand, */
    struct part_carry first; /* from this value */
    int64_t end;             /* to the one of this time */
    uint64_t series;
};

part_add increase_add, delta_add;
part_merge change_merge;
aggregate_finish change_finish, change_rate_finish;

/* --- part_area.c: integral and time-weighted mean --- */

struct area_state {
    struct real area; /* in 2^64 ns */
    unsigned_wide ns; /* that it is over */
    struct sum alone; /* the first values of series, which no piece ends in */
};

part_add area_add;
part_merge area_merge;
aggregate_finish integral_finish, time_weighted_mean_finish;

#endif
