/* A calendar window is found from the date that the wall clock shows at the time: its number, and
 * from that the moments at which it and the next one begin.  Where clocks are turned the guess may
 * be a window off, so it is corrected by comparing moments, which only ever grow with the number.
 */
#include "query/grid.h"

#include <assert.h>

#include "base/date.h"

enum {
    DAY_S = 86400,
    WEEK_DAYS = 7,
    MONDAY_DAYS = 4, /* 1970-01-05 was one */
    YEAR_MONTHS = 12,
};

static const int64_t second_ns = 1000000000;
static const int64_t day_ns = DAY_S * second_ns;

/* Rounded down. */
static int64_t quotient(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* In [0, by). */
static int64_t rest(int64_t value, int64_t by)
{
    return value % by + (value % by < 0 ? by : 0);
}

struct grid grid_of_ns(int64_t every_ns, int64_t offset_ns)
{
    int64_t first = every_ns % (WEEK_DAYS * day_ns) == 0 ? MONDAY_DAYS * day_ns : 0;
    int64_t offset = rest(offset_ns, every_ns);

    assert(every_ns > 0);
    first = first < every_ns - offset ? first + offset : first - (every_ns - offset);
    return (struct grid){.kind = GRID_FIXED, .every = every_ns, .first = first};
}

struct grid grid_of_days(int64_t days, int64_t offset_ns, const struct zone *zone)
{
    assert(days > 0);
    assert(zone != NULL);
    return (struct grid){.kind = GRID_DAYS,
                         .every = days,
                         .first = days % WEEK_DAYS == 0 ? MONDAY_DAYS : 0,
                         .offset_ns = offset_ns,
                         .zone = zone};
}

struct grid grid_of_months(int64_t months, int64_t offset_ns, const struct zone *zone)
{
    assert(months > 0);
    assert(zone != NULL);
    return (struct grid){
        .kind = GRID_MONTHS, .every = months, .offset_ns = offset_ns, .zone = zone};
}

static int64_t fixed_start(const struct grid *grid, int64_t time, int64_t *end)
{
    int64_t into = time % grid->every, start;

    /* Brought into [0, every) before each step, so that no step leaves 64 bits. */
    if (into < 0)
        into += grid->every;
    into -= grid->first;
    if (into < 0)
        into += grid->every;
    if (__builtin_add_overflow(time, grid->every - into, end))
        *end = INT64_MAX;
    return __builtin_sub_overflow(time, into, &start) ? INT64_MIN : start;
}

/* The number of the window with that local day. */
static int64_t number_of_day(const struct grid *grid, int64_t day)
{
    int year, month, day_of_month;

    if (grid->kind == GRID_DAYS)
        return quotient(day - grid->first, grid->every);
    date_of_days(day, &year, &month, &day_of_month);
    return quotient((int64_t)year * YEAR_MONTHS + month - 1, grid->every);
}

static int64_t day_of_number(const struct grid *grid, int64_t number)
{
    int64_t month;

    if (grid->kind == GRID_DAYS)
        return grid->first + number * grid->every;
    month = number * grid->every;
    return date_days((int)(month / YEAR_MONTHS), (int)(month % YEAR_MONTHS) + 1, 1);
}

/* When the window of that number begins, within 64 bits. */
static int64_t moment_of_number(const struct grid *grid, int64_t number)
{
    int64_t local_s = day_of_number(grid, number) * DAY_S + quotient(grid->offset_ns, second_ns);
    int64_t part_ns = rest(grid->offset_ns, second_ns);
    int64_t utc_s, later_s, ns;

    if (zone_utc(grid->zone, local_s, &utc_s, &later_s) == ZONE_NEVER)
        part_ns = 0; /* the moment of the turn, exactly */
    if (__builtin_mul_overflow(utc_s, second_ns, &ns) || __builtin_add_overflow(ns, part_ns, &ns))
        return utc_s < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static int64_t calendar_start(const struct grid *grid, int64_t time, int64_t *end)
{
    int64_t utc_s = quotient(time, second_ns);
    int64_t local_s = utc_s + zone_offset(grid->zone, utc_s) - quotient(grid->offset_ns, second_ns);
    int64_t number = number_of_day(grid, quotient(local_s, DAY_S));
    int64_t start = moment_of_number(grid, number);

    while (start > time)
        start = moment_of_number(grid, --number);
    *end = moment_of_number(grid, number + 1);
    while (*end <= time && *end < INT64_MAX) {
        start = *end;
        *end = moment_of_number(grid, ++number + 1);
    }
    return start;
}

int64_t grid_start(const struct grid *grid, int64_t time, int64_t *end)
{
    if (grid_is_whole(grid)) {
        *end = INT64_MAX;
        return INT64_MIN;
    }
    return grid->kind == GRID_FIXED ? fixed_start(grid, time, end)
                                    : calendar_start(grid, time, end);
}
