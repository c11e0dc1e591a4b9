#include "base/buf.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 256 };

/* Makes room for `size` more bytes.  One byte beyond the capacity is always allocated:
 * vsnprintf() puts a NUL there that is never counted. */
static bool grow(struct buf *buf, size_t size)
{
    size_t capacity = buf->capacity == 0 ? CAPACITY_FIRST : buf->capacity;
    char *data;

    assert(buf->size <= buf->size_max);
    if (buf->failed || size > buf->size_max - buf->size) {
        buf->limited |= !buf->failed;
        buf->failed = true;
        return false;
    }
    while (capacity - buf->size < size) {
        if (capacity > buf->size_max / 2) {
            capacity = buf->size_max;
            break;
        }
        capacity *= 2;
    }
    data = realloc(buf->data, capacity + 1);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

char *buf_extend(struct buf *buf, size_t size)
{
    char *at;

    if (buf->failed)
        return NULL;
    /* Capacity can be above the limit when the limit is tiny: both are checked. */
    if (buf->data == NULL || size > buf->capacity - buf->size || size > buf->size_max - buf->size) {
        if (!grow(buf, size))
            return NULL;
    }
    at = buf->data + buf->size;
    buf->size += size;
    return at;
}

void buf_put(struct buf *buf, struct bytes bytes)
{
    char *at;

    if (bytes.size == 0)
        return;
    at = buf_extend(buf, bytes.size);
    if (at != NULL)
        memcpy(at, bytes.data, bytes.size);
}

void buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, bytes_of(text));
}

void buf_put_char(struct buf *buf, char c)
{
    char *at = buf_extend(buf, 1);

    if (at != NULL)
        *at = c;
}

void buf_put_u8(struct buf *buf, uint8_t value)
{
    buf_put_char(buf, (char)value);
}

void buf_put_u16(struct buf *buf, uint16_t value)
{
    uint16_t little = htole16(value);
    char *at = buf_extend(buf, sizeof(little));

    if (at != NULL)
        memcpy(at, &little, sizeof(little));
}

void buf_put_u32(struct buf *buf, uint32_t value)
{
    uint32_t little = htole32(value);
    char *at = buf_extend(buf, sizeof(little));

    if (at != NULL)
        memcpy(at, &little, sizeof(little));
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    uint64_t little = htole64(value);
    char *at = buf_extend(buf, sizeof(little));

    if (at != NULL)
        memcpy(at, &little, sizeof(little));
}

void buf_put_i64(struct buf *buf, int64_t value)
{
    buf_put_u64(buf, (uint64_t)value);
}

void buf_put_uvarint(struct buf *buf, uint64_t value)
{
    char encoded[10];
    size_t size = 0;

    while (value >= 0x80) {
        encoded[size++] = (char)(uint8_t)(value | 0x80);
        value >>= 7;
    }
    encoded[size++] = (char)value;
    buf_put(buf, (struct bytes){encoded, size});
}

void buf_put_span(struct buf *buf, struct bytes bytes)
{
    buf_put_uvarint(buf, bytes.size);
    buf_put(buf, bytes);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    size_t room = buf->failed || buf->data == NULL ? 0 : buf->capacity - buf->size + 1;
    va_list arguments, again;
    int size;

    va_start(arguments, format);
    va_copy(again, arguments);
    size = vsnprintf(room == 0 ? NULL : buf->data + buf->size, room, format, arguments);
    if (size < 0) {
        buf->failed = true;
    } else if (buf_extend(buf, (size_t)size) != NULL && (size_t)size >= room) {
        buf->size -= (size_t)size;
        (void)vsnprintf(buf->data + buf->size, (size_t)size + 1, format, again);
        buf->size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

void buf_align(struct buf *buf, size_t alignment)
{
    size_t padding = -buf->size & (alignment - 1);
    char *at;

    assert(alignment != 0 && (alignment & (alignment - 1)) == 0);
    at = buf_extend(buf, padding);
    if (at != NULL)
        memset(at, 0, padding);
}

enum code buf_finish(const struct buf *buf, struct error *err)
{
    if (!buf->failed)
        return OK;
    return error_set(err, E_MEMORY, "out of memory, or more than the %zu bytes allowed here",
                     buf->size_max);
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->failed = buf->limited = false;
}

void buf_release(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT(buf->size_max);
}
