#include "store/stamp.h"

#include <assert.h>

static const int64_t skew_ns_max = 60 * INT64_C(1000000000);
/* 2262-04-10: stamps need room above the newest one. */
static const int64_t stamp_end = INT64_MAX - 86400 * INT64_C(1000000000);

void stamp_init(struct stamp *stamp, struct clock *clock, uint16_t member, bool accept_clock,
                int64_t last)
{
    assert(member < STAMP_STEP);
    *stamp = (struct stamp){
        .clock = clock,
        .member = member,
        .accept_clock = accept_clock,
        .last = last,
        .wall_minus_boot = clock_wall_ns(clock) - clock_boot_ns(clock),
    };
    stamp_forget(stamp);
}

void stamp_forget(struct stamp *stamp)
{
    stamp->wall_minus_boot_max = INT64_MAX;
    stamp->wall_minus_boot_min = INT64_MIN;
}

bool stamp_compared(const struct stamp *stamp)
{
    return stamp->wall_minus_boot_max != INT64_MAX;
}

void stamp_compare(struct stamp *stamp, int64_t wall_minus_boot, int64_t lead_ns)
{
    stamp->wall_minus_boot_max = wall_minus_boot - lead_ns + stamp_skew_ns;
    stamp->wall_minus_boot_min = wall_minus_boot - lead_ns - skew_ns_max;
}

/* By how much it is further ahead of other members' clocks than it may be. */
static int64_t beyond_others(const struct stamp *stamp, int64_t wall_minus_boot)
{
    return !stamp->accept_clock && wall_minus_boot > stamp->wall_minus_boot_max
               ? wall_minus_boot - stamp->wall_minus_boot_max
               : 0;
}

/* By how much it is further behind them. */
static int64_t short_of_others(const struct stamp *stamp, int64_t wall_minus_boot)
{
    return !stamp->accept_clock && wall_minus_boot < stamp->wall_minus_boot_min
               ? stamp->wall_minus_boot_min - wall_minus_boot
               : 0;
}

void stamp_alone(struct stamp *stamp)
{
    int64_t difference = clock_wall_ns(stamp->clock) - clock_boot_ns(stamp->clock);

    if (beyond_others(stamp, difference) == 0 && short_of_others(stamp, difference) == 0)
        stamp_forget(stamp);
}

/* Where the wall clock would be had it not jumped: what a clock says that left the others stamps
 * nothing, between the check of a submission and its commit, or when a reader raises the floor. */
int64_t stamp_wall(const struct stamp *stamp)
{
    int64_t wall = clock_wall_ns(stamp->clock), boot = clock_boot_ns(stamp->clock);
    int64_t expected = boot + stamp->wall_minus_boot;

    if (!stamp->accept_clock && (wall - expected > skew_ns_max || expected - wall > skew_ns_max))
        wall = expected;
    if (beyond_others(stamp, wall - boot) > 0)
        wall = boot + stamp->wall_minus_boot_max - stamp_skew_ns; /* as theirs */
    return wall;
}

enum code stamp_check(struct stamp *stamp, struct error *err)
{
    int64_t wall = clock_wall_ns(stamp->clock);
    int64_t difference = wall - clock_boot_ns(stamp->clock);
    int64_t jump = difference - stamp->wall_minus_boot;
    int64_t behind = stamp->last - wall, beyond = beyond_others(stamp, difference);
    int64_t lacking = short_of_others(stamp, difference);

    if (wall >= stamp_end || stamp->last >= stamp_end)
        return error_set(err, E_CLOCK_SKEW,
                         "the %s is at the end of the times that can be told (2262-04-10)",
                         wall >= stamp_end ? "wall clock" : "newest stored ingest time");
    if (beyond > 0)
        return error_set(err, E_CLOCK_SKEW,
                         "the wall clock is %lld ms ahead of those of other members, and %lld ms "
                         "pass; set it right, or start with --accept-clock",
                         (long long)((beyond + stamp_skew_ns) / 1000000),
                         (long long)(stamp_skew_ns / 1000000));
    if (lacking > 0)
        return error_set(err, E_CLOCK_SKEW,
                         "the wall clock is %lld s behind those of most other members; set it "
                         "right, or start with --accept-clock",
                         (long long)((lacking + skew_ns_max) / 1000000000));
    if (stamp->accept_clock ||
        (jump <= skew_ns_max && jump >= -skew_ns_max && behind <= skew_ns_max)) {
        stamp->wall_minus_boot = difference; /* follows slow corrections */
        return OK;
    }
    if (behind > skew_ns_max)
        return error_set(
            err, E_CLOCK_SKEW,
            "the wall clock is %lld s below the newest stored ingest time; set it right, "
            "or start with --accept-clock",
            (long long)(behind / 1000000000));
    return error_set(err, E_CLOCK_SKEW,
                     "the wall clock jumped by %lld s; set it right, or start with --accept-clock",
                     (long long)(jump / 1000000000));
}

int64_t stamp_next(struct stamp *stamp)
{
    int64_t wall = stamp_wall(stamp);
    int64_t base = stamp->last / STAMP_STEP * STAMP_STEP + STAMP_STEP;

    if (wall / STAMP_STEP * STAMP_STEP > base)
        base = wall / STAMP_STEP * STAMP_STEP;
    stamp->last = base | stamp->member;
    return stamp->last;
}

void stamp_raise(struct stamp *stamp, int64_t floor)
{
    if (floor > stamp->last)
        stamp->last = floor;
}

bool stamp_is_far(const struct stamp *stamp, int64_t theirs)
{
    return theirs - skew_ns_max > stamp_wall(stamp);
}

void stamp_raise_above(struct stamp *stamp, int64_t theirs)
{
    if (theirs > stamp->last && !stamp_is_far(stamp, theirs))
        stamp->last = theirs;
}

int64_t stamp_now(const struct stamp *stamp)
{
    int64_t wall = stamp_wall(stamp);

    return wall > stamp->last ? wall : stamp->last;
}

/* One that is further ahead gives no stamps, and asks by the others' clocks. */
void stamp_follow(struct stamp *stamp, int64_t behind_ns)
{
    stamp->behind_ns = behind_ns < 0 ? 0 : behind_ns < stamp_skew_ns ? behind_ns : stamp_skew_ns;
}

int64_t stamp_above_others(const struct stamp *stamp)
{
    int64_t moment = stamp_wall(stamp) + stamp_skew_ns + stamp->behind_ns;

    return moment > stamp->last ? moment : stamp->last;
}

int64_t stamp_ahead(const struct stamp *stamp)
{
    int64_t ahead = stamp->last - clock_wall_ns(stamp->clock);

    return stamp->last > 0 && ahead > skew_ns_max ? ahead : 0;
}
