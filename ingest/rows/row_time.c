/* What the text says is codec/csv_time.h's; here is what a zone makes of it. */
#include "ingest/rows/row_time.h"

#include "base/date.h"
#include "base/number.h"
#include "base/zone.h"

enum {
    DAY_S = 86400,
    PLAIN_SIZE = 96,   /* of a count that was written with an exponent */
    EXPONENT_MAX = 40, /* beyond it no count is a time */
    PLAIN_DIGITS = 40,
};

static int64_t day_of(int64_t local_s)
{
    return local_s / DAY_S - (local_s % DAY_S < 0);
}

/* --- counts --- */

/* "1.7e9" as "1700000000": the digits, with the point moved.  A text that is no such number stays
 * as it is, to be refused. */
static struct bytes without_exponent(struct bytes text, char plain[PLAIN_SIZE])
{
    size_t e = 0, size = 0, count = 0;
    char digits[PLAIN_DIGITS];
    int64_t point = -1, exponent;
    bool negative = text.size > 0 && text.data[0] == '-';

    while (e < text.size && (text.data[e] | 0x20) != 'e')
        e++;
    if (e == text.size)
        return text;
    for (size_t i = negative; i < e; i++) {
        char c = text.data[i];

        if (c == '.' && point < 0)
            point = (int64_t)count;
        else if (c >= '0' && c <= '9' && count < sizeof(digits))
            digits[count++] = c;
        else
            return text;
    }
    e += e + 1 < text.size && text.data[e + 1] == '+';
    if (count == 0 || number_parse_i64(bytes_slice(text, e + 1, text.size), &exponent) != OK ||
        exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return text;
    point = (point < 0 ? (int64_t)count : point) + exponent;
    if (negative)
        plain[size++] = '-';
    for (int64_t i = point < 0 ? point : 0; i < (int64_t)count || i < point; i++) {
        if (size + 3 > PLAIN_SIZE)
            return text;
        if (i == point) {
            if (size == negative)
                plain[size++] = '0';
            plain[size++] = '.';
        }
        plain[size++] = i < 0 || i >= (int64_t)count ? '0' : digits[i];
    }
    return (struct bytes){plain, size};
}

/* --- the zone --- */

static enum code never(const struct csv_moment *moment, struct error *err)
{
    int64_t days = day_of(moment->seconds);
    int of_day = (int)(moment->seconds - days * DAY_S), year, month, day;

    date_of_days(days, &year, &month, &day);
    return error_set(err, E_BAD_TIME,
                     "%04d-%02d-%02d %02d:%02d:%02d was on no clock of tz: clocks were turned "
                     "forward over it; check tz, which may be an offset as +01:00",
                     year, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60);
}

/* Which of the two that a wall clock shows: in rows that rise the first that is later than the row
 * before, in rows that fall the last that is earlier. */
static int64_t by_order(const struct row_time_before *before, int64_t first_ns, int64_t second_ns)
{
    if (before == NULL || !before->any)
        return first_ns;
    if (before->falls)
        return second_ns < before->ns ? second_ns : first_ns;
    return first_ns <= before->ns && before->ns < second_ns ? second_ns : first_ns;
}

static enum code choose(const struct csv_moment *moment, enum source_ambiguous ambiguous,
                        const struct row_time_before *before, int64_t earlier_s, int64_t later_s,
                        int64_t *ns, struct error *err)
{
    int64_t later_ns = 0;
    enum code code = csv_time_join(earlier_s, moment->ns, ns, err);

    if (code == OK)
        code = csv_time_join(later_s, moment->ns, &later_ns, err);
    if (code || moment->date_only) /* the day begins the first time */
        return code;
    switch (ambiguous) {
    case SOURCE_AMBIGUOUS_FIRST:
        break;
    case SOURCE_AMBIGUOUS_SECOND:
        *ns = later_ns;
        break;
    case SOURCE_AMBIGUOUS_ORDER:
        *ns = by_order(before, *ns, later_ns);
        break;
    case SOURCE_AMBIGUOUS_FAIL:
        return error_set(err, E_BAD_TIME,
                         "clocks of tz showed it twice, as they were turned back; ambiguous says "
                         "which one is meant: first, second or order");
    }
    return OK;
}

static enum code settle(const struct csv_moment *moment, const struct zone *zone,
                        enum source_ambiguous ambiguous, const struct row_time_before *before,
                        int64_t *ns, struct error *err)
{
    int64_t earlier_s, later_s;

    if (moment->absolute || zone == NULL)
        return csv_time_join(moment->seconds, moment->ns, ns, err);
    switch (zone_utc(zone, moment->seconds, &earlier_s, &later_s)) {
    case ZONE_TWICE:
        return choose(moment, ambiguous, before, earlier_s, later_s, ns, err);
    case ZONE_NEVER:
        /* Midnight may be turned over, where the day begins with the turn; or all of the day. */
        if (!moment->date_only ||
            day_of(earlier_s + zone_offset(zone, earlier_s)) != day_of(moment->seconds))
            return never(moment, err);
        break;
    case ZONE_ONCE:
        break;
    }
    return csv_time_join(earlier_s, moment->ns, ns, err);
}

enum code row_time_parse(const struct source_time_format *format, const struct zone *zone,
                         enum source_ambiguous ambiguous, struct bytes text,
                         const struct row_time_before *before, int64_t *ns, bool *date_only,
                         struct error *err)
{
    static const enum csv_time_kind kinds[] = {
        [SOURCE_TIME_ISO] = CSV_TIME_ISO,         [SOURCE_TIME_DATE] = CSV_TIME_ISO,
        [SOURCE_TIME_UNIX] = CSV_TIME_EPOCH,      [SOURCE_TIME_EXCEL] = CSV_TIME_EXCEL,
        [SOURCE_TIME_PATTERN] = CSV_TIME_PATTERN,
    };
    struct csv_time_format read = {kinds[format->kind], format->pattern};
    char plain[PLAIN_SIZE];
    struct csv_moment moment;
    enum code code;

    if (format->kind == SOURCE_TIME_UNIX)
        text = without_exponent(text, plain);
    code = csv_time_read(&read, format->unit, text, &moment, err);
    if (code == OK)
        code = settle(&moment, zone, ambiguous, before, ns, err);
    if (code == OK && date_only != NULL)
        *date_only = moment.date_only;
    return code;
}
