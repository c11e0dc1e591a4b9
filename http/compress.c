#include "http/compress.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE_SIZE = 32768,
    GZIP_LEVEL = 4,
    GZIP_WINDOW = 15 + 16, /* + 16: gzip's frame instead of zlib's */
    GZIP_MEMORY = 8,
    ZSTD_LEVEL = 3,
    ZSTD_WINDOW_LOG = 19, /* 512 KiB: keeps a stream's context near 1 MiB */
};

static const char *const names[CODING_COUNT] = {
    [CODING_IDENTITY] = "identity",
    [CODING_GZIP] = "gzip",
    [CODING_ZSTD] = "zstd",
};

const char *coding_name(enum coding coding)
{
    return names[coding];
}

/* ---- Accept-Encoding ---- */

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_slice(text, 1, text.size);
    while (text.size > 0 && strchr(" \t", text.data[text.size - 1]) != NULL)
        text.size--;
    return text;
}

static bool text_is(struct bytes text, const char *lower)
{
    return text.size == strlen(lower) && strncasecmp(text.data, lower, text.size) == 0;
}

/* "0.25" in thousandths; what is not a q-value counts as 0: the client did not ask for it. */
static int thousandths(struct bytes text)
{
    int value = 0, unit = 1000;

    if (text.size == 0 || text.size > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return 0;
    value = (text.data[0] - '0') * unit;
    for (size_t i = 1; i < text.size; i++) {
        if (i == 1 && text.data[i] == '.')
            continue;
        if (i == 1 || text.data[i] < '0' || text.data[i] > '9')
            return 0;
        unit /= 10;
        value += (text.data[i] - '0') * unit;
    }
    return value > 1000 ? 0 : value;
}

/* Takes the part before `separator` off `rest`. */
static struct bytes next_part(struct bytes *rest, char separator)
{
    const char *end = memchr(rest->data, separator, rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    struct bytes part = {rest->data, size};

    *rest = bytes_slice(*rest, end == NULL ? size : size + 1, rest->size);
    return trim(part);
}

enum coding coding_choose(struct bytes accept_encoding)
{
    int weight[CODING_COUNT] = {-1, -1, -1}, any = 0;

    while (accept_encoding.size > 0) {
        struct bytes item = next_part(&accept_encoding, ',');
        struct bytes name = item.size > 0 ? next_part(&item, ';') : item;
        int q = 1000;

        while (item.size > 0) {
            struct bytes parameter = next_part(&item, ';');

            if (parameter.size >= 2 && (parameter.data[0] | 0x20) == 'q' &&
                parameter.data[1] == '=')
                q = thousandths(bytes_slice(parameter, 2, parameter.size));
        }
        if (text_is(name, "*"))
            any = q;
        for (int i = 0; i < CODING_COUNT; i++)
            if (text_is(name, names[i]))
                weight[i] = q;
        if (text_is(name, "x-gzip"))
            weight[CODING_GZIP] = q;
    }
    for (int i = 0; i < CODING_COUNT; i++)
        if (weight[i] < 0)
            weight[i] = i == CODING_IDENTITY ? 0 : any;
    if (weight[CODING_ZSTD] > 0 && weight[CODING_ZSTD] >= weight[CODING_GZIP] &&
        weight[CODING_ZSTD] >= weight[CODING_IDENTITY])
        return CODING_ZSTD;
    if (weight[CODING_GZIP] > 0 && weight[CODING_GZIP] >= weight[CODING_IDENTITY])
        return CODING_GZIP;
    return CODING_IDENTITY;
}

bool coding_pays(struct bytes content_type)
{
    static const char *const types[] = {
        "application/json",     "application/problem+json",
        "application/x-ndjson", "application/javascript",
        "image/svg+xml",
    };
    struct bytes type;

    if (content_type.size == 0)
        return false;
    type = next_part(&content_type, ';');
    if (text_is(type, "text/event-stream"))
        return false;
    if (type.size > 5 && strncasecmp(type.data, "text/", 5) == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (text_is(type, types[i]))
            return true;
    return false;
}

/* ---- Compressing ---- */

struct compressor {
    enum coding coding;
    ZSTD_CCtx *zstd;
    z_stream gzip;
    bool gzip_begun;
    char piece[PIECE_SIZE];
};

enum code compressor_new(enum coding coding, struct compressor **compressor, struct error *err)
{
    struct compressor *made = calloc(1, sizeof(*made));

    assert(coding == CODING_GZIP || coding == CODING_ZSTD);
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory to compress the answer");
    made->coding = coding;
    if (coding == CODING_ZSTD) {
        made->zstd = ZSTD_createCCtx();
        if (made->zstd == NULL)
            goto failed;
        ZSTD_CCtx_setParameter(made->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(made->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG);
    } else {
        if (deflateInit2(&made->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            goto failed;
        made->gzip_begun = true;
    }
    *compressor = made;
    return OK;

failed:
    compressor_free(made);
    return error_set(err, E_MEMORY, "no memory to compress the answer");
}

void compressor_free(struct compressor *compressor)
{
    if (compressor == NULL)
        return;
    ZSTD_freeCCtx(compressor->zstd);
    if (compressor->gzip_begun)
        deflateEnd(&compressor->gzip);
    free(compressor);
}

/* One call of the library: eats from `bytes`, fills the piece, says whether the step is done. */
static enum code zstd_turn(struct compressor *c, struct bytes *bytes, enum compress_step step,
                           size_t *got, bool *done, struct error *err)
{
    static const ZSTD_EndDirective directive[] = {
        [COMPRESS_MORE] = ZSTD_e_continue,
        [COMPRESS_FLUSH] = ZSTD_e_flush,
        [COMPRESS_END] = ZSTD_e_end,
    };
    ZSTD_inBuffer in = {bytes->data, bytes->size, 0};
    ZSTD_outBuffer out = {c->piece, PIECE_SIZE, 0};
    size_t left = ZSTD_compressStream2(c->zstd, &out, &in, directive[step]);

    if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
        return error_set(err, E_MEMORY, "no memory to compress the answer");
    if (ZSTD_isError(left))
        return error_set(err, E_INTERNAL, "zstd: %s", ZSTD_getErrorName(left));
    *bytes = bytes_slice(*bytes, in.pos, bytes->size);
    *got = out.pos;
    *done = bytes->size == 0 && (step == COMPRESS_MORE ? out.pos < PIECE_SIZE : left == 0);
    return OK;
}

static enum code gzip_turn(struct compressor *c, struct bytes *bytes, enum compress_step step,
                           size_t *got, bool *done, struct error *err)
{
    static const int flush[] = {
        [COMPRESS_MORE] = Z_NO_FLUSH,
        [COMPRESS_FLUSH] = Z_SYNC_FLUSH,
        [COMPRESS_END] = Z_FINISH,
    };
    size_t taken = bytes->size < 1u << 30 ? bytes->size : 1u << 30; /* avail_in is 32 bits */
    bool last = taken == bytes->size;
    int status;

    c->gzip.next_in = (z_const Bytef *)bytes->data;
    c->gzip.avail_in = (uInt)taken;
    c->gzip.next_out = (Bytef *)c->piece;
    c->gzip.avail_out = PIECE_SIZE;
    status = deflate(&c->gzip, last ? flush[step] : Z_NO_FLUSH);
    if (status == Z_STREAM_ERROR)
        return error_set(err, E_INTERNAL, "gzip: the stream's state is damaged");
    *bytes = bytes_slice(*bytes, taken - c->gzip.avail_in, bytes->size);
    *got = PIECE_SIZE - c->gzip.avail_out;
    *done =
        bytes->size == 0 && (step == COMPRESS_END ? status == Z_STREAM_END : c->gzip.avail_out > 0);
    return OK;
}

enum code compressor_run(struct compressor *compressor, struct bytes bytes, enum compress_step step,
                         enum code (*sink)(void *context, struct bytes piece, struct error *err),
                         void *context, struct error *err)
{
    bool done = false;

    while (!done) {
        size_t got = 0;
        enum code code = compressor->coding == CODING_ZSTD
                             ? zstd_turn(compressor, &bytes, step, &got, &done, err)
                             : gzip_turn(compressor, &bytes, step, &got, &done, err);

        if (!code && got > 0)
            code = sink(context, (struct bytes){compressor->piece, got}, err);
        if (code)
            return code;
    }
    return OK;
}

static enum code sink_to_buf(void *context, struct bytes piece, struct error *err)
{
    struct buf *out = context;

    buf_put(out, piece);
    return buf_finish(out, err);
}

enum code compress_whole(enum coding coding, struct bytes bytes, struct buf *out, struct error *err)
{
    struct compressor *compressor = NULL;
    enum code code = compressor_new(coding, &compressor, err);

    if (!code)
        code = compressor_run(compressor, bytes, COMPRESS_END, sink_to_buf, out, err);
    compressor_free(compressor);
    return code;
}
