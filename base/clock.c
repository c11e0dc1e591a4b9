#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);

    assert(!failed);                          /* only for an id the kernel does not know */
    if (now.tv_sec >= INT64_MAX / 1000000000) /* 2262-04-11: the last time there is */
        return INT64_MAX;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_wall_ns(struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t system_boot_ns(struct clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_BOOTTIME);
}

struct clock *clock_system(void)
{
    static struct clock clock = {system_wall_ns, system_monotonic_ns, system_boot_ns};

    return &clock;
}
