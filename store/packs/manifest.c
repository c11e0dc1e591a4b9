#include "store/packs/manifest.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/reader.h"
#include "store/packs/pack.h"

/* Entries of plain packs are of version 1, those of compacted ones of version 2. */
enum { MANIFEST_VERSION = 1, MANIFEST_VERSION_KIND = 2, MANIFEST_IN_FILE = 1 };

void manifest_entry_encode(const struct manifest_entry *entry, struct buf *out)
{
    buf_put_u8(out, entry->kind == PACK_PLAIN ? MANIFEST_VERSION : MANIFEST_VERSION_KIND);
    buf_put_u8(out, entry->in_file ? MANIFEST_IN_FILE : 0);
    buf_put_u64(out, entry->number);
    buf_put(out, (struct bytes){(const char *)entry->incarnation.bytes, 16});
    buf_put_u64(out, entry->bytes);
    buf_put(out, (struct bytes){(const char *)entry->hash.bytes, 16});
    buf_put_u64(out, entry->row_count);
    buf_put_u64(out, entry->value_count);
    buf_put_i64(out, entry->time_first);
    buf_put_i64(out, entry->time_last);
    buf_put_i64(out, entry->ingest_first);
    buf_put_i64(out, entry->ingest_last);
    buf_put_u64(out, entry->lsn_first);
    buf_put_u64(out, entry->lsn_last);
    if (entry->kind != PACK_PLAIN) {
        buf_put_u8(out, (uint8_t)entry->kind);
        buf_put_i64(out, entry->settled);
        buf_put_i64(out, entry->floor);
    }
    buf_put_u32(out, crc32c(0, bytes_slice(buf_bytes(out), 0, out->size)));
}

static void take_hash(struct reader *reader, struct hash128 *hash)
{
    struct bytes bytes = reader_take(reader, sizeof(hash->bytes));

    if (!reader->failed)
        memcpy(hash->bytes, bytes.data, sizeof(hash->bytes));
}

enum code manifest_entry_decode(struct bytes bytes, struct manifest_entry *entry, struct error *err)
{
    struct reader reader = reader_of(bytes);
    uint8_t version = reader_u8(&reader);
    uint8_t flags = reader_u8(&reader), kind = PACK_PLAIN;
    uint32_t crc;

    *entry = (struct manifest_entry){
        .in_file = (flags & MANIFEST_IN_FILE) != 0,
        .settled = INT64_MIN,
        .floor = INT64_MIN,
    };
    entry->number = reader_u64(&reader);
    take_hash(&reader, &entry->incarnation);
    entry->bytes = reader_u64(&reader);
    take_hash(&reader, &entry->hash);
    entry->row_count = reader_u64(&reader);
    entry->value_count = reader_u64(&reader);
    entry->time_first = reader_i64(&reader);
    entry->time_last = reader_i64(&reader);
    entry->ingest_first = reader_i64(&reader);
    entry->ingest_last = reader_i64(&reader);
    entry->lsn_first = reader_u64(&reader);
    entry->lsn_last = reader_u64(&reader);
    if (version == MANIFEST_VERSION_KIND) {
        kind = reader_u8(&reader);
        entry->settled = reader_i64(&reader);
        entry->floor = reader_i64(&reader);
    }
    entry->kind = (enum pack_kind)kind;
    crc = reader_u32(&reader);
    if (reader.failed || reader_left(&reader) != 0 ||
        crc != crc32c(0, bytes_slice(bytes, 0, bytes.size - sizeof(crc))))
        return error_set(err, E_CORRUPT, "a manifest entry of %zu bytes fails its check",
                         bytes.size);
    if (version != MANIFEST_VERSION && version != MANIFEST_VERSION_KIND)
        return error_set(err, E_CORRUPT, "manifest entry version %u, this program knows %d and %d",
                         version, MANIFEST_VERSION, MANIFEST_VERSION_KIND);
    if (kind > PACK_HISTORY || (version == MANIFEST_VERSION_KIND && kind == PACK_PLAIN))
        return error_set(err, E_CORRUPT, "manifest entry of kind %u", kind);
    return OK;
}

struct bytes manifest_inline(const struct manifest_entry *entry, struct bytes value)
{
    return value.size > entry->bytes ? bytes_slice(value, 0, (size_t)entry->bytes) : value;
}

enum code manifest_entry_expect(const struct manifest_entry *entry, struct bytes tenant,
                                const struct pack *pack, struct error *err)
{
    char name[PACK_PATH_SIZE];

    snprintf(name, sizeof(name), "%.*s/%016" PRIx64, BYTES_ARG(tenant), entry->number);
    if (strcmp(name, pack_name(pack)) != 0 || entry->kind != pack_kind(pack) ||
        entry->settled != pack_settled(pack) || entry->floor != pack_about(pack).floor)
        return error_set(err, E_CORRUPT, "the manifest calls it %s, the pack itself %s", name,
                         pack_name(pack));
    return OK;
}

void index_key_tenant(struct bytes tenant, struct buf *out)
{
    buf_put(out, tenant);
    buf_put_u8(out, 0);
}

/* Big-endian, so that byte order is number order. */
static void put_u64_ordered(uint64_t number, struct buf *out)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_put_u8(out, (uint8_t)(number >> shift));
}

void index_key_u64(struct bytes tenant, uint64_t number, struct buf *out)
{
    index_key_tenant(tenant, out);
    put_u64_ordered(number, out);
}

void index_key_i64(struct bytes tenant, int64_t number, struct buf *out)
{
    index_key_u64(tenant, (uint64_t)number ^ (UINT64_C(1) << 63), out);
}

void index_key_series(struct bytes tenant, struct series_id id, struct buf *out)
{
    index_key_tenant(tenant, out);
    put_u64_ordered(id.high, out);
    put_u64_ordered(id.low, out);
}

void index_key_field(struct bytes tenant, struct bytes field, struct buf *out)
{
    struct hash128 hash = hash128(field);

    index_key_tenant(tenant, out);
    buf_put(out, (struct bytes){(const char *)hash.bytes, sizeof(hash.bytes)});
}

bool index_key_split(struct bytes key, struct bytes *tenant, struct bytes *rest)
{
    const char *nul = key.size == 0 ? NULL : memchr(key.data, 0, key.size);

    if (nul == NULL)
        return false;
    *tenant = bytes_slice(key, 0, (size_t)(nul - key.data));
    *rest = bytes_slice(key, (size_t)(nul - key.data) + 1, key.size);
    return true;
}

void pack_path(struct bytes tenant, uint64_t number, char path[PACK_PATH_SIZE])
{
    snprintf(path, PACK_PATH_SIZE, "packs/%.*s/%016" PRIx64 ".pack", BYTES_ARG(tenant), number);
}
