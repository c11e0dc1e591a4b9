#include "store/packs/pack_directory.h"

#include "base/reader.h"
#include "model/block.h"

#include <assert.h>

enum { FLAG_TIMES_UNIQUE = 1, FLAG_HISTORY = 2, FLAGS_KNOWN = FLAG_TIMES_UNIQUE | FLAG_HISTORY };

static void id_put(struct series_id id, struct buf *out)
{
    buf_put_u64(out, __builtin_bswap64(id.high));
    buf_put_u64(out, __builtin_bswap64(id.low));
}

static struct series_id id_read(struct reader *reader)
{
    struct series_id id;

    id.high = __builtin_bswap64(reader_u64(reader));
    id.low = __builtin_bswap64(reader_u64(reader));
    return id;
}

static void bounds_put(int64_t first, int64_t last, struct buf *out)
{
    assert(first <= last);
    buf_put_i64(out, first);
    buf_put_uvarint(out, (uint64_t)last - (uint64_t)first);
}

static bool bounds_read(struct reader *reader, int64_t *first, int64_t *last)
{
    *first = reader_i64(reader);
    *last = (int64_t)((uint64_t)*first + reader_uvarint(reader));
    return *first <= *last;
}

void pack_directory_put(const struct pack_block *block, struct buf *out)
{
    buf_put_span(out, block->measurement);
    buf_put_uvarint(out, block->series_count);
    id_put(block->series_first, out);
    if (block->series_count > 1)
        id_put(block->series_last, out);
    buf_put_uvarint(out, block->row_count);
    bounds_put(block->time_first, block->time_last, out);
    bounds_put(block->ingest_first, block->ingest_last, out);
    buf_put_u8(out, (uint8_t)((block->times_unique ? FLAG_TIMES_UNIQUE : 0) |
                              (block->has_history ? FLAG_HISTORY : 0)));
    buf_put_u32(out, block->size);
    buf_put_u32(out, block->crc);
}

/* False when the entry contradicts itself. */
static bool entry_read(struct reader *reader, struct pack_block *block)
{
    uint64_t series_count, row_count;
    uint8_t flags;
    bool ordered;

    block->measurement = reader_span(reader);
    series_count = reader_uvarint(reader);
    block->series_first = id_read(reader);
    block->series_last = series_count > 1 ? id_read(reader) : block->series_first;
    row_count = reader_uvarint(reader);
    ordered = bounds_read(reader, &block->time_first, &block->time_last);
    ordered = bounds_read(reader, &block->ingest_first, &block->ingest_last) && ordered;
    flags = reader_u8(reader);
    block->size = reader_u32(reader);
    block->crc = reader_u32(reader);
    if (reader->failed || !ordered || (flags & ~FLAGS_KNOWN) != 0 || row_count > BLOCK_ROWS_MAX ||
        series_count == 0 || series_count > row_count)
        return false;
    block->times_unique = (flags & FLAG_TIMES_UNIQUE) != 0;
    block->has_history = (flags & FLAG_HISTORY) != 0;
    block->series_count = (uint32_t)series_count;
    block->row_count = (uint32_t)row_count;
    return series_count == 1 || series_id_compare(block->series_first, block->series_last) < 0;
}

bool pack_directory_follows(const struct pack_block *block, const struct pack_block *next)
{
    int order = bytes_compare(block->measurement, next->measurement);

    return order < 0 ||
           (order == 0 && series_id_compare(block->series_last, next->series_first) <= 0);
}

enum code pack_directory_read(struct bytes bytes, uint64_t offset, uint64_t end,
                              struct pack_block *blocks, size_t count, struct error *err)
{
    struct reader reader = reader_of(bytes);

    for (size_t i = 0; i < count; i++) {
        if (!entry_read(&reader, &blocks[i]))
            return error_set(err, E_CORRUPT, "entry %zu of %zu contradicts itself", i, count);
        if (i > 0 && !pack_directory_follows(&blocks[i - 1], &blocks[i]))
            return error_set(err, E_CORRUPT, "entry %zu of %zu is out of order", i, count);
        if (blocks[i].size > end - offset)
            return error_set(err, E_CORRUPT, "entry %zu of %zu has %u bytes, %llu are left", i,
                             count, blocks[i].size, (unsigned long long)(end - offset));
        blocks[i].offset = offset;
        offset += blocks[i].size;
    }
    if (reader_left(&reader) != 0 || offset != end)
        return error_set(err, E_CORRUPT, "%zu bytes behind the entries, %llu behind the blocks",
                         reader_left(&reader), (unsigned long long)(end - offset));
    return OK;
}

size_t pack_directory_find(const struct pack_block *blocks, size_t count, struct bytes measurement,
                           struct series_id id)
{
    size_t first = 0;

    while (count > 0) {
        const struct pack_block *middle = &blocks[first + count / 2];
        int order = bytes_compare(middle->measurement, measurement);

        if (order < 0 || (order == 0 && series_id_compare(middle->series_last, id) < 0)) {
            first += count / 2 + 1;
            count -= count / 2 + 1;
        } else {
            count /= 2;
        }
    }
    return first;
}
