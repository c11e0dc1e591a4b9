/* The parts of a time as it stands in a text, read one after the other: digits, names, fractions,
 * offsets.  What is wrong is told with the text, the byte and what would be right.  Pure, any
 * thread. */
#ifndef WEIR_CODEC_CSV_SCAN_H
#define WEIR_CODEC_CSV_SCAN_H

#include "base/bytes.h"
#include "base/error.h"

/* The text at hand, and what of a moment was read. */
struct csv_scan {
    struct bytes text;
    size_t at;
    struct error *err;
    int year, month, day, hour, minute, second;
    int64_t ns, offset_s;
    bool pm, half_day, absolute, timed;
};

static inline char csv_scan_peek(const struct csv_scan *scan) /* 0 behind the end */
{
    return scan->at < scan->text.size ? scan->text.data[scan->at] : '\0';
}

static inline bool csv_scan_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A text as errors show it: cut where it is long. */
struct bytes csv_scan_shown(struct bytes text);
/* E_BAD_TIME, as all of the following say; what they read is in the scan. */
enum code csv_scan_refuse(const struct csv_scan *scan, const char *want);
/* From `digits_min` to `digits_max` digits within [least, most]. */
MUST_USE enum code csv_scan_part(struct csv_scan *scan, size_t digits_min, size_t digits_max,
                                 int least, int most, const char *want, int *value);
MUST_USE enum code csv_scan_char(struct csv_scan *scan, char c, const char *want);
/* One of `names` by its first three letters or whole, case ignored; its index from 1. */
MUST_USE enum code csv_scan_name(struct csv_scan *scan, const char *const *names, size_t count,
                                 const char *want, int *index);
MUST_USE enum code csv_scan_fraction(struct csv_scan *scan);
/* "Z", "+01:00", "+0100" or "+01". */
MUST_USE enum code csv_scan_offset(struct csv_scan *scan);
MUST_USE enum code csv_scan_second(struct csv_scan *scan, size_t digits_min);
/* The month has the day. */
MUST_USE enum code csv_scan_date_holds(struct csv_scan *scan);

#endif
