#include "codec/series_key.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/reader.h"

static int tag_compare(const void *left, const void *right)
{
    const struct series_tag *a = left, *b = right;

    return bytes_compare(a->key, b->key);
}

/* Clients that sort (most do) pay one compare a tag. */
static void sort_tags(struct series_tag *tags, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (tag_compare(&tags[i - 1], &tags[i]) > 0) {
            qsort(tags, count, sizeof(*tags), tag_compare);
            return;
        }
}

/* Bytes of a span of so many. */
static size_t span_size(size_t size)
{
    size_t total = size + 1;

    for (; size >= 0x80; size >>= 7)
        total++;
    return total;
}

static char *put_span(char *at, struct bytes span)
{
    size_t size = span.size;

    for (; size >= 0x80; size >>= 7)
        *at++ = (char)(uint8_t)(size | 0x80);
    *at++ = (char)size;
    if (span.size > 0)
        memcpy(at, span.data, span.size);
    return at + span.size;
}

/* Made for each new series of a request: the room is asked for once. */
enum code series_key_encode(struct bytes measurement, struct series_tag *tags, size_t tag_count,
                            struct buf *out, struct error *err)
{
    size_t size = span_size(measurement.size);
    char *at;

    sort_tags(tags, tag_count);
    for (size_t i = 1; i < tag_count; i++)
        if (bytes_equal(tags[i - 1].key, tags[i].key))
            return error_set(err, E_DUPLICATE_TAG, "the tag \"%.*s\" stands twice: leave one",
                             BYTES_ARG(tags[i].key));
    for (size_t i = 0; i < tag_count; i++)
        if (tags[i].value.size > 0)
            size += span_size(tags[i].key.size) + span_size(tags[i].value.size);
    at = buf_extend(out, size);
    if (at == NULL)
        return buf_finish(out, err);
    at = put_span(at, measurement);
    for (size_t i = 0; i < tag_count; i++)
        if (tags[i].value.size > 0)
            at = put_span(put_span(at, tags[i].key), tags[i].value);
    assert(at == out->data + out->size);
    return OK;
}

/* A span that is not empty; the reader itself refuses sizes that are longer than they need be. */
static struct bytes read_part(struct reader *reader)
{
    struct bytes part = reader_span(reader);

    if (part.size == 0)
        reader->failed = true;
    return part;
}

/* Reads all tags into `tags` unless it is NULL; false unless the key is canonical. */
static bool read_key(struct bytes key, struct bytes *measurement, struct series_tag *tags,
                     uint32_t *tag_count)
{
    struct reader reader = reader_of(key);
    struct bytes previous = {0};
    uint32_t count = 0;

    *measurement = read_part(&reader);
    while (!reader.failed && reader_left(&reader) > 0) {
        struct bytes name = read_part(&reader);
        struct bytes value = read_part(&reader);

        if (reader.failed || (count > 0 && bytes_compare(previous, name) >= 0))
            return false;
        if (tags != NULL)
            tags[count] = (struct series_tag){name, value};
        previous = name;
        count++;
    }
    *tag_count = count;
    return !reader.failed;
}

bool series_key_check(struct bytes key, struct bytes *measurement)
{
    uint32_t count;

    return read_key(key, measurement, NULL, &count);
}

enum code series_key_decode(struct bytes key, struct arena *arena, struct bytes *measurement,
                            const struct series_tag **tags, uint32_t *tag_count, struct error *err)
{
    struct series_tag *array;
    struct bytes name;
    uint32_t count;

    if (!read_key(key, &name, NULL, &count))
        return error_set(err, E_CORRUPT, "a series key of %zu bytes is not canonical", key.size);
    array = ARENA_ARRAY(arena, struct series_tag, count);
    if (array == NULL)
        return error_set(err, E_MEMORY, "no memory for %u tags", count);
    (void)read_key(key, &name, array, &count);
    *measurement = name;
    *tags = array;
    *tag_count = count;
    return OK;
}

static uint64_t big_endian(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return __builtin_bswap64(value);
}

struct series_id series_key_id(struct bytes key)
{
    struct hash128 hash = hash128(key);

    return (struct series_id){big_endian(hash.bytes), big_endian(hash.bytes + 8)};
}

static void put_escaped(struct buf *out, struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (c == ',' || c == ' ' || c == '=')
            buf_put_char(out, '\\');
        buf_put_char(out, c);
    }
}

void series_key_print(struct bytes key, struct buf *out)
{
    struct reader reader = reader_of(key);

    put_escaped(out, reader_span(&reader));
    while (!reader.failed && reader_left(&reader) > 0) {
        struct bytes name = reader_span(&reader);
        struct bytes value = reader_span(&reader);

        buf_put_char(out, ',');
        put_escaped(out, name);
        buf_put_char(out, '=');
        put_escaped(out, value);
    }
}
