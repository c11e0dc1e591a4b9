/* Line protocol: whatever comes, in whatever pieces, gives the same batch, which keeps its
 * promises, and reads nothing outside of its pieces.  The first byte chooses the pieces. */
#include <stdlib.h>

#include "codec/decoder.h"
#include "tests/unit/codec/batch_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct bytes body, size_t piece_size, const struct limits *limits,
                   struct buf *text)
{
    struct decode_options options = {.precision = TIME_US, .now_ns = 1000, .limits = limits};
    struct decoder *decoder = NULL;
    struct error err = {0};
    struct arena arena;
    struct batch batch;
    enum code code;

    arena_init(&arena, (size_t)1 << 30, NULL);
    batch_init(&batch, &arena, 1000);
    code = decoder_line_protocol.begin(&batch, &options, &decoder, &err);
    for (size_t at = 0; at < body.size && code == OK; at += piece_size) {
        size_t end = at + piece_size < body.size ? at + piece_size : body.size;
        char *copy = malloc(end - at); /* of exactly its size: a read beyond it is seen */

        memcpy(copy, body.data + at, end - at);
        code = decoder_line_protocol.feed(decoder, (struct bytes){copy, end - at}, &err);
        free(copy);
    }
    if (code == OK)
        code = decoder_line_protocol.finish(decoder, &err);
    decoder_line_protocol.free(decoder);
    if (code != OK && code != E_POINTS_MANY)
        abort();
    if (!batch_check(&batch, &err) || (code == OK && !batch_resolve(&batch)) ||
        !batch_check(&batch, &err))
        abort();
    batch_text(&batch, text);
    batch_release(&batch);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT((size_t)1 << 30), pieces = BUF_INIT((size_t)1 << 30);
    struct bytes body = {(const char *)data + 1, size - 1};
    struct limits limits;

    if (size == 0)
        return 0;
    limits_init(&limits);
    limits.line_bytes_max = 200; /* small, so that they are met */
    limits.string_bytes_max = 100;
    limits.name_bytes_max = 20;
    limits.tags_max = 4;
    limits.points_max = 500;
    decode(body, body.size + 1, &limits, &whole);
    decode(body, 1 + data[0] % 64, &limits, &pieces);
    if (!bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)))
        abort();
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}
