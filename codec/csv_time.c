#include "codec/csv_time.h"

#include <stdio.h>

#include "base/date.h"
#include "base/number.h"
#include "base/zone.h"

enum {
    DAY_S = 86400,
    SHOWN_MAX = 64,
    PATTERN_SIZE_MAX = 255,
    FRACTION_DIGITS = 9,
    EXCEL_1970 = 25569,  /* the day number of 1970-01-01 */
    EXCEL_FIRST = 61,    /* 1900-03-01: before it programs differ by a day that never was */
    EXCEL_END = 2958466, /* 10000-01-01 */
};

#define SECOND_NS INT64_C(1000000000)
/* Beyond any time, and far enough from the end of 64 bits for periods to be added. */
#define NEVER_S (INT64_MAX / 4)

/* The text at hand, and what of a moment was read. */
struct scan {
    struct bytes text;
    size_t at;
    struct error *err;
    int year, month, day, hour, minute, second;
    int64_t ns, offset_s;
    bool pm, half_day, absolute, timed;
};

static struct bytes shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

static enum code refuse(const struct scan *scan, const char *want)
{
    (void)error_set(scan->err, E_BAD_TIME, "time \"%.*s\": at byte %zu: %s",
                    BYTES_ARG(shown(scan->text)), scan->at + 1, want);
    return E_BAD_TIME;
}

static char peek(const struct scan *scan)
{
    return scan->at < scan->text.size ? scan->text.data[scan->at] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* From `digits_min` to `digits_max` digits within [least, most]. */
static enum code read_part(struct scan *scan, size_t digits_min, size_t digits_max, int least,
                           int most, const char *want, int *value)
{
    size_t count = 0;
    int sum = 0;

    while (count < digits_max && scan->at + count < scan->text.size &&
           is_digit(scan->text.data[scan->at + count]))
        sum = sum * 10 + (scan->text.data[scan->at + count++] - '0');
    if (count < digits_min || sum < least || sum > most)
        return refuse(scan, want);
    scan->at += count;
    *value = sum;
    return OK;
}

static enum code read_char(struct scan *scan, char c, const char *want)
{
    if (peek(scan) != c || scan->at == scan->text.size)
        return refuse(scan, want);
    scan->at++;
    return OK;
}

/* One of `names` by its first three letters or whole, case ignored; its index from 1. */
static enum code read_name(struct scan *scan, const char *const *names, size_t count,
                           const char *want, int *index)
{
    struct bytes rest = bytes_slice(scan->text, scan->at, scan->text.size);

    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]), same = 0;

        while (same < size && same < rest.size && (rest.data[same] | 0x20) == names[i][same])
            same++;
        if (same < 3)
            continue;
        scan->at += same == size ? size : 3;
        *index = (int)i + 1;
        return OK;
    }
    return refuse(scan, want);
}

static enum code read_fraction(struct scan *scan)
{
    int64_t unit = SECOND_NS;
    size_t first = scan->at;

    scan->ns = 0;
    for (; is_digit(peek(scan)); scan->at++) {
        if (unit == 1)
            return refuse(scan, "want at most 9 digits of a second");
        unit /= 10;
        scan->ns += (peek(scan) - '0') * unit;
    }
    return scan->at == first ? refuse(scan, "want 1 to 9 digits of a second") : OK;
}

/* "Z", "+01:00", "+0100" or "+01". */
static enum code read_offset(struct scan *scan)
{
    static const char want[] = "want 'Z' or an offset as +01:00";
    int hours, minutes = 0;
    char sign = peek(scan);

    scan->absolute = true;
    scan->offset_s = 0;
    if (sign == 'Z' || sign == 'z') {
        scan->at++;
        return OK;
    }
    if (sign != '+' && sign != '-')
        return refuse(scan, want);
    scan->at++;
    if (read_part(scan, 2, 2, 0, 23, "want the offset's hours, 00 to 23", &hours))
        return E_BAD_TIME;
    if (peek(scan) == ':' || is_digit(peek(scan))) {
        scan->at += peek(scan) == ':';
        if (read_part(scan, 2, 2, 0, 59, "want the offset's minutes, 00 to 59", &minutes))
            return E_BAD_TIME;
    }
    scan->offset_s = hours * 3600 + minutes * 60;
    if (sign == '-')
        scan->offset_s = -scan->offset_s;
    return OK;
}

static enum code read_second(struct scan *scan, size_t digits_min)
{
    if (bytes_equal(bytes_slice(scan->text, scan->at,
                                scan->at + 2 < scan->text.size ? scan->at + 2 : scan->text.size),
                    BYTES("60")))
        return refuse(scan, "a leap second has no place in a count of seconds since 1970; send it "
                            "as :59 or as :00 of the next minute");
    return read_part(scan, digits_min, 2, 0, 59, "want a second, 0 to 59", &scan->second);
}

static enum code check_date(struct scan *scan)
{
    if (scan->day > date_days_in_month(scan->year, scan->month))
        return refuse(scan, "want a day that the month has");
    return OK;
}

static enum code read_date(struct scan *scan, const char *form)
{
    if (read_part(scan, 4, 4, 0, 9999, form, &scan->year) || read_char(scan, '-', form) ||
        read_part(scan, 2, 2, 1, 12, "want a month, 01 to 12", &scan->month) ||
        read_char(scan, '-', form) ||
        read_part(scan, 2, 2, 1, 31, "want a day of that month", &scan->day) || check_date(scan))
        return E_BAD_TIME;
    if (scan->at == scan->text.size)
        return OK;
    if (peek(scan) != 'T' && peek(scan) != 't' && peek(scan) != ' ')
        return refuse(scan, "want 'T' or a space between date and time");
    scan->at++;
    scan->timed = true;
    return read_part(scan, 2, 2, 0, 23, "want an hour, 00 to 23", &scan->hour);
}

/* What is behind the hour, but for the offset. */
static enum code read_clock(struct scan *scan, bool comma)
{
    if (read_char(scan, ':', "want ':' between hour and minute") ||
        read_part(scan, 2, 2, 0, 59, "want a minute, 00 to 59", &scan->minute))
        return E_BAD_TIME;
    if (peek(scan) != ':')
        return OK;
    scan->at++;
    if (read_second(scan, 2))
        return E_BAD_TIME;
    if (peek(scan) != '.' && !(comma && peek(scan) == ','))
        return OK;
    scan->at++;
    return read_fraction(scan);
}

static enum code read_rfc3339(struct scan *scan)
{
    enum code code =
        read_date(scan, "want a time as 2024-02-29T12:00:00Z, or time_format= says its form");

    if (code == OK && scan->timed)
        code = read_clock(scan, false);
    return code || scan->at == scan->text.size ? code : read_offset(scan);
}

static enum code read_iso(struct scan *scan)
{
    enum code code = read_date(scan, "want a time as 2024-02-29T12:00:00Z, or a format that says "
                                     "how times are written");

    if (code == OK && (peek(scan) == ':' || is_digit(peek(scan))))
        code = read_clock(scan, true);
    return code || scan->at == scan->text.size ? code : read_offset(scan);
}

static const char *const months[] = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december",
};
static const char *const weekdays[] = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
};

static enum code read_month_name(struct scan *scan)
{
    return read_name(scan, months, COUNT_OF(months), "want the English name of a month",
                     &scan->month);
}

static enum code read_weekday(struct scan *scan)
{
    int any;

    return read_name(scan, weekdays, COUNT_OF(weekdays), "want the English name of a weekday",
                     &any);
}

static enum code read_half(struct scan *scan)
{
    static const char *const halves[] = {"am", "pm"};

    for (size_t i = 0; i < COUNT_OF(halves) && scan->text.size - scan->at >= 2; i++)
        if ((scan->text.data[scan->at] | 0x20) == halves[i][0] &&
            (scan->text.data[scan->at + 1] | 0x20) == halves[i][1]) {
            scan->at += 2;
            scan->half_day = true;
            scan->pm = i == 1;
            return OK;
        }
    return refuse(scan, "want AM or PM");
}

static enum code read_short_year(struct scan *scan)
{
    if (read_part(scan, 2, 2, 0, 99, "want two digits of a year", &scan->year))
        return E_BAD_TIME;
    scan->year += scan->year < 69 ? 2000 : 1900; /* as strptime has it */
    return OK;
}

static enum code read_year(struct scan *scan)
{
    return read_part(scan, 4, 4, 0, 9999, "want a year of four digits", &scan->year);
}

static enum code read_month(struct scan *scan)
{
    return read_part(scan, 1, 2, 1, 12, "want a month, 1 to 12", &scan->month);
}

static enum code read_day(struct scan *scan)
{
    return read_part(scan, 1, 2, 1, 31, "want a day, 1 to 31", &scan->day);
}

static enum code read_hour(struct scan *scan)
{
    scan->timed = true;
    return read_part(scan, 1, 2, 0, 23, "want an hour, 0 to 23", &scan->hour);
}

static enum code read_hour_12(struct scan *scan)
{
    scan->timed = true;
    return read_part(scan, 1, 2, 1, 12, "want an hour, 1 to 12", &scan->hour);
}

static enum code read_minute(struct scan *scan)
{
    return read_part(scan, 1, 2, 0, 59, "want a minute, 0 to 59", &scan->minute);
}

static enum code read_any_second(struct scan *scan)
{
    return read_second(scan, 1);
}

enum { HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4, HAS_HALF = 8, HAS_HOUR_12 = 16, HAS_HOUR_24 = 32 };

static const struct letter {
    char letter;
    unsigned gives;
    enum code (*read)(struct scan *scan);
} letters[] = {
    {'Y', HAS_YEAR,    read_year      },
    {'y', HAS_YEAR,    read_short_year},
    {'m', HAS_MONTH,   read_month     },
    {'b', HAS_MONTH,   read_month_name},
    {'B', HAS_MONTH,   read_month_name},
    {'d', HAS_DAY,     read_day       },
    {'H', HAS_HOUR_24, read_hour      },
    {'I', HAS_HOUR_12, read_hour_12   },
    {'p', HAS_HALF,    read_half      },
    {'M', 0,           read_minute    },
    {'S', 0,           read_any_second},
    {'f', 0,           read_fraction  },
    {'z', 0,           read_offset    },
    {'a', 0,           read_weekday   },
    {'A', 0,           read_weekday   },
};

static const struct letter *letter_find(char c)
{
    for (size_t i = 0; i < COUNT_OF(letters); i++)
        if (letters[i].letter == c)
            return &letters[i];
    return NULL;
}

/* Each part that a date needs, and none that says the same twice in two ways. */
static enum code check_parts(struct bytes pattern, unsigned has, bool whole, struct error *err)
{
    static const struct {
        unsigned bit;
        const char *what;
    } needed[] = {
        {HAS_YEAR,  "year (%Y or %y)" },
        {HAS_MONTH, "month (%m or %b)"},
        {HAS_DAY,   "day (%d)"        },
    };

    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (whole && !(has & needed[i].bit))
            return error_set(err, E_BAD_PARAMETER,
                             "\"%.*s\" has no %s; a date and a time that stand apart can be joined",
                             BYTES_ARG(shown(pattern)), needed[i].what);
    if (!(has & HAS_HALF) != !(has & HAS_HOUR_12) || (has & HAS_HOUR_12 && has & HAS_HOUR_24))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": an hour is %%H (0 to 23), or %%I (1 to 12) with %%p",
                         BYTES_ARG(shown(pattern)));
    return OK;
}

enum code csv_time_pattern_check(struct bytes pattern, bool whole, struct error *err)
{
    unsigned has = 0;

    if (pattern.size > PATTERN_SIZE_MAX)
        return error_set(err, E_BAD_PARAMETER, "the pattern has %zu bytes, %d are allowed",
                         pattern.size, PATTERN_SIZE_MAX);
    for (size_t i = 0; i < pattern.size; i++) {
        const struct letter *letter;

        if (pattern.data[i] != '%')
            continue;
        i++;
        if (i < pattern.size && pattern.data[i] == '%')
            continue;
        letter = i < pattern.size ? letter_find(pattern.data[i]) : NULL;
        if (letter == NULL)
            return error_set(err, E_BAD_PARAMETER,
                             "\"%.*s\": byte %zu is no part of a time; there are %%Y %%y %%m %%b "
                             "%%B %%d %%H %%I %%p %%M %%S %%f %%z %%a %%A %%%%",
                             BYTES_ARG(shown(pattern)), i + 1);
        if (has & letter->gives)
            return error_set(err, E_BAD_PARAMETER, "\"%.*s\": %%%c says a part again",
                             BYTES_ARG(shown(pattern)), letter->letter);
        has |= letter->gives;
    }
    return check_parts(pattern, has, whole, err);
}

enum code csv_time_format_parse(struct bytes text, struct csv_time_format *format,
                                struct error *err)
{
    static const struct {
        struct bytes name;
        enum csv_time_kind kind;
    } names[] = {
        {BYTES("rfc3339"), CSV_TIME_RFC3339},
        {BYTES("epoch"),   CSV_TIME_EPOCH  },
        {BYTES("excel"),   CSV_TIME_EXCEL  },
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (bytes_equal(text, names[i].name)) {
            *format = (struct csv_time_format){.kind = names[i].kind};
            return OK;
        }
    *format = (struct csv_time_format){CSV_TIME_PATTERN, text};
    if (text.size > 0 && memchr(text.data, '%', text.size) != NULL) {
        enum code code = csv_time_pattern_check(text, true, err);

        if (code)
            error_context(err,
                          "time_format (in a URL '%%' is written %%25; columns of a date and a "
                          "time are joined by a space with time=DATE,TIME)");
        return code;
    }
    return error_set(err, E_BAD_PARAMETER,
                     "time_format=%.*s is not known; say rfc3339, epoch (with precision=), excel, "
                     "or a pattern as %%d/%%m/%%Y %%H:%%M:%%S (in a URL '%%' is written %%25)",
                     BYTES_ARG(shown(text)));
}

static enum code read_pattern(struct scan *scan, struct bytes pattern)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < pattern.size; i++) {
        char c = pattern.data[i];

        if (c == '%' && pattern.data[++i] != '%') {
            code = letter_find(pattern.data[i])->read(scan);
        } else if (c == ' ') { /* as many as there are */
            code = read_char(scan, ' ', "want a space, as in the format");
            while (peek(scan) == ' ')
                scan->at++;
        } else {
            code = read_char(scan, c, "want the same character as in the format");
        }
    }
    if (code == OK && scan->half_day)
        scan->hour = scan->hour % 12 + (scan->pm ? 12 : 0);
    return code == OK ? check_date(scan) : code;
}

/* "1451606400" or "1451606400.25", of `unit`. */
static enum code read_epoch(struct scan *scan, enum time_unit unit, struct csv_moment *moment)
{
    static const char want[] = "want an integer of its unit since 1970, or a decimal above that of "
                               "a nanosecond";
    const char *point = memchr(scan->text.data, '.', scan->text.size);
    size_t size = point == NULL ? scan->text.size : (size_t)(point - scan->text.data);
    bool negative = peek(scan) == '-';
    int64_t count, unit_ns, part;
    __extension__ __int128 total;

    if (number_parse_i64(bytes_slice(scan->text, 0, size), &count) != OK)
        return refuse(scan, want);
    unit_ns = time_unit_ns(unit == TIME_GUESSED ? time_unit_guess(count) : unit);
    total = count;
    total *= unit_ns;
    part = unit_ns;
    for (size_t i = size + 1; i < scan->text.size; i++) {
        char c = scan->text.data[i];

        scan->at = i;
        if (!is_digit(c) || (part < 10 && c != '0')) /* below a nanosecond */
            return refuse(scan, want);
        part /= 10;
        total += negative ? -(c - '0') * part : (c - '0') * part;
    }
    moment->absolute = true;
    moment->date_only = false;
    moment->ns = (int64_t)(total % SECOND_NS);
    moment->seconds = NEVER_S; /* out of range, which csv_time_ns() says */
    if (total / SECOND_NS < NEVER_S && total / SECOND_NS > -NEVER_S)
        moment->seconds = (int64_t)(total / SECOND_NS);
    if (moment->ns < 0) {
        moment->ns += SECOND_NS;
        moment->seconds--;
    }
    return OK;
}

/* Days and their part; a double has no more than the millisecond, to which it is rounded. */
static enum code read_excel(struct scan *scan, struct csv_moment *moment)
{
    double serial, days;
    int64_t of_day_ms;

    if (number_parse_f64(scan->text, &serial) != OK || serial < EXCEL_FIRST || serial >= EXCEL_END)
        return refuse(scan, "want a spreadsheet's day number from 61 (1900-03-01), as 45351.5 for "
                            "noon of 2024-02-29");
    days = __builtin_floor(serial);
    of_day_ms = (int64_t)((serial - days) * DAY_S * 1000 + 0.5);
    moment->seconds = ((int64_t)days - EXCEL_1970) * DAY_S + of_day_ms / 1000;
    moment->ns = of_day_ms % 1000 * 1000000;
    moment->absolute = false;
    moment->date_only = false;
    return OK;
}

enum code csv_time_read(const struct csv_time_format *format, enum time_unit unit,
                        struct bytes text, struct csv_moment *moment, struct error *err)
{
    struct scan scan = {.text = text, .err = err};
    enum code code;

    if (text.size == 0)
        return error_set(err, E_BAD_TIME, "the time is empty");
    if (format->kind == CSV_TIME_EPOCH)
        return read_epoch(&scan, unit, moment);
    if (format->kind == CSV_TIME_EXCEL)
        return read_excel(&scan, moment);
    if (format->kind == CSV_TIME_PATTERN)
        code = read_pattern(&scan, format->pattern);
    else
        code = format->kind == CSV_TIME_ISO ? read_iso(&scan) : read_rfc3339(&scan);
    if (code == OK && scan.at < text.size)
        code = refuse(&scan, "want nothing behind the time");
    if (code)
        return code;
    moment->seconds = date_days(scan.year, scan.month, scan.day) * DAY_S +
                      scan.hour * INT64_C(3600) + scan.minute * INT64_C(60) + scan.second -
                      scan.offset_s;
    moment->ns = scan.ns;
    moment->absolute = scan.absolute;
    moment->date_only = !scan.timed;
    return OK;
}

/* "2024-03-31 02:30:00" */
static void print_wall(int64_t seconds, char *text, size_t size)
{
    int64_t days = seconds / DAY_S - (seconds % DAY_S < 0), of_day = seconds - days * DAY_S;
    int year, month, day;

    date_of_days(days, &year, &month, &day);
    (void)snprintf(text, size, "%04d-%02d-%02d %02d:%02d:%02d", year, month, day,
                   (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
}

enum code csv_time_join(int64_t seconds, int64_t second_ns, int64_t *ns, struct error *err)
{
    __extension__ __int128 total = seconds;

    total = total * SECOND_NS + second_ns;
    if (total > INT64_MAX - 1 || total < INT64_MIN + 2)
        return error_set(err, E_TIME_RANGE, "the time is outside of 1677-09-21 to 2262-04-11");
    *ns = (int64_t)total;
    return OK;
}

enum code csv_time_ns(const struct csv_moment *moment, const struct zone *zone,
                      const int64_t *last_ns, int64_t *ns, struct error *err)
{
    int64_t earlier_s = moment->seconds, later_s = moment->seconds, later_ns = 0;
    bool local = !moment->absolute && zone != NULL;
    enum zone_local shown_how =
        local ? zone_utc(zone, moment->seconds, &earlier_s, &later_s) : ZONE_ONCE;
    char wall[64];

    if (shown_how == ZONE_NEVER) {
        print_wall(moment->seconds, wall, sizeof(wall));
        return error_set(err, E_BAD_TIME,
                         "%s was on no clock of tz=: clocks were turned forward over it; check "
                         "tz=, which may be an offset as +01:00",
                         wall);
    }
    if (csv_time_join(earlier_s, moment->ns, ns, err) ||
        csv_time_join(later_s, moment->ns, &later_ns, err))
        return E_TIME_RANGE;
    if (shown_how == ZONE_TWICE && last_ns != NULL && *ns <= *last_ns && *last_ns < later_ns)
        *ns = later_ns;
    return OK;
}
