/* i64 and u64 columns. */
#include "codec/column.h"

enum { INTEGER_DIFFERENCES = 1 };

uint8_t column_integer_encode(struct column_encoder *encoder, const union cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++)
        encoder->values[i] = cells[i].u64;
    integers_encode(encoder, encoder->values, count);
    return INTEGER_DIFFERENCES;
}

enum code column_integer_decode(struct column_decoder *decoder, uint8_t encoding,
                                struct reader *reader, union cell *cells, size_t count,
                                struct error *err)
{
    enum code code;

    if (encoding != INTEGER_DIFFERENCES)
        return error_set(err, E_CORRUPT, "integer encoding %u is unknown", encoding);
    code = integers_decode(decoder, reader, decoder->values, count, err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        cells[i].u64 = decoder->values[i];
    return OK;
}
