/* {"points":[...]} or a bare array.  The body is gathered and scanned at its end: a fault of the
 * JSON ends the request, a fault of a point rejects the point, whose other parts are still
 * checked as JSON.  Points stand in the batch as lines do: "line" is the point's number from 1,
 * and what is wrong begins with its RFC 6901 pointer. */
#include <inttypes.h>

#include "codec/json_point.h"

enum { BODY_FIRST = 4096 };

struct decoder {
    struct json_point input;
    char *body; /* in the arena, with JSON_SCAN_SLACK */
    size_t size, capacity;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static enum code json_begin(struct batch *batch, const struct decode_options *options,
                            struct decoder **decoder, struct error *err)
{
    struct decoder *made = ARENA_NEW(batch->arena, struct decoder);

    if (made == NULL)
        return no_memory(err);
    json_point_init(&made->input, batch, options);
    made->input.array = "";
    *decoder = made;
    return OK;
}

static enum code json_feed(struct decoder *decoder, struct bytes piece, struct error *err)
{
    size_t wanted = decoder->size + piece.size + JSON_SCAN_SLACK;

    if (wanted - JSON_SCAN_SLACK > decoder->input.options.limits->body_bytes_max)
        return error_set(err, E_BODY_LARGE, "the body has more than the %" PRIu64 " bytes allowed",
                         decoder->input.options.limits->body_bytes_max);
    if (wanted > decoder->capacity) {
        size_t capacity = decoder->capacity == 0 ? BODY_FIRST : decoder->capacity * 2;
        char *body;

        capacity = capacity < wanted ? wanted : capacity;
        body = arena_grow(decoder->input.batch->arena, decoder->body, decoder->size, capacity);
        if (body == NULL)
            return no_memory(err);
        decoder->body = body;
        decoder->capacity = capacity;
    }
    if (piece.size > 0)
        memcpy(decoder->body + decoder->size, piece.data, piece.size);
    decoder->size += piece.size;
    return OK;
}

static void json_free(struct decoder *decoder)
{
    if (decoder != NULL)
        json_point_release(&decoder->input);
}

static enum code take_points(struct decoder *decoder, struct error *err)
{
    struct json_scan *scan = &decoder->input.scan;
    uint64_t points_max = decoder->input.options.limits->points_max;
    bool more, first = true;
    enum code code = json_scan_open(scan, '[', err);

    for (; code == OK; first = false) {
        code = json_scan_more(scan, ']', first, &more, err);
        if (code || !more)
            return code;
        if (decoder->input.line == points_max)
            return error_set(err, E_POINTS_MANY,
                             "more than the %" PRIu64
                             " points allowed of one request; send several",
                             points_max);
        decoder->input.line++;
        code = json_point_take(&decoder->input, err);
    }
    return code;
}

/* {"points":[...]} and nothing else. */
static enum code take_root(struct decoder *decoder, struct error *err)
{
    static const char right[] = "right is {\"points\":[...]} or an array of points";
    struct json_scan *scan = &decoder->input.scan;
    struct bytes name;
    bool more;
    enum code code = json_scan_open(scan, '{', err);

    if (code == OK)
        code = json_scan_more(scan, '}', true, &more, err);
    if (code == OK && !more)
        return json_scan_fail(scan, right, err);
    if (code == OK)
        code = json_scan_name(scan, &name, err);
    if (code)
        return code;
    if (!bytes_equal(name, BYTES("points")) || json_scan_peek(scan) != '[')
        return json_scan_fail(scan, right, err);
    decoder->input.array = "/points";
    code = take_points(decoder, err);
    if (code == OK)
        code = json_scan_more(scan, '}', false, &more, err);
    if (code == OK && more)
        return json_scan_fail(scan, right, err);
    return code;
}

static enum code json_finish(struct decoder *decoder, struct error *err)
{
    struct json_scan *scan = &decoder->input.scan;
    enum code code = json_feed(decoder, (struct bytes){NULL, 0}, err); /* so that there is one */

    if (code)
        return code;
    memset(decoder->body + decoder->size, 0, JSON_SCAN_SLACK);
    *scan = (struct json_scan){
        .at = decoder->body,
        .start = decoder->body,
        .end = decoder->body + decoder->size,
        .arena = decoder->input.batch->arena,
        .depth_max = (uint32_t)decoder->input.options.limits->json_depth_max,
    };
    switch (json_scan_peek(scan)) {
    case '{':
        code = take_root(decoder, err);
        break;
    case '[':
        code = take_points(decoder, err);
        break;
    default:
        return json_scan_fail(scan, "expected {\"points\":[...]} or an array of points", err);
    }
    return code ? code : json_scan_finish(scan, err);
}

static const char *const media_types[] = {"application/json", NULL};

const struct decoder_row decoder_json = {
    .name = "json",
    .media_types = media_types,
    .begin = json_begin,
    .feed = json_feed,
    .finish = json_finish,
    .free = json_free,
};
