#include "ingest/follow/tail_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

static const struct bytes file_key = BYTES("file"), node_key = BYTES("node");

void tail_key(uint64_t device, uint64_t inode, char key[TAIL_KEY_SIZE])
{
    (void)snprintf(key, TAIL_KEY_SIZE, "%" PRIx64 "-%" PRIx64, device, inode);
}

struct tail_print tail_print_of(struct bytes bytes)
{
    struct hash128 hash = hash128(bytes);
    struct tail_print print = {.size = (uint32_t)bytes.size};

    memcpy(&print.hash, hash.bytes, sizeof(print.hash));
    return print;
}

/* --- as a row --- */

/* Numbers of the mark, each a field. */
static const struct {
    struct bytes name;
    size_t offset;
    enum { OF_64, OF_32, OF_BOOL } width;
} numbers[] = {
    {BYTES("device"),    offsetof(struct tail_mark, device),    OF_64  },
    {BYTES("faults"),    offsetof(struct tail_mark, faults),    OF_64  },
    {BYTES("head"),      offsetof(struct tail_mark, head.hash), OF_64  },
    {BYTES("head_size"), offsetof(struct tail_mark, head.size), OF_32  },
    {BYTES("inode"),     offsetof(struct tail_mark, inode),     OF_64  },
    {BYTES("last"),      offsetof(struct tail_mark, last.hash), OF_64  },
    {BYTES("last_size"), offsetof(struct tail_mark, last.size), OF_32  },
    {BYTES("offset"),    offsetof(struct tail_mark, offset),    OF_64  },
    {BYTES("packed"),    offsetof(struct tail_mark, packed),    OF_BOOL},
    {BYTES("raw"),       offsetof(struct tail_mark, raw),       OF_64  },
    {BYTES("rows"),      offsetof(struct tail_mark, rows),      OF_64  },
    {BYTES("within"),    offsetof(struct tail_mark, within),    OF_BOOL},
};

static const struct bytes path_name = BYTES("path");

static int64_t number_of(const struct tail_mark *mark, size_t i)
{
    const char *at = (const char *)mark + numbers[i].offset;

    switch (numbers[i].width) {
    case OF_64:
        return (int64_t) * (const uint64_t *)(const void *)at;
    case OF_32:
        return *(const uint32_t *)(const void *)at;
    case OF_BOOL:
        return *(const bool *)(const void *)at;
    }
    abort();
}

static void set_number(struct tail_mark *mark, size_t i, int64_t number)
{
    char *at = (char *)mark + numbers[i].offset;

    switch (numbers[i].width) {
    case OF_64:
        *(uint64_t *)(void *)at = (uint64_t)number;
        break;
    case OF_32:
        *(uint32_t *)(void *)at = (uint32_t)number;
        break;
    case OF_BOOL:
        *(bool *)(void *)at = number != 0;
        break;
    }
}

static bool put_fields(const struct tail_mark *mark, struct point *point)
{
    struct text *path = arena_alloc(point->batch->arena, sizeof(*path) + mark->path.size);
    struct point_field *field = point_add_field(point);

    if (path == NULL || field == NULL)
        return false;
    path->size = (uint32_t)mark->path.size;
    if (path->size > 0)
        memcpy(path->data, mark->path.data, path->size);
    *field = (struct point_field){.name = path_name, .type = TYPE_STRING, .cell.text = path};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        field = point_add_field(point);
        if (field == NULL)
            return false;
        *field = (struct point_field){
            .name = numbers[i].name, .type = TYPE_I64, .cell.i64 = number_of(mark, i)};
    }
    return true;
}

static bool put_tags(const struct tail_mark *mark, struct bytes node, struct point *point)
{
    char text[TAIL_KEY_SIZE];
    struct series_tag *tag = point_add_tag(point);
    struct bytes key;

    tail_key(mark->device, mark->inode, text);
    key = arena_copy(point->batch->arena, bytes_of(text));
    if (tag == NULL || key.data == NULL)
        return false;
    *tag = (struct series_tag){file_key, key};
    if (node.size == 0)
        return true;
    tag = point_add_tag(point);
    if (tag != NULL)
        *tag = (struct series_tag){node_key, node};
    return tag != NULL;
}

enum code tail_mark_put(const struct tail_mark *mark, struct bytes measurement, struct bytes node,
                        struct point *point, struct error *err)
{
    struct bytes duplicate;
    uint32_t series = 0;
    enum code code = E_MEMORY;

    point_clear(point);
    point->measurement = measurement;
    point->timed = true;
    point->time = mark->time_ns;
    if (put_tags(mark, node, point) && put_fields(mark, point))
        code = point_find_series(point, &series, err);
    if (code == OK)
        code = point_find_table(point, &duplicate);
    if (code == OK)
        code = point_put_row(point, series, 1, mark->time_ns);
    return code == E_MEMORY ? error_set(err, code, "no memory for how far a file was read") : code;
}

bool tail_mark_read(const struct recalled_row *row, struct bytes node, struct tail_mark *mark,
                    bool *own)
{
    struct bytes of = BYTES("");
    bool file = false;
    size_t found = 0;

    *mark = (struct tail_mark){.time_ns = row->time};
    for (uint32_t i = 0; i < row->tag_count; i++) {
        file = file || bytes_equal(row->tags[i].key, file_key);
        if (bytes_equal(row->tags[i].key, node_key))
            of = row->tags[i].value;
    }
    *own = bytes_equal(of, node);
    if (!file || (!*own && of.size > 0 && !bytes_equal(of, BYTES("0"))))
        return false;
    for (uint32_t i = 0; i < row->count; i++) {
        if (row->types[i] == TYPE_STRING && bytes_equal(row->fields[i], path_name))
            mark->path = text_bytes(row->cells[i].text);
        for (size_t k = 0; row->types[i] == TYPE_I64 && k < COUNT_OF(numbers); k++)
            if (bytes_equal(row->fields[i], numbers[k].name)) {
                set_number(mark, k, row->cells[i].i64);
                found++;
            }
    }
    return found == COUNT_OF(numbers);
}
