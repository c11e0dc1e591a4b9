#include "store/packs/pack_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "store/packs/pack_inside.h"

struct pack_parts {
    const struct pack *pack;
    char *data;         /* of the table; owned */
    struct bytes table; /* of those in front of it */
    uint32_t count;     /* of these; the piece behind them comes on top */
};

/* They are all bytes before their table, without gaps. */
static enum code parts_check(const struct pack_parts *parts, struct error *err)
{
    uint64_t end = parts->pack->footer.at[PACK_PARTS], offset = 0;

    for (uint32_t i = 0; i < parts->count; i++) {
        struct pack_part part = pack_part_read(parts->table, i);

        if (part.offset != offset || part.size > end - offset)
            return error_set(err, E_CORRUPT,
                             "part %u of %u: it is [%llu, +%llu), %llu is next and %llu are left",
                             i, parts->count, (unsigned long long)part.offset,
                             (unsigned long long)part.size, (unsigned long long)offset,
                             (unsigned long long)(end - offset));
        offset += part.size;
    }
    if (offset != end)
        return error_set(err, E_CORRUPT, "parts end at %llu, their table is at %llu",
                         (unsigned long long)offset, (unsigned long long)end);
    return OK;
}

enum code pack_parts_open(const struct pack *pack, struct pack_parts **parts, struct error *err)
{
    uint64_t count = pack->footer.count[PACK_PARTS];
    struct pack_parts *made = calloc(1, sizeof(*made));
    enum code code;

    *parts = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for the parts of a pack");
    made->pack = pack;
    made->count = (uint32_t)count;
    code = pack_read_section(pack, PACK_PARTS, &made->data, &made->table, err);
    if (code == OK && (count == 0 || count >= UINT32_MAX))
        code = error_set(err, E_CORRUPT, "it has %llu parts", (unsigned long long)count);
    if (code == OK)
        code = parts_check(made, err);
    if (code)
        pack_parts_close(made);
    else
        *parts = made;
    return code;
}

void pack_parts_close(struct pack_parts *parts)
{
    if (parts == NULL)
        return;
    free(parts->data);
    free(parts);
}

uint32_t pack_parts_count(const struct pack_parts *parts)
{
    return parts->count + 1;
}

static struct pack_part part_of(const struct pack_parts *parts, uint32_t index)
{
    uint64_t table_at = parts->pack->footer.at[PACK_PARTS];

    assert(index <= parts->count);
    if (index < parts->count)
        return pack_part_read(parts->table, index);
    return (struct pack_part){.offset = table_at, .size = parts->pack->size - table_at};
}

uint64_t pack_parts_size(const struct pack_parts *parts, uint32_t index)
{
    return part_of(parts, index).size;
}

uint64_t pack_parts_offset(const struct pack_parts *parts, uint32_t index)
{
    return part_of(parts, index).offset;
}

struct hash128 pack_parts_hash(const struct pack_parts *parts, uint32_t index)
{
    assert(index < parts->count);
    return pack_part_read(parts->table, index).hash;
}

uint32_t pack_parts_at(const struct pack_parts *parts, uint64_t offset)
{
    uint32_t first = 0, end = parts->count + 1;

    while (end - first > 1) { /* the byte is in one of [first, end) */
        uint32_t middle = first + (end - first) / 2;

        if (part_of(parts, middle).offset <= offset)
            first = middle;
        else
            end = middle;
    }
    return first;
}

enum code pack_parts_read(const struct pack_parts *parts, uint32_t index, struct buf *out,
                          struct hash128 *hash, struct error *err)
{
    struct pack_part part = part_of(parts, index);
    char *data = buf_extend(out, (size_t)part.size);
    enum code code;

    if (data == NULL) {
        code = error_set(err, E_MEMORY, "no memory for %llu bytes", (unsigned long long)part.size);
    } else {
        code = pack_read(parts->pack, part.offset, data, (size_t)part.size, err);
        if (code == OK)
            *hash = hash128((struct bytes){data, (size_t)part.size});
        if (code == OK && index < parts->count && memcmp(hash, &part.hash, sizeof(*hash)) != 0)
            code = error_set(err, E_CORRUPT, "%llu bytes at %llu are not those of its hash",
                             (unsigned long long)part.size, (unsigned long long)part.offset);
    }
    if (code)
        error_context(err, "part %u of %u", index, parts->count);
    return code;
}
