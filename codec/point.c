#include "codec/point.h"

#include <stdlib.h>

#include "codec/series_key.h"
#include "codec/utf8.h"

void point_init(struct point *point, struct batch *batch, const struct limits *limits)
{
    *point = (struct point){.batch = batch, .limits = limits};
    point->key = BUF_INIT(SIZE_MAX); /* no larger than the point's text */
}

void point_release(struct point *point)
{
    buf_release(&point->key);
}

void point_clear(struct point *point)
{
    point->measurement = (struct bytes){0};
    point->tag_count = 0;
    point->field_count = 0;
    point->timed = false;
}

struct series_tag *point_add_tag(struct point *point)
{
    if (point->tag_count == point->tag_capacity) {
        uint32_t capacity = point->tag_capacity == 0 ? 16 : point->tag_capacity * 2;
        struct series_tag *tags =
            arena_grow(point->batch->arena, point->tags, point->tag_capacity * sizeof(*tags),
                       capacity * sizeof(*tags));

        if (tags == NULL)
            return NULL;
        point->tags = tags;
        point->tag_capacity = capacity;
    }
    return &point->tags[point->tag_count++];
}

struct point_field *point_add_field(struct point *point)
{
    if (point->field_count == point->field_capacity) {
        uint32_t capacity = point->field_capacity == 0 ? 16 : point->field_capacity * 2;
        struct point_field *fields =
            arena_grow(point->batch->arena, point->fields, point->field_capacity * sizeof(*fields),
                       capacity * sizeof(*fields));

        if (fields == NULL)
            return NULL;
        point->fields = fields;
        point->field_capacity = capacity;
    }
    return &point->fields[point->field_count++];
}

static bool reserve(struct point *point)
{
    struct arena *arena = point->batch->arena;
    uint32_t capacity = point->field_capacity;

    if (capacity <= point->scratch_capacity)
        return true;
    point->table = NULL;
    point->order = ARENA_ARRAY(arena, uint32_t, capacity);
    point->columns = ARENA_ARRAY(arena, uint32_t, capacity);
    point->sorted = ARENA_ARRAY(arena, struct batch_field, capacity);
    point->scratch_capacity = capacity;
    return point->order != NULL && point->columns != NULL && point->sorted != NULL;
}

/* Whether the fields are, in their order, those of the last point. */
static bool same_table(const struct point *point)
{
    const struct batch_table *table = point->table;

    if (table == NULL || table->field_count != point->field_count ||
        !bytes_equal(table->measurement, point->measurement))
        return false;
    for (uint32_t i = 0; i < point->field_count; i++) {
        const struct batch_field *field = &table->fields[point->columns[i]];

        if (field->type != point->fields[i].type ||
            !bytes_equal(field->name, point->fields[i].name))
            return false;
    }
    return true;
}

static int field_compare(const void *left, const void *right, void *context)
{
    const struct point_field *fields = context;

    return bytes_compare(fields[*(const uint32_t *)left].name,
                         fields[*(const uint32_t *)right].name);
}

enum code point_find_table(struct point *point, struct bytes *duplicate)
{
    if (!reserve(point))
        return E_MEMORY;
    if (same_table(point))
        return OK;
    point->table = NULL;
    for (uint32_t i = 0; i < point->field_count; i++)
        point->order[i] = i;
    qsort_r(point->order, point->field_count, sizeof(*point->order), field_compare, point->fields);
    for (uint32_t i = 0; i < point->field_count; i++) {
        const struct point_field *field = &point->fields[point->order[i]];

        if (i > 0 && bytes_equal(point->sorted[i - 1].name, field->name)) {
            *duplicate = field->name;
            return E_DUPLICATE_FIELD;
        }
        point->sorted[i] = (struct batch_field){field->name, field->type};
        point->columns[point->order[i]] = i;
    }
    point->table =
        batch_table_find(point->batch, point->measurement, point->sorted, point->field_count);
    return point->table == NULL ? E_MEMORY : OK;
}

enum code point_find_series(struct point *point, uint32_t *index, struct error *err)
{
    enum code code;

    buf_clear(&point->key);
    code = series_key_encode(point->measurement, point->tags, point->tag_count, &point->key, err);
    if (code)
        return code;
    *index = batch_series_index(point->batch, buf_bytes(&point->key), point->measurement);
    return *index == UINT32_MAX ? E_MEMORY : OK;
}

enum code point_put_row(struct point *point, uint32_t series, uint32_t line, int64_t now_ns)
{
    struct batch_table *table = point->table;
    uint32_t row = batch_row_begin(point->batch, table);

    if (row == UINT32_MAX)
        return E_MEMORY;
    for (uint32_t i = 0; i < point->field_count; i++)
        table->columns[point->columns[i]][row] = point->fields[i].cell;
    if (!point->timed)
        point->time = batch_untimed(point->batch, series, now_ns);
    batch_row_done(point->batch, table, series, line, point->time);
    return OK;
}

bool name_plain(struct bytes name)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
    size_t at = 0;

    for (; at + sizeof(uint64_t) <= name.size; at += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, name.data + at, sizeof(word));
        /* A top bit stays or is set where a byte is below 0x20, is 0x7f or is above. */
        if (((word - ones * 0x20) | (word + ones) | word) & tops)
            return false;
    }
    for (; at < name.size; at++)
        if ((unsigned char)(name.data[at] - ' ') > '~' - ' ')
            return false;
    return name.size > 0;
}

enum code name_check(struct bytes name, const char *what, size_t *at, struct error *err)
{
    size_t bad = utf8_check(name);

    *at = bad;
    if (bad < name.size)
        return error_set(err, E_BAD_UTF8, "the byte 0x%02x of the %s is not UTF-8",
                         (unsigned char)name.data[bad], what);
    for (*at = 0; *at < name.size; ++*at) {
        unsigned char c = (unsigned char)name.data[*at];

        if (c < ' ' || c == 0x7f)
            return error_set(err, E_BAD_NAME,
                             "the %s holds the control byte 0x%02x; names and tag values are "
                             "made of printable characters",
                             what, c);
    }
    *at = 0;
    if (name.size == 0)
        return error_set(err, E_SYNTAX, "the %s is empty", what);
    return OK;
}
