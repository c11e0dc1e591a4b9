/* Flags: which cells are present, and bool columns.
 *
 * Form: u8 kind: 0 all 0 · 1 all 1 · 2 runs: uvarint lengths of runs of 0 and 1 in turn, beginning
 * with 0 (that one may be empty), until `count` are there · 3 bitmap, lowest bit first, packed. */
#include "codec/packed.h"

#include <assert.h>

enum bits_kind { BITS_ZERO = 0, BITS_ONE = 1, BITS_RUNS = 2, BITS_BITMAP = 3 };

static size_t bits_run(const uint8_t *flags, size_t first, size_t count)
{
    size_t end = first;

    while (end < count && flags[end] == flags[first])
        end++;
    return end - first;
}

static void bits_put_runs(struct buf *out, const uint8_t *flags, size_t count)
{
    buf_put_u8(out, BITS_RUNS);
    if (flags[0] == 1)
        buf_put_uvarint(out, 0);
    for (size_t at = 0; at < count;) {
        size_t run = bits_run(flags, at, count);

        buf_put_uvarint(out, run);
        at += run;
    }
}

static void bits_put_bitmap(struct column_encoder *encoder, const uint8_t *flags, size_t count)
{
    size_t size = (count + 7) / 8;

    memset(encoder->plane, 0, size);
    for (size_t i = 0; i < count; i++) {
        assert(flags[i] <= 1);
        encoder->plane[i / 8] = (uint8_t)(encoder->plane[i / 8] | flags[i] << (i % 8));
    }
    buf_put_u8(&encoder->out, BITS_BITMAP);
    packed_encode_plane(encoder, (struct bytes){(const char *)encoder->plane, size});
}

void bits_encode(struct column_encoder *encoder, const uint8_t *flags, size_t count)
{
    size_t changes = 0;

    assert(count > 0 && count <= BLOCK_ROWS_MAX);
    for (size_t i = 1; i < count; i++)
        changes += flags[i] != flags[i - 1];
    if (changes == 0)
        buf_put_u8(&encoder->out, flags[0] ? BITS_ONE : BITS_ZERO);
    else if (changes < count / 16) /* two bytes a run or less, against one for eight flags */
        bits_put_runs(&encoder->out, flags, count);
    else
        bits_put_bitmap(encoder, flags, count);
}

static enum code bits_read_runs(struct reader *reader, uint8_t *flags, size_t count,
                                struct error *err)
{
    uint8_t flag = 0;

    for (size_t at = 0; at < count; flag ^= 1) {
        uint64_t run = reader_uvarint(reader);

        if (reader->failed || run > count - at || (run == 0 && at > 0) || (run == 0 && flag == 1))
            return error_set(err, E_CORRUPT, "runs of flags do not fit at row %zu of %zu", at,
                             count);
        memset(flags + at, flag, (size_t)run);
        at += (size_t)run;
    }
    return OK;
}

enum code bits_decode(struct column_decoder *decoder, struct reader *reader, uint8_t *flags,
                      size_t count, struct error *err)
{
    uint8_t kind = reader_u8(reader);
    const uint8_t *bitmap;
    enum code code;

    assert(count > 0 && count <= BLOCK_ROWS_MAX);
    if (reader->failed)
        return error_set(err, E_CORRUPT, "flags are missing");
    switch (kind) {
    case BITS_ZERO:
    case BITS_ONE:
        memset(flags, kind, count);
        return OK;
    case BITS_RUNS:
        return bits_read_runs(reader, flags, count, err);
    case BITS_BITMAP:
        code = packed_decode(decoder, reader, decoder->planes[0], (count + 7) / 8, &bitmap, err);
        if (code)
            return code;
        for (size_t i = 0; i < count; i++)
            flags[i] = bitmap[i / 8] >> (i % 8) & 1;
        return OK;
    default:
        return error_set(err, E_CORRUPT, "flags of kind %u are unknown", kind);
    }
}
