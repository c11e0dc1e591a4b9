#include "query/cursor.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/reader.h"

enum {
    CURSOR_VERSION = 1,
    CURSOR_BYTES_MAX = 64 << 10, /* far above what a request line takes */
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

/* base64url without padding (RFC 4648 section 5). */
static struct bytes base64_print(struct bytes from, struct arena *arena)
{
    size_t size = (from.size * 8 + 5) / 6;
    char *text = arena_alloc(arena, size);
    uint32_t bits = 0, held = 0;
    size_t at = 0;

    if (!text)
        return (struct bytes){NULL, 0};
    for (size_t i = 0; i < from.size; i++) {
        bits = bits << 8 | (unsigned char)from.data[i];
        for (held += 8; held >= 6; held -= 6)
            text[at++] = digits[bits >> (held - 6) & 63];
    }
    if (held > 0)
        text[at++] = digits[bits << (6 - held) & 63];
    return (struct bytes){text, at};
}

/* Canonical only: no padding, no bits left over.  .data is NULL otherwise. */
static struct bytes base64_parse(struct bytes text, struct arena *arena)
{
    static const struct bytes none = {NULL, 0};
    char *to = arena_alloc(arena, text.size * 6 / 8 + 1);
    uint32_t bits = 0, held = 0;
    size_t at = 0;

    if (!to || text.size % 4 == 1)
        return none;
    for (size_t i = 0; i < text.size; i++) {
        int value = digit_value(text.data[i]);

        if (value < 0)
            return none;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            to[at++] = (char)(bits >> held);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0)
        return none;
    return (struct bytes){to, at};
}

struct bytes cursor_print(const struct cursor *cursor, struct arena *arena)
{
    struct buf buf = BUF_INIT(CURSOR_BYTES_MAX);
    struct bytes text = {NULL, 0};

    buf_put_u8(&buf, CURSOR_VERSION);
    buf_put_u64(&buf, cursor->identity);
    buf_put_i64(&buf, cursor->as_of);
    buf_put_i64(&buf, cursor->start);
    buf_put_i64(&buf, cursor->end);
    buf_put_u64(&buf, cursor->id.high);
    buf_put_u64(&buf, cursor->id.low);
    buf_put_i64(&buf, cursor->time);
    buf_put_i64(&buf, cursor->known_from);
    buf_put_span(&buf, cursor->group);
    buf_put_u32(&buf, crc32c(0, buf_bytes(&buf)));
    if (!buf.failed)
        text = base64_print(buf_bytes(&buf), arena);
    buf_release(&buf);
    return text;
}

static enum code refuse(struct error *err)
{
    error_point(err, BYTES("cursor"));
    return error_set(err, E_BAD_CURSOR,
                     "this is not a cursor that an answer gave (damaged, cut, or of another "
                     "version); ask again without cursor=");
}

enum code cursor_parse(struct bytes text, struct arena *arena, struct cursor *cursor,
                       struct error *err)
{
    struct bytes bytes = {NULL, 0};
    struct cursor parsed;
    struct reader reader;
    uint32_t crc;

    if (text.size <= CURSOR_BYTES_MAX)
        bytes = base64_parse(text, arena);
    if (!bytes.data || bytes.size < sizeof(crc))
        return refuse(err);
    reader = reader_of(bytes_slice(bytes, bytes.size - sizeof(crc), bytes.size));
    crc = reader_u32(&reader);
    bytes.size -= sizeof(crc);
    reader = reader_of(bytes);
    if (crc32c(0, bytes) != crc || reader_u8(&reader) != CURSOR_VERSION)
        return refuse(err);
    parsed.identity = reader_u64(&reader);
    parsed.as_of = reader_i64(&reader);
    parsed.start = reader_i64(&reader);
    parsed.end = reader_i64(&reader);
    parsed.id.high = reader_u64(&reader);
    parsed.id.low = reader_u64(&reader);
    parsed.time = reader_i64(&reader);
    parsed.known_from = reader_i64(&reader);
    parsed.group = reader_span(&reader);
    if (reader.failed || reader_left(&reader) != 0)
        return refuse(err);
    *cursor = parsed;
    return OK;
}
