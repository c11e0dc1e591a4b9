/* A table's memory is one slab: columns one behind another, then times, revisions, series
 * and lines.  It grows by four while small (a request of two thousand lines grows four times) and
 * by two afterwards; what it leaves behind stays in the arena until the request ends, which
 * is at most a third (then at most the whole) of what is in use.
 *
 * A table's shape and a series' key find it again through maps, whose keys are in the arena. */
#include "model/batch.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    SERIES_FIRST = 16,
    ROWS_FIRST = 4,        /* small: a request can have many shapes of one row each */
    FAST_MAX = 4096,       /* rows and series grow by four up to here */
    REJECT_TEXT_SIZE = 384 /* as an error's */
};

void batch_init(struct batch *batch, struct arena *arena, uint64_t rejects_kept_max)
{
    *batch = (struct batch){.arena = arena, .rejects_kept_max = rejects_kept_max};
    batch->tables_end = &batch->tables;
    batch->rejects_end = &batch->rejects;
    batch->shape = BUF_INIT(SIZE_MAX);
}

void batch_release(struct batch *batch)
{
    map_release(&batch->tables_by_shape);
    map_release(&batch->series_by_key);
    buf_release(&batch->shape);
}

static uint32_t grown(uint32_t capacity, uint32_t first)
{
    if (capacity == 0)
        return first;
    return capacity < FAST_MAX ? capacity * 4 : capacity * 2;
}

static bool series_grow(struct batch *batch)
{
    uint32_t capacity = grown(batch->series_capacity, SERIES_FIRST);
    struct batch_series *series;

    if (batch->series_capacity > UINT32_MAX / 4)
        return false;
    series = arena_grow(batch->arena, batch->series,
                        batch->series_capacity * sizeof(struct batch_series),
                        capacity * sizeof(struct batch_series));
    if (series == NULL)
        return false;
    batch->series = series;
    batch->series_capacity = capacity;
    return true;
}

/* The measurement mostly is a part of the key: then it is the same part of the key's copy. */
static struct bytes measurement_copy(struct batch *batch, struct bytes key, struct bytes copy,
                                     struct bytes measurement)
{
    uintptr_t key_first = (uintptr_t)key.data, first = (uintptr_t)measurement.data;

    if (first >= key_first && first + measurement.size <= key_first + key.size)
        return (struct bytes){copy.data + (first - key_first), measurement.size};
    return arena_copy(batch->arena, measurement);
}

/* Enters those that were added without being looked for. */
static bool series_enter(struct batch *batch)
{
    for (uint32_t i = 0; i < batch->series_count; i++)
        if (!map_put(&batch->series_by_key, batch->series[i].key, (void *)((uintptr_t)i + 1))) {
            map_release(&batch->series_by_key);
            return false;
        }
    return true;
}

/* Both are in the arena. */
static uint32_t series_append(struct batch *batch, struct bytes key, struct bytes measurement)
{
    if (batch->series_count == batch->series_capacity && !series_grow(batch))
        return UINT32_MAX;
    batch->series[batch->series_count] =
        (struct batch_series){.key = key, .measurement = measurement};
    return batch->series_count++;
}

uint32_t batch_series_index(struct batch *batch, struct bytes key, struct bytes measurement)
{
    uint64_t hash = map_hash(key);
    struct bytes copy;
    void *found;

    if (batch->series_by_key.count == 0 && !series_enter(batch))
        return UINT32_MAX;
    found = map_get_hashed(&batch->series_by_key, key, hash);
    if (found != NULL)
        return (uint32_t)((uintptr_t)found - 1);
    copy = arena_copy(batch->arena, key);
    if (copy.data == NULL)
        return UINT32_MAX;
    measurement = measurement_copy(batch, key, copy, measurement);
    if (measurement.data == NULL)
        return UINT32_MAX;
    if (batch->series_count == batch->series_capacity && !series_grow(batch))
        return UINT32_MAX;
    if (!map_put_hashed(&batch->series_by_key, copy, hash,
                        (void *)((uintptr_t)batch->series_count + 1)))
        return UINT32_MAX;
    return series_append(batch, copy, measurement);
}

uint32_t batch_series_add(struct batch *batch, struct bytes key, struct bytes measurement)
{
    if (batch->series_by_key.count > 0)
        return batch_series_index(batch, key, measurement);
    if (batch->series_count > 0 && bytes_equal(batch->series[batch->series_count - 1].key, key))
        return batch->series_count - 1;
    return series_append(batch, key, measurement);
}

static void shape_encode(struct buf *shape, struct bytes measurement,
                         const struct batch_field *fields, uint32_t field_count)
{
    buf_clear(shape);
    buf_put_span(shape, measurement);
    for (uint32_t i = 0; i < field_count; i++) {
        buf_put_u8(shape, (uint8_t)fields[i].type);
        buf_put_span(shape, fields[i].name);
    }
}

/* Names of the table point into its shape, which is in the arena. */
static struct batch_table *table_new(struct batch *batch, struct bytes shape,
                                     struct bytes measurement, const struct batch_field *fields,
                                     uint32_t field_count)
{
    struct batch_table *table = ARENA_NEW(batch->arena, struct batch_table);
    struct batch_field *copies = ARENA_ARRAY(batch->arena, struct batch_field, field_count);
    union cell **columns = ARENA_ARRAY(batch->arena, union cell *, field_count);
    size_t at = shape.size;

    if (table == NULL || copies == NULL || columns == NULL)
        return NULL;
    for (uint32_t i = field_count; i-- > 0;) { /* from the end: sizes need no decoding */
        size_t size = fields[i].name.size;

        at -= size;
        copies[i].name = bytes_slice(shape, at, at + size);
        copies[i].type = fields[i].type;
        columns[i] = NULL;
        do
            size >>= 7, at--;
        while (size != 0);
        at--; /* the type */
    }
    table->measurement = bytes_slice(shape, at - measurement.size, at);
    table->field_count = field_count;
    table->fields = copies;
    table->columns = columns;
    return table;
}

struct batch_table *batch_table_find(struct batch *batch, struct bytes measurement,
                                     const struct batch_field *fields, uint32_t field_count)
{
    struct batch_table *table;
    struct bytes shape;
    uint64_t hash;

    assert(field_count > 0);
    shape_encode(&batch->shape, measurement, fields, field_count);
    if (batch->shape.failed)
        return NULL;
    shape = buf_bytes(&batch->shape);
    hash = map_hash(shape);
    table = map_get_hashed(&batch->tables_by_shape, shape, hash);
    if (table != NULL)
        return table;
    shape = arena_copy(batch->arena, shape);
    if (shape.data == NULL)
        return NULL;
    table = table_new(batch, shape, measurement, fields, field_count);
    if (table == NULL || !map_put_hashed(&batch->tables_by_shape, shape, hash, table))
        return NULL;
    *batch->tables_end = table;
    batch->tables_end = &table->next;
    return table;
}

/* Moves the table's rows into a slab of `capacity` rows; `revision` says whether it has room for
 * revision times. */
static bool table_resize(struct batch *batch, struct batch_table *table, uint32_t capacity,
                         bool revision)
{
    size_t rows = table->row_count;
    size_t wide = (size_t)table->field_count + 1 + revision; /* arrays of eight bytes a row */
    char *slab = arena_array(batch->arena, (wide + 1) * sizeof(union cell), capacity);
    int64_t *time, *revisions;
    uint32_t *series, *line;

    if (slab == NULL)
        return false;
    time = (int64_t *)(void *)slab + (size_t)table->field_count * capacity;
    revisions = revision ? time + capacity : NULL;
    series = (uint32_t *)(void *)(slab + wide * sizeof(union cell) * capacity);
    line = series + capacity;
    if (rows > 0) {
        memcpy(time, table->time, rows * sizeof(*time));
        memcpy(series, table->series, rows * sizeof(*series));
        memcpy(line, table->line, rows * sizeof(*line));
        if (revision && table->revision != NULL)
            memcpy(revisions, table->revision, rows * sizeof(*revisions));
    }
    if (revision && table->revision == NULL)
        for (size_t i = 0; i < rows; i++)
            revisions[i] = INT64_MIN;
    for (uint32_t i = 0; i < table->field_count; i++) {
        union cell *column = (union cell *)(void *)slab + (size_t)i * capacity;

        if (rows > 0)
            memcpy(column, table->columns[i], rows * sizeof(*column));
        table->columns[i] = column;
    }
    table->time = time;
    table->series = series;
    table->line = line;
    table->revision = revisions;
    table->row_capacity = capacity;
    return true;
}

uint32_t batch_row_begin(struct batch *batch, struct batch_table *table)
{
    uint32_t capacity = table->row_capacity;

    if (table->row_count < capacity)
        return table->row_count;
    if (capacity > UINT32_MAX / 4)
        return UINT32_MAX;
    if (!table_resize(batch, table, grown(capacity, ROWS_FIRST), table->revision != NULL))
        return UINT32_MAX;
    return table->row_count;
}

bool batch_rows_reserve(struct batch *batch, struct batch_table *table, uint32_t more)
{
    uint32_t rows;

    if (__builtin_add_overflow(table->row_count, more, &rows) || rows > UINT32_MAX / 4)
        return false;
    return rows <= table->row_capacity || table_resize(batch, table, rows, table->revision != NULL);
}

void batch_row_done(struct batch *batch, struct batch_table *table, uint32_t series, uint32_t line,
                    int64_t time)
{
    struct batch_series *of = &batch->series[series];
    uint32_t row = table->row_count;

    assert(series < batch->series_count);
    assert(row < table->row_capacity);
    if (of->used && time <= of->time_last)
        batch->unordered = true;
    of->used = true;
    of->time_last = time;
    table->series[row] = series;
    table->line[row] = line;
    table->time[row] = time;
    if (table->revision != NULL)
        table->revision[row] = INT64_MIN;
    table->row_count = row + 1;
    batch->row_count++;
    batch->value_count += table->field_count;
}

bool batch_row_revision(struct batch *batch, struct batch_table *table, int64_t revision)
{
    assert(table->row_count > 0);
    if (table->revision == NULL && !table_resize(batch, table, table->row_capacity, true))
        return false;
    table->revision[table->row_count - 1] = revision;
    return true;
}

int64_t batch_untimed(struct batch *batch, uint32_t series, int64_t now_ns)
{
    assert(series < batch->series_count);
    return now_ns + batch->series[series].untimed_count++;
}

void batch_reject(struct batch *batch, uint32_t line, enum code code, const char *format, ...)
{
    char text[REJECT_TEXT_SIZE];
    struct batch_reject *reject;
    va_list arguments;
    size_t size;

    assert(code != OK);
    if (batch->reject_count++ >= batch->rejects_kept_max)
        return;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
    reject = ARENA_NEW(batch->arena, struct batch_reject);
    if (reject == NULL)
        return; /* counted; the request is about to fail for memory anyway */
    reject->line = line;
    reject->code = code;
    reject->detail = arena_copy(batch->arena, (struct bytes){text, size});
    if (reject->detail.data == NULL)
        reject->detail = (struct bytes){"", 0};
    *batch->rejects_end = reject;
    batch->rejects_end = &reject->next;
}

void batch_row_move(struct batch_table *table, uint32_t to, uint32_t from)
{
    for (uint32_t i = 0; i < table->field_count; i++)
        table->columns[i][to] = table->columns[i][from];
    table->series[to] = table->series[from];
    table->line[to] = table->line[from];
    table->time[to] = table->time[from];
    if (table->revision != NULL)
        table->revision[to] = table->revision[from];
}

void batch_rows_cut(struct batch *batch, struct batch_table *table, uint32_t count)
{
    uint32_t gone = table->row_count - count;

    assert(count <= table->row_count);
    table->row_count = count;
    batch->row_count -= gone;
    batch->value_count -= (uint64_t)gone * table->field_count;
}

void batch_drop_rows(struct batch *batch,
                     enum code (*drop)(void *context, const struct batch_table *table, uint32_t row,
                                       struct error *why),
                     void *context)
{
    for (struct batch_table *table = batch->tables; table != NULL; table = table->next) {
        uint32_t count = table->row_count, kept = 0;

        for (uint32_t row = 0; row < count; row++) {
            struct error why = {0};
            enum code code = drop(context, table, row, &why);

            if (code != OK) {
                batch_reject(batch, table->line[row], code, "%s", why.text);
                continue;
            }
            if (kept != row)
                batch_row_move(table, kept, row);
            kept++;
        }
        batch_rows_cut(batch, table, kept);
    }
}

bool batch_series_drop_unused(struct batch *batch)
{
    uint32_t *number = ARENA_ARRAY(batch->arena, uint32_t, batch->series_count);
    uint32_t kept = 0;

    if (number == NULL)
        return false;
    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        for (uint32_t row = 0; row < table->row_count; row++)
            number[table->series[row]] = 1;
    for (uint32_t i = 0; i < batch->series_count; i++) {
        if (number[i] == 0)
            continue;
        batch->series[kept] = batch->series[i];
        number[i] = kept++;
    }
    if (kept == batch->series_count)
        return true;
    batch->series_count = kept;
    map_release(&batch->series_by_key); /* it names old numbers */
    for (struct batch_table *table = batch->tables; table != NULL; table = table->next)
        for (uint32_t row = 0; row < table->row_count; row++)
            table->series[row] = number[table->series[row]];
    return true;
}
