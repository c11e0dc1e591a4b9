#include "store/delivery/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/reader.h"

enum {
    CHAIN_MAGIC = 0x4e484357, /* "WCHN" */
    CHAIN_VERSION = 1,
    CHAIN_CHECKPOINT = 1,        /* flag */
    ADD_BYTES_MIN = 1 + 118 + 4, /* the least entry of a manifest, as a span, and a number: what
                                    bounds counts of hostile bytes */
    REMOVE_BYTES = 24,
    PARTS_MIN = 2, /* one of the table, and what is behind it */
    TENANT_BYTES_MAX = 64,
    DATABASE_TENANT_MAX = 58, /* "weir_" and so many are 63 */
    DATABASE_TENANT_CUT = 25,
};

static void put_hash(const struct hash128 *hash, struct buf *out)
{
    buf_put(out, (struct bytes){(const char *)hash->bytes, sizeof(hash->bytes)});
}

static void take_hash(struct reader *reader, struct hash128 *hash)
{
    struct bytes bytes = reader_take(reader, sizeof(hash->bytes));

    if (!reader->failed)
        memcpy(hash->bytes, bytes.data, sizeof(hash->bytes));
}

static bool same_hash(const struct hash128 *a, const struct hash128 *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void chain_entry_encode(const struct chain_entry *entry, struct buf *out)
{
    struct buf pack = BUF_INIT(1024);
    size_t begin = out->size;

    buf_put_u32(out, CHAIN_MAGIC);
    buf_put_u32(out, CHAIN_VERSION);
    put_hash(&entry->incarnation, out);
    buf_put_u64(out, entry->number);
    buf_put_u8(out, entry->checkpoint ? CHAIN_CHECKPOINT : 0);
    buf_put_i64(out, entry->through);
    buf_put_span(out, entry->tenant);
    buf_put_uvarint(out, entry->add_count);
    for (size_t i = 0; i < entry->add_count; i++) {
        buf_clear(&pack);
        manifest_entry_encode(&entry->adds[i].entry, &pack);
        out->failed |= pack.failed;
        buf_put_span(out, buf_bytes(&pack));
        buf_put_u32(out, entry->adds[i].parts);
    }
    buf_put_uvarint(out, entry->remove_count);
    for (size_t i = 0; i < entry->remove_count; i++) {
        buf_put_u64(out, entry->removes[i].number);
        put_hash(&entry->removes[i].incarnation, out);
    }
    buf_release(&pack);
    if (!out->failed)
        buf_put_u32(out, crc32c(0, bytes_slice(buf_bytes(out), begin, out->size)));
}

static enum code decode_adds(struct reader *reader, struct arena *arena, struct chain_entry *entry,
                             struct error *err)
{
    uint64_t count = reader_uvarint(reader);
    struct chain_pack *adds;

    if (count > reader_left(reader) / ADD_BYTES_MIN)
        return error_set(err, E_CORRUPT, "it cannot have %" PRIu64 " packs", count);
    entry->adds = adds = ARENA_ARRAY(arena, struct chain_pack, (size_t)count + 1);
    if (adds == NULL)
        return error_set(err, E_MEMORY, "no memory for %" PRIu64 " packs", count);
    for (size_t i = 0; i < count; i++) {
        struct bytes bytes = reader_span(reader);
        enum code code;

        adds[i].parts = reader_u32(reader);
        if (reader->failed)
            return error_set(err, E_CORRUPT, "it ends within pack %zu of %" PRIu64, i, count);
        code = manifest_entry_decode(bytes, &adds[i].entry, err);
        if (code)
            return code;
        if (adds[i].parts < PARTS_MIN)
            return error_set(err, E_CORRUPT, "pack %" PRIu64 " has %u parts; %d are the fewest",
                             adds[i].entry.number, adds[i].parts, PARTS_MIN);
        if (i > 0 && adds[i].entry.number <= adds[i - 1].entry.number)
            return error_set(err, E_CORRUPT, "pack %" PRIu64 " stands behind %" PRIu64,
                             adds[i].entry.number, adds[i - 1].entry.number);
    }
    entry->add_count = (size_t)count;
    return OK;
}

static enum code decode_removes(struct reader *reader, struct arena *arena,
                                struct chain_entry *entry, struct error *err)
{
    uint64_t count = reader_uvarint(reader);
    struct chain_removed *removes;
    size_t add = 0;

    if (count > reader_left(reader) / REMOVE_BYTES)
        return error_set(err, E_CORRUPT, "it cannot remove %" PRIu64 " packs", count);
    if (count > 0 && entry->checkpoint)
        return error_set(err, E_CORRUPT, "a checkpoint that removes packs");
    entry->removes = removes = ARENA_ARRAY(arena, struct chain_removed, (size_t)count + 1);
    if (removes == NULL)
        return error_set(err, E_MEMORY, "no memory for %" PRIu64 " packs", count);
    for (size_t i = 0; i < count; i++) {
        removes[i].number = reader_u64(reader);
        take_hash(reader, &removes[i].incarnation);
        if (i > 0 && removes[i].number <= removes[i - 1].number)
            return error_set(err, E_CORRUPT, "removed pack %" PRIu64 " stands behind %" PRIu64,
                             removes[i].number, removes[i - 1].number);
        while (add < entry->add_count && entry->adds[add].entry.number < removes[i].number)
            add++;
        if (add < entry->add_count && entry->adds[add].entry.number == removes[i].number)
            return error_set(err, E_CORRUPT, "pack %" PRIu64 " is both added and removed",
                             removes[i].number);
    }
    entry->remove_count = (size_t)count;
    return OK;
}

static enum code decode_head(struct reader *reader, struct chain_entry *entry, struct error *err)
{
    uint32_t magic = reader_u32(reader), version = reader_u32(reader);
    uint8_t flags;

    take_hash(reader, &entry->incarnation);
    entry->number = reader_u64(reader);
    flags = reader_u8(reader);
    entry->through = reader_i64(reader);
    entry->tenant = reader_span(reader);
    entry->checkpoint = (flags & CHAIN_CHECKPOINT) != 0;
    if (magic != CHAIN_MAGIC)
        return error_set(err, E_CORRUPT, "it does not begin as one");
    if (version != CHAIN_VERSION)
        return error_set(err, E_CORRUPT, "it is of version %u, this program knows %d", version,
                         CHAIN_VERSION);
    if (reader->failed || entry->tenant.size == 0 || entry->tenant.size > TENANT_BYTES_MAX)
        return error_set(err, E_CORRUPT, "it names no tenant");
    if ((flags & ~CHAIN_CHECKPOINT) != 0)
        return error_set(err, E_CORRUPT, "it has flags %u that this program does not know", flags);
    return OK;
}

enum code chain_entry_decode(struct bytes bytes, struct arena *arena, struct chain_entry *entry,
                             struct error *err)
{
    struct reader reader = reader_of(bytes);
    size_t covered = bytes.size < sizeof(uint32_t) ? 0 : bytes.size - sizeof(uint32_t);
    uint32_t crc;
    enum code code;

    *entry = (struct chain_entry){.through = INT64_MIN};
    memcpy(&crc, covered == 0 ? "\0\0\0" : bytes.data + covered, sizeof(crc));
    if (covered == 0 || crc != crc32c(0, bytes_slice(bytes, 0, covered))) {
        code = error_set(err, E_CORRUPT, "%zu bytes fail their CRC", bytes.size);
        goto out;
    }
    code = decode_head(&reader, entry, err);
    if (code == OK)
        code = decode_adds(&reader, arena, entry, err);
    if (code == OK)
        code = decode_removes(&reader, arena, entry, err);
    if (code == OK && (reader.failed || reader_left(&reader) != sizeof(crc)))
        code = error_set(err, E_CORRUPT, "it has %zu bytes behind its end", reader_left(&reader));
    if (code == OK && entry->number % CHAIN_CHECKPOINT_EVERY == 0 && !entry->checkpoint)
        code = error_set(err, E_CORRUPT, "its number is %" PRIu64 " and it is no checkpoint",
                         entry->number);

out:
    if (code)
        error_context(err, "chain entry");
    return code;
}

/* --- what a chain comes to --- */

static enum code list_grow(struct chain_list *list, size_t count, struct error *err)
{
    size_t capacity = list->capacity == 0 ? 64 : list->capacity;
    struct chain_pack *grown;

    while (capacity < count)
        capacity *= 2;
    if (capacity == list->capacity)
        return OK;
    grown = realloc(list->packs, capacity * sizeof(*grown));
    if (grown == NULL)
        return error_set(err, E_MEMORY, "no memory for a list of %zu packs", count);
    list->packs = grown;
    list->capacity = capacity;
    return OK;
}

/* A removed pack that is not listed was uploaded, and never named. */
static enum code list_remove(struct chain_list *list, const struct chain_entry *entry,
                             struct error *err)
{
    size_t kept = 0, at = 0;

    for (size_t i = 0; i < list->count; i++) {
        uint64_t number = list->packs[i].entry.number;

        while (at < entry->remove_count && entry->removes[at].number < number)
            at++;
        if (at == entry->remove_count || entry->removes[at].number != number) {
            list->packs[kept++] = list->packs[i];
            continue;
        }
        if (!same_hash(&entry->removes[at].incarnation, &list->packs[i].entry.incarnation))
            return error_set(err, E_CORRUPT,
                             "chain entry %" PRIu64 ": it removes another pack %" PRIu64,
                             entry->number, number);
    }
    list->count = kept;
    return OK;
}

static int number_order(const void *a, const void *b)
{
    uint64_t left = ((const struct chain_pack *)a)->entry.number;
    uint64_t right = ((const struct chain_pack *)b)->entry.number;

    return left < right ? -1 : left > right;
}

enum code chain_list_apply(struct chain_list *list, const struct chain_entry *entry,
                           struct error *err)
{
    enum code code = OK;

    if (entry->checkpoint)
        list->count = 0;
    else
        code = list_remove(list, entry, err);
    if (code == OK)
        code = list_grow(list, list->count + entry->add_count, err);
    if (code)
        return code;
    if (entry->add_count > 0)
        memcpy(list->packs + list->count, entry->adds, entry->add_count * sizeof(*list->packs));
    list->count += entry->add_count;
    qsort(list->packs, list->count, sizeof(*list->packs), number_order);
    for (size_t i = 1; i < list->count; i++)
        if (list->packs[i].entry.number == list->packs[i - 1].entry.number)
            return error_set(err, E_CORRUPT,
                             "chain entry %" PRIu64 ": pack %" PRIu64 " was listed before",
                             entry->number, list->packs[i].entry.number);
    return OK;
}

size_t chain_list_place(const struct chain_list *list, uint64_t number)
{
    size_t first = 0, end = list->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (list->packs[middle].entry.number < number)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

const struct chain_pack *chain_list_find(const struct chain_list *list, uint64_t number)
{
    size_t at = chain_list_place(list, number);

    return at < list->count && list->packs[at].entry.number == number ? &list->packs[at] : NULL;
}

void chain_list_release(struct chain_list *list)
{
    free(list->packs);
    *list = (struct chain_list){0};
}

/* --- names --- */

void chain_database(struct bytes tenant, char name[CHAIN_DATABASE_SIZE])
{
    char hex[HASH128_TEXT_SIZE];
    struct hash128 hash;

    if (tenant.size <= DATABASE_TENANT_MAX) {
        snprintf(name, CHAIN_DATABASE_SIZE, "weir_%.*s", BYTES_ARG(tenant));
        return;
    }
    hash = hash128(tenant);
    hash128_print(&hash, hex);
    for (char *c = hex; *c != '\0'; c++)
        *c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
    snprintf(name, CHAIN_DATABASE_SIZE, "weir_%.*s_%s", DATABASE_TENANT_CUT, tenant.data, hex);
}

void chain_entry_id(const struct hash128 *incarnation, uint64_t number, char id[CHAIN_ID_SIZE])
{
    char hex[HASH128_TEXT_SIZE];

    hash128_print(incarnation, hex);
    snprintf(id, CHAIN_ID_SIZE, "%s/%" PRIu64, hex, number);
}

void chain_part_id(const struct hash128 *incarnation, uint64_t number, uint32_t part,
                   char id[CHAIN_ID_SIZE])
{
    char hex[HASH128_TEXT_SIZE];

    hash128_print(incarnation, hex);
    snprintf(id, CHAIN_ID_SIZE, "%s/%016" PRIx64 "/%" PRIu32, hex, number, part);
}

bool chain_part_id_parse(struct bytes id, struct hash128 *incarnation, uint64_t *number,
                         uint32_t *part)
{
    enum { HEX = HASH128_TEXT_SIZE - 1, NUMBER = HEX + 1, NUMBER_DIGITS = 16, DIGITS_MAX = 10 };
    char again[CHAIN_ID_SIZE];
    size_t at = NUMBER + NUMBER_DIGITS + 1;
    uint64_t parsed = 0;

    if (id.size <= at || id.size > at + DIGITS_MAX ||
        !hash128_parse(bytes_slice(id, 0, HEX), incarnation))
        return false;
    *number = 0;
    for (size_t i = NUMBER; i < NUMBER + NUMBER_DIGITS; i++)
        *number =
            *number << 4 | (uint64_t)(id.data[i] <= '9' ? id.data[i] - '0' : id.data[i] - 'a' + 10);
    for (; at < id.size; at++)
        parsed = parsed * 10 + (uint64_t)(id.data[at] - '0');
    *part = (uint32_t)parsed;
    chain_part_id(incarnation, *number, *part, again); /* what are no digits, differ */
    return bytes_equal(id, bytes_of(again));
}

bool chain_entry_id_parse(struct bytes id, struct hash128 *incarnation, uint64_t *number)
{
    enum { HEX = HASH128_TEXT_SIZE - 1, DIGITS_MAX = 20 };
    char again[CHAIN_ID_SIZE];

    if (id.size < HEX + 2 || id.size > HEX + 1 + DIGITS_MAX ||
        !hash128_parse(bytes_slice(id, 0, HEX), incarnation))
        return false;
    *number = 0;
    for (size_t i = HEX + 1; i < id.size; i++)
        *number = *number * 10 + (uint64_t)(id.data[i] - '0');
    chain_entry_id(incarnation, *number, again); /* other digits, and more than there are, differ */
    return bytes_equal(id, bytes_of(again));
}
