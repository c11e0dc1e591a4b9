/* Rows as data lines of an event stream (text/event-stream, GET /v1/live), each an object as in
 * NDJSON.  What stands around them (id, event, the empty line) is put by who knows whether there
 * are any: handlers/live.c. */
#include "query/result.h"

static bool events_open(struct result *result)
{
    return result_object_keys(result);
}

static char *events_row(struct result *result, char *at, const struct result_row *row)
{
    at = text_put(at, BYTES("data: "));
    at = result_put_object(result, at, row);
    *at++ = '\n';
    return at;
}

static void events_close(struct result *result, struct bytes next, struct buf *tail)
{
    (void)result;
    (void)next;
    (void)tail;
}

const struct encoder encoder_events = {
    .open = events_open,
    .group = result_group_object,
    .row = events_row,
    .close = events_close,
    .text_size = text_json_size,
};
