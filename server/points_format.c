#include "server/points_format.h"

#include "codec/line_point.h"

/* A string may hold newlines.  One that is not closed takes only its own line with it, as the
 * server reads it. */
static size_t line_record(struct bytes text)
{
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
    size_t size;

    if (newline == NULL)
        return 0;
    if (line_find_end(text, &size))
        return size + 1;
    return (size_t)(newline - text.data) + 1;
}

static size_t ndjson_record(struct bytes text)
{
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);

    return newline == NULL ? 0 : (size_t)(newline - text.data) + 1;
}

/* A quoted field may hold newlines; "" in it is two changes, which is none. */
static size_t csv_record(struct bytes text)
{
    bool quoted = false;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            quoted = !quoted;
        if (text.data[i] == '\n' && !quoted)
            return i + 1;
    }
    return 0;
}

static const struct points_format formats[] = {
    {"line_protocol", "text/plain; charset=utf-8", NULL,      "line",  line_record,   false},
    {"json",          "application/json",          ".json",   "point", NULL,          false},
    {"ndjson",        "application/x-ndjson",      ".ndjson", "line",  ndjson_record, false},
    {"csv",           "text/csv",                  ".csv",    "line",  csv_record,    true },
};

enum code points_format_named(struct bytes name, const struct points_format **format,
                              struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (bytes_equal(name, bytes_of(formats[i].name))) {
            *format = &formats[i];
            return OK;
        }
    return error_set(err, E_CONFIG,
                     "--format %.*s is not known; there is line_protocol, json, ndjson and csv",
                     BYTES_ARG(name));
}

static bool ends_with(struct bytes text, const char *end)
{
    size_t size = strlen(end);

    return text.size >= size &&
           bytes_equal(bytes_slice(text, text.size - size, text.size), bytes_of(end));
}

const struct points_format *points_format_of_file(const char *path)
{
    struct bytes name = bytes_of(path);

    if (ends_with(name, ".gz"))
        name.size -= 3;
    else if (ends_with(name, ".zst"))
        name.size -= 4;
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (formats[i].suffix && ends_with(name, formats[i].suffix))
            return &formats[i];
    return &formats[0];
}

size_t points_cut(const struct points_format *format, struct bytes text)
{
    size_t end = 0, size;

    while ((size = format->record(bytes_slice(text, end, text.size))) > 0)
        end += size;
    return end;
}
