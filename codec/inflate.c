#include "codec/inflate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE_SIZE = 128 * 1024,
    OUTPUT_FREE = 1024 * 1024,  /* the ratio counts above this */
    ZSTD_WINDOW_LOG_MAX = 23,   /* 8 MiB, what RFC 8878 asks decoders to take */
    WINDOW_BITS_ZLIB = 15,      /* zlib's numbers for its format and ... */
    WINDOW_BITS_GZIP = 15 + 16, /* ... for gzip's */
    WINDOW_BITS_RAW = -15,      /* and for neither's */
};

struct coding {
    const char *name;
    enum { PLAIN, ZLIB, ZSTD } format;
    int window_bits; /* ZLIB */
    bool members;    /* ZLIB: another stream may follow the first */
};

struct inflate {
    const struct coding *coding;
    uint64_t bytes_max, ratio_max;
    uint64_t taken, given; /* bytes of input and output so far */
    bool complete;         /* the input so far is a whole stream, or several */
    char *piece;           /* PIECE_SIZE, unless PLAIN */
    z_stream zlib;
    ZSTD_DCtx *zstd;
};

static const struct coding codings[] = {
    {"",         PLAIN, 0,                false},
    {"identity", PLAIN, 0,                false},
    {"gzip",     ZLIB,  WINDOW_BITS_GZIP, true },
    {"x-gzip",   ZLIB,  WINDOW_BITS_GZIP, true },
    {"deflate",  ZLIB,  WINDOW_BITS_ZLIB, false},
    {"zstd",     ZSTD,  0,                false},
};

/* Of files of an archive: nobody may send a body of it. */
static const struct coding raw = {"deflated", ZLIB, WINDOW_BITS_RAW, false};

static const struct coding *coding_find(struct bytes encoding)
{
    if (encoding.size == 0) /* no header: there is no text to compare with */
        return &codings[0];
    while (encoding.size > 0 && encoding.data[0] == ' ')
        encoding = bytes_slice(encoding, 1, encoding.size);
    while (encoding.size > 0 && encoding.data[encoding.size - 1] == ' ')
        encoding.size--;
    for (size_t i = 0; i < COUNT_OF(codings); i++)
        if (strlen(codings[i].name) == encoding.size &&
            strncasecmp(codings[i].name, encoding.data, encoding.size) == 0)
            return &codings[i];
    return NULL;
}

static bool begin(struct inflate *inflate)
{
    if (inflate->coding->format == PLAIN) {
        inflate->complete = true;
        return true;
    }
    inflate->piece = malloc(PIECE_SIZE);
    if (inflate->piece == NULL)
        return false;
    if (inflate->coding->format == ZLIB)
        return inflateInit2(&inflate->zlib, inflate->coding->window_bits) == Z_OK;
    inflate->zstd = ZSTD_createDCtx();
    return inflate->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                        inflate->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
}

static enum code make(const struct coding *coding, uint64_t bytes_max, uint64_t ratio_max,
                      struct inflate **inflate, struct error *err)
{
    struct inflate *made = calloc(1, sizeof(*made));

    *inflate = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory to decompress the body");
    made->coding = coding;
    made->bytes_max = bytes_max;
    made->ratio_max = ratio_max;
    if (!begin(made)) {
        inflate_free(made);
        return error_set(err, E_MEMORY, "no memory to decompress the body");
    }
    *inflate = made;
    return OK;
}

enum code inflate_new(struct bytes encoding, uint64_t bytes_max, uint64_t ratio_max,
                      struct inflate **inflate, struct error *err)
{
    const struct coding *coding = coding_find(encoding);

    assert(ratio_max > 0);
    *inflate = NULL;
    if (coding == NULL)
        return error_set(err, E_UNSUPPORTED_ENCODING,
                         "Content-Encoding \"%.*s\": right is one of gzip, zstd, deflate and "
                         "identity",
                         BYTES_ARG(encoding));
    return make(coding, bytes_max, ratio_max, inflate, err);
}

enum code inflate_new_raw(uint64_t bytes_max, struct inflate **inflate, struct error *err)
{
    return make(&raw, bytes_max, UINT64_MAX, inflate, err);
}

uint32_t inflate_checksum(uint32_t before, struct bytes piece)
{
    return (uint32_t)crc32_z(before, (const Bytef *)piece.data, piece.size);
}

static enum code bad(const struct inflate *inflate, const char *what, struct error *err)
{
    return error_set(err, E_BAD_COMPRESSION, "the body is not %s: after %" PRIu64 " bytes: %s",
                     inflate->coding->name, inflate->taken, what);
}

static enum code give(struct inflate *inflate, struct bytes piece,
                      enum code (*take)(void *context, struct bytes piece, struct error *err),
                      void *context, struct error *err)
{
    inflate->given += piece.size;
    if (inflate->given > inflate->bytes_max)
        return error_set(
            err, E_BODY_LARGE, "the body has more than the %" PRIu64 " bytes allowed%s",
            inflate->bytes_max, inflate->coding->format == PLAIN ? "" : " after decompression");
    if (inflate->coding->format != PLAIN && inflate->given > OUTPUT_FREE &&
        (inflate->given - 1) / inflate->ratio_max >= inflate->taken)
        return error_set(err, E_COMPRESSION_RATIO,
                         "%" PRIu64 " bytes became more than %" PRIu64 ": at most %" PRIu64
                         " times are allowed",
                         inflate->taken, inflate->given, inflate->ratio_max);
    return piece.size == 0 ? OK : take(context, piece, err);
}

static int zlib_step(z_stream *zlib)
{
    return inflate(zlib, Z_NO_FLUSH);
}

/* Both steps decompress until the piece is full or the input used up, and say in *more whether
 * they may have more to give. */
static enum code step_zlib(struct inflate *inflate, struct bytes *input, size_t *size, bool *more,
                           struct error *err)
{
    z_stream *zlib = &inflate->zlib;
    uInt given = input->size > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)input->size;
    int result;

    if (inflate->complete && given > 0) {
        if (!inflate->coding->members)
            return bad(inflate, "bytes follow the end of the stream", err);
        (void)inflateReset(zlib); /* fails only on a stream that was never begun */
        inflate->complete = false;
    }
    zlib->next_in = (z_const Bytef *)(uintptr_t)input->data;
    zlib->avail_in = given;
    zlib->next_out = (Bytef *)inflate->piece;
    zlib->avail_out = PIECE_SIZE;
    result = zlib_step(zlib);
    inflate->taken += given - zlib->avail_in;
    *input = bytes_slice(*input, given - zlib->avail_in, input->size);
    *size = PIECE_SIZE - zlib->avail_out;
    *more = zlib->avail_out == 0;
    if (result == Z_STREAM_END) {
        inflate->complete = true;
        *more = false;
        return OK;
    }
    if (result == Z_OK || result == Z_BUF_ERROR) /* the latter: nothing to do without input */
        return OK;
    if (result == Z_MEM_ERROR)
        return error_set(err, E_MEMORY, "no memory to decompress the body");
    return bad(inflate, zlib->msg != NULL ? zlib->msg : "it asks for a dictionary", err);
}

static enum code step_zstd(struct inflate *inflate, struct bytes *input, size_t *size, bool *more,
                           struct error *err)
{
    ZSTD_inBuffer in = {input->data, input->size, 0};
    ZSTD_outBuffer out = {inflate->piece, PIECE_SIZE, 0};
    size_t result = ZSTD_decompressStream(inflate->zstd, &out, &in);

    inflate->taken += in.pos;
    *input = bytes_slice(*input, in.pos, input->size);
    *size = out.pos;
    *more = out.pos == PIECE_SIZE;
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        return error_set(err, E_MEMORY, "no memory to decompress the body");
    if (ZSTD_isError(result))
        return bad(inflate, ZSTD_getErrorName(result), err);
    /* Without input and output it would ask for the next frame's head. */
    if (in.pos > 0 || out.pos > 0)
        inflate->complete = result == 0;
    return OK;
}

enum code inflate_feed(struct inflate *inflate, struct bytes piece,
                       enum code (*take)(void *context, struct bytes piece, struct error *err),
                       void *context, struct error *err)
{
    bool more = false;

    if (inflate->coding->format == PLAIN) {
        while (piece.size > 0) {
            size_t size = piece.size < PIECE_SIZE ? piece.size : PIECE_SIZE;
            enum code code = give(inflate, bytes_slice(piece, 0, size), take, context, err);

            if (code)
                return code;
            piece = bytes_slice(piece, size, piece.size);
        }
        return OK;
    }
    while (piece.size > 0 || more) {
        size_t size = 0;
        enum code code = inflate->coding->format == ZLIB
                             ? step_zlib(inflate, &piece, &size, &more, err)
                             : step_zstd(inflate, &piece, &size, &more, err);

        if (code == OK)
            code = give(inflate, (struct bytes){inflate->piece, size}, take, context, err);
        if (code)
            return code;
    }
    return OK;
}

enum code inflate_finish(struct inflate *inflate, struct error *err)
{
    return inflate->complete ? OK : bad(inflate, "the stream is cut short", err);
}

void inflate_free(struct inflate *inflate)
{
    if (inflate == NULL)
        return;
    if (inflate->coding->format == ZLIB)
        (void)inflateEnd(&inflate->zlib);
    (void)ZSTD_freeDCtx(inflate->zstd); /* NULL is fine */
    free(inflate->piece);
    free(inflate);
}
