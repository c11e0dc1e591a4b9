/* JSON: nested by series, or flat.  What is only known at the end (next, partial) stands behind
 * the rows; an answer that was cut lacks its closing brackets. */
#include "query/history.h"
#include "query/result.h"

void buf_put_json(struct buf *buf, struct bytes text)
{
    size_t size = buf->size;
    char *at = buf_extend(buf, text_json_size(text));

    if (at)
        buf->size = size + (size_t)(text_put_json(at, text) - at);
}

char *result_put_json(const struct result *result, char *at, const struct datum *value)
{
    bool quote;

    switch (value->type) {
    case TYPE_NONE:
    case TYPE_RETRACTED:
        return text_put(at, BYTES("null"));
    case TYPE_BOOL:
        return text_put(at, value->cell.u64 ? BYTES("true") : BYTES("false"));
    case TYPE_STRING:
        return text_put_json(at, text_bytes(value->cell.text));
    case TYPE_F64:
    case TYPE_I64:
    case TYPE_U64:
        break;
    }
    quote = result->times.integer_text && value->type != TYPE_F64;
    if (quote)
        *at++ = '"';
    at = text_put_number(at, value);
    if (quote)
        *at++ = '"';
    return at;
}

static char *put_known_to(struct result *result, char *at, int64_t known_to)
{
    if (known_to == KNOWN_STILL)
        return text_put(at, BYTES("null"));
    return text_put_time(at, &result->times, known_to, true);
}

static char *put_first(struct result *result, char *at, const struct result_row *row)
{
    if (result->plan->query->stats)
        return text_put_json(at, row->field);
    return text_put_time(at, &result->times, row->time, true);
}

static void put_full_time(struct result *result, struct buf *buf, int64_t ns)
{
    char text[TEXT_TIME_SIZE];
    const char *end = text_put_time(text, &result->full_times, ns, true);

    buf_put(buf, (struct bytes){text, (size_t)(end - text)});
}

void result_put_warnings(const struct plan *plan, struct buf *tail)
{
    for (uint32_t i = 0; i < plan->warnings.count; i++) {
        buf_put_text(tail, i == 0 ? ",\"warnings\":[" : ",");
        buf_put_json(tail, plan->warnings.texts[i]);
    }
    if (plan->warnings.count > 0)
        buf_put_char(tail, ']');
}

void result_put_facts(struct result *result, struct bytes next, struct buf *tail)
{
    const struct plan *plan = result->plan;
    bool partial = plan->missing.count > 0;

    buf_put_text(tail, "\"next\":");
    if (next.size > 0)
        buf_put_json(tail, next);
    else
        buf_put_text(tail, "null");
    buf_put_text(tail, partial ? ",\"partial\":true" : ",\"partial\":false");
    for (size_t i = 0; i < plan->missing.count; i++) {
        buf_put_text(tail, i == 0 ? ",\"missing\":[" : ",");
        buf_put_json(tail, plan->missing.texts[i]);
    }
    if (partial)
        buf_put_char(tail, ']');
    buf_put_text(tail, ",\"as_of\":");
    put_full_time(result, tail, plan->as_of);
    buf_put_text(tail, plan->final && !partial ? ",\"final\":true" : ",\"final\":false");
    if (plan->clamped) {
        buf_put_text(tail, ",\"clamped_start\":");
        put_full_time(result, tail, plan->start);
    }
    if (result->skipped > 0)
        buf_printf(tail, ",\"skipped\":%llu", (unsigned long long)result->skipped);
    result_put_warnings(plan, tail);
}

/* --- nested --- */

static bool series_open(struct result *result)
{
    const struct plan *plan = result->plan;
    struct buf *head = &result->head_text;

    buf_put_text(head, plan->query->stats ? "},\"columns\":[\"field\"" : "},\"columns\":[\"time\"");
    if (plan->query->changes)
        buf_put_text(head, ",\"change\",\"known_from\"");
    if (plan->query->versions)
        buf_put_text(head, ",\"known_from\",\"known_to\"");
    for (uint32_t i = 0; i < plan->column_count; i++) {
        buf_put_char(head, ',');
        buf_put_json(head, plan->columns[i].name);
    }
    buf_put_text(head, "],\"rows\":[");
    return !head->failed && result_text(result, BYTES("{\"series\":["));
}

static void series_group(struct result *result, const struct group *group)
{
    struct buf *text = &result->group_text;

    buf_put_text(text, result->first_of_all ? "{" : "]},{");
    if (!result->plan->query->join) { /* which is of several */
        buf_put_text(text, "\"measurement\":");
        buf_put_json(text, result->plan->query->selector.measurement);
        buf_put_char(text, ',');
    }
    buf_put_text(text, "\"tags\":{");
    for (uint32_t i = 0; i < group->tag_count; i++) {
        if (i > 0)
            buf_put_char(text, ',');
        buf_put_json(text, group->tags[i].key);
        buf_put_char(text, ':');
        buf_put_json(text, group->tags[i].value);
    }
    buf_put(text, buf_bytes(&result->head_text));
}

static char *series_row(struct result *result, char *at, const struct result_row *row)
{
    uint32_t count = result->plan->column_count;

    if (result->first_in_group)
        at = text_put(at, buf_bytes(&result->group_text));
    else
        *at++ = ',';
    *at++ = '[';
    at = put_first(result, at, row);
    if (result->plan->query->changes) {
        at = text_put(at, BYTES(",\""));
        at = text_put(at, bytes_of(row->change));
        at = text_put(at, BYTES("\","));
        at = text_put_time(at, &result->times, row->known_from, true);
    }
    if (result->plan->query->versions) {
        *at++ = ',';
        at = text_put_time(at, &result->times, row->known_from, true);
        *at++ = ',';
        at = put_known_to(result, at, row->known_to);
    }
    for (uint32_t i = 0; i < count; i++) {
        *at++ = ',';
        at = result_put_json(result, at, &row->values[i]);
    }
    *at++ = ']';
    return at;
}

static void series_close(struct result *result, struct bytes next, struct buf *tail)
{
    buf_put_text(tail, result->rows > 0 ? "]}]," : "],");
    result_put_facts(result, next, tail);
    buf_put_text(tail, "}\n");
}

const struct encoder encoder_json_series = {
    .open = series_open,
    .group = series_group,
    .row = series_row,
    .close = series_close,
    .text_size = text_json_size,
};

/* --- flat --- */

bool result_object_keys(struct result *result)
{
    struct plan *plan = result->plan;
    struct bytes *keys = ARENA_ARRAY(&plan->arena, struct bytes, plan->column_count);

    if (!keys)
        return false;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        char *text = arena_alloc(&plan->arena, text_json_size(result->column_names[i]) + 2);
        char *end;

        if (!text)
            return false;
        *text = ',';
        end = text_put_json(text + 1, result->column_names[i]);
        *end++ = ':';
        keys[i] = (struct bytes){text, (size_t)(end - text)};
        result->keys_size += keys[i].size;
    }
    result->keys = keys;
    return true;
}

void result_group_object(struct result *result, const struct group *group)
{
    const struct plan *plan = result->plan;
    struct buf *text = &result->group_text;

    for (size_t i = 0; i < plan->tag_key_count; i++) {
        for (uint32_t tag = 0; tag < group->tag_count; tag++) {
            if (!bytes_equal(group->tags[tag].key, plan->tag_keys[i]))
                continue;
            buf_put_char(text, ',');
            buf_put_json(text, result->tag_names[i]);
            buf_put_char(text, ':');
            buf_put_json(text, group->tags[tag].value);
        }
    }
}

char *result_put_object(struct result *result, char *at, const struct result_row *row)
{
    uint32_t count = result->plan->column_count;

    at = text_put(at, result->plan->query->stats ? BYTES("{\"field\":") : BYTES("{\"time\":"));
    at = put_first(result, at, row);
    if (result->plan->query->changes) {
        at = text_put(at, BYTES(",\"change\":\""));
        at = text_put(at, bytes_of(row->change));
        at = text_put(at, BYTES("\",\"known_from\":"));
        at = text_put_time(at, &result->times, row->known_from, true);
    }
    if (result->plan->query->versions) {
        at = text_put(at, BYTES(",\"known_from\":"));
        at = text_put_time(at, &result->times, row->known_from, true);
        at = text_put(at, BYTES(",\"known_to\":"));
        at = put_known_to(result, at, row->known_to);
    }
    at = text_put(at, buf_bytes(&result->group_text));
    for (uint32_t i = 0; i < count; i++) {
        at = text_put(at, result->keys[i]);
        at = result_put_json(result, at, &row->values[i]);
    }
    *at++ = '}';
    return at;
}

static bool rows_open(struct result *result)
{
    return result_object_keys(result) && result_text(result, BYTES("{\"rows\":["));
}

static char *rows_row(struct result *result, char *at, const struct result_row *row)
{
    if (!result->first_of_all)
        *at++ = ',';
    return result_put_object(result, at, row);
}

static void rows_close(struct result *result, struct bytes next, struct buf *tail)
{
    buf_put_text(tail, "],");
    result_put_facts(result, next, tail);
    buf_put_text(tail, "}\n");
}

const struct encoder encoder_json_rows = {
    .open = rows_open,
    .group = result_group_object,
    .row = rows_row,
    .close = rows_close,
    .text_size = text_json_size,
};
