/* Bytes, packed: one value for all of them, the bytes as they are, a zstd frame, or rANS.  The only
 * file of the block codec that knows zstd.
 *
 * A byte takes longer by rANS than by zstd, so that it has to pay: where a lowest plane is of few
 * bits a byte, Huffman codes of whole bits are 3 to 10 % above the entropy and rANS is within 2 %
 * of it; above RANS_SIXTEENTHS_MAX they are within 2 % as well, and what is won in an upper plane
 * is little beside the lowest one, which is then noise.  Short ones take the shortest form.  The
 * bytes' counts alone tell what rANS makes of them; zstd, which finds repeats, is asked beside it
 * only when a look at the plane finds some. */
#include "codec/packed.h"

#include "codec/rans.h"

#define ZSTD_STATIC_LINKING_ONLY /* names ZSTD_c_literalCompressionMode; nothing else is used */
#include <zstd.h>

enum packed_kind { PACKED_CONSTANT = 0, PACKED_RAW = 1, PACKED_ZSTD = 2, PACKED_RANS = 3 };

enum {
    /* A frame costs about 12 bytes before it holds anything: below this it never paid. */
    PACKED_ZSTD_SIZE_MIN = 32,
    /* Saving less than a part in so many is not worth the time to decode; zstd thinks the same. */
    PACKED_GAIN = 64,
    /* 2.5 bits a byte: where steps are normal, Huffman codes lose 4.2 % at 2.2 bits, 1.6 % at 2.4
     * bits and 0.8 % at 4.4 bits. */
    RANS_SIXTEENTHS_MAX = 5,
    GLANCE_BYTES = 256,
};

/* Where repeats may be, they are long: looking for some at every byte finds short ones that cost
 * more than they save.  Of 4096 differences of a random walk, level 1 makes 0.347 B each in 5.6 ns,
 * these make 0.299 B in 2.0 ns; of zeros with 1 % of outliers 0.038 B and 0.048 B (zstd 1.5.4). */
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

/* Appends kind, size and frame; false, and nothing appended, when those are not shorter than
 * `size_max`. */
static bool packed_zstd(struct buf *out, ZSTD_CCtx *zstd, struct bytes bytes, size_t size_max)
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
    if (ZSTD_isError(size) || size + width >= size_max) {
        out->size = start;
        return false;
    }
    for (unsigned i = 0; i < width; i++)
        room[i] = (char)(size >> (8 * i));
    out->size = start + 1 + width + size;
    return true;
}

/* Appends kind, size and coded bytes; false, and nothing appended, when those are not shorter than
 * raw. */
static bool packed_rans(struct buf *out, const struct rans_model *model, struct bytes bytes)
{
    size_t start = out->size, size;
    char *room;

    buf_put_u8(out, PACKED_RANS);
    room = buf_extend(out, sizeof(uint16_t) + rans_bound(bytes.size));
    if (!room)
        return true; /* out remembers */
    size = rans_encode(model, bytes, room + sizeof(uint16_t));
    if (size + sizeof(uint16_t) >= bytes.size) {
        out->size = start;
        return false;
    }
    room[0] = (char)size;
    room[1] = (char)(size >> 8);
    out->size = start + 1 + sizeof(uint16_t) + size;
    return true;
}

enum {
    LOOK_SIZE = 12,       /* bytes that are alike: by chance they hardly ever are */
    LOOK_STEP = 16,       /* between looks */
    LOOK_KEEP_STEP = 8,   /* of so many steps one is kept, at each of its places: a repeat at any */
    LOOK_TABLE_BITS = 10, /* distance is met at one look in eight */
    LOOK_PART = 64,       /* met at one look in so many: there are repeats */
};

static uint32_t look_hash(const uint8_t *at)
{
    uint64_t first;
    uint32_t second;

    memcpy(&first, at, sizeof(first));
    memcpy(&second, at + sizeof(first), sizeof(second));
    return (uint32_t)((first * 0x9e3779b97f4a7c15u + second * 0xc2b2ae3d27d4eb4fu) >>
                      (64 - LOOK_TABLE_BITS));
}

/* Whether the plane repeats itself here and there, or has runs of one byte. */
static bool plane_repeats(struct bytes bytes)
{
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint16_t table[1 << LOOK_TABLE_BITS] = {0}; /* places + 1, of those kept */
    size_t looks = 0, met = 0;

    for (size_t i = 0; i + LOOK_STEP + LOOK_SIZE <= bytes.size; i += LOOK_STEP, looks++) {
        uint16_t known = table[look_hash(data + i)];

        if (memcmp(data + i, data + i + 1, 8) == 0 ||
            (known != 0 && memcmp(data + known - 1, data + i, LOOK_SIZE) == 0))
            met++;
        if (looks % LOOK_KEEP_STEP == 0)
            for (size_t j = i; j < i + LOOK_STEP; j++)
                table[look_hash(data + j)] = (uint16_t)(j + 1);
    }
    return met * LOOK_PART > looks;
}

static bool packed_constant(struct buf *out, struct bytes bytes)
{
    if (!bytes_constant(bytes))
        return false;
    buf_put_u8(out, PACKED_CONSTANT);
    buf_put(out, bytes_slice(bytes, 0, 1));
    return true;
}

static void packed_raw(struct buf *out, struct bytes bytes)
{
    buf_put_u8(out, PACKED_RAW);
    buf_put(out, bytes);
}

/* A zstd frame, or the bytes as they are. */
static void packed_put(struct buf *out, ZSTD_CCtx *zstd, struct bytes bytes)
{
    if (packed_constant(out, bytes))
        return;
    if (bytes.size < PACKED_ZSTD_SIZE_MIN || !packed_zstd(out, zstd, bytes, bytes.size))
        packed_raw(out, bytes);
}

/* Whether so many bits a byte are not to be hoped for, seen from some bytes: two of them are equal
 * at less than one chance in eight, so that the entropy is above 3 bits.  Counting all the bytes of
 * noise would be a tenth of the time that gauges take. */
static bool plane_noisy(struct bytes bytes)
{
    uint8_t counts[256] = {0};
    uint32_t squares = 0;

    for (size_t i = 0; i < GLANCE_BYTES - 1; i++)
        counts[(uint8_t)bytes.data[i * bytes.size / GLANCE_BYTES]]++;
    for (size_t s = 0; s < 256; s++)
        squares += (uint32_t)counts[s] * counts[s];
    return squares < GLANCE_BYTES * GLANCE_BYTES / 8;
}

/* What rANS must stay below to be worth its time. */
static size_t rans_size_max(size_t size)
{
    return size <= RANS_ALONE_MAX ? size - size / PACKED_GAIN : size * RANS_SIXTEENTHS_MAX / 16;
}

void packed_encode_plane(struct column_encoder *encoder, struct bytes bytes)
{
    struct buf *out = &encoder->out;
    struct rans_model model;

    if (bytes.size < PACKED_ZSTD_SIZE_MIN || bytes.size > RANS_BYTES_MAX || bytes_constant(bytes) ||
        (bytes.size > RANS_ALONE_MAX && plane_noisy(bytes)) ||
        !rans_model_make(&model, bytes, rans_size_max(bytes.size))) {
        packed_put(out, encoder->zstd_planes, bytes);
        return;
    }
    if (plane_repeats(bytes) && packed_zstd(out, encoder->zstd_planes, bytes, model.size))
        return;
    if (!packed_rans(out, &model, bytes))
        packed_raw(out, bytes);
}

void packed_encode_upper_plane(struct column_encoder *encoder, struct bytes bytes)
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
    case PACKED_RANS:
        bytes = reader_take(reader, reader_u16(reader));
        if (!reader->failed)
            code = rans_decode(bytes, decoder->slots, scratch, size, err);
        break;
    default:
        return error_set(err, E_CORRUPT, "packing %u is unknown", kind);
    }
    if (reader->failed)
        return error_set(err, E_CORRUPT, "%zu packed bytes end early", size);
    return code;
}
