/* Lengths of time as people say them: so many nanoseconds, or months and days of a calendar, which
 * are longer or shorter where clocks are turned.  "1h30m", "250ms", or ISO 8601: "PT30M", "P1D",
 * "P1M", "P1Y6M", "P1DT12H". */
#ifndef WEIR_BASE_SPAN_H
#define WEIR_BASE_SPAN_H

#include "base/error.h"

struct zone;

struct span {
    int32_t months;
    int32_t days; /* "P1D" and "P1W"; "1d" and "2w" are 24 and 336 hours */
    int64_t ns;
};

/* Above zero.  E_BAD_PARAMETER with what is wrong and examples. */
MUST_USE enum code span_parse(struct bytes text, struct span *span, struct error *err);
bool span_is_fixed(const struct span *span); /* no months and days */
bool span_is_zero(const struct span *span);
/* Without turned clocks; a month is 30 days: to compare, never to compute. */
int64_t span_about_ns(const struct span *span);

/* `count` times the span from `ns` on (count may be below 0): months, then days by the wall clock
 * of `zone` (NULL = UTC), then ns.  The 31st of a month without one is its last.  A time that
 * clocks were turned back over is the first of the two; one that they were turned forward over is
 * the moment of the turn (so where a whole day was left out, two counts give one moment).
 * E_TIME_RANGE. */
MUST_USE enum code span_add(const struct span *span, int64_t count, const struct zone *zone,
                            int64_t ns, int64_t *result, struct error *err);

enum { SPAN_TEXT_SIZE = 64 };
size_t span_print(const struct span *span, char text[SPAN_TEXT_SIZE]); /* as it can be parsed */

#endif
