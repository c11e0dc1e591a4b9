#include "base/date.h"

#include <assert.h>

/* Years are counted from March, so that the leap day is the last of its year and months before it
 * have fixed lengths: 153 days each five. */
int64_t date_days(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t months = (month + 9) % 12;
    int64_t leap_days = y / 4 - y / 100 + y / 400;

    assert(month >= 1);
    assert(month <= 12);
    if (y < 0) /* January and February of the year 0 */
        leap_days = -1;
    return 365 * y + leap_days + (153 * months + 2) / 5 + day - 1 - 719468;
}

void date_of_days(int64_t days, int *year, int *month, int *day)
{
    int64_t since = days + 719468;                 /* 0000-03-01 */
    int64_t era = since < 0 ? -1 : since / 146097; /* -1: January and February of the year 0 */
    int64_t of_era = since - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t months = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * months + 2) / 5 + 1);
    *month = (int)(months < 10 ? months + 3 : months - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

int date_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    assert(month >= 1);
    assert(month <= 12);
    return days[month - 1] + (month == 2 && leap);
}
