/* bool columns. */
#include "codec/column.h"

#include <assert.h>

enum { BOOL_BITS = 1 };

uint8_t column_bool_encode(struct column_encoder *encoder, const union cell *cells, size_t count)
{
    uint8_t *flags = (uint8_t *)encoder->values;

    for (size_t i = 0; i < count; i++) {
        assert(cells[i].u64 <= 1);
        flags[i] = (uint8_t)cells[i].u64;
    }
    if (count > 0)
        bits_encode(encoder, flags, count);
    return BOOL_BITS;
}

enum code column_bool_decode(struct column_decoder *decoder, uint8_t encoding,
                             struct reader *reader, union cell *cells, size_t count,
                             struct error *err)
{
    enum code code;

    if (encoding != BOOL_BITS)
        return error_set(err, E_CORRUPT, "bool encoding %u is unknown", encoding);
    if (count == 0)
        return OK;
    code = bits_decode(decoder, reader, decoder->flags, count, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        cells[i].u64 = decoder->flags[i];
    return OK;
}
