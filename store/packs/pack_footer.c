#include "store/packs/pack_footer.h"

#include "base/reader.h"

#include <assert.h>

enum {
    HEAD_MAGIC = 0x4b435057,   /* "WPCK" */
    FOOTER_MAGIC = 0x464b5057, /* "WPKF" */
    PACK_VERSION = 1,          /* of a plain pack's head, and of every footer */
    PACK_VERSION_KIND = 2,     /* a head that tells its kind */
    CRC_SIZE = 4,
    TENANT_SIZE_MAX = 64,
};

const char *pack_section_name(enum pack_section section)
{
    static const char *const names[PACK_SECTION_COUNT] = {
        [PACK_SERIES] = "series keys",  [PACK_TOMBSTONES] = "tombstones", [PACK_NOTES] = "notes",
        [PACK_DIRECTORY] = "directory", [PACK_PARTS] = "table of parts",
    };

    return names[section];
}

void pack_head_put(const struct pack_head *head, struct buf *out)
{
    size_t start = out->size;

    assert(head->tenant.size <= TENANT_SIZE_MAX);
    buf_put_u32(out, HEAD_MAGIC);
    buf_put_u32(out, head->kind == PACK_PLAIN ? PACK_VERSION : PACK_VERSION_KIND);
    buf_put_u64(out, head->number);
    buf_put(out, (struct bytes){(const char *)head->incarnation.bytes, sizeof(struct hash128)});
    buf_put_span(out, head->tenant);
    if (head->kind != PACK_PLAIN) {
        buf_put_u8(out, (uint8_t)head->kind);
        buf_put_i64(out, head->settled);
        buf_put_i64(out, head->floor);
    }
    if (!out->failed)
        buf_put_u32(out, crc32c(0, bytes_slice(buf_bytes(out), start, out->size)));
}

static void hash_take(struct reader *reader, struct hash128 *hash)
{
    struct bytes bytes = reader_take(reader, sizeof(*hash));

    if (!reader->failed)
        memcpy(hash->bytes, bytes.data, sizeof(*hash));
}

enum code pack_head_read(struct bytes bytes, struct pack_head *head, struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint32_t magic = reader_u32(&reader), version = reader_u32(&reader), crc;
    uint8_t kind = PACK_PLAIN;

    *head = (struct pack_head){.number = reader_u64(&reader)};
    hash_take(&reader, &head->incarnation);
    head->tenant = reader_span(&reader);
    head->settled = head->floor = INT64_MIN;
    if (version == PACK_VERSION_KIND) {
        kind = reader_u8(&reader);
        head->settled = reader_i64(&reader);
        head->floor = reader_i64(&reader);
    }
    head->kind = (enum pack_kind)kind;
    crc = reader_u32(&reader);
    if (reader.failed || magic != HEAD_MAGIC)
        return error_set(err, E_CORRUPT, "head: not a pack");
    if (crc != crc32c(0, bytes_slice(bytes, 0, bytes.size - CRC_SIZE)) || reader_left(&reader) > 0)
        return error_set(err, E_CORRUPT, "head: %zu bytes fail their CRC", bytes.size);
    if (version != PACK_VERSION && version != PACK_VERSION_KIND)
        return error_set(err, E_CORRUPT, "head: version %u, this program reads %d and %d", version,
                         PACK_VERSION, PACK_VERSION_KIND);
    if (kind > PACK_HISTORY || (version == PACK_VERSION_KIND && kind == PACK_PLAIN))
        return error_set(err, E_CORRUPT, "head: kind %u is unknown", kind);
    if (head->tenant.size == 0 || head->tenant.size > TENANT_SIZE_MAX)
        return error_set(err, E_CORRUPT, "head: a tenant's name of %zu bytes", head->tenant.size);
    return OK;
}

void pack_footer_put(const struct pack_footer *footer, struct buf *out)
{
    size_t start = out->size;

    buf_put_u32(out, footer->head_size);
    for (size_t i = 0; i < PACK_SECTION_COUNT; i++) {
        buf_put_u64(out, footer->at[i]);
        buf_put_u64(out, footer->count[i]);
        buf_put_u32(out, footer->crc[i]);
    }
    buf_put_u64(out, footer->row_count);
    buf_put_u64(out, footer->value_count);
    buf_put_i64(out, footer->time_first);
    buf_put_i64(out, footer->time_last);
    buf_put_i64(out, footer->ingest_first);
    buf_put_i64(out, footer->ingest_last);
    buf_put_u64(out, footer->lsn_first);
    buf_put_u64(out, footer->lsn_last);
    buf_put_u64(out, footer->at[PACK_SECTION_COUNT] + PACK_FOOTER_SIZE); /* of the file */
    buf_put_u32(out, PACK_VERSION);
    if (!out->failed)
        buf_put_u32(out, crc32c(0, bytes_slice(buf_bytes(out), start, out->size)));
    buf_put_u32(out, FOOTER_MAGIC);
    assert(out->failed || out->size - start == PACK_FOOTER_SIZE);
}

/* Sections in order, behind the head; each entry takes a byte at least. */
static bool footer_fits(const struct pack_footer *footer)
{
    if (footer->head_size == 0 || footer->head_size > PACK_HEAD_SIZE_MAX ||
        footer->head_size > footer->at[0])
        return false;
    for (size_t i = 0; i < PACK_SECTION_COUNT; i++) {
        if (footer->at[i] > footer->at[i + 1] ||
            footer->count[i] > footer->at[i + 1] - footer->at[i])
            return false;
    }
    return footer->count[PACK_PARTS] * PACK_PART_SIZE ==
           footer->at[PACK_PARTS + 1] - footer->at[PACK_PARTS];
}

enum code pack_footer_read(struct bytes bytes, uint64_t file_size, struct pack_footer *footer,
                           struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint32_t version, crc;
    uint64_t size;

    assert(bytes.size == PACK_FOOTER_SIZE && file_size >= PACK_FOOTER_SIZE);
    footer->head_size = reader_u32(&reader);
    for (size_t i = 0; i < PACK_SECTION_COUNT; i++) {
        footer->at[i] = reader_u64(&reader);
        footer->count[i] = reader_u64(&reader);
        footer->crc[i] = reader_u32(&reader);
    }
    footer->row_count = reader_u64(&reader);
    footer->value_count = reader_u64(&reader);
    footer->time_first = reader_i64(&reader);
    footer->time_last = reader_i64(&reader);
    footer->ingest_first = reader_i64(&reader);
    footer->ingest_last = reader_i64(&reader);
    footer->lsn_first = reader_u64(&reader);
    footer->lsn_last = reader_u64(&reader);
    size = reader_u64(&reader);
    version = reader_u32(&reader);
    crc = reader_u32(&reader);
    if (reader_u32(&reader) != FOOTER_MAGIC)
        return error_set(err, E_CORRUPT, "footer: the file does not end as a pack does");
    if (crc != crc32c(0, bytes_slice(bytes, 0, PACK_FOOTER_SIZE - 2 * CRC_SIZE)))
        return error_set(err, E_CORRUPT, "footer: it fails its CRC");
    if (version != PACK_VERSION)
        return error_set(err, E_CORRUPT, "footer: version %u, this program reads %d", version,
                         PACK_VERSION);
    footer->at[PACK_SECTION_COUNT] = file_size - PACK_FOOTER_SIZE;
    if (size != file_size)
        return error_set(err, E_CORRUPT, "footer: written for %llu bytes, the file has %llu",
                         (unsigned long long)size, (unsigned long long)file_size);
    if (!footer_fits(footer))
        return error_set(err, E_CORRUPT, "footer: sections do not fit a file of %llu bytes",
                         (unsigned long long)file_size);
    return OK;
}

void pack_footer_add(struct pack_footer *footer, const struct block_view *view)
{
    bool first = footer->row_count == 0;

    footer->row_count += view->row_count;
    for (uint32_t i = 0; i < view->column_count; i++)
        footer->value_count += view->columns[i].summary.valid_count;
    if (first || view->time_first < footer->time_first)
        footer->time_first = view->time_first;
    if (first || view->time_last > footer->time_last)
        footer->time_last = view->time_last;
    if (first || view->ingest_first < footer->ingest_first)
        footer->ingest_first = view->ingest_first;
    if (first || view->ingest_last > footer->ingest_last)
        footer->ingest_last = view->ingest_last;
}

void pack_part_put(const struct pack_part *part, struct buf *out)
{
    buf_put_u64(out, part->offset);
    buf_put_u64(out, part->size);
    buf_put(out, (struct bytes){(const char *)part->hash.bytes, sizeof(part->hash)});
}

struct pack_part pack_part_read(struct bytes table, size_t index)
{
    struct reader reader =
        reader_of(bytes_slice(table, index * PACK_PART_SIZE, (index + 1) * PACK_PART_SIZE));
    struct pack_part part = {.offset = reader_u64(&reader), .size = reader_u64(&reader)};

    hash_take(&reader, &part.hash);
    return part;
}
