/* Reads what buf wrote, from bytes that may be damaged: every read checks its bounds,
 * a failure sticks and all later reads give zero.  Check `failed` before acting on
 * what was read. */
#ifndef WEIR_BASE_READER_H
#define WEIR_BASE_READER_H

#include "base/bytes.h"

struct reader {
    const char *at, *end;
    bool failed;
};

static inline struct reader reader_of(struct bytes bytes)
{
    return (struct reader){bytes.data, bytes.size == 0 ? bytes.data : bytes.data + bytes.size,
                           false};
}

static inline size_t reader_left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
int64_t reader_i64(struct reader *reader);
uint64_t reader_uvarint(struct reader *reader);
struct bytes reader_take(struct reader *reader, size_t size); /* {NULL,0} when it is not there */
struct bytes reader_span(struct reader *reader);              /* what buf_put_span() wrote */

#endif
