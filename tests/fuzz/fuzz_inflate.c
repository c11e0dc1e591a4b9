/* Compressed bodies: whatever comes, in whatever pieces, output stays within its caps. */
#include <stdlib.h>

#include "base/buf.h"
#include "codec/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX = 4 << 20, RATIO_MAX = 20, FREE = 1 << 20 };

struct output {
    struct buf bytes;
    uint64_t taken;
};

static enum code collect(void *context, struct bytes piece, struct error *err)
{
    struct output *output = context;

    (void)err;
    if (piece.size == 0 || piece.size > 128 * 1024)
        abort();
    buf_put(&output->bytes, piece);
    if (output->bytes.size > OUTPUT_MAX ||
        (output->bytes.size > FREE && output->bytes.size > RATIO_MAX * output->taken))
        abort();
    return OK;
}

static enum code run(const char *encoding, struct bytes body, size_t piece_size,
                     struct output *output)
{
    struct inflate *inflate;
    struct error err = {0};
    enum code code = inflate_new(bytes_of(encoding), OUTPUT_MAX, RATIO_MAX, &inflate, &err);

    for (size_t at = 0; at < body.size && code == OK; at += piece_size) {
        size_t end = at + piece_size < body.size ? at + piece_size : body.size;
        char *copy = malloc(end - at);

        memcpy(copy, body.data + at, end - at);
        output->taken = end;
        code = inflate_feed(inflate, (struct bytes){copy, end - at}, collect, output, &err);
        free(copy);
    }
    if (code == OK)
        code = inflate_finish(inflate, &err);
    inflate_free(inflate);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {"gzip", "deflate", "zstd", "identity"};

    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        struct output whole = {BUF_INIT((size_t)1 << 30), 0}, pieces = whole;
        struct bytes body = {(const char *)data, size};
        enum code code = run(encodings[i], body, size + 1, &whole);

        if (run(encodings[i], body, 5, &pieces) == OK && code == OK &&
            !bytes_equal(buf_bytes(&whole.bytes), buf_bytes(&pieces.bytes)))
            abort();
        buf_release(&whole.bytes);
        buf_release(&pieces.bytes);
    }
    return 0;
}
