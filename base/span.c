/* Months are added to the date that clocks show, then days, then the moment of that date and time
 * of day is looked up, then nanoseconds are added: so a day stays a day where clocks are turned,
 * and half an hour stays half an hour. */
#include "base/span.h"

#include "base/buf.h"
#include "base/date.h"
#include "base/number.h"
#include "base/time_text.h"
#include "base/zone.h"

#define SECOND_NS INT64_C(1000000000)

enum {
    DAY_S = 86400,
    MONTH_DAYS = 30, /* about */
    /* Beyond what 64-bit nanoseconds reach to both sides. */
    YEAR_FIRST = 1677,
    YEAR_LAST = 2262,
    DAYS_MAX = 400 * 366 * 2,
};

/* --- to and from text --- */

/* A length as ISO 8601 has it while it is read. */
struct scan {
    struct bytes text;
    size_t at;
    struct error *err;
};

static enum code refuse(const struct scan *scan, const char *want)
{
    struct bytes shown = bytes_slice(scan->text, 0, scan->text.size < 64 ? scan->text.size : 64);

    return error_set(scan->err, E_BAD_PARAMETER, "duration \"%.*s\": at byte %zu: %s",
                     BYTES_ARG(shown), scan->at + 1, want);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Units in the order that they must have; those of the time of day stand behind the 'T'. */
static const struct unit {
    char letter;
    bool of_day;
    int32_t months, days;
    int64_t ns;
} units[] = {
    {'Y', false, 12, 0, 0               },
    {'M', false, 1,  0, 0               },
    {'W', false, 0,  7, 0               },
    {'D', false, 0,  1, 0               },
    {'H', true,  0,  0, 3600 * SECOND_NS},
    {'M', true,  0,  0, 60 * SECOND_NS  },
    {'S', true,  0,  0, SECOND_NS       },
};

/* The digits behind a point or comma, of a second. */
static enum code read_fraction(struct scan *scan, int64_t *ns)
{
    int64_t part = SECOND_NS;
    size_t first = ++scan->at;

    for (; scan->at < scan->text.size && is_digit(scan->text.data[scan->at]); scan->at++) {
        part /= 10;
        *ns += (scan->text.data[scan->at] - '0') * part;
    }
    if (scan->at == first || scan->at - first > 9)
        return refuse(scan, "want 1 to 9 digits of a second");
    if (scan->at == scan->text.size || scan->text.data[scan->at] != 'S')
        return refuse(scan, "only seconds have a fraction");
    return OK;
}

static bool add(struct span *span, const struct unit *unit, int64_t count, int64_t fraction)
{
    int64_t ns;
    int32_t months, days;

    return !__builtin_mul_overflow(count, unit->months, &months) &&
           !__builtin_add_overflow(span->months, months, &span->months) &&
           !__builtin_mul_overflow(count, unit->days, &days) &&
           !__builtin_add_overflow(span->days, days, &span->days) &&
           !__builtin_mul_overflow(count, unit->ns, &ns) &&
           !__builtin_add_overflow(span->ns, ns, &span->ns) &&
           !__builtin_add_overflow(span->ns, fraction, &span->ns);
}

/* A number and its unit, which stands behind units[*next - 1]. */
static enum code read_part(struct scan *scan, bool of_day, size_t *next, struct span *span)
{
    size_t first = scan->at;
    int64_t count, fraction = 0;
    char c;

    while (scan->at < scan->text.size && is_digit(scan->text.data[scan->at]))
        scan->at++;
    if (scan->at == first || scan->at == scan->text.size)
        return refuse(scan, "want a number and a unit, as in P1D or PT30M");
    if (number_parse_i64(bytes_slice(scan->text, first, scan->at), &count))
        return refuse(scan, "the number is too large");
    c = scan->text.data[scan->at];
    if (c == '.' || c == ',') {
        enum code code = read_fraction(scan, &fraction);

        if (code)
            return code;
        c = 'S';
    }
    for (; *next < COUNT_OF(units); ++*next) {
        const struct unit *unit = &units[*next];

        if (unit->letter != c || unit->of_day != of_day)
            continue;
        ++*next;
        scan->at++;
        return add(span, unit, count, fraction) ? OK : refuse(scan, "it is too long");
    }
    return refuse(scan, of_day ? "want H, M and S in this order, each once"
                               : "want Y, M, W and D in this order, each once, and hours, minutes "
                                 "and seconds behind a T");
}

/* "P1Y6M", "PT30M", "P1DT12H": text[0] is the P. */
static enum code parse_iso(struct scan *scan, struct span *span)
{
    bool of_day = false;
    size_t next = 0;
    enum code code = OK;

    scan->at = 1;
    if (scan->text.size == 1)
        return refuse(scan, "want a number and a unit, as in P1D or PT30M");
    while (code == OK && scan->at < scan->text.size) {
        if (scan->text.data[scan->at] == 'T' && !of_day) {
            of_day = true;
            scan->at++;
        }
        code = read_part(scan, of_day, &next, span);
    }
    if (code == OK && span->months == 0 && span->days == 0 && span->ns == 0)
        return refuse(scan, "want a duration above zero, as P1D or PT30M");
    return code;
}

enum code span_parse(struct bytes text, struct span *span, struct error *err)
{
    struct scan scan = {text, 0, err};
    struct span parsed = {0};
    enum code code;

    if (text.size > 0 && text.data[0] == 'P')
        code = parse_iso(&scan, &parsed);
    else
        code = duration_parse(text, &parsed.ns, err);
    if (code == OK)
        *span = parsed;
    return code;
}

static size_t put(char *text, size_t at, int64_t count, char unit)
{
    if (count == 0)
        return at;
    at += number_print_i64(count, text + at);
    text[at] = unit;
    return at + 1;
}

size_t span_print(const struct span *span, char text[SPAN_TEXT_SIZE])
{
    int64_t left = span->ns;
    size_t at = 0;

    if (span_is_fixed(span))
        return duration_print(span->ns, text);
    text[at++] = 'P';
    at = put(text, at, span->months / 12, 'Y');
    at = put(text, at, span->months % 12, 'M');
    at = put(text, at, span->days, 'D');
    if (left == 0)
        return at;
    text[at++] = 'T';
    at = put(text, at, left / (3600 * SECOND_NS), 'H');
    left %= 3600 * SECOND_NS;
    at = put(text, at, left / (60 * SECOND_NS), 'M');
    left %= 60 * SECOND_NS;
    if (left == 0)
        return at;
    at += number_print_i64(left / SECOND_NS, text + at);
    left %= SECOND_NS;
    if (left > 0)
        text[at++] = '.';
    for (int64_t part = SECOND_NS / 10; left > 0; left %= part, part /= 10)
        text[at++] = (char)('0' + left / part);
    text[at++] = 'S';
    return at;
}

/* --- what it comes to --- */

bool span_is_fixed(const struct span *span)
{
    return span->months == 0 && span->days == 0;
}

bool span_is_zero(const struct span *span)
{
    return span_is_fixed(span) && span->ns == 0;
}

int64_t span_about_ns(const struct span *span)
{
    __extension__ __int128 total = (int64_t)span->months * MONTH_DAYS + span->days;

    total = total * DAY_S * SECOND_NS + span->ns;
    if (total > INT64_MAX)
        return INT64_MAX;
    return total < INT64_MIN ? INT64_MIN : (int64_t)total;
}

static enum code out_of_range(struct error *err)
{
    return error_set(err, E_TIME_RANGE, "the time is outside of 1677-09-21 to 2262-04-11");
}

/* The same time of day so many months and days later, in seconds of the wall clock. */
static bool add_date(int64_t *local_s, int64_t months, int64_t days)
{
    int64_t day_of = *local_s / DAY_S, of_day = *local_s % DAY_S, month_of;
    int year, month, day, last;

    if (of_day < 0) {
        of_day += DAY_S;
        day_of--;
    }
    date_of_days(day_of, &year, &month, &day);
    if (__builtin_add_overflow(months, (int64_t)year * 12 + month - 1, &month_of) ||
        month_of / 12 < YEAR_FIRST || month_of / 12 > YEAR_LAST || days > DAYS_MAX ||
        days < -DAYS_MAX)
        return false;
    year = (int)(month_of / 12);
    month = (int)(month_of % 12) + 1;
    last = date_days_in_month(year, month);
    *local_s = (date_days(year, month, day < last ? day : last) + days) * DAY_S + of_day;
    return true;
}

enum code span_add(const struct span *span, int64_t count, const struct zone *zone, int64_t ns,
                   int64_t *result, struct error *err)
{
    int64_t second = ns / SECOND_NS, fraction = ns % SECOND_NS, months, days, later;
    __extension__ __int128 total, length;

    if (fraction < 0) {
        fraction += SECOND_NS;
        second--;
    }
    if (__builtin_mul_overflow(count, span->months, &months) ||
        __builtin_mul_overflow(count, span->days, &days))
        return out_of_range(err);
    if (months != 0 || days != 0) {
        second += zone != NULL ? zone_offset(zone, second) : 0;
        if (!add_date(&second, months, days))
            return out_of_range(err);
        if (zone != NULL)
            (void)zone_utc(zone, second, &second, &later);
    }
    length = span->ns;
    length *= count;
    total = second;
    total = total * SECOND_NS + fraction + length;
    if (total > INT64_MAX || total < INT64_MIN)
        return out_of_range(err);
    *result = (int64_t)total;
    return OK;
}
