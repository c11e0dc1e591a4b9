/* CSV (RFC 4180, lines end with LF): a header line, then time, tags and values.  Null is an empty
 * field, the empty text is "".  It has no room for what is known at the end: a page's cursor is in
 * the head, and what turns out to be missing breaks it off. */
#include "query/history.h"
#include "query/result.h"

static void put_name(struct buf *line, struct bytes name)
{
    size_t size = line->size;
    char *at = buf_extend(line, text_csv_size(name));

    if (at)
        line->size = size + (size_t)(text_put_csv(at, name, true) - at);
}

static bool csv_open(struct result *result)
{
    const struct plan *plan = result->plan;
    struct buf *line = &result->head_text;

    buf_put_text(line, plan->query->changes    ? "time,change,known_from"
                       : plan->query->versions ? "time,known_from,known_to"
                       : plan->query->stats    ? "field"
                                               : "time");
    for (size_t i = 0; i < plan->tag_key_count; i++) {
        buf_put_char(line, ',');
        put_name(line, result->tag_names[i]);
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        buf_put_char(line, ',');
        put_name(line, result->column_names[i]);
    }
    buf_put_char(line, '\n');
    return !line->failed && result_text(result, buf_bytes(line));
}

static void csv_group(struct result *result, const struct group *group)
{
    const struct plan *plan = result->plan;
    struct buf *text = &result->group_text;

    for (size_t i = 0; i < plan->tag_key_count; i++) {
        struct bytes value = BYTES("");

        for (uint32_t tag = 0; tag < group->tag_count; tag++)
            if (bytes_equal(group->tags[tag].key, plan->tag_keys[i]))
                value = group->tags[tag].value;
        buf_put_char(text, ',');
        if (value.size > 0) /* an absent tag is an empty field */
            put_name(text, value);
    }
}

static char *put_value(char *at, const struct datum *value)
{
    switch (value->type) {
    case TYPE_NONE:
    case TYPE_RETRACTED:
        return at;
    case TYPE_BOOL:
        return text_put(at, value->cell.u64 ? BYTES("true") : BYTES("false"));
    case TYPE_STRING:
        return text_put_csv(at, text_bytes(value->cell.text), true);
    case TYPE_F64:
    case TYPE_I64:
    case TYPE_U64:
        break;
    }
    return text_put_number(at, value);
}

static char *csv_row(struct result *result, char *at, const struct result_row *row)
{
    uint32_t count = result->plan->column_count;

    if (result->plan->query->stats)
        at = text_put_csv(at, row->field, true);
    else
        at = text_put_time(at, &result->times, row->time, false);
    if (result->plan->query->changes) {
        *at++ = ',';
        at = text_put(at, bytes_of(row->change));
        *at++ = ',';
        at = text_put_time(at, &result->times, row->known_from, false);
    }
    if (result->plan->query->versions) {
        *at++ = ',';
        at = text_put_time(at, &result->times, row->known_from, false);
        *at++ = ',';
        if (row->known_to != KNOWN_STILL)
            at = text_put_time(at, &result->times, row->known_to, false);
    }
    at = text_put(at, buf_bytes(&result->group_text));
    for (uint32_t i = 0; i < count; i++) {
        *at++ = ',';
        at = put_value(at, &row->values[i]);
    }
    *at++ = '\n';
    return at;
}

static void csv_close(struct result *result, struct bytes next, struct buf *tail)
{
    (void)result;
    (void)next;
    (void)tail;
}

const struct encoder encoder_csv = {
    .open = csv_open,
    .group = csv_group,
    .row = csv_row,
    .close = csv_close,
    .text_size = text_csv_size,
};
