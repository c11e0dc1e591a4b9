/* The machine's clocks, which tests can turn forward. */
#ifndef WEIR_TESTS_UNIT_BASE_TURNED_CLOCK_H
#define WEIR_TESTS_UNIT_BASE_TURNED_CLOCK_H

#include "base/clock.h"

struct turned_clock {
    struct clock clock;
    _Atomic int64_t wall_more, monotonic_more; /* added to the machine's */
    int64_t wall_stopped;                      /* what is taken for the machine's; 0 = it runs */
};

static inline int64_t turned_wall(struct clock *clock)
{
    const struct turned_clock *turned = (const struct turned_clock *)clock;

    return (turned->wall_stopped != 0 ? turned->wall_stopped : clock_wall_ns(clock_system())) +
           turned->wall_more;
}

static inline int64_t turned_monotonic(struct clock *clock)
{
    return clock_monotonic_ns(clock_system()) + ((struct turned_clock *)clock)->monotonic_more;
}

static inline int64_t turned_boot(struct clock *clock)
{
    (void)clock;
    return clock_boot_ns(clock_system());
}

static inline void turned_clock_init(struct turned_clock *clock)
{
    *clock = (struct turned_clock){
        .clock = {turned_wall, turned_monotonic, turned_boot}
    };
}

#endif
