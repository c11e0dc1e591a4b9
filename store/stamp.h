/* Ingest times: one per record, unique, ascending, close to the wall clock.  ns with the member
 * number in the low 10 bits.
 *
 * Thread: the store's state lock guards it. */
#ifndef WEIR_STORE_STAMP_H
#define WEIR_STORE_STAMP_H

#include "base/clock.h"
#include "base/error.h"

enum { STAMP_STEP = 1024 };
/* So far may the clocks of the members of a registry be apart. */
static const int64_t stamp_skew_ns = 250000000;

struct stamp {
    struct clock *clock;
    uint16_t member;
    bool accept_clock;
    int64_t last;            /* nothing at or below is given out again */
    int64_t wall_minus_boot; /* when the clocks last agreed */
    /* Above this the wall clock is ahead of those of other members; INT64_MAX: nobody says so. */
    int64_t wall_minus_boot_max;
    int64_t behind_ns; /* our clock is, of the one that is furthest ahead, as far as it may be */
    /* Below this it is so far behind them that order could suffer; INT64_MIN likewise. */
    int64_t wall_minus_boot_min;
};

/* `last` is the highest stamp ever seen. */
void stamp_init(struct stamp *stamp, struct clock *clock, uint16_t member, bool accept_clock,
                int64_t last);
/* E_CLOCK_SKEW when the wall clock jumped by more than 60 s against CLOCK_BOOTTIME, stands more
 * than 60 s below the last stamp, or is ahead of other members' clocks, or more than 60 s behind
 * those; OK again when it is back.
 * Also where stamps are about to end. */
enum code stamp_check(struct stamp *stamp, struct error *err);
/* By the clock that was checked: one that jumped since then is not followed. */
int64_t stamp_next(struct stamp *stamp);
/* Only stamps above `floor` are given out from now on. */
void stamp_raise(struct stamp *stamp, int64_t floor);
/* Others' clocks were asked for: ours, which was this much ahead of CLOCK_BOOTTIME then, was ahead
 * of theirs by `lead_ns` (below 0: behind).  Holds until the next time. */
void stamp_compare(struct stamp *stamp, int64_t wall_minus_boot, int64_t lead_ns);
/* Nobody answers: what was known is dropped, but of a clock that was wrong by it. */
void stamp_alone(struct stamp *stamp);
/* There is nobody who could know better. */
void stamp_forget(struct stamp *stamp);
/* Whether others' clocks are known. */
bool stamp_compared(const struct stamp *stamp);
/* As stamp_raise() above what other members gave, but for what is more than 60 s ahead of our
 * clock: our own ingest times would run away with it. */
void stamp_raise_above(struct stamp *stamp, int64_t theirs);
/* Whether it is that far ahead; of a moment that is not before 1970. */
bool stamp_is_far(const struct stamp *stamp, int64_t theirs);
/* The wall clock, or, when it jumped or is ahead of others, where it would be. */
int64_t stamp_wall(const struct stamp *stamp);
/* The checked wall clock's time as the greatest stamp of a reader: nothing lower will come after
 * stamp_raise() with it. */
int64_t stamp_now(const struct stamp *stamp);
/* Another member's clock was ahead of ours by this, and no other by more; below 0: none was. */
void stamp_follow(struct stamp *stamp, int64_t behind_ns);
/* Above what members gave by now, as long as their clocks are no further from ours than that: each
 * of them asks by its own, and who is asked goes on above it. */
int64_t stamp_above_others(const struct stamp *stamp);
/* By how much the newest stamp is ahead of the wall clock, as it is after the clock was wrong: what
 * is given out next is ahead, too.  0 within the 60 s that pass for agreement. */
int64_t stamp_ahead(const struct stamp *stamp);

#endif
