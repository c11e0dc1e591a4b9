#include "ingest/pace/schedule.h"

#include "base/hash.h"
#include "base/zone.h"
#include "ingest/pace/moment.h"

uint64_t schedule_place(struct bytes tenant, struct bytes name)
{
    struct hash128_state state;
    struct hash128 hash;
    uint64_t place;

    hash128_begin(&state);
    hash128_add(&state, tenant);
    hash128_add(&state, (struct bytes){"", 1});
    hash128_add(&state, name);
    hash = hash128_end(&state);
    memcpy(&place, hash.bytes, sizeof(place));
    return place;
}

static int64_t jitter_of(const struct source_schedule *schedule, uint64_t place)
{
    return (int64_t)(place % ((uint64_t)schedule->jitter_ns + 1));
}

static int64_t floor_divide(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0);
}

/* When the source's time of day is on that day of its zone: the first of two, and the moment of the
 * turn where clocks pass over it. */
static int64_t at_of_day(const struct source_schedule *schedule, int64_t day)
{
    int64_t local_s = day * 86400 + schedule->at_s, earlier_s = local_s, later_s;

    if (schedule->zone != NULL)
        zone_utc(schedule->zone, local_s, &earlier_s, &later_s);
    return earlier_s * MOMENT_SECOND;
}

/* The first `at` above `ns`, `days` after the day of the one before. */
static int64_t at_behind(const struct source_schedule *schedule, int64_t ns, int64_t days)
{
    int64_t utc_s = floor_divide(ns, MOMENT_SECOND);
    int64_t offset_s = schedule->zone == NULL ? 0 : zone_offset(schedule->zone, utc_s);
    int64_t day = floor_divide(utc_s + offset_s, 86400);

    if (at_of_day(schedule, day) > ns)
        day--;
    return at_of_day(schedule, day + days);
}

int64_t schedule_next(const struct source_schedule *schedule, uint64_t place, int64_t last_wall_ns,
                      int64_t expires_ns, int64_t now_ns)
{
    int64_t jitter_ns = jitter_of(schedule, place), next_ns;
    int64_t days = schedule->every_ns / MOMENT_DAY;

    if (schedule->daily && last_wall_ns == INT64_MIN) /* with today's, if it is still ahead */
        next_ns = time_sum(at_behind(schedule, time_between(jitter_ns, now_ns), 1), jitter_ns);
    else if (schedule->daily)
        next_ns = time_sum(
            at_behind(schedule, time_between(jitter_ns, last_wall_ns), days > 0 ? days : 1),
            jitter_ns);
    else
        next_ns = last_wall_ns == INT64_MIN ? now_ns : time_sum(last_wall_ns, schedule->every_ns);
    if (next_ns <= now_ns)
        next_ns = last_wall_ns == INT64_MIN ? now_ns : time_sum(now_ns, jitter_ns);
    if (schedule->respect_expires && expires_ns > next_ns)
        next_ns = time_sum(expires_ns, jitter_ns);
    return next_ns;
}

int64_t schedule_spread(const struct source_schedule *schedule, uint64_t place)
{
    return schedule->daily ? 0 : jitter_of(schedule, place);
}
