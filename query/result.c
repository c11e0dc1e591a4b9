#include "query/result.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "query/names.h"

enum {
    BUFFER_SIZE = 72 << 10,
    FLUSH_SIZE = 64 << 10,
    PIECE_SIZE_MAX = 64 << 20, /* of a head or tail of one group */
    IMMUTABLE_SECONDS_MAX = 86400,
    AT_ONCE_SIZE_MAX = 16 << 10, /* to compress more takes longer than to wake a worker */
};

static const struct encoder *encoder_of(const struct query *query)
{
    if (query->events)
        return &encoder_events;
    switch (query->format) {
    case FORMAT_NDJSON:
        return &encoder_ndjson;
    case FORMAT_CSV:
        return &encoder_csv;
    case FORMAT_LINE_PROTOCOL:
        return &encoder_line_protocol;
    case FORMAT_JSON:
    case FORMAT_COUNT:
        break;
    }
    return query->flat ? &encoder_json_rows : &encoder_json_series;
}

/* --- the buffer --- */

static bool buffer_reserve(struct result *result, size_t size)
{
    struct budget *memory = &result->plan->watch->memory;
    size_t capacity = result->capacity ? result->capacity : BUFFER_SIZE;
    char *data;

    if (size <= result->capacity - result->size)
        return true;
    while (capacity - result->size < size)
        capacity *= 2;
    if (!budget_take(memory, capacity - result->capacity))
        return false;
    data = realloc(result->data, capacity);
    if (!data) {
        budget_give(memory, capacity - result->capacity);
        return false;
    }
    result->data = data;
    result->capacity = capacity;
    return true;
}

bool result_text(struct result *result, struct bytes text)
{
    if (!buffer_reserve(result, text.size))
        return false;
    (void)text_put(result->data + result->size, text);
    result->size += text.size;
    return true;
}

/* --- the head --- */

/* An answer is immutable only where it is final and all of it is known, what the question names
 * too, and for no longer than its range stays within retention and its S within history. */
static void cache_control(const struct result *result, bool complete, char *text, size_t size)
{
    const struct plan *plan = result->plan;
    /* All versions: what the history floor has passed is dropped from the answer as time goes on.
     */
    int64_t seconds = plan->query->versions ? 0 : IMMUTABLE_SECONDS_MAX, left;
    int64_t retention = plan->environment->retention_ns, floor;

    if (retention != INT64_MAX && !__builtin_sub_overflow(plan->now_ns, retention, &floor) &&
        !__builtin_sub_overflow(plan->start, floor, &left) && left / 1000000000 < seconds)
        seconds = left / 1000000000;
    if (!__builtin_sub_overflow(plan->query->changes ? plan->query->since : plan->as_of,
                                plan->history_floor, &left) &&
        left / 1000000000 < seconds)
        seconds = left / 1000000000;
    if (complete && plan->final && plan->missing.count == 0 && plan->warnings.count == 0 &&
        seconds > 0)
        (void)snprintf(text, size, "private, max-age=%lld, immutable", (long long)seconds);
    else
        (void)snprintf(text, size, "no-cache");
}

/* What would make an answer silently shorter than it should be. */
static enum code check_missing(const struct result *result, struct error *err)
{
    const struct missing *missing = &result->plan->missing;
    const struct query *query = result->plan->query;

    if (missing->count > 0 && query->strict)
        return error_set(err, E_PARTIAL, "strict=true, and something is missing: %.*s",
                         BYTES_ARG(missing->texts[0]));
    if (query->format == FORMAT_CSV && result->outcome->begun &&
        missing->count > result->missing_told)
        return error_set(err, E_PARTIAL,
                         "CSV cannot tell at its end that something is missing (format=ndjson "
                         "can): %.*s",
                         BYTES_ARG(missing->texts[missing->count - 1]));
    return OK;
}

static enum code begin(struct result *result, bool complete, struct bytes next, struct error *err)
{
    const struct plan *plan = result->plan;
    char caching[64];
    enum code code;
    bool at_once = query_is_at_once(plan->environment);
    struct query_head head = {
        .content_type = format_rows[plan->query->format].content_type,
        .etag = bytes_of(result->outcome->etag),
        .cache_control = caching,
        .next = next,
        .as_of = plan->as_of,
        .missing = plan->missing.texts,
        .missing_count = plan->missing.count,
        .warnings = plan->warnings.texts,
        .warning_count = plan->warnings.count,
        .whole = complete && result->size > 0 && result->size <= (size_t)2 * FLUSH_SIZE,
    };

    if (at_once && (!complete || result->size > AT_ONCE_SIZE_MAX))
        return error_set(err, E_BUSY, "an answer that is not small");
    cache_control(result, complete, caching, sizeof(caching));
    result->missing_told = plan->missing.count;
    code = result->sink->begin(result->sink, &head, err);
    result->outcome->begun = code == OK; /* else there is no stream to tell the failure in */
    return code;
}

static enum code flush(struct result *result, bool complete, struct bytes next, struct error *err)
{
    struct watch *watch = result->plan->watch;
    enum code code = check_missing(result, err);
    int64_t from;

    if (code)
        return code;
    from = clock_monotonic_ns(watch->clock);
    if (!result->outcome->begun)
        code = begin(result, complete, next, err);
    if (!code && result->size > 0)
        code = result->sink->write(result->sink, (struct bytes){result->data, result->size}, err);
    watch_waited(watch, clock_monotonic_ns(watch->clock) - from);
    result->outcome->bytes_out += result->size;
    result->size = 0;
    return code;
}

static enum code check_size(const struct result *result, struct error *err)
{
    uint64_t most = result->plan->environment->limits->query_result_bytes_max;

    if (result->outcome->bytes_out + result->size <= most)
        return OK;
    return error_set(err, E_QUERY_RESULT,
                     "the answer is larger than %llu bytes (query_result_bytes_max); ask for a "
                     "shorter range, fewer series or fields, or pages (limit=)",
                     (unsigned long long)most);
}

/* --- rows --- */

enum code result_init(struct result *result, struct plan *plan, struct query_sink *sink,
                      struct query_outcome *outcome, struct error *err)
{
    const struct query *query = plan->query;
    struct time_writer full = {.unit_ns = 1, .day = INT64_MIN};

    *result = (struct result){
        .plan = plan,
        .sink = sink,
        .outcome = outcome,
        .encoder = encoder_of(query),
        .times = full,
        .full_times = full,
        .hold = query->events || (query->limit > 0 && query->format == FORMAT_CSV),
        .group_text = BUF_INIT(PIECE_SIZE_MAX),
        .head_text = BUF_INIT(PIECE_SIZE_MAX),
        .group = SIZE_MAX,
        .first_of_all = true,
    };
    result->times.epoch = query->epoch_given;
    result->times.integer_text = query->integer_text;
    result->times.unit_ns = time_unit_ns(query->epoch);
    if (result->encoder->check) {
        enum code code = result->encoder->check(plan, err);

        if (code)
            return code;
    }
    if (query->flat && !names_make(plan, &result->tag_names, &result->column_names))
        return watch_memory(plan->watch, err);
    if (!result->encoder->open(result))
        return watch_memory(plan->watch, err);
    return OK;
}

/* A bound: a row is written without further checks. */
static size_t row_size(const struct result *result, const struct result_row *row)
{
    uint32_t count = result->plan->column_count;
    size_t size =
        128 + 3 * TEXT_TIME_SIZE + result->keys_size + (size_t)count * (TEXT_NUMBER_SIZE + 1);

    if (row->field.size > 0)
        size += result->encoder->text_size(row->field);
    for (uint32_t i = 0; i < count; i++)
        if (row->values[i].type == TYPE_STRING)
            size += result->encoder->text_size(text_bytes(row->values[i].cell.text));
    return size;
}

static enum code enter_group(struct result *result, size_t group, struct error *err)
{
    buf_clear(&result->group_text);
    result->encoder->group(result, &result->plan->groups[group]);
    result->group = group;
    result->first_in_group = true;
    return result->group_text.failed ? watch_memory(result->plan->watch, err) : OK;
}

enum code result_put(struct result *result, size_t group, const struct result_row *row,
                     struct error *err)
{
    enum code code = OK;
    char *end;

    if (result->group != group)
        code = enter_group(result, group, err);
    if (code)
        return code;
    if (!buffer_reserve(result, row_size(result, row) + result->group_text.size))
        return watch_memory(result->plan->watch, err);
    end = result->encoder->row(result, result->data + result->size, row);
    result->size = (size_t)(end - result->data);
    assert(result->size <= result->capacity);
    result->first_in_group = result->first_of_all = false;
    result->rows++;
    code = check_size(result, err);
    if (!code && result->size >= FLUSH_SIZE && !result->hold)
        code = flush(result, false, BYTES(""), err);
    return code;
}

enum code result_finish(struct result *result, struct bytes next, struct error *err)
{
    struct buf tail = BUF_INIT(PIECE_SIZE_MAX);
    enum code code = OK;

    result->encoder->close(result, next, &tail);
    if (tail.failed || !result_text(result, buf_bytes(&tail)))
        code = watch_memory(result->plan->watch, err);
    buf_release(&tail);
    if (!code)
        code = check_size(result, err);
    if (!code)
        code = flush(result, true, next, err);
    return code;
}

void result_fail(struct result *result, const struct error *err)
{
    struct buf tail = BUF_INIT(PIECE_SIZE_MAX);

    if (result->encoder->fail) {
        result->encoder->fail(result, err, &tail);
        if (!tail.failed && result_text(result, buf_bytes(&tail))) {
            enum code code =
                result->sink->write(result->sink, (struct bytes){result->data, result->size}, NULL);

            (void)code; /* the stream is cut anyway */
        }
    }
    buf_release(&tail);
}

void result_release(struct result *result)
{
    free(result->data);
    if (result->plan)
        budget_give(&result->plan->watch->memory, result->capacity);
    buf_release(&result->group_text);
    buf_release(&result->head_text);
}
