#include "fake_clock.h"

static int64_t wall(struct clock *clock)
{
    return ((struct fake_clock *)clock)->wall;
}

static int64_t monotonic(struct clock *clock)
{
    return ((struct fake_clock *)clock)->monotonic;
}

static int64_t boot(struct clock *clock)
{
    return ((struct fake_clock *)clock)->boot;
}

void fake_clock_init(struct fake_clock *clock, int64_t wall_ns)
{
    *clock = (struct fake_clock){
        .base = {.wall_ns = wall, .monotonic_ns = monotonic, .boot_ns = boot},
        .wall = wall_ns,
    };
    fake_clock_boot(clock);
}

void fake_clock_advance(struct fake_clock *clock, int64_t ns)
{
    clock->wall += ns;
    clock->boot += ns;
    clock->monotonic += ns;
}

void fake_clock_step(struct fake_clock *clock, int64_t ns)
{
    clock->wall += ns;
    clock->stepped += ns;
}

void fake_clock_boot(struct fake_clock *clock)
{
    clock->boot = clock->monotonic = 5000000000; /* some seconds after power came */
    clock->stepped = 0;
}
