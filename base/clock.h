/* Time, behind a small table so that a simulator can stand in.  Wall time stamps data;
 * monotonic time is for waiting; boot time (CLOCK_BOOTTIME) tells a wall clock that jumped. */
#ifndef WEIR_BASE_CLOCK_H
#define WEIR_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ns)(struct clock *clock); /* since 1970 UTC */
    int64_t (*monotonic_ns)(struct clock *clock);
    int64_t (*boot_ns)(struct clock *clock);
};

static inline int64_t clock_wall_ns(struct clock *clock)
{
    return clock->wall_ns(clock);
}

static inline int64_t clock_monotonic_ns(struct clock *clock)
{
    return clock->monotonic_ns(clock);
}

static inline int64_t clock_boot_ns(struct clock *clock)
{
    return clock->boot_ns(clock);
}

/* The machine's clocks.  Any thread. */
struct clock *clock_system(void);

#endif
