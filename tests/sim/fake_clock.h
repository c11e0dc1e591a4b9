/* A clock that stands still until told to go on.  Wall time can be stepped alone, as an
 * administrator or NTP would; boot and monotonic time start anew with a power cut. */
#ifndef WEIR_TESTS_SIM_FAKE_CLOCK_H
#define WEIR_TESTS_SIM_FAKE_CLOCK_H

#include "base/clock.h"

struct fake_clock {
    struct clock base;
    int64_t wall, boot, monotonic;
    int64_t stepped; /* wall steps so far that were not taken back */
};

void fake_clock_init(struct fake_clock *clock, int64_t wall_ns);
void fake_clock_advance(struct fake_clock *clock, int64_t ns);
void fake_clock_step(struct fake_clock *clock, int64_t ns); /* the wall clock alone */
void fake_clock_boot(struct fake_clock *clock);

#endif
