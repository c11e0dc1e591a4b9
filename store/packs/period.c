#include "store/packs/period.h"

#include "base/date.h"

static const int64_t hour_ns = INT64_C(3600) * 1000000000;
static const int64_t day_ns = INT64_C(86400) * 1000000000;
static const int64_t month_ns = INT64_C(31) * 86400 * 1000000000;

enum period period_choose(uint64_t bytes, int64_t first, int64_t last, uint64_t bytes_max)
{
    double a_ns = (double)bytes / ((double)last - (double)first + 1);

    if (a_ns * (double)month_ns <= (double)bytes_max)
        return PERIOD_MONTH;
    return a_ns * (double)day_ns <= (double)bytes_max ? PERIOD_DAY : PERIOD_HOUR;
}

/* How far the time is into its unit. */
static int64_t into(int64_t time, int64_t unit)
{
    int64_t rest = time % unit;

    return rest < 0 ? rest + unit : rest;
}

static int64_t days_to_ns(int64_t days)
{
    int64_t ns;

    if (!__builtin_mul_overflow(days, day_ns, &ns))
        return ns;
    return days < 0 ? INT64_MIN : INT64_MAX;
}

int64_t period_start(enum period period, int64_t time)
{
    int year, month, day;
    int64_t days, start;

    if (period != PERIOD_MONTH)
        return __builtin_sub_overflow(time, into(time, period == PERIOD_HOUR ? hour_ns : day_ns),
                                      &start)
                   ? INT64_MIN
                   : start;
    days = time / day_ns - (time % day_ns < 0);
    date_of_days(days, &year, &month, &day);
    return days_to_ns(date_days(year, month, 1));
}

int64_t period_end(enum period period, int64_t time)
{
    int64_t unit = period == PERIOD_HOUR ? hour_ns : day_ns, end;
    int year, month, day;
    int64_t days;

    if (period != PERIOD_MONTH)
        return __builtin_add_overflow(time, unit - into(time, unit), &end) ? INT64_MAX : end;
    days = time / day_ns - (time % day_ns < 0);
    date_of_days(days, &year, &month, &day);
    return days_to_ns(date_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1));
}
