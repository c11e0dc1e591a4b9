#include "codec/csv_scan.h"

#include "base/date.h"

enum { SHOWN_MAX = 64 };

#define SECOND_NS INT64_C(1000000000)

struct bytes csv_scan_shown(struct bytes text)
{
    return bytes_slice(text, 0, text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
}

enum code csv_scan_refuse(const struct csv_scan *scan, const char *want)
{
    (void)error_set(scan->err, E_BAD_TIME, "time \"%.*s\": at byte %zu: %s",
                    BYTES_ARG(csv_scan_shown(scan->text)), scan->at + 1, want);
    return E_BAD_TIME;
}

enum code csv_scan_part(struct csv_scan *scan, size_t digits_min, size_t digits_max, int least,
                        int most, const char *want, int *value)
{
    size_t count = 0;
    int sum = 0;

    while (count < digits_max && scan->at + count < scan->text.size &&
           csv_scan_is_digit(scan->text.data[scan->at + count]))
        sum = sum * 10 + (scan->text.data[scan->at + count++] - '0');
    if (count < digits_min || sum < least || sum > most)
        return csv_scan_refuse(scan, want);
    scan->at += count;
    *value = sum;
    return OK;
}

enum code csv_scan_char(struct csv_scan *scan, char c, const char *want)
{
    if (csv_scan_peek(scan) != c || scan->at == scan->text.size)
        return csv_scan_refuse(scan, want);
    scan->at++;
    return OK;
}

enum code csv_scan_name(struct csv_scan *scan, const char *const *names, size_t count,
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
    return csv_scan_refuse(scan, want);
}

enum code csv_scan_fraction(struct csv_scan *scan)
{
    int64_t unit = SECOND_NS;
    size_t first = scan->at;

    scan->ns = 0;
    for (; csv_scan_is_digit(csv_scan_peek(scan)); scan->at++) {
        if (unit == 1)
            return csv_scan_refuse(scan, "want at most 9 digits of a second");
        unit /= 10;
        scan->ns += (csv_scan_peek(scan) - '0') * unit;
    }
    return scan->at == first ? csv_scan_refuse(scan, "want 1 to 9 digits of a second") : OK;
}

enum code csv_scan_offset(struct csv_scan *scan)
{
    static const char want[] = "want 'Z' or an offset as +01:00";
    int hours, minutes = 0;
    char sign = csv_scan_peek(scan);

    scan->absolute = true;
    scan->offset_s = 0;
    if (sign == 'Z' || sign == 'z') {
        scan->at++;
        return OK;
    }
    if (sign != '+' && sign != '-')
        return csv_scan_refuse(scan, want);
    scan->at++;
    if (csv_scan_part(scan, 2, 2, 0, 23, "want the offset's hours, 00 to 23", &hours))
        return E_BAD_TIME;
    if (csv_scan_peek(scan) == ':' || csv_scan_is_digit(csv_scan_peek(scan))) {
        scan->at += csv_scan_peek(scan) == ':';
        if (csv_scan_part(scan, 2, 2, 0, 59, "want the offset's minutes, 00 to 59", &minutes))
            return E_BAD_TIME;
    }
    scan->offset_s = hours * 3600 + minutes * 60;
    if (sign == '-')
        scan->offset_s = -scan->offset_s;
    return OK;
}

enum code csv_scan_second(struct csv_scan *scan, size_t digits_min)
{
    if (bytes_equal(bytes_slice(scan->text, scan->at,
                                scan->at + 2 < scan->text.size ? scan->at + 2 : scan->text.size),
                    BYTES("60")))
        return csv_scan_refuse(
            scan, "a leap second has no place in a count of seconds since 1970; send it "
                  "as :59 or as :00 of the next minute");
    return csv_scan_part(scan, digits_min, 2, 0, 59, "want a second, 0 to 59", &scan->second);
}

enum code csv_scan_date_holds(struct csv_scan *scan)
{
    if (scan->day > date_days_in_month(scan->year, scan->month))
        return csv_scan_refuse(scan, "want a day that the month has");
    return OK;
}
