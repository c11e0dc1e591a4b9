/* docs/formats/record.md is the layout.  Arrays stand on multiples of eight bytes from the
 * payload's beginning, so that a decoded column is the payload itself: replay reads each byte
 * once, to check it. */
#include "codec/record.h"

#include <assert.h>

#include "base/reader.h"
#include "codec/record_rows.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are written as they are");

enum {
    RECORD_VERSION = 1,
    TENANT_SIZE_MAX = 64,
    RESULT_SIZE_MAX = 64 * 1024,
    TOMBSTONE_ERASE = 1,
};

static void note_put(const struct note *note, struct buf *out)
{
    assert(note->result.size <= RESULT_SIZE_MAX);
    buf_put_span(out, note->key);
    buf_put(out, (struct bytes){(const char *)note->body_hash.bytes, sizeof(note->body_hash)});
    buf_put_u16(out, note->status);
    buf_put_span(out, note->result);
}

static bool note_take(struct reader *reader, struct note *note)
{
    struct bytes hash;

    note->key = reader_span(reader);
    hash = reader_take(reader, sizeof(note->body_hash));
    if (hash.size == sizeof(note->body_hash))
        memcpy(note->body_hash.bytes, hash.data, hash.size);
    note->status = reader_u16(reader);
    note->result = reader_span(reader);
    return !reader->failed && note->result.size <= RESULT_SIZE_MAX;
}

void note_encode(const struct note *note, struct buf *out)
{
    buf_put_i64(out, note->ingest);
    note_put(note, out);
}

enum code note_decode(struct bytes bytes, struct note *note, struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct note read = {.ingest = reader_i64(&reader)};

    if (!note_take(&reader, &read) || reader_left(&reader) > 0)
        return error_set(err, E_CORRUPT, "an idempotency note of %zu bytes does not decode",
                         bytes.size);
    *note = read;
    return OK;
}

static void tombstone_put(const struct tombstone *tombstone, struct buf *out)
{
    buf_put_span(out, tombstone->selector.measurement);
    buf_put_uvarint(out, tombstone->selector.matcher_count);
    for (uint32_t i = 0; i < tombstone->selector.matcher_count; i++) {
        const struct matcher *matcher = &tombstone->selector.matchers[i];

        buf_put_u8(out, (uint8_t)matcher->op);
        buf_put_span(out, matcher->key);
        buf_put_span(out, matcher->value);
    }
    buf_put_i64(out, tombstone->start);
    buf_put_i64(out, tombstone->end);
    buf_put_uvarint(out, tombstone->field_count);
    for (uint32_t i = 0; i < tombstone->field_count; i++)
        buf_put_span(out, tombstone->fields[i]);
    if (tombstone->erase) /* nothing stands here otherwise, as before there was erasing */
        buf_put_u8(out, TOMBSTONE_ERASE);
}

/* How many items of at least `item_size` bytes follow; more than there is room for fails. */
static uint32_t take_count(struct reader *reader, size_t item_size)
{
    uint64_t count = reader_uvarint(reader);

    if (count > reader_left(reader) / item_size || count > UINT32_MAX - 1) {
        reader->failed = true;
        return 0;
    }
    return (uint32_t)count;
}

static enum code take_matchers(struct reader *reader, struct arena *arena,
                               struct selector *selector)
{
    uint32_t count = take_count(reader, 3);
    struct matcher *matchers = ARENA_ARRAY(arena, struct matcher, count);

    if (matchers == NULL)
        return E_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t op = reader_u8(reader);

        if (op < MATCH_EQUAL || op > MATCH_NOT_REGEX)
            return E_CORRUPT;
        matchers[i].op = (enum matcher_op)op;
        matchers[i].key = reader_span(reader);
        matchers[i].value = reader_span(reader);
        if (matchers[i].key.size == 0)
            return E_CORRUPT;
    }
    selector->matchers = matchers;
    selector->matcher_count = count;
    return reader->failed ? E_CORRUPT : OK;
}

/* E_CORRUPT unless the tombstone is all that is left. */
static enum code tombstone_take(struct reader *reader, struct arena *arena,
                                struct tombstone *tombstone)
{
    struct bytes *fields;
    enum code code;
    uint32_t count;

    tombstone->selector.measurement = reader_span(reader);
    code = take_matchers(reader, arena, &tombstone->selector);
    if (code)
        return code;
    tombstone->start = reader_i64(reader);
    tombstone->end = reader_i64(reader);
    count = take_count(reader, 2);
    fields = ARENA_ARRAY(arena, struct bytes, count);
    if (fields == NULL)
        return E_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = reader_span(reader);
        if (fields[i].size == 0)
            return E_CORRUPT;
    }
    tombstone->fields = fields;
    tombstone->field_count = count;
    tombstone->erase = reader_left(reader) > 0;
    if (tombstone->erase && reader_u8(reader) != TOMBSTONE_ERASE)
        return E_CORRUPT;
    return reader->failed || reader_left(reader) > 0 ? E_CORRUPT : OK;
}

void tombstone_encode(const struct tombstone *tombstone, struct buf *out)
{
    buf_put_i64(out, tombstone->ingest);
    tombstone_put(tombstone, out);
}

static enum code decode_failed(enum code code, const char *what, struct bytes bytes,
                               struct error *err)
{
    if (code == E_MEMORY)
        return error_set(err, code, "no memory to decode a %s of %zu bytes", what, bytes.size);
    return error_set(err, E_CORRUPT, "a %s of %zu bytes does not decode", what, bytes.size);
}

enum code tombstone_decode(struct bytes bytes, struct arena *arena, struct tombstone *tombstone,
                           struct error *err)
{
    struct reader reader = reader_of(bytes);
    struct tombstone read = {.ingest = reader_i64(&reader)};
    enum code code = tombstone_take(&reader, arena, &read);

    if (code)
        return decode_failed(code, "tombstone", bytes, err);
    *tombstone = read;
    return OK;
}

static void head_put(enum record_type type, struct bytes tenant, const struct note *note,
                     struct buf *out)
{
    assert(tenant.size > 0 && tenant.size <= TENANT_SIZE_MAX);
    buf_put_u8(out, RECORD_VERSION);
    buf_put_u8(out, (uint8_t)type);
    buf_put_span(out, tenant);
    note_put(note, out);
}

void record_encode_rows(struct bytes tenant, const struct note *note, const struct batch *batch,
                        struct buf *out)
{
    size_t base = out->size;

    head_put(RECORD_ROWS, tenant, note, out);
    record_rows_put(batch, base, out);
}

void record_encode_delete(struct bytes tenant, const struct note *note,
                          const struct tombstone *tombstone, struct buf *out)
{
    head_put(RECORD_DELETE, tenant, note, out);
    tombstone_put(tombstone, out);
}

static bool tenant_good(struct bytes tenant)
{
    if (tenant.size == 0 || tenant.size > TENANT_SIZE_MAX)
        return false;
    for (size_t i = 0; i < tenant.size; i++) {
        char c = tenant.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

/* Columns are used where they stand, which takes an aligned payload. */
static struct bytes aligned(struct bytes payload, struct arena *arena)
{
    if ((uintptr_t)payload.data % sizeof(union cell) == 0)
        return payload;
    return arena_copy(arena, payload);
}

static enum code decode_content(struct bytes payload, struct reader *reader, struct arena *arena,
                                struct record *record)
{
    switch (record->type) {
    case RECORD_ROWS:
        return record_rows_take(reader, payload.data, arena, &record->batch);
    case RECORD_DELETE:
        return tombstone_take(reader, arena, &record->tombstone);
    }
    return E_CORRUPT;
}

enum code record_decode(struct bytes payload, struct arena *arena, struct record *record,
                        struct error *err)
{
    struct bytes stored = aligned(payload, arena);
    struct reader reader = reader_of(stored);
    struct record read = {0};
    enum code code = stored.data == NULL ? E_MEMORY : OK;
    uint8_t version;

    if (code)
        goto out;
    code = E_CORRUPT;
    if (payload.size > UINT32_MAX) /* so that every count fits 32 bits */
        goto out;
    version = reader_u8(&reader);
    if (version != RECORD_VERSION)
        return error_set(err, E_CORRUPT,
                         "a record of version %u; this build reads version %d: "
                         "it is damaged, or of a newer Weir",
                         version, RECORD_VERSION);
    read.type = (enum record_type)reader_u8(&reader);
    read.tenant = reader_span(&reader);
    if (!tenant_good(read.tenant) || !note_take(&reader, &read.note))
        goto out;
    code = decode_content(stored, &reader, arena, &read);

out:
    if (code)
        return decode_failed(code, "record", payload, err);
    *record = read;
    return OK;
}
