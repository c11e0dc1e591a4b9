/* Numbers of very different sizes, such as the times between commits: how many bits each one has,
 * as a packed plane, and below the highest one, which is known, the bits as they are.  Of noise
 * whose size is known no coder makes less, and the table of one for a few hundred numbers of three
 * digits would take more than they do.
 *
 * Form: packed widths (0..64, 0 of the number 0), then width - 1 bits of each that has some, lowest
 * first, from the lowest bit of a byte on; zeros to the end of the last byte. */
#include "codec/packed.h"

#include <assert.h>

enum { WIDTH_MAX = 64 };

static unsigned width_of(uint64_t value)
{
    return value == 0 ? 0 : WIDTH_MAX - (unsigned)__builtin_clzll(value);
}

static unsigned bits_below(unsigned width)
{
    return width == 0 ? 0 : width - 1;
}

void widths_encode(struct column_encoder *encoder, const uint64_t *values, size_t count)
{
    unsigned __int128 waiting = 0;
    unsigned waiting_bits = 0;

    assert(count <= BLOCK_ROWS_MAX);
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        encoder->plane[i] = (uint8_t)width_of(values[i]);
    packed_encode_plane(encoder, (struct bytes){(const char *)encoder->plane, count});
    for (size_t i = 0; i < count; i++) {
        unsigned bits = bits_below(width_of(values[i]));

        waiting |= (unsigned __int128)(values[i] & (((uint64_t)1 << bits) - 1)) << waiting_bits;
        for (waiting_bits += bits; waiting_bits >= 8; waiting_bits -= 8, waiting >>= 8)
            buf_put_u8(&encoder->out, (uint8_t)waiting);
    }
    if (waiting_bits > 0)
        buf_put_u8(&encoder->out, (uint8_t)waiting);
}

/* `bits` (at most 63) bits from bit `at` on; they are there. */
static uint64_t bits_at(struct bytes bytes, size_t at, unsigned bits)
{
    unsigned __int128 value = 0;
    size_t first = at / 8, end = (at + bits + 7) / 8;

    for (size_t i = first; i < end; i++)
        value |= (unsigned __int128)(uint8_t)bytes.data[i] << (8 * (i - first));
    return (uint64_t)(value >> at % 8) & (((uint64_t)1 << bits) - 1);
}

enum code widths_decode(struct column_decoder *decoder, struct reader *reader, uint64_t *values,
                        size_t count, struct error *err)
{
    const uint8_t *widths;
    size_t bits_all = 0, at = 0;
    struct bytes bytes;
    enum code code;

    assert(count <= BLOCK_ROWS_MAX);
    if (count == 0)
        return OK;
    code = packed_decode(decoder, reader, decoder->planes[0], count, &widths, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (widths[i] > WIDTH_MAX)
            return error_set(err, E_CORRUPT, "number %zu has %u bits", i, widths[i]);
        bits_all += bits_below(widths[i]);
    }
    bytes = reader_take(reader, (bits_all + 7) / 8);
    if (reader->failed)
        return error_set(err, E_CORRUPT, "%zu numbers end early", count);
    for (size_t i = 0; i < count; i++) {
        unsigned bits = bits_below(widths[i]);

        values[i] = widths[i] == 0 ? 0 : (uint64_t)1 << bits | bits_at(bytes, at, bits);
        at += bits;
    }
    return OK;
}
