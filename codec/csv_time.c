#include "codec/csv_time.h"

#include <stdio.h>

#include "base/date.h"
#include "base/number.h"
#include "base/zone.h"
#include "codec/csv_scan.h"

enum {
    DAY_S = 86400,
    PATTERN_SIZE_MAX = 255,
    EXCEL_1970 = 25569,  /* the day number of 1970-01-01 */
    EXCEL_FIRST = 61,    /* 1900-03-01: before it programs differ by a day that never was */
    EXCEL_END = 2958466, /* 10000-01-01 */
};

#define SECOND_NS INT64_C(1000000000)
/* Beyond any time, and far enough from the end of 64 bits for periods to be added. */
#define NEVER_S (INT64_MAX / 4)

static enum code read_date(struct csv_scan *scan, const char *form)
{
    if (csv_scan_part(scan, 4, 4, 0, 9999, form, &scan->year) || csv_scan_char(scan, '-', form) ||
        csv_scan_part(scan, 2, 2, 1, 12, "want a month, 01 to 12", &scan->month) ||
        csv_scan_char(scan, '-', form) ||
        csv_scan_part(scan, 2, 2, 1, 31, "want a day of that month", &scan->day) ||
        csv_scan_date_holds(scan))
        return E_BAD_TIME;
    if (scan->at == scan->text.size)
        return OK;
    if (csv_scan_peek(scan) != 'T' && csv_scan_peek(scan) != 't' && csv_scan_peek(scan) != ' ')
        return csv_scan_refuse(scan, "want 'T' or a space between date and time");
    scan->at++;
    scan->timed = true;
    return csv_scan_part(scan, 2, 2, 0, 23, "want an hour, 00 to 23", &scan->hour);
}

/* What is behind the hour, but for the offset. */
static enum code read_clock(struct csv_scan *scan, bool comma)
{
    if (csv_scan_char(scan, ':', "want ':' between hour and minute") ||
        csv_scan_part(scan, 2, 2, 0, 59, "want a minute, 00 to 59", &scan->minute))
        return E_BAD_TIME;
    if (csv_scan_peek(scan) != ':')
        return OK;
    scan->at++;
    if (csv_scan_second(scan, 2))
        return E_BAD_TIME;
    if (csv_scan_peek(scan) != '.' && !(comma && csv_scan_peek(scan) == ','))
        return OK;
    scan->at++;
    return csv_scan_fraction(scan);
}

static enum code read_rfc3339(struct csv_scan *scan)
{
    enum code code =
        read_date(scan, "want a time as 2024-02-29T12:00:00Z, or time_format= says its form");

    if (code == OK && scan->timed)
        code = read_clock(scan, false);
    return code || scan->at == scan->text.size ? code : csv_scan_offset(scan);
}

static enum code read_iso(struct csv_scan *scan)
{
    enum code code = read_date(scan, "want a time as 2024-02-29T12:00:00Z, or a format that says "
                                     "how times are written");

    if (code == OK && (csv_scan_peek(scan) == ':' || csv_scan_is_digit(csv_scan_peek(scan))))
        code = read_clock(scan, true);
    return code || scan->at == scan->text.size ? code : csv_scan_offset(scan);
}

static const char *const months[] = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december",
};
static const char *const weekdays[] = {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
};

static enum code read_month_name(struct csv_scan *scan)
{
    return csv_scan_name(scan, months, COUNT_OF(months), "want the English name of a month",
                         &scan->month);
}

static enum code read_weekday(struct csv_scan *scan)
{
    int any;

    return csv_scan_name(scan, weekdays, COUNT_OF(weekdays), "want the English name of a weekday",
                         &any);
}

static enum code read_half(struct csv_scan *scan)
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
    return csv_scan_refuse(scan, "want AM or PM");
}

static enum code read_short_year(struct csv_scan *scan)
{
    if (csv_scan_part(scan, 2, 2, 0, 99, "want two digits of a year", &scan->year))
        return E_BAD_TIME;
    scan->year += scan->year < 69 ? 2000 : 1900; /* as strptime has it */
    return OK;
}

static enum code read_year(struct csv_scan *scan)
{
    return csv_scan_part(scan, 4, 4, 0, 9999, "want a year of four digits", &scan->year);
}

static enum code read_month(struct csv_scan *scan)
{
    return csv_scan_part(scan, 1, 2, 1, 12, "want a month, 1 to 12", &scan->month);
}

static enum code read_day(struct csv_scan *scan)
{
    return csv_scan_part(scan, 1, 2, 1, 31, "want a day, 1 to 31", &scan->day);
}

static enum code read_hour(struct csv_scan *scan)
{
    scan->timed = true;
    return csv_scan_part(scan, 1, 2, 0, 23, "want an hour, 0 to 23", &scan->hour);
}

static enum code read_hour_12(struct csv_scan *scan)
{
    scan->timed = true;
    return csv_scan_part(scan, 1, 2, 1, 12, "want an hour, 1 to 12", &scan->hour);
}

static enum code read_minute(struct csv_scan *scan)
{
    return csv_scan_part(scan, 1, 2, 0, 59, "want a minute, 0 to 59", &scan->minute);
}

static enum code read_any_second(struct csv_scan *scan)
{
    return csv_scan_second(scan, 1);
}

enum { HAS_YEAR = 1, HAS_MONTH = 2, HAS_DAY = 4, HAS_HALF = 8, HAS_HOUR_12 = 16, HAS_HOUR_24 = 32 };

static const struct letter {
    char letter;
    unsigned gives;
    enum code (*read)(struct csv_scan *scan);
} letters[] = {
    {'Y', HAS_YEAR,    read_year        },
    {'y', HAS_YEAR,    read_short_year  },
    {'m', HAS_MONTH,   read_month       },
    {'b', HAS_MONTH,   read_month_name  },
    {'B', HAS_MONTH,   read_month_name  },
    {'d', HAS_DAY,     read_day         },
    {'H', HAS_HOUR_24, read_hour        },
    {'I', HAS_HOUR_12, read_hour_12     },
    {'p', HAS_HALF,    read_half        },
    {'M', 0,           read_minute      },
    {'S', 0,           read_any_second  },
    {'f', 0,           csv_scan_fraction},
    {'z', 0,           csv_scan_offset  },
    {'a', 0,           read_weekday     },
    {'A', 0,           read_weekday     },
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
                             BYTES_ARG(csv_scan_shown(pattern)), needed[i].what);
    if (!(has & HAS_HALF) != !(has & HAS_HOUR_12) || (has & HAS_HOUR_12 && has & HAS_HOUR_24))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\": an hour is %%H (0 to 23), or %%I (1 to 12) with %%p",
                         BYTES_ARG(csv_scan_shown(pattern)));
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
                             BYTES_ARG(csv_scan_shown(pattern)), i + 1);
        if (has & letter->gives)
            return error_set(err, E_BAD_PARAMETER, "\"%.*s\": %%%c says a part again",
                             BYTES_ARG(csv_scan_shown(pattern)), letter->letter);
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
                     BYTES_ARG(csv_scan_shown(text)));
}

static enum code read_pattern(struct csv_scan *scan, struct bytes pattern)
{
    enum code code = OK;

    for (size_t i = 0; code == OK && i < pattern.size; i++) {
        char c = pattern.data[i];

        if (c == '%' && pattern.data[++i] != '%') {
            code = letter_find(pattern.data[i])->read(scan);
        } else if (c == ' ') { /* as many as there are */
            code = csv_scan_char(scan, ' ', "want a space, as in the format");
            while (csv_scan_peek(scan) == ' ')
                scan->at++;
        } else {
            code = csv_scan_char(scan, c, "want the same character as in the format");
        }
    }
    if (code == OK && scan->half_day)
        scan->hour = scan->hour % 12 + (scan->pm ? 12 : 0);
    return code == OK ? csv_scan_date_holds(scan) : code;
}

/* "1451606400" or "1451606400.25", of `unit`. */
static enum code read_epoch(struct csv_scan *scan, enum time_unit unit, struct csv_moment *moment)
{
    static const char want[] = "want an integer of its unit since 1970, or a decimal above that of "
                               "a nanosecond";
    const char *point = memchr(scan->text.data, '.', scan->text.size);
    size_t size = point == NULL ? scan->text.size : (size_t)(point - scan->text.data);
    bool negative = csv_scan_peek(scan) == '-';
    int64_t count, unit_ns, part;
    __extension__ __int128 total;

    if (number_parse_i64(bytes_slice(scan->text, 0, size), &count) != OK)
        return csv_scan_refuse(scan, want);
    unit_ns = time_unit_ns(unit == TIME_GUESSED ? time_unit_guess(count) : unit);
    total = count;
    total *= unit_ns;
    part = unit_ns;
    for (size_t i = size + 1; i < scan->text.size; i++) {
        char c = scan->text.data[i];

        scan->at = i;
        if (!csv_scan_is_digit(c) || (part < 10 && c != '0')) /* below a nanosecond */
            return csv_scan_refuse(scan, want);
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
static enum code read_excel(struct csv_scan *scan, struct csv_moment *moment)
{
    double serial, days;
    int64_t of_day_ms;

    if (number_parse_f64(scan->text, &serial) != OK || serial < EXCEL_FIRST || serial >= EXCEL_END)
        return csv_scan_refuse(
            scan, "want a spreadsheet's day number from 61 (1900-03-01), as 45351.5 for "
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
    struct csv_scan scan = {.text = text, .err = err};
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
        code = csv_scan_refuse(&scan, "want nothing behind the time");
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
