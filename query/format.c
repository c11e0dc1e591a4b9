#include "query/format.h"

#include <strings.h>

const struct format_row format_rows[FORMAT_COUNT] = {
    [FORMAT_JSON] = {"json",          "application/json",     "application/json"                       },
    [FORMAT_NDJSON] = {"ndjson",        "application/x-ndjson", "application/x-ndjson"                   },
    [FORMAT_CSV] = {"csv",           "text/csv",             "text/csv; charset=utf-8; header=present"},
    [FORMAT_LINE_PROTOCOL] = {"line_protocol", "text/plain",           "text/plain; charset=utf-8"              },
};

enum code format_named(struct bytes name, enum format *format, struct error *err)
{
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (bytes_equal(name, bytes_of(format_rows[i].name))) {
            *format = (enum format)i;
            return OK;
        }
    }
    return error_set(err, E_BAD_PARAMETER,
                     "format \"%.*s\": want json, ndjson, csv or line_protocol", BYTES_ARG(name));
}

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_slice(text, 1, text.size);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Cuts what stands before `separator` off `rest`. */
static struct bytes next_part(struct bytes *rest, char separator)
{
    const char *found = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    size_t size = found ? (size_t)(found - rest->data) : rest->size;
    struct bytes part = bytes_slice(*rest, 0, size);

    *rest = bytes_slice(*rest, found ? size + 1 : size, rest->size);
    return trim(part);
}

static bool equal_ignoring_case(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

/* "0.25" as 250; what is no such number counts as 1000, as if it were not there. */
static int quality_of(struct bytes parameters)
{
    while (parameters.size > 0) {
        struct bytes part = next_part(&parameters, ';');
        int quality = 0, unit = 1000;

        if (part.size < 3 || (part.data[0] | 0x20) != 'q' || part.data[1] != '=')
            continue;
        for (size_t i = 2; i < part.size && i < 7; i++) {
            if (part.data[i] == '.')
                continue;
            if (part.data[i] < '0' || part.data[i] > '9')
                return 1000;
            quality += (part.data[i] - '0') * unit;
            unit /= 10;
        }
        return quality > 1000 ? 1000 : quality;
    }
    return 1000;
}

/* Which format the media range stands for.  FORMAT_COUNT: none of ours. */
static enum format format_in(struct bytes range)
{
    if (equal_ignoring_case(range, BYTES("*/*")) ||
        equal_ignoring_case(range, BYTES("application/*")))
        return FORMAT_JSON;
    if (equal_ignoring_case(range, BYTES("text/*")))
        return FORMAT_CSV;
    if (equal_ignoring_case(range, BYTES("application/ndjson")))
        return FORMAT_NDJSON;
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (equal_ignoring_case(range, bytes_of(format_rows[i].media_type)))
            return (enum format)i;
    }
    return FORMAT_COUNT;
}

enum code format_accepted(struct bytes accept, enum format *format, struct error *err)
{
    struct bytes rest = trim(accept);
    int best = 0;

    if (rest.size == 0) {
        *format = FORMAT_JSON;
        return OK;
    }
    while (rest.size > 0) {
        struct bytes parameters = next_part(&rest, ',');
        enum format found = format_in(next_part(&parameters, ';'));
        int quality = quality_of(parameters);

        if (found != FORMAT_COUNT && quality > best) {
            best = quality;
            *format = found;
        }
    }
    if (best > 0)
        return OK;
    return error_set(err, E_NOT_ACCEPTABLE,
                     "Accept \"%.*s\": there is application/json, application/x-ndjson, "
                     "text/csv; charset=utf-8 and text/plain",
                     BYTES_ARG(accept));
}
