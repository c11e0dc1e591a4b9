/* Points in time and durations to and from text.  Times are int64 ns since 1970 UTC, durations
 * int64 ns.  Gregorian, no leap seconds (":60" is refused with its reason). */
#ifndef WEIR_BASE_TIME_TEXT_H
#define WEIR_BASE_TIME_TEXT_H

#include "base/error.h"

enum time_unit {
    TIME_NS,
    TIME_US,
    TIME_MS,
    TIME_S,
    TIME_MINUTES,
    TIME_HOURS,
    TIME_GUESSED, /* of each time by itself: time_unit_guess() */
};

/* "ns", "n", "us", "u", "µs", "ms", "s" (exact case). */
MUST_USE enum code time_unit_parse(struct bytes text, enum time_unit *unit);
int64_t time_unit_ns(enum time_unit unit); /* not of TIME_GUESSED */
/* What a time since 1970 was most probably counted in: below 5e9 seconds (the year 2128), below
 * 5e12 milliseconds, below 5e15 microseconds, else nanoseconds. */
enum time_unit time_unit_guess(int64_t count);

/* RFC 3339 with offset or Z, 'T' or ' ' between date and time, 0 to 9 digits of a second; a bare
 * date is midnight UTC.  E_BAD_TIME, or E_TIME_RANGE outside int64 ns (1677-09-21..2262-04-11).
 * The error says what and where. */
MUST_USE enum code timestamp_parse(struct bytes text, int64_t *ns, struct error *err);
/* What an API parameter may hold: RFC 3339, an integer in `unit`, "now", "now-1h", "now+5m". */
MUST_USE enum code time_parameter_parse(struct bytes text, enum time_unit unit, int64_t now_ns,
                                        int64_t *ns, struct error *err);
/* "1h30m", "250ms", "2w", "1d" (d = 24 h, w = 7 d here); positive; E_BAD_PARAMETER. */
MUST_USE enum code duration_parse(struct bytes text, int64_t *ns, struct error *err);

enum { TIMESTAMP_TEXT_SIZE = 40 };
/* RFC 3339 in UTC with Z and as many digits as needed (0, 3, 6 or 9); returns the size. */
size_t timestamp_print(int64_t ns, char text[TIMESTAMP_TEXT_SIZE]);
/* "1h30m"; returns the size. */
size_t duration_print(int64_t ns, char text[TIMESTAMP_TEXT_SIZE]);

#endif
