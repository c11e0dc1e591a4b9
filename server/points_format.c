#include "server/points_format.h"

#include "codec/line_point.h"

/* A record that is open for so long is bad: a quote is not closed.  The server's line_bytes_max,
 * unless it is told another. */
enum { OPEN_BYTES_MAX = 1 << 20 };

/* Where a record ends whose quote is not closed in `text`: nobody knows yet (0), or, as the server
 * reads it, at the end of its first line. */
static size_t open_record(struct bytes text, size_t newline)
{
    return text.size > OPEN_BYTES_MAX ? newline + 1 : 0;
}

/* A string may hold newlines. */
static size_t line_record(struct bytes text)
{
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
    size_t size;

    if (newline == NULL)
        return 0;
    if (line_find_end(text, &size))
        return size + 1;
    return open_record(text, (size_t)(newline - text.data));
}

static size_t ndjson_record(struct bytes text)
{
    const char *newline = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);

    return newline == NULL ? 0 : (size_t)(newline - text.data) + 1;
}

/* Behind the quote that closes the cell which begins at `at`; text.size when none does. */
static size_t quoted_end(struct bytes text, size_t at)
{
    for (at++; at < text.size; at++) {
        if (text.data[at] != '"')
            continue;
        if (at + 1 == text.size || text.data[at + 1] != '"')
            return at + 1;
        at++;
    }
    return text.size;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* A cell in quotes may hold newlines.  Whichever separator the file has, the others before a quote
 * do no harm: what follows must look like the end of a cell, or the line is bad and ends where it
 * ends. */
static size_t csv_record(struct bytes text)
{
    const char *found = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
    size_t newline = found ? (size_t)(found - text.data) : 0;
    bool begins = true; /* a cell */

    if (!found)
        return 0;
    for (size_t at = 0; at < text.size;) {
        char c = text.data[at];

        if (c == '\n')
            return at + 1;
        if (c == '"' && begins) {
            at = quoted_end(text, at);
            if (at == text.size)
                break;
            if (!is_one_of(text.data[at], ",;|\t\r\n "))
                return newline + 1;
            begins = false;
        } else {
            begins = is_one_of(c, ",;|\t") || (begins && c == ' ');
            at++;
        }
    }
    return open_record(text, newline);
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
