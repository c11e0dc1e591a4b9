/* Line protocol: what POST /v1/points takes again, each value with its own type (1i, 1u, 1.0), for
 * exports.  A null is a field that is not there; times are ns whatever epoch= says.  The last line
 * is a comment that says how it ended, as in NDJSON: # {"_end":{…}} or # {"_error":{…}}.  A
 * string may hold such a line too, so only the answer's last line is it.
 *
 * Not everything can be said: a backslash at the end of a name would take the meaning of the
 * separator behind it away, and a '#' at the beginning of a line makes a comment of it.  Such a
 * series is refused before the first row, never written as something else. */
#include "base/number.h"
#include "query/result.h"

static size_t name_size(struct bytes name)
{
    return 2 * name.size;
}

static char *put_name(char *at, struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (c == ',' || c == ' ' || c == '=')
            *at++ = '\\';
        *at++ = c;
    }
    return at;
}

static void buf_put_name(struct buf *buf, struct bytes name)
{
    size_t size = buf->size;
    char *at = buf_extend(buf, name_size(name));

    if (at)
        buf->size = size + (size_t)(put_name(at, name) - at);
}

static enum code check_name(const char *what, struct bytes name, struct error *err)
{
    if (name.size == 0 || name.data[name.size - 1] != '\\')
        return OK;
    error_point(err, BYTES("format"));
    return error_set(err, E_NOT_SUPPORTED,
                     "line protocol cannot say the %s \"%.*s\": a backslash ends it; leave it out "
                     "with match= or fields=, or ask for format=ndjson",
                     what, BYTES_ARG(name));
}

static enum code line_check(const struct plan *plan, struct error *err)
{
    struct bytes measurement = plan->query->selector.measurement;
    enum code code = check_name("measurement", measurement, err);

    if (!code && measurement.size > 0 && measurement.data[0] == '#') {
        error_point(err, BYTES("format"));
        return error_set(err, E_NOT_SUPPORTED,
                         "line protocol cannot say the measurement \"%.*s\": a line that begins "
                         "with # is a comment; ask for format=ndjson",
                         BYTES_ARG(measurement));
    }
    for (uint32_t i = 0; i < plan->column_count && !code; i++)
        code = check_name("field", plan->columns[i].name, err);
    for (size_t g = 0; g < plan->group_count && !code; g++)
        for (uint32_t i = 0; i < plan->groups[g].tag_count && !code; i++) {
            code = check_name("tag key", plan->groups[g].tags[i].key, err);
            if (!code)
                code = check_name("tag value", plan->groups[g].tags[i].value, err);
        }
    return code;
}

static bool line_open(struct result *result)
{
    struct plan *plan = result->plan;
    struct bytes *keys = ARENA_ARRAY(&plan->arena, struct bytes, plan->column_count);

    for (uint32_t i = 0; keys && i < plan->column_count; i++) {
        char *text = arena_alloc(&plan->arena, name_size(plan->columns[i].name) + 1), *end;

        if (!text)
            return false;
        end = put_name(text, plan->columns[i].name);
        *end++ = '=';
        keys[i] = (struct bytes){text, (size_t)(end - text)};
        result->keys_size += keys[i].size + 1; /* and the comma, or the i or u of a number */
    }
    result->keys_size += plan->column_count;
    result->keys = keys;
    return keys != NULL;
}

static void line_group(struct result *result, const struct group *group)
{
    struct buf *text = &result->group_text;

    buf_put_name(text, result->plan->query->selector.measurement);
    for (uint32_t i = 0; i < group->tag_count; i++) {
        buf_put_char(text, ',');
        buf_put_name(text, group->tags[i].key);
        buf_put_char(text, '=');
        buf_put_name(text, group->tags[i].value);
    }
}

static char *put_string(char *at, struct bytes text)
{
    *at++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            *at++ = '\\';
        *at++ = text.data[i];
    }
    *at++ = '"';
    return at;
}

static size_t string_size(struct bytes text)
{
    return 2 + 2 * text.size;
}

static char *put_value(char *at, const struct datum *value)
{
    if (value->type == TYPE_BOOL)
        return text_put(at, value->cell.u64 ? BYTES("true") : BYTES("false"));
    if (value->type == TYPE_STRING)
        return put_string(at, text_bytes(value->cell.text));
    at = text_put_number(at, value);
    if (value->type == TYPE_I64)
        *at++ = 'i';
    if (value->type == TYPE_U64)
        *at++ = 'u';
    return at;
}

static char *line_row(struct result *result, char *at, const struct result_row *row)
{
    char separator = ' ';

    at = text_put(at, buf_bytes(&result->group_text));
    for (uint32_t i = 0; i < result->plan->column_count; i++) {
        if (row->values[i].type == TYPE_NONE || row->values[i].type == TYPE_RETRACTED)
            continue;
        *at++ = separator;
        at = text_put(at, result->keys[i]);
        at = put_value(at, &row->values[i]);
        separator = ',';
    }
    *at++ = ' ';
    at += number_print_i64(row->time, at);
    *at++ = '\n';
    return at;
}

static void line_close(struct result *result, struct bytes next, struct buf *tail)
{
    buf_put_text(tail, "# ");
    encoder_ndjson.close(result, next, tail);
}

static void line_fail(struct result *result, const struct error *err, struct buf *tail)
{
    buf_put_text(tail, "# ");
    encoder_ndjson.fail(result, err, tail);
}

const struct encoder encoder_line_protocol = {
    .check = line_check,
    .open = line_open,
    .group = line_group,
    .row = line_row,
    .close = line_close,
    .fail = line_fail,
    .text_size = string_size,
};
