/* A moment by both clocks, and sums of times that stay at the end of what a time can be. */
#ifndef WEIR_INGEST_PACE_MOMENT_H
#define WEIR_INGEST_PACE_MOMENT_H

#include <stdint.h>

struct moment {
    int64_t wall_ns; /* since 1970 UTC; may jump */
    int64_t boot_ns; /* CLOCK_BOOTTIME; does not */
};

#define MOMENT_SECOND INT64_C(1000000000)
#define MOMENT_DAY (86400 * MOMENT_SECOND) /* of UTC */

static inline int64_t time_sum(int64_t a, int64_t b)
{
    int64_t sum;

    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

static inline int64_t time_between(int64_t from, int64_t to)
{
    int64_t difference;

    if (!__builtin_sub_overflow(to, from, &difference))
        return difference;
    return to > from ? INT64_MAX : INT64_MIN;
}

static inline int64_t time_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
