#include "ingest/pull/row_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t row_hash(const struct point_field *fields, uint32_t count)
{
    XXH64_hash_t hash = 0;

    for (uint32_t i = 0; i < count; i++)
        hash += fields[i].type != TYPE_RETRACTED;
    for (uint32_t i = 0; i < count; i++) {
        const struct point_field *field = &fields[i];

        if (field->type == TYPE_RETRACTED)
            continue;
        hash = XXH3_64bits_withSeed(field->name.data, field->name.size, hash + field->type);
        if (field->type == TYPE_STRING)
            hash = XXH3_64bits_withSeed(field->cell.text->data, field->cell.text->size, hash);
        else
            hash = XXH3_64bits_withSeed(&field->cell, sizeof(field->cell), hash);
    }
    return hash == ROW_RETRACTED ? 1 : hash;
}

uint64_t row_hash_place(struct bytes series_key, int64_t time, struct bytes field)
{
    XXH64_hash_t hash = XXH3_64bits_withSeed(field.data, field.size, (uint64_t)time);

    return XXH3_64bits_withSeed(series_key.data, series_key.size, hash);
}

bool row_list_of(const struct recalled_row *row, uint32_t column, struct bytes *fields)
{
    struct bytes first = row->fields[column];

    for (uint32_t i = 0; i < row->count; i++) {
        struct bytes name = row->fields[i];

        if (row->types[i] == TYPE_STRING && name.size == first.size + 1 &&
            name.data[0] == ROW_LIST_MARK && memcmp(name.data + 1, first.data, first.size) == 0) {
            *fields = text_bytes(row->cells[i].text);
            return true;
        }
    }
    return false;
}

bool row_list_make(const struct point_field *fields, uint32_t count, struct arena *arena,
                   struct point_field *field)
{
    struct bytes first = fields[0].name;
    char *name = arena_alloc(arena, first.size + 1);
    size_t size = count - 1, at = 0;
    struct text *list;

    for (uint32_t i = 0; i < count; i++)
        size += fields[i].name.size;
    list = arena_alloc(arena, sizeof(*list) + size);
    if (name == NULL || list == NULL)
        return false;
    name[0] = ROW_LIST_MARK;
    memcpy(name + 1, first.data, first.size);
    list->size = (uint32_t)size;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes part = fields[i].name;

        if (i > 0)
            list->data[at++] = ROW_LIST_MARK;
        memcpy(list->data + at, part.data, part.size);
        at += part.size;
    }
    *field = (struct point_field){
        .name = {name, first.size + 1},
          .type = TYPE_STRING, .cell.text = list
    };
    return true;
}
