/* The header is parsed as if it were hostile even though a CRC covers it: the CRC tells damage, not
 * intent, and blocks come from other nodes too.  Sections stand one behind another in the order of
 * the directory, so that they cannot overlap, and together they are the whole block. */
#include "codec/block_header.h"

#include "base/hash.h"
#include "base/reader.h"
#include "codec/column_summary.h"

#include <assert.h>

enum {
    BLOCK_MAGIC = 0x4b4c4257, /* "WBLK" */
    BLOCK_VERSION = 2,
    BLOCK_VERSION_LEAST = 1, /* that is read: nothing by rANS, summaries written out */
    FLAG_TIMES_UNIQUE = 1,
    FLAG_REVISION = 2,
    FLAG_HISTORY = 4,
    FLAGS_KNOWN = FLAG_TIMES_UNIQUE | FLAG_REVISION | FLAG_HISTORY,
    /* Of the 12 bytes in front: magic, version, flags, two zero bytes, header size. */
    HEADER_SIZE_AT = 8,
    CRC_SIZE = 4,
    SERIES_SIZE_MIN = 17,  /* id and row count */
    SECTION_SIZE_MIN = 10, /* name 1 or 2, type, encoding, presence, size, crc, count 1 or 0 */
};

static void put_u64_big_endian(struct buf *out, uint64_t value)
{
    buf_put_u64(out, __builtin_bswap64(value));
}

static void section_put(const struct block_section *section, struct buf *out)
{
    buf_put_uvarint(out, section->data.size);
    buf_put_u32(out, section->crc);
}

/* How much of it the name before begins with, and the rest: names ascend, and fields of one thing
 * often begin alike. */
static void name_put(struct bytes name, struct bytes before, struct buf *out)
{
    size_t shared = 0;

    while (shared < UINT8_MAX && shared < name.size && shared < before.size &&
           name.data[shared] == before.data[shared])
        shared++;
    buf_put_u8(out, (uint8_t)shared);
    buf_put_span(out, bytes_slice(name, shared, name.size));
}

void block_header_put(const struct block_view *view, struct buf *out)
{
    size_t start = out->size, size;

    buf_put_u32(out, BLOCK_MAGIC);
    buf_put_u8(out, BLOCK_VERSION);
    buf_put_u8(out, (uint8_t)((view->times_unique ? FLAG_TIMES_UNIQUE : 0) |
                              (view->has_revision ? FLAG_REVISION : 0) |
                              (view->has_history ? FLAG_HISTORY : 0)));
    buf_put_u16(out, 0);
    buf_put_u32(out, 0); /* header size, below */
    buf_put_span(out, view->measurement);
    buf_put_uvarint(out, view->row_count);
    buf_put_uvarint(out, view->series_count);
    buf_put_uvarint(out, view->column_count);
    for (uint32_t i = 0; i < view->series_count; i++) {
        put_u64_big_endian(out, view->series[i].high);
        put_u64_big_endian(out, view->series[i].low);
        buf_put_uvarint(out, view->series_row_first[i + 1] - view->series_row_first[i]);
    }
    buf_put_i64(out, view->time_first);
    buf_put_uvarint(out, (uint64_t)view->time_last - (uint64_t)view->time_first);
    buf_put_i64(out, view->ingest_first);
    buf_put_uvarint(out, (uint64_t)view->ingest_last - (uint64_t)view->ingest_first);
    section_put(&view->time, out);
    section_put(&view->ingest, out);
    if (view->has_revision)
        section_put(&view->revision, out);
    if (view->has_history)
        section_put(&view->history, out);
    for (uint32_t i = 0; i < view->column_count; i++) {
        const struct block_section *column = &view->columns[i];
        struct summary_form form = {.row_count = view->row_count,
                                    .all = column->presence == PRESENCE_ALL,
                                    .decimal =
                                        column_summary_decimal(column->type, &column->summary)};

        name_put(column->name, i == 0 ? BYTES("") : view->columns[i - 1].name, out);
        buf_put_u8(out, (uint8_t)column->type);
        buf_put_u8(out, column->encoding);
        buf_put_u8(out, (uint8_t)(column->presence | form.decimal << PRESENCE_SIZE));
        section_put(column, out);
        column_summary_put(column->type, &form, &column->summary, out);
    }
    if (out->failed)
        return;
    size = out->size - start + CRC_SIZE;
    for (unsigned i = 0; i < 4; i++)
        out->data[start + HEADER_SIZE_AT + i] = (char)(size >> (8 * i));
    buf_put_u32(out, crc32c(0, (struct bytes){out->data + start, size - CRC_SIZE}));
}

uint32_t block_header_size(struct bytes head)
{
    struct reader reader = reader_of(head);

    (void)reader_take(&reader, HEADER_SIZE_AT);
    return reader_u32(&reader);
}

/* Checks magic, version, size and CRC; *reader is then at the measurement, ending before the CRC.
 */
static enum code head_read(struct bytes bytes, struct reader *reader, uint8_t *block_version,
                           uint8_t *flags, uint32_t *header_size, struct error *err)
{
    struct reader head = reader_of(bytes), tail;
    uint32_t magic = reader_u32(&head);
    uint8_t version = reader_u8(&head);
    uint16_t zero;

    *block_version = version;
    *flags = reader_u8(&head);
    zero = reader_u16(&head);
    *header_size = reader_u32(&head);
    if (head.failed)
        return error_set(err, E_CORRUPT, "block of %zu bytes has no header", bytes.size);
    if (magic != BLOCK_MAGIC)
        return error_set(err, E_CORRUPT, "not a block: it begins with %08x", magic);
    if (version < BLOCK_VERSION_LEAST || version > BLOCK_VERSION)
        return error_set(err, E_CORRUPT, "block version %u, this program reads %d to %d", version,
                         BLOCK_VERSION_LEAST, BLOCK_VERSION);
    if (*header_size < BLOCK_HEAD_SIZE + CRC_SIZE || *header_size > bytes.size)
        return error_set(err, E_CORRUPT, "block header of %u bytes in %zu", *header_size,
                         bytes.size);
    tail = reader_of(bytes_slice(bytes, *header_size - CRC_SIZE, *header_size));
    if (crc32c(0, bytes_slice(bytes, 0, *header_size - CRC_SIZE)) != reader_u32(&tail))
        return error_set(err, E_CORRUPT, "block header fails its CRC");
    if (zero != 0 || (*flags & ~FLAGS_KNOWN) != 0)
        return error_set(err, E_CORRUPT, "block flags %x are unknown", *flags);
    head.end -= bytes.size - *header_size + CRC_SIZE;
    *reader = head;
    return OK;
}

static enum code series_read(struct reader *reader, struct arena *arena, struct block_view *view,
                             struct error *err)
{
    struct series_id *series = ARENA_ARRAY(arena, struct series_id, view->series_count);
    uint32_t *row_first = ARENA_ARRAY(arena, uint32_t, view->series_count + 1);
    uint32_t rows = 0;

    if (!series || !row_first)
        return error_set(err, E_MEMORY, "no memory for %u series", view->series_count);
    for (uint32_t i = 0; i < view->series_count; i++) {
        uint64_t count;

        series[i].high = __builtin_bswap64(reader_u64(reader));
        series[i].low = __builtin_bswap64(reader_u64(reader));
        count = reader_uvarint(reader);
        if (reader->failed || count == 0 || count > view->row_count - rows)
            return error_set(err, E_CORRUPT, "series %u of the block has %llu rows", i,
                             (unsigned long long)count);
        if (i > 0 && series_id_compare(series[i - 1], series[i]) >= 0)
            return error_set(err, E_CORRUPT, "series %u of the block is out of order", i);
        row_first[i] = rows;
        rows += (uint32_t)count;
    }
    if (rows != view->row_count)
        return error_set(err, E_CORRUPT, "series have %u rows, the block %u", rows,
                         view->row_count);
    row_first[view->series_count] = rows;
    view->series = series;
    view->series_row_first = row_first;
    return OK;
}

static enum code bounds_read(struct reader *reader, int64_t *first, int64_t *last, const char *name,
                             struct error *err)
{
    uint64_t size;

    *first = reader_i64(reader);
    size = reader_uvarint(reader);
    *last = (int64_t)((uint64_t)*first + size);
    if (reader->failed || *last < *first)
        return error_set(err, E_CORRUPT, "bounds of %s", name);
    return OK;
}

/* What stands behind the header; `at` is NULL when only the header was read. */
struct sections {
    const char *at;
    size_t size, left; /* of the block, and of it */
};

/* Sizes and checksums as they come; `sections` gives up the bytes. */
static enum code section_read(struct reader *reader, struct sections *sections,
                              struct block_section *section, struct error *err)
{
    uint64_t size = reader_uvarint(reader);

    section->crc = reader_u32(reader);
    if (reader->failed || size > sections->left)
        return error_set(err, E_CORRUPT, "section of %llu bytes, %zu are left",
                         (unsigned long long)size, sections->left);
    section->data = (struct bytes){sections->at, (size_t)size};
    section->at = sections->size - sections->left;
    if (sections->at)
        sections->at += size;
    sections->left -= (size_t)size;
    return OK;
}

static enum code name_read(struct reader *reader, struct arena *arena, struct bytes before,
                           struct bytes *name, struct error *err)
{
    uint8_t shared = reader_u8(reader);
    struct bytes rest = reader_span(reader);
    char *joined;

    if (reader->failed || shared > before.size)
        return error_set(err, E_CORRUPT, "name shares %u bytes of %zu", shared, before.size);
    *name = rest;
    if (shared == 0)
        return OK;
    joined = arena_alloc(arena, shared + rest.size);
    if (!joined)
        return error_set(err, E_MEMORY, "no memory for a name");
    memcpy(joined, before.data, shared);
    memcpy(joined + shared, rest.data, rest.size);
    *name = (struct bytes){joined, shared + rest.size};
    return OK;
}

static enum code column_read(struct reader *reader, struct sections *sections, uint8_t version,
                             uint32_t row_count, struct block_section *column, struct error *err)
{
    struct summary_form form = {.row_count = row_count, .version_1 = version == 1};
    uint8_t type, presence;
    enum code code;

    type = reader_u8(reader);
    column->type = (enum value_type)type;
    column->encoding = reader_u8(reader);
    presence = reader_u8(reader);
    form.decimal = form.version_1 ? 0 : presence >> PRESENCE_SIZE;
    column->presence = form.version_1 ? presence : presence & ((1 << PRESENCE_SIZE) - 1);
    form.all = column->presence == PRESENCE_ALL;
    if (reader->failed || type < TYPE_F64 || type > TYPE_RETRACTED)
        return error_set(err, E_CORRUPT, "type %u is unknown", type);
    code = section_read(reader, sections, column, err);
    if (code)
        return code;
    if (!column_summary_read(column->type, &form, reader, &column->summary))
        return error_set(err, E_CORRUPT, "summary does not fit the block");
    if (column->presence > PRESENCE_BITS ||
        (column->presence == PRESENCE_ALL && column->summary.valid_count != row_count))
        return error_set(err, E_CORRUPT, "presence %u with %u cells of %u", column->presence,
                         column->summary.valid_count, row_count);
    return OK;
}

static int column_compare(const struct block_section *a, const struct block_section *b)
{
    int order = bytes_compare(a->name, b->name);

    return order != 0 ? order : (int)a->type - (int)b->type;
}

static enum code columns_read(struct reader *reader, struct sections *sections, uint8_t version,
                              struct arena *arena, struct block_view *view, struct error *err)
{
    struct block_section *columns = ARENA_ARRAY(arena, struct block_section, view->column_count);

    if (!columns)
        return error_set(err, E_MEMORY, "no memory for %u columns", view->column_count);
    for (uint32_t i = 0; i < view->column_count; i++) {
        struct bytes before = i == 0 ? BYTES("") : columns[i - 1].name;
        enum code code = OK;

        if (version == 1)
            columns[i].name = reader_span(reader);
        else
            code = name_read(reader, arena, before, &columns[i].name, err);
        if (code == OK)
            code = column_read(reader, sections, version, view->row_count, &columns[i], err);
        if (code == OK && i > 0 && column_compare(&columns[i - 1], &columns[i]) >= 0)
            code = error_set(err, E_CORRUPT, "out of order");
        if (code) {
            error_context(err, "column %u", i);
            return code;
        }
    }
    view->columns = columns;
    return OK;
}

static enum code counts_read(struct reader *reader, struct block_view *view, struct error *err)
{
    uint64_t row_count, series_count, column_count;

    view->measurement = reader_span(reader);
    row_count = reader_uvarint(reader);
    series_count = reader_uvarint(reader);
    column_count = reader_uvarint(reader);
    if (reader->failed || row_count == 0 || row_count > BLOCK_ROWS_MAX || series_count == 0 ||
        series_count > row_count || series_count > reader_left(reader) / SERIES_SIZE_MIN ||
        column_count > reader_left(reader) / SECTION_SIZE_MIN)
        return error_set(err, E_CORRUPT, "block of %llu rows, %llu series, %llu columns",
                         (unsigned long long)row_count, (unsigned long long)series_count,
                         (unsigned long long)column_count);
    view->row_count = (uint32_t)row_count;
    view->series_count = (uint32_t)series_count;
    view->column_count = (uint32_t)column_count;
    return OK;
}

enum code block_header_read(struct bytes bytes, size_t size, struct arena *arena,
                            struct block_view *view, struct error *err)
{
    struct sections sections;
    struct reader reader;
    uint32_t header_size;
    uint8_t version, flags;
    enum code code;

    assert(bytes.size <= size);
    *view = (struct block_view){0};
    code = head_read(bytes, &reader, &version, &flags, &header_size, err);
    if (code)
        return code;
    sections.at = bytes.size == size ? bytes.data + header_size : NULL;
    sections.size = size;
    sections.left = size - header_size;
    view->times_unique = (flags & FLAG_TIMES_UNIQUE) != 0;
    view->has_revision = (flags & FLAG_REVISION) != 0;
    view->has_history = (flags & FLAG_HISTORY) != 0;
    code = counts_read(&reader, view, err);
    if (code)
        return code;
    code = series_read(&reader, arena, view, err);
    if (code)
        return code;
    code = bounds_read(&reader, &view->time_first, &view->time_last, "time", err);
    if (code)
        return code;
    code = bounds_read(&reader, &view->ingest_first, &view->ingest_last, "ingest time", err);
    if (code)
        return code;
    code = section_read(&reader, &sections, &view->time, err);
    if (code == OK)
        code = section_read(&reader, &sections, &view->ingest, err);
    if (code == OK && view->has_revision)
        code = section_read(&reader, &sections, &view->revision, err);
    if (code == OK && view->has_history)
        code = section_read(&reader, &sections, &view->history, err);
    if (code)
        return code;
    code = columns_read(&reader, &sections, version, arena, view, err);
    if (code)
        return code;
    if (reader_left(&reader) != 0 || sections.left != 0)
        return error_set(err, E_CORRUPT, "block has %zu bytes too many in its header, %zu behind",
                         reader_left(&reader), sections.left);
    return OK;
}
