#include "codec/line_point.h"

#include "base/number.h"
#include "codec/utf8.h"

enum { SHOWN_MAX = 64 }; /* bytes of input repeated in an error */

static bool escapable(char c)
{
    return c == ',' || c == ' ' || c == '=';
}

/* The first of `stops` (at most three bytes) from `at` on that is not escaped; text.size when
 * there is none. */
static size_t find_stop(struct bytes text, size_t at, const char stops[4])
{
    for (; at < text.size; at++) {
        char c = text.data[at];

        if (c == '\\' && at + 1 < text.size && escapable(text.data[at + 1]))
            at++;
        else if (c == stops[0] || c == stops[1] || c == stops[2])
            return at;
    }
    return text.size;
}

/* The quote that closes the string opened at `open`; text.size when there is none. */
static size_t find_quote(struct bytes text, size_t open)
{
    size_t at = open + 1;

    while (at < text.size && text.data[at] != '"') {
        bool pair = text.data[at] == '\\' && at + 1 < text.size &&
                    (text.data[at + 1] == '"' || text.data[at + 1] == '\\');

        at += pair ? 2 : 1;
    }
    return at < text.size ? at : text.size;
}

static size_t find_newline(struct bytes text, size_t at)
{
    const char *newline = at < text.size ? memchr(text.data + at, '\n', text.size - at) : NULL;

    return newline == NULL ? text.size : (size_t)(newline - text.data);
}

bool line_find_end(struct bytes text, size_t *size)
{
    size_t first = find_newline(text, 0);
    size_t at;

    *size = first;
    if (first == 0 || memchr(text.data, '"', first) == NULL)
        return first < text.size;
    for (at = 0; at < first && text.data[at] == ' ';)
        at++;
    if (text.data[at] == '#')
        return first < text.size;
    at = find_stop(text, at, " \n\n");
    while (at < text.size && text.data[at] == ' ')
        at++;
    while (at < text.size && text.data[at] != '\n' && text.data[at] != ' ') { /* one field each */
        at = find_stop(text, at, "=\n ");
        if (at + 1 < text.size && text.data[at] == '=' && text.data[at + 1] == '"')
            at = find_quote(text, at + 1);
        at = find_stop(text, at, ",\n ");
        if (at < text.size && text.data[at] == ',')
            at++;
    }
    *size = find_newline(text, at);
    return *size < text.size;
}

size_t line_series_size(struct bytes line)
{
    const char *space = line.size == 0 ? NULL : memchr(line.data, ' ', line.size);
    size_t size = space == NULL ? line.size : (size_t)(space - line.data);

    if (size == 0 || memchr(line.data, '\\', size) == NULL)
        return size;
    return find_stop(line, 0, "   ");
}

static size_t column_of(const struct line_point *input, const char *at)
{
    return (size_t)(at - input->start) + 1;
}

static struct bytes shown(struct bytes text)
{
    return text.size <= SHOWN_MAX ? text : bytes_slice(text, 0, SHOWN_MAX);
}

/* For messages: FAULT(E_X, at, "format", ...) names the column of `at`. */
#define FAULT(code, at, format, ...)                                                               \
    error_set(err, (code), "column %zu: " format, column_of(input, (at)), ##__VA_ARGS__)

static enum code name_faults(const struct line_point *input, struct bytes raw, const char *what,
                             struct error *err)
{
    size_t bad;
    enum code code;

    if (name_plain(raw))
        return OK;
    code = name_check(raw, what, &bad, err);
    if (code)
        error_context(err, "column %zu", column_of(input, raw.data + bad));
    return code;
}

/* Takes the escapes out; most names have none and stay where they are. */
static enum code unescape(const struct line_point *input, struct bytes raw, struct bytes *name,
                          struct error *err)
{
    char *copy;
    size_t size = 0;

    *name = raw;
    if (memchr(raw.data, '\\', raw.size) == NULL)
        return OK;
    copy = arena_alloc(input->point.batch->arena, raw.size);
    if (copy == NULL)
        return error_set(err, E_MEMORY, "no memory for a name");
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\' && i + 1 < raw.size && escapable(raw.data[i + 1]))
            i++;
        copy[size++] = raw.data[i];
    }
    *name = (struct bytes){copy, size};
    return OK;
}

static enum code parse_name(const struct line_point *input, struct bytes raw, const char *what,
                            uint64_t bytes_max, enum code code_long, struct bytes *name,
                            struct error *err)
{
    enum code code = name_faults(input, raw, what, err);

    if (code)
        return code;
    code = unescape(input, raw, name, err);
    if (code)
        return code;
    if (name->size > bytes_max)
        return FAULT(code_long, raw.data, "the %s has %zu bytes, %llu are allowed", what,
                     name->size, (unsigned long long)bytes_max);
    return OK;
}

/* A tag begins at `at`; *next is where its value ends. */
static enum code parse_tag(struct line_point *input, struct bytes text, size_t at, size_t *next,
                           struct error *err)
{
    const struct limits *limits = input->point.limits;
    size_t equals = find_stop(text, at, "=,,");
    size_t end = equals < text.size ? find_stop(text, equals + 1, ",==") : text.size;
    struct bytes raw = bytes_slice(text, at, equals);
    struct series_tag *tag;
    enum code code;

    if (equals == text.size || text.data[equals] == ',')
        return FAULT(E_SYNTAX, text.data + at,
                     "the tag \"%.*s\" has no value; write tag=value, and \\, for a comma in a "
                     "name",
                     BYTES_ARG(shown(raw)));
    if (end < text.size && text.data[end] == '=')
        return FAULT(E_SYNTAX, text.data + end,
                     "a second '=' in the tag \"%.*s\"; write \\= for one in a name or value",
                     BYTES_ARG(shown(raw)));
    if (input->point.tag_count == limits->tags_max)
        return FAULT(E_TAGS_MANY, text.data + at, "more than the %llu tags allowed of a point",
                     (unsigned long long)limits->tags_max);
    tag = point_add_tag(&input->point);
    if (tag == NULL)
        return error_set(err, E_MEMORY, "no memory for tags");
    code = parse_name(input, raw, "tag key", limits->name_bytes_max, E_NAME_LONG, &tag->key, err);
    if (code)
        return code;
    if (end == equals + 1)
        return FAULT(E_SYNTAX, text.data + end,
                     "the tag \"%.*s\" has an empty value; leave the tag out",
                     BYTES_ARG(shown(raw)));
    *next = end;
    return parse_name(input, bytes_slice(text, equals + 1, end), "tag value",
                      limits->tag_value_bytes_max, E_VALUE_LONG, &tag->value, err);
}

enum code line_parse_series(struct line_point *input, struct bytes text, struct error *err)
{
    size_t at = find_stop(text, 0, ",,,");
    enum code code;

    input->point.tag_count = 0;
    code = parse_name(input, bytes_slice(text, 0, at), "measurement",
                      input->point.limits->name_bytes_max, E_NAME_LONG, &input->point.measurement,
                      err);
    while (code == OK && at < text.size)
        code = parse_tag(input, text, at + 1, &at, err);
    return code;
}

enum code line_parse_scalar(struct bytes token, enum value_type *type, union cell *cell)
{
    static const struct {
        struct bytes text;
        uint64_t value;
    } bools[] = {
        {BYTES("t"),     1},
        {BYTES("T"),     1},
        {BYTES("true"),  1},
        {BYTES("True"),  1},
        {BYTES("TRUE"),  1},
        {BYTES("f"),     0},
        {BYTES("F"),     0},
        {BYTES("false"), 0},
        {BYTES("False"), 0},
        {BYTES("FALSE"), 0},
    };
    char last = token.size == 0 ? '\0' : token.data[token.size - 1];

    if (last == 'i') {
        *type = TYPE_I64;
        return number_parse_i64(bytes_slice(token, 0, token.size - 1), &cell->i64);
    }
    if (last == 'u') {
        *type = TYPE_U64;
        return number_parse_u64(bytes_slice(token, 0, token.size - 1), &cell->u64);
    }
    for (size_t i = 0; i < COUNT_OF(bools); i++)
        if (bytes_equal(token, bools[i].text)) {
            *type = TYPE_BOOL;
            cell->u64 = bools[i].value;
            return OK;
        }
    *type = TYPE_F64;
    return number_parse_f64(token, &cell->f64);
}

static enum code scalar_fault(const struct line_point *input, struct bytes name, struct bytes token,
                              enum code code, struct error *err)
{
    const char *right;

    if (token.size == 0)
        return FAULT(E_SYNTAX, token.data, "the field \"%.*s\" has no value",
                     BYTES_ARG(shown(name)));
    if (code == E_NOT_FINITE)
        right = "NaN and infinities are not stored; leave the field out";
    else if (code == E_NUMBER_RANGE)
        right = "the value does not fit its type";
    else
        right = "right are 1.5 or 1e3 (float), 1i (integer), 1u (unsigned), true or false, and "
                "\"text\"";
    return FAULT(code, token.data, "field \"%.*s\": %.*s: %s", BYTES_ARG(shown(name)),
                 BYTES_ARG(shown(token)), right);
}

/* The string between the quotes at `open` and `close`. */
static enum code parse_string(const struct line_point *input, struct bytes name, size_t open,
                              size_t close, union cell *cell, struct error *err)
{
    struct bytes raw = bytes_slice(input->line, open + 1, close);
    size_t bad = utf8_check(raw), size = 0;
    struct text *text;

    if (bad < raw.size)
        return FAULT(E_BAD_UTF8, raw.data + bad, "field \"%.*s\": the byte 0x%02x is not UTF-8",
                     BYTES_ARG(shown(name)), (unsigned char)raw.data[bad]);
    text = arena_alloc(input->point.batch->arena, sizeof(*text) + raw.size);
    if (text == NULL)
        return error_set(err, E_MEMORY, "no memory for a string");
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\' && i + 1 < raw.size &&
            (raw.data[i + 1] == '"' || raw.data[i + 1] == '\\'))
            i++;
        text->data[size++] = raw.data[i];
    }
    if (size > input->point.limits->string_bytes_max)
        return FAULT(E_VALUE_LONG, raw.data, "field \"%.*s\" has %zu bytes, %llu are allowed",
                     BYTES_ARG(shown(name)), size,
                     (unsigned long long)input->point.limits->string_bytes_max);
    text->size = (uint32_t)size;
    cell->text = text;
    return OK;
}

/* The value of `field` begins at `at`; *next is behind it. */
static enum code parse_value(struct line_point *input, struct point_field *field, size_t at,
                             size_t *next, struct error *err)
{
    struct bytes line = input->line;
    enum code code;
    size_t end;

    if (at < line.size && line.data[at] == '"') {
        end = find_quote(line, at);
        if (end == line.size)
            return FAULT(E_SYNTAX, line.data + at,
                         "the string of field \"%.*s\" is not closed by a quote",
                         BYTES_ARG(shown(field->name)));
        field->type = TYPE_STRING;
        code = parse_string(input, field->name, at, end, &field->cell, err);
        if (code)
            return code;
        at = end + 1;
        if (at < line.size && line.data[at] != ',' && line.data[at] != ' ')
            return FAULT(E_SYNTAX, line.data + at,
                         "text behind the string of field \"%.*s\"; write \\\" for a quote in it",
                         BYTES_ARG(shown(field->name)));
        *next = at;
        return OK;
    }
    for (end = at; end < line.size && line.data[end] != ',' && line.data[end] != ' ';)
        end++;
    *next = end;
    code = line_parse_scalar(bytes_slice(line, at, end), &field->type, &field->cell);
    return code == OK ? OK
                      : scalar_fault(input, field->name, bytes_slice(line, at, end), code, err);
}

/* A field begins at `at`; *next is behind its value. */
static enum code parse_field(struct line_point *input, size_t at, size_t *next, struct error *err)
{
    const struct limits *limits = input->point.limits;
    struct bytes line = input->line;
    size_t equals = find_stop(line, at, "=, ");
    struct bytes raw = bytes_slice(line, at, equals);
    struct point_field *field;
    enum code code;

    if (equals == line.size || line.data[equals] != '=')
        return FAULT(E_SYNTAX, line.data + at,
                     "the field \"%.*s\" has no value; write field=value, and \\ before a space "
                     "or comma in a name",
                     BYTES_ARG(shown(raw)));
    if (input->point.field_count == limits->fields_max)
        return FAULT(E_FIELDS_MANY, line.data + at, "more than the %llu fields allowed of a point",
                     (unsigned long long)limits->fields_max);
    field = point_add_field(&input->point);
    if (field == NULL)
        return error_set(err, E_MEMORY, "no memory for fields");
    field->text = bytes_slice(line, at, equals + 1);
    code =
        parse_name(input, raw, "field key", limits->name_bytes_max, E_NAME_LONG, &field->name, err);
    return code ? code : parse_value(input, field, equals + 1, next, err);
}

enum code line_parse_time(struct bytes token, enum time_unit precision, int64_t *time)
{
    int64_t value;
    enum code code = number_parse_i64(token, &value);

    if (code == E_NUMBER_RANGE)
        return E_TIME_RANGE;
    if (code)
        return E_BAD_TIME;
    if (precision == TIME_GUESSED)
        precision = time_unit_guess(value);
    if (__builtin_mul_overflow(value, time_unit_ns(precision), &value) || value == INT64_MAX ||
        value < INT64_MIN + 2)
        return E_TIME_RANGE;
    *time = value;
    return OK;
}

static size_t skip_spaces(struct bytes line, size_t at)
{
    while (at < line.size && line.data[at] == ' ')
        at++;
    return at;
}

static enum code parse_time(struct line_point *input, size_t at, struct error *err)
{
    static const char *const units[] = {
        [TIME_NS] = "nanoseconds",
        [TIME_US] = "microseconds",
        [TIME_MS] = "milliseconds",
        [TIME_S] = "seconds",
        [TIME_MINUTES] = "minutes",
        [TIME_HOURS] = "hours",
        [TIME_GUESSED] = "seconds, milliseconds, microseconds or nanoseconds",
    };
    struct bytes line = input->line, token;
    size_t end = at, rest;
    enum code code;

    while (end < line.size && line.data[end] != ' ')
        end++;
    token = bytes_slice(line, at, end);
    code = line_parse_time(token, input->precision, &input->point.time);
    if (code == E_TIME_RANGE)
        return FAULT(code, token.data,
                     "the time %.*s, read as %s, is outside of 1677-09-21 to 2262-04-11",
                     BYTES_ARG(shown(token)), units[input->precision]);
    if (code)
        return FAULT(code, token.data,
                     "the time \"%.*s\" is not an integer number of %s since 1970",
                     BYTES_ARG(shown(token)), units[input->precision]);
    rest = skip_spaces(line, end);
    if (rest < line.size)
        return FAULT(E_SYNTAX, line.data + rest, "text behind the time: \"%.*s\"",
                     BYTES_ARG(shown(bytes_slice(line, rest, line.size))));
    input->point.timed = true;
    return OK;
}

enum code line_parse_values(struct line_point *input, size_t from, struct error *err)
{
    struct bytes line = input->line;
    size_t at = skip_spaces(line, from);
    enum code code;

    input->point.field_count = 0;
    input->point.timed = false;
    if (at == line.size)
        return FAULT(E_NO_FIELDS, line.data + at,
                     "no fields; right is: measurement,tag=value field=value time");
    code = parse_field(input, at, &at, err);
    while (code == OK && at < line.size && line.data[at] == ',')
        code = parse_field(input, at + 1, &at, err);
    if (code)
        return code;
    at = skip_spaces(line, at);
    return at < line.size ? parse_time(input, at, err) : OK;
}
