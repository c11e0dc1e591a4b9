/* One point object a line, as in JSON.  Lines are gathered one by one, each with the zero bytes
 * behind it that the scanner wants; a line that is bad is rejected, whether its JSON or its point
 * is, and decoding goes on with the next one. */
#include <inttypes.h>

#include "codec/json_point.h"

struct decoder {
    struct json_point input;
    struct buf text; /* the line so far */
    bool skipping;   /* the rest of a line that is too long */
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the points of this request");
}

static enum code ndjson_begin(struct batch *batch, const struct decode_options *options,
                              struct decoder **decoder, struct error *err)
{
    struct decoder *made = ARENA_NEW(batch->arena, struct decoder);

    if (made == NULL)
        return no_memory(err);
    json_point_init(&made->input, batch, options);
    made->input.line = 1;
    made->text = BUF_INIT(SIZE_MAX); /* at most a line, which has its limit */
    *decoder = made;
    return OK;
}

static void ndjson_free(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    json_point_release(&decoder->input);
    buf_release(&decoder->text);
}

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r')
            return false;
    return true;
}

/* E_POINTS_MANY when there is no room for another line. */
static enum code check_room(const struct decoder *decoder, struct error *err)
{
    const struct batch *batch = decoder->input.batch;
    uint64_t points_max = decoder->input.options.limits->points_max;

    if (batch->row_count + batch->reject_count < points_max)
        return OK;
    return error_set(err, E_POINTS_MANY,
                     "line %u: more than the %" PRIu64
                     " points allowed of one request; send several",
                     decoder->input.line, points_max);
}

/* The line in `text`, which is whole. */
static enum code take_line(struct decoder *decoder, struct error *err)
{
    struct json_point *input = &decoder->input;
    struct buf *text = &decoder->text;
    struct error why = {0};
    enum code code = check_room(decoder, err);

    if (code)
        return code;
    if (buf_extend(text, JSON_SCAN_SLACK) == NULL)
        return no_memory(err);
    text->size -= JSON_SCAN_SLACK;
    memset(text->data + text->size, 0, JSON_SCAN_SLACK);
    input->scan = (struct json_scan){
        .at = text->data,
        .start = text->data,
        .end = text->data + text->size,
        .arena = input->batch->arena,
        .depth_max = (uint32_t)input->options.limits->json_depth_max,
        .one_line = true,
    };
    code = json_point_take(input, &why);
    if (code == E_MEMORY)
        return no_memory(err);
    if (code)
        batch_reject(input->batch, input->line, code, "%s", why.text);
    return OK;
}

/* The line has ended: it is taken, unless it is blank or was too long already. */
static enum code end_line(struct decoder *decoder, struct error *err)
{
    enum code code = OK;

    if (!decoder->skipping && !is_blank(buf_bytes(&decoder->text)))
        code = take_line(decoder, err);
    buf_clear(&decoder->text);
    decoder->skipping = false;
    decoder->input.line++;
    return code;
}

/* Adds a part of the line, and tells of the line when it is too long by that. */
static enum code add_part(struct decoder *decoder, struct bytes part, struct error *err)
{
    uint64_t line_max = decoder->input.options.limits->line_bytes_max;
    enum code code;

    if (decoder->skipping)
        return OK;
    if (decoder->text.size + part.size <= line_max) {
        buf_put(&decoder->text, part);
        return decoder->text.failed ? no_memory(err) : OK;
    }
    code = check_room(decoder, err);
    if (code == OK)
        batch_reject(decoder->input.batch, decoder->input.line, E_LINE_LONG,
                     "the line is longer than the %" PRIu64 " bytes allowed", line_max);
    decoder->skipping = true;
    return code;
}

static enum code ndjson_feed(struct decoder *decoder, struct bytes piece, struct error *err)
{
    enum code code = OK;

    while (code == OK && piece.size > 0) {
        const char *newline = memchr(piece.data, '\n', piece.size);
        size_t size = newline == NULL ? piece.size : (size_t)(newline - piece.data);

        code = add_part(decoder, bytes_slice(piece, 0, size), err);
        if (code == OK && newline != NULL)
            code = end_line(decoder, err);
        piece = bytes_slice(piece, newline == NULL ? size : size + 1, piece.size);
    }
    return code;
}

static enum code ndjson_finish(struct decoder *decoder, struct error *err)
{
    return end_line(decoder, err);
}

static const char *const media_types[] = {
    "application/x-ndjson",
    "application/jsonl",
    "application/ndjson",
    NULL,
};

const struct decoder_row decoder_ndjson = {
    .name = "ndjson",
    .media_types = media_types,
    .begin = ndjson_begin,
    .feed = ndjson_feed,
    .finish = ndjson_finish,
    .free = ndjson_free,
};
