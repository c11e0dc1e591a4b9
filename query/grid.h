/* Where the windows of a question begin and end.
 *
 * Fixed ones are so many ns long, aligned to the epoch, those of whole weeks to Monday.  Calendar
 * ones are days (weeks: from Monday) or months (years: twelve each, counted from January of the
 * year 0) as the wall clocks of a zone tell them: from midnight to midnight, so a day has 23, 24 or
 * 25 hours.  A midnight that no clock shows is the moment of the turn; of one that they show twice
 * the first begins the day.  Windows follow one another without a hole, over all of time. */
#ifndef WEIR_QUERY_GRID_H
#define WEIR_QUERY_GRID_H

#include "base/zone.h"

enum grid_kind { GRID_FIXED, GRID_DAYS, GRID_MONTHS };

/* All zero is one window over everything.  Immutable; copied freely. */
struct grid {
    enum grid_kind kind;
    int64_t every;           /* in ns, days or months; 0 = one window over everything */
    int64_t first;           /* a start, as `every` is counted: 0 <= first < every */
    int64_t offset_ns;       /* of days and months: behind midnight, on the wall clock */
    const struct zone *zone; /* of days and months; borrowed */
};

static inline bool grid_is_whole(const struct grid *grid)
{
    return grid->every == 0;
}

/* `every` is above 0; it and the offset are at most 292 years. */
struct grid grid_of_ns(int64_t every_ns, int64_t offset_ns);
struct grid grid_of_days(int64_t days, int64_t offset_ns, const struct zone *zone);
struct grid grid_of_months(int64_t months, int64_t offset_ns, const struct zone *zone);

/* The start of the window that holds `time`, not below INT64_MIN; *end is at most INT64_MAX.
 * Calendar windows cost some 100 ns, so who asks for row after row keeps the last answer. */
int64_t grid_start(const struct grid *grid, int64_t time, int64_t *end);

#endif
