/* By its marks alone: a text of any depth is gone through without a stack. */
#include "codec/json_indent.h"

#include <string.h>

enum { LINE_SIZE_MAX = 100, STEP = 2 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Of the string at `at`, with its quotes. */
static size_t string_size(struct bytes json, size_t at)
{
    size_t end = at + 1;

    while (end < json.size && json.data[end] != '"')
        end += json.data[end] == '\\' ? 2 : 1;
    return (end < json.size ? end + 1 : json.size) - at;
}

/* One mark, string, or piece of a number or word; what stands between members as people write it.
 * Returns its size. */
static size_t put_flat(struct bytes json, size_t at, struct buf *out)
{
    size_t size = json.data[at] == '"' ? string_size(json, at) : 1;

    if (is_space(json.data[at]))
        return size;
    buf_put(out, bytes_slice(json, at, at + size));
    if (json.data[at] == ',' || json.data[at] == ':')
        buf_put_char(out, ' ');
    return size;
}

/* Puts the object or array at `at` on one line, where that is short enough.  Returns its size; 0:
 * it is too long, and nothing was put. */
static size_t put_short(struct bytes json, size_t at, size_t room, struct buf *out)
{
    size_t begin = out->size, end = at, depth = 0;

    do {
        if (json.data[end] == '{' || json.data[end] == '[')
            depth++;
        if (json.data[end] == '}' || json.data[end] == ']')
            depth--;
        end += put_flat(json, end, out);
    } while (depth > 0 && end < json.size && out->size - begin <= room);
    if (depth == 0 && out->size - begin <= room)
        return end - at;
    out->size = begin;
    return 0;
}

static void new_line(size_t depth, struct buf *out)
{
    buf_put_char(out, '\n');
    for (size_t i = 0; i < STEP * depth; i++)
        buf_put_char(out, ' ');
}

void json_indent(struct bytes json, struct buf *out)
{
    size_t depth = 0, at = 0, size, line = out->size;

    while (at < json.size && !out->failed) {
        char c = json.data[at];
        bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        size_t used = out->size - line;

        size = opens && used < LINE_SIZE_MAX ? put_short(json, at, LINE_SIZE_MAX - used, out) : 0;
        if (size > 0) {
            at += size;
            continue;
        }
        depth -= closes && depth > 0;
        if (closes) {
            new_line(depth, out);
            line = out->size - STEP * depth;
        }
        at += put_flat(json, at, out);
        depth += opens;
        if (opens || c == ',') {
            out->size -= c == ','; /* the space behind it */
            new_line(depth, out);
            line = out->size - STEP * depth;
        }
    }
}
