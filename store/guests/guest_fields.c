#include "store/guests/guest_fields.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/reader.h"
#include "codec/block_codec.h"
#include "store/packs/pack.h"

struct collecting {
    struct map seen;
    struct arena arena; /* of its keys */
    struct buf one;
    struct buf *out;
};

static enum code add(struct collecting *collecting, struct bytes measurement,
                     const struct block_section *column, struct error *err)
{
    struct buf *one = &collecting->one;
    struct bytes kept;

    if (column->type == TYPE_RETRACTED)
        return OK;
    buf_clear(one);
    buf_put_span(one, measurement);
    buf_put_span(one, column->name);
    buf_put_u8(one, (uint8_t)column->type);
    if (one->failed)
        return buf_finish(one, err);
    if (map_get(&collecting->seen, buf_bytes(one)) != NULL)
        return OK;
    kept = arena_copy(&collecting->arena, buf_bytes(one));
    if (kept.data == NULL || !map_put(&collecting->seen, kept, collecting))
        return error_set(err, E_MEMORY, "no memory for the fields of a pack");
    buf_put(collecting->out, kept);
    return OK;
}

static enum code add_block(struct collecting *collecting, const struct pack *pack,
                           const struct pack_file *file, const struct pack_block *block,
                           struct error *err)
{
    struct block_view view;
    struct bytes header;
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = pack_read_block_header(pack, file, block, &arena, &header, err);
    if (code == OK)
        code = block_open_header(header, block->size, &arena, &view, err);
    for (uint32_t i = 0; code == OK && i < view.column_count; i++)
        code = add(collecting, view.measurement, &view.columns[i], err);
    arena_release(&arena);
    return code;
}

enum code guest_fields_collect(const struct pack *pack, struct buf *out, struct error *err)
{
    struct collecting collecting = {.seen = MAP_INIT, .one = BUF_INIT(1 << 20), .out = out};
    struct pack_file *file = NULL;
    const struct pack_block *blocks;
    size_t count, begin = out->size;
    enum code code = pack_file_open(pack, &file, err);

    arena_init(&collecting.arena, SIZE_MAX, NULL);
    blocks = pack_blocks(pack, &count);
    for (size_t i = 0; code == OK && i < count; i++)
        code = add_block(&collecting, pack, file, &blocks[i], err);
    pack_file_close(file);
    map_release(&collecting.seen);
    arena_release(&collecting.arena);
    buf_release(&collecting.one);
    if (code)
        return code;
    if (!out->failed)
        buf_put_u32(out, crc32c(0, bytes_slice(buf_bytes(out), begin, out->size)));
    return buf_finish(out, err);
}

enum code guest_fields_walk(struct bytes bytes,
                            enum code (*each)(void *context, const struct guest_field *field,
                                              struct error *err),
                            void *context, struct error *err)
{
    size_t size = bytes.size < sizeof(uint32_t) ? 0 : bytes.size - sizeof(uint32_t);
    struct reader reader = reader_of(bytes_slice(bytes, 0, size));
    struct reader end = reader_of(bytes_slice(bytes, size, bytes.size));
    enum code code = OK;

    if (bytes.size < sizeof(uint32_t) || reader_u32(&end) != crc32c(0, bytes_slice(bytes, 0, size)))
        return error_set(err, E_CORRUPT, "%zu bytes of fields fail their CRC", bytes.size);
    while (code == OK && reader_left(&reader) > 0) {
        struct guest_field field;

        field.measurement = reader_span(&reader);
        field.name = reader_span(&reader);
        field.type = (enum value_type)reader_u8(&reader);
        if (reader.failed || field.type == TYPE_NONE || field.type >= TYPE_RETRACTED)
            return error_set(err, E_CORRUPT, "a list of fields that is none");
        code = each(context, &field, err);
    }
    return code;
}
