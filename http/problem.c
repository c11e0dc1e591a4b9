#include "http/problem.h"

#include "codec/json_doc.h"
#include "http/reply.h"

#include <assert.h>

/* A code of points stands at a line of an answer; alone it is a bad request like any other. */
static const unsigned short statuses[] = {
    [OK] = 200,
    [E_MEMORY] = 503,
    [E_BUSY] = 503,
    [E_DISK_FULL] = 503,
    [E_IO] = 500,
    [E_CORRUPT] = 500,
    [E_CLOCK_SKEW] = 503,
    [E_DRAINING] = 503,
    [E_NOT_READY] = 503,
    [E_NO_MEMBER] = 503,
    [E_SHARD] = 503,
    [E_PARTIAL] = 503,
    [E_UNERASED] = 503,
    [E_TIMEOUT] = 504,
    [E_CANCELLED] = 503, /* nobody is there to read it, unless the server itself gave up */
    [E_END] = 500,
    [E_INTERNAL] = 500,
    [E_EXISTS] = 409,
    [E_CONFLICT] = 409,
    [E_PRECONDITION] = 412,
    [E_CONFIG] = 500,
    [E_BAD_REQUEST] = 400,
    [E_BODY_LARGE] = 413,
    [E_COMPRESSION_RATIO] = 413,
    [E_BAD_COMPRESSION] = 400,
    [E_UNSUPPORTED_ENCODING] = 415,
    [E_UNSUPPORTED_TYPE] = 415,
    [E_NOT_ACCEPTABLE] = 406,
    [E_SLOW_CLIENT] = 408,
    [E_NOT_FOUND] = 404,
    [E_METHOD] = 405,
    [E_UNAUTHORIZED] = 401,
    [E_FORBIDDEN] = 403,
    [E_RATE_LIMIT] = 429,
    [E_OUTBOX_FULL] = 503,
    [E_NOT_DELIVERED] = 504,
    [E_ACKS_MANY] = 429,
    [E_ADDRESS] = 422,
    [E_TLS] = 502,
    [E_SOURCES_MANY] = 422,
    [E_TRIALS_MANY] = 429,
    [E_BAD_PARAMETER] = 400,
    [E_UNKNOWN_PARAMETER] = 400,
    [E_MISSING_PARAMETER] = 400,
    [E_NOT_SUPPORTED] = 400,
    [E_AS_OF_FUTURE] = 400,
    [E_BEFORE_HISTORY] = 410,
    [E_BAD_CURSOR] = 400,
    [E_INVALID_POINTS] = 400,
    [E_SYNTAX] = 400,
    [E_BAD_NUMBER] = 400,
    [E_NUMBER_RANGE] = 400,
    [E_NOT_FINITE] = 400,
    [E_BAD_TIME] = 400,
    [E_TIME_RANGE] = 400,
    [E_BAD_UTF8] = 400,
    [E_BAD_NAME] = 400,
    [E_NO_FIELDS] = 400,
    [E_DUPLICATE_TAG] = 400,
    [E_DUPLICATE_FIELD] = 400,
    [E_LINE_LONG] = 400,
    [E_NAME_LONG] = 400,
    [E_VALUE_LONG] = 400,
    [E_TAGS_MANY] = 400,
    [E_FIELDS_MANY] = 422,
    [E_FIELD_KIND] = 422,
    [E_SERIES_LIMIT] = 422,
    [E_RECORD_LARGE] = 413,
    [E_POINTS_MANY] = 413,
    [E_DEPTH] = 400,
    [E_IDEMPOTENCY_MISMATCH] = 422,
    [E_IDEMPOTENCY_IN_FLIGHT] = 409,
    [E_QUERY_ROWS] = 422,
    [E_QUERY_BYTES] = 422,
    [E_QUERY_MEMORY] = 422,
    [E_QUERY_GROUPS] = 422,
    [E_QUERY_RESULT] = 422,
    [E_QUERIES_MANY] = 429,
    [E_LIVE_MANY] = 429,
    [E_SERIES_MANY] = 422,
    [E_BAD_PAGE] = 502,
};

_Static_assert(COUNT_OF(statuses) == CODE_COUNT, "every code of base/error.h has its status here");

unsigned problem_status(enum code code)
{
    assert(code < CODE_COUNT);
    return statuses[code];
}

static void put_member(struct buf *out, const char *name, struct bytes text)
{
    buf_printf(out, ",\"%s\":", name);
    json_put_text(out, text);
}

void problem_print(struct buf *out, const struct error *err, struct bytes id, struct bytes extra)
{
    const struct code_row *row = code_row(err->code);

    buf_printf(out, "{\"type\":\"/docs/errors#%s\"", row->slug);
    put_member(out, "title", bytes_of(row->title));
    buf_printf(out, ",\"status\":%u", problem_status(err->code));
    if (err->text[0] != '\0')
        put_member(out, "detail", bytes_of(err->text));
    put_member(out, "instance", id);
    put_member(out, "code", bytes_of(row->slug));
    if (err->line > 0)
        buf_printf(out, ",\"line\":%u", err->line);
    if (err->pointer[0] != '\0')
        put_member(out, err->pointer[0] == '/' ? "pointer" : "parameter", bytes_of(err->pointer));
    buf_put(out, extra);
    buf_put_text(out, "}\n");
}
