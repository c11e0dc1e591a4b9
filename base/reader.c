#include "base/reader.h"

#include <endian.h>

/* Takes `size` bytes, or fails for good: the rest is given up, so that no later read can
 * succeed with bytes that stand at another place than the writer meant. */
static const char *take(struct reader *reader, size_t size)
{
    const char *at = reader->at;

    if (size > reader_left(reader)) {
        reader->failed = true;
        reader->at = reader->end;
    }
    if (reader->failed)
        return NULL;
    reader->at += size;
    return at;
}

uint8_t reader_u8(struct reader *reader)
{
    const char *at = take(reader, 1);

    return at == NULL ? 0 : (uint8_t)*at;
}

uint16_t reader_u16(struct reader *reader)
{
    uint16_t little = 0;
    const char *at = take(reader, sizeof(little));

    if (at != NULL)
        memcpy(&little, at, sizeof(little));
    return le16toh(little);
}

uint32_t reader_u32(struct reader *reader)
{
    uint32_t little = 0;
    const char *at = take(reader, sizeof(little));

    if (at != NULL)
        memcpy(&little, at, sizeof(little));
    return le32toh(little);
}

uint64_t reader_u64(struct reader *reader)
{
    uint64_t little = 0;
    const char *at = take(reader, sizeof(little));

    if (at != NULL)
        memcpy(&little, at, sizeof(little));
    return le64toh(little);
}

int64_t reader_i64(struct reader *reader)
{
    return (int64_t)reader_u64(reader);
}

/* Only what buf_put_uvarint() writes: at most 64 bits, and no zero byte at the end, so
 * that a number has one encoding. */
uint64_t reader_uvarint(struct reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(reader);

        if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->failed = true;
    reader->at = reader->end;
    return 0;
}

struct bytes reader_take(struct reader *reader, size_t size)
{
    const char *at = take(reader, size);

    return at == NULL ? (struct bytes){NULL, 0} : (struct bytes){at, size};
}

struct bytes reader_span(struct reader *reader)
{
    uint64_t size = reader_uvarint(reader);

    if (reader->failed)
        return (struct bytes){NULL, 0};
    return reader_take(reader, (size_t)size);
}
