/* Ingest times: one per record, unique, ascending, close to the wall clock.  ns with the member
 * number in the low 10 bits.
 *
 * Thread: the store's state lock guards it. */
#ifndef WEIR_STORE_STAMP_H
#define WEIR_STORE_STAMP_H

#include "base/clock.h"
#include "base/error.h"

enum { STAMP_STEP = 1024 };

struct stamp {
    struct clock *clock;
    uint16_t member;
    bool accept_clock;
    int64_t last;            /* nothing at or below is given out again */
    int64_t wall_minus_boot; /* when the clocks last agreed */
};

/* `last` is the highest stamp ever seen. */
void stamp_init(struct stamp *stamp, struct clock *clock, uint16_t member, bool accept_clock,
                int64_t last);
/* E_CLOCK_SKEW when the wall clock jumped by more than 60 s against CLOCK_BOOTTIME, or stands more
 * than 60 s below the last stamp; OK again when it is back.  Also where stamps are about to end. */
enum code stamp_check(struct stamp *stamp, struct error *err);
/* By the clock that was checked: one that jumped since then is not followed. */
int64_t stamp_next(struct stamp *stamp);
/* Only stamps above `floor` are given out from now on. */
void stamp_raise(struct stamp *stamp, int64_t floor);
/* The wall clock, or, when it jumped, where it would be. */
int64_t stamp_wall(const struct stamp *stamp);
/* The checked wall clock's time as the greatest stamp of a reader: nothing lower will come after
 * stamp_raise() with it. */
int64_t stamp_now(const struct stamp *stamp);
/* By how much the newest stamp is ahead of the wall clock, as it is after the clock was wrong: what
 * is given out next is ahead, too.  0 within the 60 s that pass for agreement. */
int64_t stamp_ahead(const struct stamp *stamp);

#endif
