/* Days of the Gregorian calendar, also before its time: counted from 1970-01-01. */
#ifndef WEIR_BASE_DATE_H
#define WEIR_BASE_DATE_H

#include "base/bytes.h"

/* `year` is 0 to 9999, `month` 1 to 12; a `day` behind the month's last goes on into the next. */
int64_t date_days(int year, int month, int day);
/* The date of that day, which is not before the year 0. */
void date_of_days(int64_t days, int *year, int *month, int *day);
int date_days_in_month(int year, int month); /* 28 to 31 */

#endif
