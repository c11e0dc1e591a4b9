#include "base/time_text.h"

#include <assert.h>
#include <stdio.h>

#include "base/date.h"
#include "base/number.h"

#define SECOND_NS INT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)
#define WEEK_NS (7 * DAY_NS)

enum code time_unit_parse(struct bytes text, enum time_unit *unit)
{
    static const struct {
        struct bytes name;
        enum time_unit unit;
    } names[] = {
        {BYTES("ns"),        TIME_NS},
        {BYTES("n"),         TIME_NS},
        {BYTES("us"),        TIME_US},
        {BYTES("u"),         TIME_US},
        {BYTES("\xc2\xb5s"), TIME_US},
        {BYTES("ms"),        TIME_MS},
        {BYTES("s"),         TIME_S },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal(text, names[i].name)) {
            *unit = names[i].unit;
            return OK;
        }
    }
    return E_BAD_PARAMETER;
}

int64_t time_unit_ns(enum time_unit unit)
{
    static const int64_t sizes[] = {
        [TIME_NS] = 1,        [TIME_US] = 1000,           [TIME_MS] = 1000000,
        [TIME_S] = SECOND_NS, [TIME_MINUTES] = MINUTE_NS, [TIME_HOURS] = HOUR_NS,
    };

    assert((unsigned)unit < COUNT_OF(sizes));
    return sizes[unit];
}

enum time_unit time_unit_guess(int64_t count)
{
    uint64_t size = count < 0 ? -(uint64_t)count : (uint64_t)count;

    if (size < UINT64_C(5000000000))
        return TIME_S;
    if (size < UINT64_C(5000000000000))
        return TIME_MS;
    return size < UINT64_C(5000000000000000) ? TIME_US : TIME_NS;
}

/* What is enough of an input to be recognised in an error. */
static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < 64 ? text.size : 64);
}

/* The text at hand and how much of it is read: each error tells the place. */
struct scan {
    struct bytes text;
    size_t at;
    struct error *err;
};

static enum code refuse(const struct scan *scan, const char *want)
{
    (void)error_set(scan->err, E_BAD_TIME, "time \"%.*s\": at byte %zu: %s",
                    BYTES_ARG(shown(scan->text)), scan->at + 1, want);
    return E_BAD_TIME;
}

static bool scan_char(struct scan *scan, const char *choices)
{
    if (scan->at >= scan->text.size || scan->text.data[scan->at] == '\0' ||
        strchr(choices, scan->text.data[scan->at]) == NULL)
        return false;
    scan->at++;
    return true;
}

/* Exactly `count` digits within [least, most]. */
static enum code scan_part(struct scan *scan, size_t count, int least, int most, const char *want,
                           int *value)
{
    int sum = 0;

    for (size_t i = 0; i < count; i++) {
        char c = scan->at + i < scan->text.size ? scan->text.data[scan->at + i] : '\0';

        if (c < '0' || c > '9')
            return refuse(scan, want);
        sum = sum * 10 + (c - '0');
    }
    if (sum < least || sum > most)
        return refuse(scan, want);
    scan->at += count;
    *value = sum;
    return OK;
}

static enum code scan_date(struct scan *scan, int64_t *days)
{
    int year, month, day;

    if (scan_part(scan, 4, 0, 9999, "want a year of four digits, as in 2024-02-29T12:00:00Z",
                  &year))
        return E_BAD_TIME;
    if (!scan_char(scan, "-"))
        return refuse(scan, "want '-' between year and month");
    if (scan_part(scan, 2, 1, 12, "want a month, 01 to 12", &month))
        return E_BAD_TIME;
    if (!scan_char(scan, "-"))
        return refuse(scan, "want '-' between month and day");
    if (scan_part(scan, 2, 1, date_days_in_month(year, month), "want a day of that month", &day))
        return E_BAD_TIME;
    *days = date_days(year, month, day);
    return OK;
}

static enum code scan_fraction(struct scan *scan, int64_t *ns)
{
    int64_t unit = SECOND_NS;
    size_t first = scan->at;

    *ns = 0;
    for (; scan->at < scan->text.size; scan->at++) {
        char c = scan->text.data[scan->at];

        if (c < '0' || c > '9')
            break;
        if (unit == 1)
            return refuse(scan, "want at most 9 digits of a second");
        unit /= 10;
        *ns += (c - '0') * unit;
    }
    return scan->at == first ? refuse(scan, "want 1 to 9 digits of a second") : OK;
}

/* Seconds of the day, and ns of the second. */
static enum code scan_clock(struct scan *scan, int64_t *seconds, int64_t *ns)
{
    int hour, minute, second, of_day;

    *ns = 0;
    if (scan_part(scan, 2, 0, 23, "want an hour, 00 to 23", &hour))
        return E_BAD_TIME;
    if (!scan_char(scan, ":"))
        return refuse(scan, "want ':' between hour and minute");
    if (scan_part(scan, 2, 0, 59, "want a minute, 00 to 59", &minute))
        return E_BAD_TIME;
    if (!scan_char(scan, ":"))
        return refuse(scan, "want ':' between minute and second");
    if (scan->text.size - scan->at >= 2 && memcmp(scan->text.data + scan->at, "60", 2) == 0)
        return refuse(scan, "a leap second has no place in a count of seconds since 1970; "
                            "send it as :59 or as :00 of the next minute");
    if (scan_part(scan, 2, 0, 59, "want a second, 00 to 59", &second))
        return E_BAD_TIME;
    of_day = hour * 3600 + minute * 60 + second;
    *seconds = of_day;
    return scan_char(scan, ".") ? scan_fraction(scan, ns) : OK;
}

static enum code scan_offset(struct scan *scan, int64_t *seconds)
{
    int hours, minutes, sign;

    *seconds = 0;
    if (scan_char(scan, "Zz"))
        return OK;
    sign = scan_char(scan, "-") ? -1 : 1;
    if (sign > 0 && !scan_char(scan, "+"))
        return refuse(scan, "want 'Z' or an offset as +01:00 (in a URL '+' is written %2B)");
    if (scan_part(scan, 2, 0, 23, "want the offset's hours, 00 to 23", &hours))
        return E_BAD_TIME;
    if (!scan_char(scan, ":"))
        return refuse(scan, "want ':' in the offset");
    if (scan_part(scan, 2, 0, 59, "want the offset's minutes, 00 to 59", &minutes))
        return E_BAD_TIME;
    *seconds = (int64_t)sign * (hours * 3600 + minutes * 60);
    return OK;
}

enum code timestamp_parse(struct bytes text, int64_t *ns, struct error *err)
{
    struct scan scan = {text, 0, err};
    int64_t days = 0, seconds = 0, fraction = 0, offset = 0;
    __extension__ __int128 total; /* the first second of the range begins before it */

    if (scan_date(&scan, &days))
        return E_BAD_TIME;
    if (scan.at < text.size) {
        if (!scan_char(&scan, "Tt "))
            return refuse(&scan, "want 'T' or a space between date and time");
        if (scan_clock(&scan, &seconds, &fraction) || scan_offset(&scan, &offset))
            return E_BAD_TIME;
        if (scan.at < text.size)
            return refuse(&scan, "want nothing behind the time");
    }
    seconds += days * 86400 - offset;
    total = seconds;
    total = total * SECOND_NS + fraction;
    if (total < INT64_MIN || total > INT64_MAX)
        return error_set(err, E_TIME_RANGE,
                         "time \"%.*s\": want a time from 1677-09-21T00:12:43.145224192Z to "
                         "2262-04-11T23:47:16.854775807Z",
                         BYTES_ARG(shown(text)));
    *ns = (int64_t)total;
    return OK;
}

static const struct {
    struct bytes name;
    int64_t ns;
} duration_units[] = {
    {BYTES("w"),         WEEK_NS  },
    {BYTES("d"),         DAY_NS   },
    {BYTES("h"),         HOUR_NS  },
    {BYTES("m"),         MINUTE_NS},
    {BYTES("s"),         SECOND_NS},
    {BYTES("ms"),        1000000  },
    {BYTES("us"),        1000     },
    {BYTES("\xc2\xb5s"), 1000     },
    {BYTES("ns"),        1        },
};

/* Gives 0 when there is no such unit. */
static int64_t duration_unit_ns(struct bytes name)
{
    for (size_t i = 0; i < COUNT_OF(duration_units); i++) {
        if (bytes_equal(name, duration_units[i].name))
            return duration_units[i].ns;
    }
    return 0;
}

static enum code refuse_duration(struct bytes text, const char *want, struct error *err)
{
    return error_set(err, E_BAD_PARAMETER, "duration \"%.*s\": %s", BYTES_ARG(shown(text)), want);
}

static size_t digits_end(struct bytes text, size_t at, bool digits)
{
    while (at < text.size && (text.data[at] >= '0' && text.data[at] <= '9') == digits)
        at++;
    return at;
}

enum code duration_parse(struct bytes text, int64_t *ns, struct error *err)
{
    int64_t total = 0, unit_before = INT64_MAX;

    for (size_t at = 0; at < text.size;) {
        size_t unit_at = digits_end(text, at, true), end = digits_end(text, unit_at, false);
        int64_t unit, count, part;
        enum code code;

        if (unit_at == at)
            return refuse_duration(text, "want a number and a unit, as in 1h30m", err);
        code = number_parse_i64(bytes_slice(text, at, unit_at), &count);
        unit = duration_unit_ns(bytes_slice(text, unit_at, end));
        if (unit == 0)
            return refuse_duration(text, "want each number with a unit: w d h m s ms us ns", err);
        if (unit >= unit_before)
            return refuse_duration(text, "want larger units first and each once, as in 1h30m", err);
        if (code || __builtin_mul_overflow(count, unit, &part) ||
            __builtin_add_overflow(total, part, &total))
            return refuse_duration(text, "longer than 292 years", err);
        unit_before = unit;
        at = end;
    }
    if (total == 0)
        return refuse_duration(text, "want a duration above zero, as in 1h30m", err);
    *ns = total;
    return OK;
}

static enum code parse_now(struct bytes text, int64_t now_ns, int64_t *ns, struct error *err)
{
    int64_t change = 0;
    bool back = text.size > 3 && text.data[3] == '-';

    if (text.size > 3) {
        if (!back && text.data[3] != '+')
            return error_set(err, E_BAD_TIME,
                             "time \"%.*s\": want '-' or '+' (in a URL %%2B) behind \"now\"",
                             BYTES_ARG(shown(text)));
        if (duration_parse(bytes_slice(text, 4, text.size), &change, err)) {
            if (err != NULL)
                err->code = E_BAD_TIME;
            return E_BAD_TIME;
        }
    }
    if (back ? __builtin_sub_overflow(now_ns, change, &now_ns)
             : __builtin_add_overflow(now_ns, change, &now_ns))
        return error_set(err, E_TIME_RANGE, "time \"%.*s\": beyond 64-bit nanoseconds",
                         BYTES_ARG(shown(text)));
    *ns = now_ns;
    return OK;
}

static bool is_integer(struct bytes text)
{
    size_t first = text.size > 0 && text.data[0] == '-';

    return text.size > first && digits_end(text, first, true) == text.size;
}

enum code time_parameter_parse(struct bytes text, enum time_unit unit, int64_t now_ns, int64_t *ns,
                               struct error *err)
{
    int64_t count, result;

    if (text.size >= 3 && memcmp(text.data, "now", 3) == 0)
        return parse_now(text, now_ns, ns, err);
    if (!is_integer(text)) {
        if (text.size > 4 && text.data[4] == '-')
            return timestamp_parse(text, ns, err);
        return error_set(err, E_BAD_TIME,
                         "time \"%.*s\": want RFC 3339 (2024-02-29T12:00:00Z), an integer, now, "
                         "or now-1h",
                         BYTES_ARG(shown(text)));
    }
    if (number_parse_i64(text, &count) ||
        __builtin_mul_overflow(count, time_unit_ns(unit), &result))
        return error_set(err, E_TIME_RANGE, "time %.*s: beyond 64-bit nanoseconds in this unit",
                         BYTES_ARG(shown(text)));
    *ns = result;
    return OK;
}

static char *put_number(char *at, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

size_t timestamp_print(int64_t ns, char text[TIMESTAMP_TEXT_SIZE])
{
    int64_t days = ns / DAY_NS, of_day = ns % DAY_NS;
    int year, month, day, seconds, fraction;
    char *at = text;

    if (of_day < 0) {
        of_day += DAY_NS;
        days--;
    }
    date_of_days(days, &year, &month, &day);
    seconds = (int)(of_day / SECOND_NS);
    fraction = (int)(of_day % SECOND_NS);
    at = put_number(at, year, 4);
    *at++ = '-';
    at = put_number(at, month, 2);
    *at++ = '-';
    at = put_number(at, day, 2);
    *at++ = 'T';
    at = put_number(at, seconds / 3600, 2);
    *at++ = ':';
    at = put_number(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = put_number(at, seconds % 60, 2);
    if (fraction != 0) {
        *at++ = '.';
        if (fraction % 1000000 == 0)
            at = put_number(at, fraction / 1000000, 3);
        else if (fraction % 1000 == 0)
            at = put_number(at, fraction / 1000, 6);
        else
            at = put_number(at, fraction, 9);
    }
    *at++ = 'Z';
    return (size_t)(at - text);
}

size_t duration_print(int64_t ns, char text[TIMESTAMP_TEXT_SIZE])
{
    uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    size_t size = 0;

    if (ns == 0) {
        text[0] = '0';
        text[1] = 's';
        return 2;
    }
    if (ns < 0)
        text[size++] = '-';
    for (size_t i = 0; i < COUNT_OF(duration_units); i++) {
        uint64_t unit = (uint64_t)duration_units[i].ns;
        struct bytes name = duration_units[i].name;
        char number[NUMBER_TEXT_SIZE];
        size_t number_size;

        assert(unit > 0);
        if (left < unit || (unit == WEEK_NS && left % unit != 0)) /* 30d, not 4w2d */
            continue;
        number_size = number_print_u64(left / unit, number);
        memcpy(text + size, number, number_size);
        memcpy(text + size + number_size, name.data, name.size);
        size += number_size + name.size;
        left %= unit;
    }
    return size;
}
