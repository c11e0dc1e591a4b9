/* Integers as byte planes.  Small numbers have high bytes that are all zero and cost nothing, and
 * bytes of one significance have one distribution, which is what an entropy coder needs.
 *
 * Form: u8 plane count k (0..8), then k packed planes, lowest first; planes above are zero. */
#include "codec/packed.h"

#include <assert.h>

void planes_encode(struct column_encoder *encoder, const uint64_t *values, size_t count)
{
    uint64_t any = 0, all = UINT64_MAX;
    unsigned plane_count;

    assert(count <= BLOCK_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        any |= values[i];
        all &= values[i];
    }
    plane_count = any == 0 ? 0 : 8 - (unsigned)__builtin_clzll(any) / 8;
    buf_put_u8(&encoder->out, (uint8_t)plane_count);
    for (unsigned plane = 0; plane < plane_count; plane++) {
        for (size_t i = 0; i < count; i++)
            encoder->plane[i] = (uint8_t)(values[i] >> (8 * plane));
        if (((any ^ all) & (((uint64_t)1 << 8 * plane) - 1)) == 0)
            packed_encode_plane(encoder, (struct bytes){(const char *)encoder->plane, count});
        else
            packed_encode_upper_plane(encoder, (struct bytes){(const char *)encoder->plane, count});
    }
}

/* Inlined with a constant `plane_count`, so that the inner loop unrolls. */
static inline __attribute__((always_inline)) void
planes_join(const uint8_t *const planes[8], unsigned plane_count, uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;

        for (unsigned plane = 0; plane < plane_count; plane++)
            value |= (uint64_t)planes[plane][i] << (8 * plane);
        values[i] = value;
    }
}

enum code planes_decode(struct column_decoder *decoder, struct reader *reader, uint64_t *values,
                        size_t count, struct error *err)
{
    unsigned plane_count = reader_u8(reader);
    const uint8_t *planes[8];

    assert(count <= BLOCK_ROWS_MAX);
    if (reader->failed)
        return error_set(err, E_CORRUPT, "byte planes are missing");
    if (plane_count > 8)
        return error_set(err, E_CORRUPT, "%u byte planes, at most 8", plane_count);
    for (unsigned plane = 0; plane < plane_count; plane++) {
        enum code code =
            packed_decode(decoder, reader, decoder->planes[plane], count, &planes[plane], err);

        if (code) {
            error_context(err, "byte plane %u of %u", plane, plane_count);
            return code;
        }
    }
    switch (plane_count) {
    case 0:
        memset(values, 0, count * sizeof(*values));
        break;
    case 1:
        planes_join(planes, 1, values, count);
        break;
    case 2:
        planes_join(planes, 2, values, count);
        break;
    case 3:
        planes_join(planes, 3, values, count);
        break;
    case 4:
        planes_join(planes, 4, values, count);
        break;
    default:
        /* Rare and slow anyway: the missing planes are made, and one loop does for all. */
        for (unsigned plane = plane_count; plane < 8; plane++) {
            memset(decoder->planes[plane], 0, count);
            planes[plane] = decoder->planes[plane];
        }
        planes_join(planes, 8, values, count);
    }
    return OK;
}

/* n * log2(n) * 16; the logarithm's fraction is taken as linear (at most 0.09 off).  In integers,
 * so that every machine chooses alike and a block always encodes to the same bytes. */
static uint32_t log2_product(uint32_t n)
{
    uint32_t whole;

    if (n < 2)
        return 0;
    whole = 31 - (uint32_t)__builtin_clz(n);
    return n * (whole * 16 + ((n << 4 >> whole) - 16));
}

void planes_encoder_init(struct column_encoder *encoder)
{
    for (uint32_t n = 0; n <= PLANES_SAMPLE_MAX; n++)
        encoder->log2_products[n] = log2_product(n);
}

/* Order-0 entropy: sum over byte values of c * (log2(n) - log2(c)). */
uint64_t planes_cost(const struct column_encoder *encoder, const uint64_t *values, size_t count)
{
    const uint32_t *products = encoder->log2_products;
    uint64_t any = 0, all = UINT64_MAX, cost = 0;

    assert(count <= PLANES_SAMPLE_MAX);
    for (size_t i = 0; i < count; i++) {
        any |= values[i];
        all &= values[i];
    }
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint16_t counts[256] = {0};

        if (((any ^ all) >> shift & 0xff) == 0)
            continue;
        for (size_t i = 0; i < count; i++)
            counts[values[i] >> shift & 0xff]++;
        cost += products[count];
        for (size_t i = 0; i < COUNT_OF(counts); i++)
            cost -= products[counts[i]];
    }
    return cost / 16;
}
