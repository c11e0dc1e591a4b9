#include "codec/quantity.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/number.h"

enum { NS_PER_MS = 1000000 };

static const struct {
    const char *name;
    unsigned shift;
} units[] = {
    {"TiB", 40},
    {"GiB", 30},
    {"MiB", 20},
    {"KiB", 10},
};

static bool ends_with(struct bytes text, struct bytes end)
{
    return text.size >= end.size &&
           bytes_equal(bytes_slice(text, text.size - end.size, text.size), end);
}

enum code size_parse(struct bytes text, uint64_t *bytes, struct error *err)
{
    struct bytes digits = text;
    unsigned shift = 0;
    uint64_t number;

    for (size_t i = 0; i < COUNT_OF(units) && shift == 0; i++) {
        if (!ends_with(text, bytes_of(units[i].name)))
            continue;
        shift = units[i].shift;
        digits = bytes_slice(text, 0, text.size - strlen(units[i].name));
    }
    if (number_parse_u64(digits, &number))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\" is not a size: bytes, or a number with KiB, MiB, GiB or TiB",
                         BYTES_ARG(text));
    if (number > UINT64_MAX >> shift)
        return error_set(err, E_BAD_PARAMETER, "size \"%.*s\" is too large", BYTES_ARG(text));
    *bytes = number << shift;
    return OK;
}

static size_t number_with_unit(uint64_t number, struct bytes unit, char text[QUANTITY_TEXT_SIZE])
{
    char digits[NUMBER_TEXT_SIZE];
    size_t size = number_print_u64(number, digits);

    assert(size + unit.size <= QUANTITY_TEXT_SIZE);
    memcpy(text, digits, size);
    memcpy(text + size, unit.data, unit.size);
    return size + unit.size;
}

size_t size_print(uint64_t bytes, char text[QUANTITY_TEXT_SIZE])
{
    for (size_t i = 0; bytes > 0 && i < COUNT_OF(units); i++)
        if ((bytes & ((UINT64_C(1) << units[i].shift) - 1)) == 0)
            return number_with_unit(bytes >> units[i].shift, bytes_of(units[i].name), text);
    return number_with_unit(bytes, BYTES(""), text);
}

enum code milliseconds_parse(struct bytes text, uint64_t *ms, struct error *err)
{
    int64_t ns;
    enum code code;

    if (number_parse_u64(text, ms) == OK)
        return OK;
    code = duration_parse(text, &ns, err);
    if (code)
        return code;
    if (ns % NS_PER_MS != 0)
        return error_set(err, E_BAD_PARAMETER, "duration \"%.*s\" is not in whole milliseconds",
                         BYTES_ARG(text));
    *ms = (uint64_t)(ns / NS_PER_MS);
    return OK;
}

size_t milliseconds_print(uint64_t ms, char text[QUANTITY_TEXT_SIZE])
{
    if (ms == 0 || ms > INT64_MAX / NS_PER_MS)
        return number_with_unit(ms, BYTES(""), text);
    return duration_print((int64_t)ms * NS_PER_MS, text);
}

static bool limit_is_size(const struct limit_row *row)
{
    return ends_with(bytes_of(row->name), BYTES("_bytes_max"));
}

static bool limit_is_duration(const struct limit_row *row)
{
    return ends_with(bytes_of(row->name), BYTES("_ms_max"));
}

static enum code count_parse(const struct limit_row *row, struct bytes text, uint64_t *value,
                             struct error *err)
{
    if (number_parse_u64(text, value))
        return error_set(err, E_BAD_PARAMETER,
                         "\"%.*s\" is not a whole number from %" PRIu64 " to %" PRIu64,
                         BYTES_ARG(text), row->least, row->most);
    return OK;
}

enum code limit_parse(const struct limit_row *row, struct bytes text, uint64_t *value,
                      struct error *err)
{
    char least[QUANTITY_TEXT_SIZE], most[QUANTITY_TEXT_SIZE];
    uint64_t read;
    enum code code;

    if (limit_is_size(row))
        code = size_parse(text, &read, err);
    else if (limit_is_duration(row))
        code = milliseconds_parse(text, &read, err);
    else
        code = count_parse(row, text, &read, err);
    if (code)
        return code;
    if (read < row->least || read > row->most)
        return error_set(err, E_BAD_PARAMETER, "\"%.*s\" is not between %.*s and %.*s",
                         BYTES_ARG(text), (int)limit_print(row, row->least, least), least,
                         (int)limit_print(row, row->most, most), most);
    *value = read;
    return OK;
}

size_t limit_print(const struct limit_row *row, uint64_t value, char text[QUANTITY_TEXT_SIZE])
{
    if (limit_is_size(row))
        return size_print(value, text);
    if (limit_is_duration(row))
        return milliseconds_print(value, text);
    return number_with_unit(value, BYTES(""), text);
}
