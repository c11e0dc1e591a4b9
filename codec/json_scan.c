#include "codec/json_scan.h"

#include <assert.h>

#include "codec/json_escape.h"
#include "codec/utf8.h"

enum code json_scan_fail(const struct json_scan *scan, const char *what, struct error *err)
{
    uint32_t line = 1;
    const char *line_start = scan->start;
    enum code code;

    for (const char *at = scan->start; at < scan->at; at++)
        if (*at == '\n') {
            line++;
            line_start = at + 1;
        }
    code = error_set(err, E_SYNTAX, "line %u, column %zu: %s%s", line,
                     (size_t)(scan->at - line_start) + 1,
                     scan->at == scan->end ? "the JSON ends; " : "", what);
    if (scan->one_line)
        return error_set(err, E_SYNTAX, "column %zu: %s%s", (size_t)(scan->at - line_start) + 1,
                         scan->at == scan->end ? "the line ends; " : "", what);
    if (err != NULL)
        err->line = line;
    return code;
}

enum code json_scan_open(struct json_scan *scan, char bracket, struct error *err)
{
    assert(*scan->at == bracket);
    if (scan->depth == scan->depth_max)
        return error_set(err, E_DEPTH, "byte %zu: JSON nested deeper than the %u levels allowed",
                         (size_t)(scan->at - scan->start) + 1, scan->depth_max);
    scan->depth++;
    scan->at++;
    return OK;
}

enum code json_scan_more(struct json_scan *scan, char closing, bool first, bool *more,
                         struct error *err)
{
    char c = json_scan_peek(scan);

    *more = c != closing;
    if (c == closing) {
        scan->at++;
        scan->depth--;
        return OK;
    }
    if (first)
        return OK;
    if (c != ',')
        return json_scan_fail(scan, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'",
                              err);
    scan->at++;
    if (json_scan_peek(scan) == closing)
        return json_scan_fail(scan, "a comma behind the last item", err);
    return OK;
}

/* Where the text of a string stops being plain: at '"', '\\' or a control byte.  *high tells
 * whether it held bytes above 0x7f. */
static const char *plain_end(const char *at, bool *high)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;

    for (;;) {
        uint64_t word, quote, escape, control, stop;

        memcpy(&word, at, sizeof(word));
        quote = word ^ (ones * '"');
        escape = word ^ (ones * '\\');
        control = (word - ones * 0x20) & ~word;
        stop = (((quote - ones) & ~quote) | ((escape - ones) & ~escape) | control) & tops;
        if (stop == 0) {
            *high = *high || (word & tops) != 0;
            at += sizeof(word);
            continue;
        }
        /* Marks above the first true one may be carries: the bytes up to it are looked at. */
        for (;; at++) {
            unsigned char c = (unsigned char)*at;

            if (c < 0x20 || c == '"' || c == '\\')
                return at;
            if (c >= 0x80)
                *high = true;
        }
    }
}

/* The string from `first` on has escapes, the first at scan->at.  First its end is found, so
 * that the copy has a size. */
static enum code text_escaped(struct json_scan *scan, const char *first, bool *high,
                              struct bytes *text, struct error *err)
{
    const char *from = scan->at;
    char *copy, *to, scratch[4];

    while (*scan->at != '"') {
        if (*scan->at != '\\')
            return json_scan_fail(scan, "a control byte in a string; write \\u and its code", err);
        if (json_unescape(&scan->at, scratch) == 0)
            return json_scan_fail(scan, "this is no escape", err);
        scan->at = plain_end(scan->at, high);
    }
    copy = arena_alloc(scan->arena, (size_t)(scan->at - first)); /* no escape grows */
    if (copy == NULL)
        return error_set(err, E_MEMORY, "no memory for a text");
    to = copy;
    memcpy(to, first, (size_t)(from - first));
    to += from - first;
    while (*from != '"') {
        if (*from == '\\') {
            size_t size = json_unescape(&from, scratch);

            memcpy(to, scratch, size);
            to += size;
        } else {
            *to++ = *from++;
        }
    }
    *text = (struct bytes){copy, (size_t)(to - copy)};
    return OK;
}

enum code json_scan_text(struct json_scan *scan, struct bytes *text, struct error *err)
{
    const char *first;
    bool high = false;
    struct bytes raw;
    size_t bad;

    if (json_scan_peek(scan) != '"')
        return json_scan_fail(scan, "expected a text in quotes", err);
    first = scan->at + 1;
    scan->at = plain_end(first, &high);
    *text = (struct bytes){first, (size_t)(scan->at - first)};
    if (*scan->at != '"') {
        enum code code = text_escaped(scan, first, &high, text, err);

        if (code)
            return code;
    }
    raw = (struct bytes){first, (size_t)(scan->at - first)};
    bad = high ? utf8_check(raw) : raw.size;
    if (bad < raw.size)
        return error_set(err, E_BAD_UTF8, "byte %zu of the body: 0x%02x is not UTF-8",
                         (size_t)(raw.data + bad - scan->start) + 1, (unsigned char)raw.data[bad]);
    scan->at++;
    return OK;
}

enum code json_scan_name(struct json_scan *scan, struct bytes *name, struct error *err)
{
    enum code code;

    if (json_scan_peek(scan) != '"')
        return json_scan_fail(scan, "expected a member's name in quotes", err);
    code = json_scan_text(scan, name, err);
    if (code)
        return code;
    if (json_scan_peek(scan) != ':')
        return json_scan_fail(scan, "expected ':' behind a member's name", err);
    scan->at++;
    return OK;
}

static bool take_digits(struct json_scan *scan)
{
    const char *first = scan->at;

    while (*scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > first;
}

enum code json_scan_number(struct json_scan *scan, struct bytes *number, bool *integer,
                           struct error *err)
{
    const char *first;

    (void)json_scan_peek(scan);
    first = scan->at;
    *integer = true;
    if (*scan->at == '-')
        scan->at++;
    if (*scan->at == '0')
        scan->at++;
    else if (!take_digits(scan))
        return json_scan_fail(scan, "expected a digit", err);
    if (*scan->at >= '0' && *scan->at <= '9')
        return json_scan_fail(scan, "a number that begins with 0", err);
    if (*scan->at == '.') {
        *integer = false;
        scan->at++;
        if (!take_digits(scan))
            return json_scan_fail(scan, "expected a digit behind the point", err);
    }
    if (*scan->at == 'e' || *scan->at == 'E') {
        *integer = false;
        scan->at++;
        if (*scan->at == '+' || *scan->at == '-')
            scan->at++;
        if (!take_digits(scan))
            return json_scan_fail(scan, "expected a digit in the exponent", err);
    }
    *number = (struct bytes){first, (size_t)(scan->at - first)};
    return OK;
}

enum code json_scan_word(struct json_scan *scan, struct error *err)
{
    char c = json_scan_peek(scan);
    struct bytes word = c == 't' ? BYTES("true") : c == 'f' ? BYTES("false") : BYTES("null");

    if ((size_t)(scan->end - scan->at) < word.size || memcmp(scan->at, word.data, word.size) != 0)
        return json_scan_fail(scan, "expected a value", err);
    scan->at += word.size;
    return OK;
}

static enum code skip_container(struct json_scan *scan, char closing, struct error *err)
{
    struct bytes name;
    bool more, first = true;
    enum code code = json_scan_open(scan, *scan->at, err);

    for (; code == OK; first = false) {
        code = json_scan_more(scan, closing, first, &more, err);
        if (code || !more)
            return code;
        if (closing == '}')
            code = json_scan_name(scan, &name, err);
        if (code == OK)
            code = json_scan_skip(scan, err);
    }
    return code;
}

enum code json_scan_skip(struct json_scan *scan, struct error *err)
{
    struct bytes span;
    bool integer;

    switch (json_scan_peek(scan)) {
    case '{':
        return skip_container(scan, '}', err);
    case '[':
        return skip_container(scan, ']', err);
    case '"':
        return json_scan_text(scan, &span, err);
    case '-':
    case '0' ... '9':
        return json_scan_number(scan, &span, &integer, err);
    default:
        return json_scan_word(scan, err);
    }
}

enum code json_scan_finish(struct json_scan *scan, struct error *err)
{
    if (json_scan_peek(scan) == '\0' && scan->at == scan->end)
        return OK;
    return json_scan_fail(scan, "expected nothing more", err);
}
