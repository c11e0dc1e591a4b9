#include <assert.h>

#include "base/date.h"
#include "base/number.h"
#include "base/zone.h"
#include "ingest/rows/row_time.h"

enum {
    DAY_S = 86400,
    EXCEL_1970 = 25569, /* as codec/csv_time.c has them */
    EXCEL_FIRST = 61,
    EXCEL_END = 2958466,
};

#define SECOND_NS INT64_C(1000000000)

/* What a clock on the wall shows. */
struct wall {
    int64_t days; /* since 1970 */
    int year, month, day, hour, minute, second, ns;
    int32_t offset_s;
};

static struct wall wall_of(const struct zone *zone, int64_t ns)
{
    int64_t seconds = ns / SECOND_NS - (ns % SECOND_NS < 0), local_s;
    struct wall wall = {.ns = (int)(ns % SECOND_NS)};
    int of_day;

    wall.ns += wall.ns < 0 ? (int)SECOND_NS : 0;
    wall.offset_s = zone == NULL ? 0 : zone_offset(zone, seconds);
    local_s = seconds + wall.offset_s;
    wall.days = local_s / DAY_S - (local_s % DAY_S < 0);
    of_day = (int)(local_s - wall.days * DAY_S);
    wall.hour = of_day / 3600;
    wall.minute = of_day / 60 % 60;
    wall.second = of_day % 60;
    date_of_days(wall.days, &wall.year, &wall.month, &wall.day);
    return wall;
}

/* An offset of before there were zones has seconds, which none can be written with: then UTC is
 * told. */
static struct wall wall_with_offset(const struct zone *zone, int64_t ns)
{
    struct wall wall = wall_of(zone, ns);

    return wall.offset_s % 60 == 0 ? wall : wall_of(NULL, ns);
}

static void put_offset(struct buf *out, int32_t offset_s, const char *colon)
{
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;

    buf_printf(out, "%c%02d%s%02d", offset_s < 0 ? '-' : '+', minutes / 60, colon, minutes % 60);
}

/* 3, 6 or 9 digits. */
static void put_fraction(struct buf *out, int ns)
{
    if (ns % 1000000 == 0)
        buf_printf(out, "%03d", ns / 1000000);
    else if (ns % 1000 == 0)
        buf_printf(out, "%06d", ns / 1000);
    else
        buf_printf(out, "%09d", ns);
}

static void print_iso(const struct zone *zone, int64_t ns, struct buf *out)
{
    struct wall wall = wall_with_offset(zone, ns);

    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", wall.year, wall.month, wall.day, wall.hour,
               wall.minute, wall.second);
    if (wall.ns != 0) {
        buf_put_char(out, '.');
        put_fraction(out, wall.ns);
    }
    if (wall.offset_s == 0)
        buf_put_char(out, 'Z');
    else
        put_offset(out, wall.offset_s, ":");
}

/* "-1.25": sign and size, as it is read. */
static void print_unix(enum time_unit unit, int64_t ns, struct buf *out)
{
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, unit_ns = (uint64_t)time_unit_ns(unit);
    uint64_t rest = size % unit_ns;
    char text[NUMBER_TEXT_SIZE];

    if (ns < 0)
        buf_put_char(out, '-');
    buf_put(out, (struct bytes){text, number_print_u64(size / unit_ns, text)});
    if (rest > 0)
        buf_put_char(out, '.');
    while (rest > 0) {
        unit_ns /= 10;
        buf_put_char(out, (char)('0' + rest / unit_ns));
        rest %= unit_ns;
    }
}

/* Rounded to the millisecond, which is what such a number holds. */
static enum code print_excel(const struct zone *zone, int64_t ns, struct buf *out,
                             struct error *err)
{
    struct wall wall = wall_of(zone, ns);
    int64_t day = wall.days + EXCEL_1970;
    int of_day_ms = ((wall.hour * 60 + wall.minute) * 60 + wall.second) * 1000 + wall.ns / 1000000;
    char text[NUMBER_TEXT_SIZE];

    if (day < EXCEL_FIRST || day >= EXCEL_END)
        return error_set(err, E_TIME_RANGE, "a spreadsheet has no day number of before 1900-03-01");
    buf_put(out,
            (struct bytes){text, number_print_f64((double)day + of_day_ms / 86400000.0, text)});
    return OK;
}

/* --- patterns --- */

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};
static const char *const weekdays[] = {
    "Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday",
};

static const char *weekday_of(const struct wall *wall)
{
    int64_t weekday = wall->days % 7; /* 1970-01-01 was a Thursday */

    return weekdays[weekday < 0 ? weekday + 7 : weekday];
}

static void put_letter(char letter, const struct wall *wall, struct buf *out)
{
    int half = wall->hour % 12;

    switch (letter) {
    case 'Y':
        return buf_printf(out, "%04d", wall->year);
    case 'y':
        return buf_printf(out, "%02d", wall->year % 100);
    case 'm':
        return buf_printf(out, "%02d", wall->month);
    case 'b':
        return buf_printf(out, "%.3s", months[wall->month - 1]);
    case 'B':
        return buf_put_text(out, months[wall->month - 1]);
    case 'd':
        return buf_printf(out, "%02d", wall->day);
    case 'H':
        return buf_printf(out, "%02d", wall->hour);
    case 'I':
        return buf_printf(out, "%02d", half == 0 ? 12 : half);
    case 'p':
        return buf_put_text(out, wall->hour < 12 ? "AM" : "PM");
    case 'M':
        return buf_printf(out, "%02d", wall->minute);
    case 'S':
        return buf_printf(out, "%02d", wall->second);
    case 'f':
        return put_fraction(out, wall->ns);
    case 'z':
        return put_offset(out, wall->offset_s, "");
    case 'a':
        return buf_printf(out, "%.3s", weekday_of(wall));
    case 'A':
        return buf_put_text(out, weekday_of(wall));
    default:
        assert(letter == '%'); /* csv_time_format_parse() took the pattern */
        buf_put_char(out, '%');
    }
}

static bool pattern_has(struct bytes pattern, char letter)
{
    for (size_t i = 0; i + 1 < pattern.size; i++)
        if (pattern.data[i] == '%' && pattern.data[++i] == letter)
            return true;
    return false;
}

static void print_pattern(struct bytes pattern, const struct zone *zone, int64_t ns,
                          struct buf *out)
{
    struct wall wall = pattern_has(pattern, 'z') ? wall_with_offset(zone, ns) : wall_of(zone, ns);

    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '%' && i + 1 < pattern.size)
            put_letter(pattern.data[++i], &wall, out);
        else
            buf_put_char(out, pattern.data[i]);
    }
}

enum code row_time_print(const struct source_time_format *format, const struct zone *zone,
                         int64_t ns, struct buf *out, struct error *err)
{
    struct wall wall;

    switch (format->kind) {
    case SOURCE_TIME_ISO:
        print_iso(zone, ns, out);
        break;
    case SOURCE_TIME_DATE:
        wall = wall_of(zone, ns);
        buf_printf(out, "%04d-%02d-%02d", wall.year, wall.month, wall.day);
        break;
    case SOURCE_TIME_UNIX:
        print_unix(format->unit, ns, out);
        break;
    case SOURCE_TIME_EXCEL:
        return print_excel(zone, ns, out, err);
    case SOURCE_TIME_PATTERN:
        print_pattern(format->pattern, zone, ns, out);
        break;
    }
    return OK;
}

static int64_t round_down(int64_t ns, int64_t unit_ns)
{
    int64_t rest = ns % unit_ns;

    rest += rest < 0 ? unit_ns : 0;
    return ns < INT64_MIN + rest ? ns : ns - rest;
}

/* Dates and patterns are cut by printing; what else may hold more is cut before it. */
enum code row_time_print_last(const struct source_time_format *format, const struct zone *zone,
                              int64_t end_ns, struct buf *out, struct error *err)
{
    int64_t last_ns = end_ns == INT64_MIN ? end_ns : end_ns - 1, unit_ns = 1;

    if (format->kind == SOURCE_TIME_ISO)
        unit_ns = SECOND_NS;
    else if (format->kind == SOURCE_TIME_UNIX)
        unit_ns = time_unit_ns(format->unit);
    else if (format->kind == SOURCE_TIME_EXCEL ||
             (format->kind == SOURCE_TIME_PATTERN && pattern_has(format->pattern, 'f')))
        unit_ns = SECOND_NS / 1000;
    return row_time_print(format, zone, round_down(last_ns, unit_ns), out, err);
}
