/* NDJSON points: any bytes make a sound batch, the same one in whatever pieces they come, and a
 * line that is taken is what an array of that one point gives. */
#include <stdlib.h>

#include "codec/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum code code;
    uint64_t rows, values, rejects;
};

static struct outcome decode(const struct decoder_row *row, struct bytes body, size_t piece,
                             const struct limits *limits)
{
    struct decode_options options = {.precision = TIME_MS, .now_ns = 1000, .limits = limits};
    struct decoder *decoder = NULL;
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    struct outcome outcome;
    enum code code;

    arena_init(&arena, (size_t)1 << 30, NULL);
    batch_init(&batch, &arena, 10);
    code = row->begin(&batch, &options, &decoder, &err);
    for (size_t at = 0; at < body.size && code == OK; at += piece)
        code = row->feed(
            decoder, bytes_slice(body, at, at + piece < body.size ? at + piece : body.size), &err);
    if (code == OK)
        code = row->finish(decoder, &err);
    row->free(decoder);
    outcome = (struct outcome){code, batch.row_count, batch.value_count, batch.reject_count};
    if (code != err.code || !batch_check(&batch, &err) || !batch_resolve(&batch) ||
        !batch_check(&batch, &err))
        abort();
    batch_release(&batch);
    arena_release(&arena);
    return outcome;
}

/* The first line alone, as the one point of an array. */
static void check_first_line(struct bytes body, const struct limits *limits)
{
    const char *newline = body.size == 0 ? NULL : memchr(body.data, '\n', body.size);
    size_t size = newline == NULL ? body.size : (size_t)(newline - body.data);
    struct outcome line = decode(&decoder_ndjson, bytes_slice(body, 0, size), size + 1, limits);
    struct buf array = BUF_INIT(SIZE_MAX);
    struct outcome same;

    if (line.rows == 1) {
        buf_put_char(&array, '[');
        buf_put(&array, bytes_slice(body, 0, size));
        buf_put_char(&array, ']');
        same = decode(&decoder_json, buf_bytes(&array), array.size, limits);
        if (same.code != OK || same.rows != 1 || same.values != line.values)
            abort();
    }
    buf_release(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, parts;
    struct limits limits;
    struct bytes body;

    if (size < 1)
        return 0;
    limits_init(&limits);
    limits.string_bytes_max = 100;
    limits.name_bytes_max = 20;
    limits.json_depth_max = 8;
    limits.line_bytes_max = 200;
    body = (struct bytes){(const char *)data + 1, size - 1};
    whole = decode(&decoder_ndjson, body, body.size + 1, &limits);
    parts = decode(&decoder_ndjson, body, (size_t)data[0] + 1, &limits);
    if (whole.code != parts.code || whole.rows != parts.rows || whole.values != parts.values ||
        whole.rejects != parts.rejects)
        abort();
    check_first_line(body, &limits);
    return 0;
}
