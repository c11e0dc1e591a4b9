/* Archives of zip as tests want them, right or wrong, byte for byte. */
#ifndef WEIR_TESTS_ZIP_MADE_H
#define WEIR_TESTS_ZIP_MADE_H

#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"

struct zip_made {
    struct buf bytes, directory;
    uint64_t files;
};

struct zip_entry {
    const char *name;
    struct bytes content;
    bool deflated, zip64;
    bool descriptor;        /* sizes and checksum stand behind the content */
    uint16_t flags, method; /* that are said beside, instead of what is so; 0 = none */
    uint32_t crc_other;     /* is turned in the checksum */
    uint64_t size_said;     /* unpacked; 0 = what it is */
    unsigned others;        /* parts of nothing in front of the sizes of zip64, in the directory */
};

#define ZIP_MADE_INIT ((struct zip_made){BUF_INIT(SIZE_MAX), BUF_INIT(SIZE_MAX), 0})

static inline void zip_made_release(struct zip_made *made)
{
    buf_release(&made->bytes);
    buf_release(&made->directory);
}

static inline void zip_put(struct buf *out, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        buf_put_char(out, (char)(value >> (8 * i)));
}

static inline struct bytes zip_pack(struct bytes content, bool deflated, char **owned)
{
    z_stream stream = {0};
    size_t size = content.size + content.size / 8 + 64;

    *owned = malloc(size);
    if (!deflated) {
        if (content.size > 0)
            memcpy(*owned, content.data, content.size);
        return (struct bytes){*owned, content.size};
    }
    if (deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    stream.next_in = (Bytef *)(uintptr_t)content.data;
    stream.avail_in = (uInt)content.size;
    stream.next_out = (Bytef *)*owned;
    stream.avail_out = (uInt)size;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
    (void)deflateEnd(&stream);
    return (struct bytes){*owned, stream.total_out};
}

/* What stands in front of a file and in the directory alike: from the version that is needed to the
 * size of the name. */
static inline void zip_put_head(struct buf *out, const struct zip_entry *entry, uint32_t crc,
                                uint64_t packed, uint64_t size, bool known)
{
    uint16_t flags = (uint16_t)(entry->flags | (entry->descriptor ? 1 << 3 : 0));
    uint16_t method = entry->method > 0 ? entry->method : entry->deflated ? 8 : 0;
    uint64_t far = UINT32_MAX;

    zip_put(out, entry->zip64 ? 45 : 20, 2);
    zip_put(out, flags, 2);
    zip_put(out, method, 2);
    zip_put(out, 0x58210000, 4); /* 2024-01-01 */
    zip_put(out, known ? crc : 0, 4);
    zip_put(out, !known ? 0 : entry->zip64 ? far : packed, 4);
    zip_put(out, !known ? 0 : entry->zip64 ? far : size, 4);
    zip_put(out, strlen(entry->name), 2);
}

static inline void zip_put_sizes64(struct buf *out, uint64_t packed, uint64_t size, unsigned bytes)
{
    zip_put(out, 1, 2);
    zip_put(out, bytes, 2);
    zip_put(out, size, 8);
    zip_put(out, packed, 8);
}

static inline void zip_made_put(struct zip_made *made, const struct zip_entry *entry)
{
    struct buf *out = &made->bytes, *directory = &made->directory;
    uint64_t at = out->size;
    char *owned;
    struct bytes packed = zip_pack(entry->content, entry->deflated, &owned);
    uint64_t size = entry->size_said > 0 ? entry->size_said : entry->content.size;
    uint32_t crc =
        (uint32_t)crc32(0, (const Bytef *)entry->content.data, (uInt)entry->content.size) ^
        entry->crc_other;

    zip_put(out, 0x04034b50, 4);
    zip_put_head(out, entry, crc, packed.size, size, !entry->descriptor);
    zip_put(out, entry->zip64 ? 20 : 0, 2);
    buf_put_text(out, entry->name);
    if (entry->zip64)
        zip_put_sizes64(out, packed.size, size, 16);
    buf_put(out, packed);
    if (entry->descriptor) {
        zip_put(out, 0x08074b50, 4);
        zip_put(out, crc, 4);
        zip_put(out, packed.size, entry->zip64 ? 8 : 4);
        zip_put(out, size, entry->zip64 ? 8 : 4);
    }
    zip_put(directory, 0x02014b50, 4);
    zip_put(directory, 45, 2);
    zip_put_head(directory, entry, crc, packed.size, size, true);
    zip_put(directory, (entry->zip64 ? 28 : 0) + 4 * entry->others, 2);
    zip_put(directory, 0, 2); /* no comment */
    zip_put(directory, 0, 8); /* disk, attributes */
    zip_put(directory, entry->zip64 ? UINT32_MAX : at, 4);
    buf_put_text(directory, entry->name);
    for (unsigned i = 0; i < entry->others; i++)
        zip_put(directory, 0x7777, 4);
    if (entry->zip64) {
        zip_put_sizes64(directory, packed.size, size, 24);
        zip_put(directory, at, 8);
    }
    made->files++;
    free(owned);
}

/* `files` is what the end says that there are. */
static inline void zip_made_end(struct zip_made *made, uint64_t files, bool zip64)
{
    struct buf *out = &made->bytes;
    uint64_t at = out->size, size = made->directory.size, end;

    buf_put(out, buf_bytes(&made->directory));
    end = out->size;
    if (zip64) {
        zip_put(out, 0x06064b50, 4);
        zip_put(out, 44, 8);
        zip_put(out, 45, 2);
        zip_put(out, 45, 2);
        zip_put(out, 0, 8); /* disks */
        zip_put(out, files, 8);
        zip_put(out, files, 8);
        zip_put(out, size, 8);
        zip_put(out, at, 8);
        zip_put(out, 0x07064b50, 4);
        zip_put(out, 0, 4);
        zip_put(out, end, 8);
        zip_put(out, 1, 4);
    }
    zip_put(out, 0x06054b50, 4);
    zip_put(out, 0, 4);
    zip_put(out, zip64 ? UINT16_MAX : files, 2);
    zip_put(out, zip64 ? UINT16_MAX : files, 2);
    zip_put(out, zip64 ? UINT32_MAX : size, 4);
    zip_put(out, zip64 ? UINT32_MAX : at, 4);
    zip_put(out, 0, 2);
}

#endif
