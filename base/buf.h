/* A growing byte writer with a limit from birth.  It remembers its first failure
 * (limit or memory): writers need no checks, buf_finish() gives the one answer.
 * Integers are little-endian. */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include "base/error.h"

struct buf {
    char *data; /* owned; NULL while empty */
    size_t size, capacity, size_max;
    bool failed;
    bool limited; /* failed because of size_max, not for want of memory */
};

#define BUF_INIT(bytes_max) ((struct buf){.size_max = (bytes_max)})

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes){buf->data, buf->size};
}

/* Room for `size` more bytes, counted as written, their content undefined; NULL after a failure. */
char *buf_extend(struct buf *buf, size_t size);
void buf_put(struct buf *buf, struct bytes bytes);
void buf_put_text(struct buf *buf, const char *text);
void buf_put_char(struct buf *buf, char c);
void buf_put_u8(struct buf *buf, uint8_t value);
void buf_put_u16(struct buf *buf, uint16_t value);
void buf_put_u32(struct buf *buf, uint32_t value);
void buf_put_u64(struct buf *buf, uint64_t value);
void buf_put_i64(struct buf *buf, int64_t value);
void buf_put_uvarint(struct buf *buf, uint64_t value);  /* LEB128, at most 10 bytes */
void buf_put_span(struct buf *buf, struct bytes bytes); /* uvarint size, then the bytes */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Zero bytes until size is a multiple of `alignment` (a power of two). */
void buf_align(struct buf *buf, size_t alignment);

/* OK, or E_MEMORY / E_RECORD_LARGE-free text: E_MEMORY when allocation failed or the limit was hit.
 */
MUST_USE enum code buf_finish(const struct buf *buf, struct error *err);
void buf_clear(struct buf *buf);   /* keeps the memory, forgets content and failure */
void buf_release(struct buf *buf); /* frees; leaves an empty buf with the same limit */

#endif
