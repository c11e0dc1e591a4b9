/* Bytes, packed: one value for all of them, the bytes as they are, or a zstd frame, whichever is
 * shortest.  The only file of the block codec that knows zstd. */
#include "codec/packed.h"

#define ZSTD_STATIC_LINKING_ONLY /* names ZSTD_c_literalCompressionMode; nothing else is used */
#include <zstd.h>

enum packed_kind { PACKED_CONSTANT = 0, PACKED_RAW = 1, PACKED_ZSTD = 2 };

enum {
    /* A frame costs about 12 bytes before it holds anything: below this it never paid. */
    PACKED_ZSTD_SIZE_MIN = 32,
};

/* Planes are noise more often than not: what pays is the Huffman coder, and looking for repeats at
 * every byte finds short ones that cost more than they save.  Of 4096 differences of a random walk,
 * level 1 makes 0.347 B each in 5.6 ns, these make 0.299 B in 2.0 ns; of zeros with 1 % of outliers
 * 0.038 B and 0.048 B (zstd 1.5.4). */
static const struct {
    ZSTD_cParameter parameter;
    int value;
} plane_parameters[] = {
    {ZSTD_c_compressionLevel,       1             },
    {ZSTD_c_minMatch,               7             },
    {ZSTD_c_hashLog,                12            },
    {ZSTD_c_targetLength,           8             }, /* bytes between attempts */
    {ZSTD_c_literalCompressionMode, ZSTD_ps_enable},
};

enum code packed_encoder_init(struct column_encoder *encoder, struct error *err)
{
    encoder->zstd_planes = ZSTD_createCCtx();
    encoder->zstd_text = ZSTD_createCCtx();
    if (!encoder->zstd_planes || !encoder->zstd_text)
        return error_set(err, E_MEMORY, "zstd: no memory for a compression context");
    for (size_t i = 0; i < COUNT_OF(plane_parameters); i++)
        ZSTD_CCtx_setParameter(encoder->zstd_planes, plane_parameters[i].parameter,
                               plane_parameters[i].value);
    ZSTD_CCtx_setParameter(encoder->zstd_text, ZSTD_c_compressionLevel, 1);
    return OK;
}

void packed_encoder_release(struct column_encoder *encoder)
{
    ZSTD_freeCCtx(encoder->zstd_planes);
    ZSTD_freeCCtx(encoder->zstd_text);
}

enum code packed_decoder_init(struct column_decoder *decoder, struct error *err)
{
    decoder->zstd = ZSTD_createDCtx();
    if (!decoder->zstd)
        return error_set(err, E_MEMORY, "zstd: no memory for a decompression context");
    return OK;
}

void packed_decoder_release(struct column_decoder *decoder)
{
    ZSTD_freeDCtx(decoder->zstd);
}

static bool bytes_constant(struct bytes bytes)
{
    return bytes.size > 0 && memcmp(bytes.data, bytes.data + 1, bytes.size - 1) == 0;
}

/* Of the frame's size: the frame is shorter than the bytes, whose size both sides know. */
static unsigned packed_size_width(size_t size)
{
    return size <= UINT16_MAX ? 2 : 4;
}

/* Appends kind, size and frame; false, and nothing appended, when that is not shorter than raw. */
static bool packed_zstd(struct buf *out, ZSTD_CCtx *zstd, struct bytes bytes)
{
    size_t start = out->size, bound = ZSTD_compressBound(bytes.size), size;
    unsigned width = packed_size_width(bytes.size);
    char *room;

    /* The size stands before the frame and is known after it: room for both first. */
    buf_put_u8(out, PACKED_ZSTD);
    room = buf_extend(out, width + bound);
    if (!room)
        return true; /* out remembers */
    size = ZSTD_compress2(zstd, room + width, bound, bytes.data, bytes.size);
    if (ZSTD_isError(size) || size + width >= bytes.size) {
        out->size = start;
        return false;
    }
    for (unsigned i = 0; i < width; i++)
        room[i] = (char)(size >> (8 * i));
    out->size = start + 1 + width + size;
    return true;
}

static void packed_put(struct buf *out, ZSTD_CCtx *zstd, struct bytes bytes)
{
    if (bytes_constant(bytes)) {
        buf_put_u8(out, PACKED_CONSTANT);
        buf_put(out, bytes_slice(bytes, 0, 1));
        return;
    }
    if (bytes.size >= PACKED_ZSTD_SIZE_MIN && packed_zstd(out, zstd, bytes))
        return;
    buf_put_u8(out, PACKED_RAW);
    buf_put(out, bytes);
}

void packed_encode_plane(struct column_encoder *encoder, struct bytes bytes)
{
    packed_put(&encoder->out, encoder->zstd_planes, bytes);
}

void packed_encode_text(struct column_encoder *encoder, struct bytes bytes)
{
    packed_put(&encoder->out, encoder->zstd_text, bytes);
}

static enum code packed_unzstd(struct column_decoder *decoder, struct bytes frame, uint8_t *scratch,
                               size_t size, struct error *err)
{
    size_t got = ZSTD_decompressDCtx(decoder->zstd, scratch, size, frame.data, frame.size);

    if (ZSTD_isError(got))
        return error_set(err, E_CORRUPT, "zstd: %s", ZSTD_getErrorName(got));
    if (got != size)
        return error_set(err, E_CORRUPT, "zstd gives %zu bytes, expected %zu", got, size);
    return OK;
}

enum code packed_decode(struct column_decoder *decoder, struct reader *reader, uint8_t *scratch,
                        size_t size, const uint8_t **data, struct error *err)
{
    uint8_t kind = reader_u8(reader);
    struct bytes bytes = {NULL, 0};
    enum code code = OK;

    *data = scratch;
    switch (kind) {
    case PACKED_CONSTANT:
        memset(scratch, reader_u8(reader), size);
        break;
    case PACKED_RAW:
        bytes = reader_take(reader, size);
        *data = (const uint8_t *)bytes.data;
        break;
    case PACKED_ZSTD:
        bytes = reader_take(reader,
                            packed_size_width(size) == 2 ? reader_u16(reader) : reader_u32(reader));
        if (!reader->failed)
            code = packed_unzstd(decoder, bytes, scratch, size, err);
        break;
    default:
        return error_set(err, E_CORRUPT, "packing %u is unknown", kind);
    }
    if (reader->failed)
        return error_set(err, E_CORRUPT, "%zu packed bytes end early", size);
    return code;
}
