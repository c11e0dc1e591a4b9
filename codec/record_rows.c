#include "codec/record_rows.h"

#include <assert.h>
#include <stdatomic.h>

#include "codec/series_key.h"

enum { ALIGNMENT = 8, FIELD_SIZE_MIN = 3, TABLE_SIZE_MIN = 8, SERIES_SIZE_MIN = 17 };

static void pad(struct buf *out, size_t base)
{
    static const char zeros[ALIGNMENT];

    buf_put(out, (struct bytes){zeros, -(out->size - base) & (ALIGNMENT - 1)});
}

static void put_array(struct buf *out, size_t base, const void *items, size_t size)
{
    pad(out, base);
    buf_put(out, (struct bytes){items, size});
}

/* Each as it stands in memory (size, then bytes), padded to four. */
static void put_texts(struct buf *out, size_t base, const union cell *cells, uint32_t count)
{
    pad(out, base);
    for (uint32_t row = 0; row < count; row++) {
        const struct text *text = cells[row].text;
        char *at = buf_extend(out, sizeof(*text) + ((text->size + 3) & ~(size_t)3));

        if (at == NULL)
            return;
        memset(at + sizeof(*text) + (text->size & ~(size_t)3), 0, text->size % 4 == 0 ? 0 : 4);
        memcpy(at, text, sizeof(*text));
        memcpy(at + sizeof(*text), text->data, text->size);
    }
}

static void put_table(const struct batch_table *table, size_t base, struct buf *out)
{
    size_t rows = table->row_count;

    buf_put_span(out, table->measurement);
    buf_put_uvarint(out, table->field_count);
    buf_put_uvarint(out, table->row_count);
    buf_put_u8(out, table->revision != NULL);
    for (uint32_t i = 0; i < table->field_count; i++) {
        buf_put_u8(out, (uint8_t)table->fields[i].type);
        buf_put_span(out, table->fields[i].name);
    }
    put_array(out, base, table->series, rows * sizeof(*table->series));
    put_array(out, base, table->time, rows * sizeof(*table->time));
    if (table->revision != NULL)
        put_array(out, base, table->revision, rows * sizeof(*table->revision));
    for (uint32_t i = 0; i < table->field_count; i++) {
        if (table->fields[i].type == TYPE_STRING)
            put_texts(out, base, table->columns[i], table->row_count);
        else if (table->fields[i].type != TYPE_RETRACTED)
            put_array(out, base, table->columns[i], rows * sizeof(union cell));
    }
}

void record_rows_put(const struct batch *batch, size_t base, struct buf *out)
{
    uint32_t table_count = 0;

    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        table_count += table->row_count > 0;
    buf_put_uvarint(out, batch->series_count);
    buf_put_uvarint(out, table_count);
    pad(out, base);
    for (uint32_t i = 0; i < batch->series_count; i++) {
        const struct series *series = batch->series[i].series;

        assert(series != NULL);
        buf_put_u64(out, series->id.high);
        buf_put_u64(out, series->id.low);
    }
    for (uint32_t i = 0; i < batch->series_count; i++) {
        const struct series *series = batch->series[i].series;
        bool stored = atomic_load_explicit(&series->stored, memory_order_acquire);

        buf_put_span(out, stored ? (struct bytes){NULL, 0} : series->key);
    }
    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        if (table->row_count > 0)
            put_table(table, base, out);
}

/* Everything below reads what may be damaged or hostile: a count is believed when that many of
 * the smallest items have room in what is left. */
struct rows_reader {
    struct reader *reader;
    const char *base;
    struct arena *arena;
    struct batch *batch;
    union cell *zeros; /* of the table at hand: serves all its retracted columns */
};

/* The next array of `count` items, where it stands; NULL (and failed) when it is not all there. */
static const void *take_array(struct rows_reader *rows, size_t count, size_t item_size)
{
    struct reader *reader = rows->reader;
    struct bytes padding =
        reader_take(reader, -(size_t)(reader->at - rows->base) & (ALIGNMENT - 1));
    struct bytes array;

    for (size_t i = 0; i < padding.size; i++)
        if (padding.data[i] != 0)
            reader->failed = true;
    if (count > reader_left(reader) / item_size)
        reader->failed = true;
    if (reader->failed)
        return NULL;
    array = reader_take(reader, count * item_size);
    return array.data;
}

static enum code take_series(struct rows_reader *rows, uint32_t count)
{
    struct batch *batch = rows->batch;
    const struct series_id *ids = take_array(rows, count, sizeof(*ids));

    if (ids == NULL)
        return E_CORRUPT;
    batch->series = arena_zero(rows->arena, count * sizeof(*batch->series));
    if (batch->series == NULL)
        return E_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct batch_series *series = &batch->series[i];

        series->id = ids[i];
        series->key = reader_span(rows->reader);
        if (rows->reader->failed)
            return E_CORRUPT;
        if (series->key.size == 0)
            continue;
        if (!series_key_check(series->key, &series->measurement) ||
            series_id_compare(series_key_id(series->key), series->id) != 0)
            return E_CORRUPT;
    }
    batch->series_count = batch->series_capacity = count;
    return OK;
}

static enum code take_fields(struct rows_reader *rows, struct batch_table *table)
{
    struct batch_field *fields =
        arena_array(rows->arena, sizeof(struct batch_field), table->field_count);
    union cell **columns = arena_array(rows->arena, sizeof(union cell *), table->field_count);

    if (fields == NULL || columns == NULL)
        return E_MEMORY;
    for (uint32_t i = 0; i < table->field_count; i++) {
        uint8_t type = reader_u8(rows->reader);

        fields[i].type = (enum value_type)type;
        fields[i].name = reader_span(rows->reader);
        if (type < TYPE_F64 || type > TYPE_RETRACTED || fields[i].name.size == 0)
            return E_CORRUPT;
        if (i > 0 && bytes_compare(fields[i - 1].name, fields[i].name) >= 0)
            return E_CORRUPT;
    }
    table->fields = fields;
    table->columns = columns;
    return rows->reader->failed ? E_CORRUPT : OK;
}

/* A span of the same text as the table's measurement; series remember which span they compared
 * last, so that most rows compare a pointer. */
static bool same_measurement(struct batch_series *series, const struct batch_table *table)
{
    if (series->measurement.data == table->measurement.data)
        return true;
    if (series->measurement.data != NULL && !bytes_equal(series->measurement, table->measurement))
        return false;
    series->measurement = table->measurement;
    return true;
}

static bool check_rows(struct batch *batch, const struct batch_table *table)
{
    for (uint32_t row = 0; row < table->row_count; row++) {
        struct batch_series *series;
        int64_t time = table->time[row];

        if (table->series[row] >= batch->series_count)
            return false;
        series = &batch->series[table->series[row]];
        if (!same_measurement(series, table) || time == INT64_MAX || time < INT64_MIN + 2)
            return false;
        if (series->used && time <= series->time_last)
            batch->unordered = true;
        series->used = true;
        series->time_last = time;
    }
    return true;
}

static enum code take_texts(struct rows_reader *rows, uint32_t count, union cell **column)
{
    struct reader *reader = rows->reader;
    union cell *cells;

    if (take_array(rows, 0, 1) == NULL || count > reader_left(reader) / sizeof(struct text))
        return E_CORRUPT;
    cells = arena_array(rows->arena, sizeof(*cells), count);
    if (cells == NULL)
        return E_MEMORY;
    for (uint32_t row = 0; row < count; row++) {
        const struct text *text = (const struct text *)(const void *)reader->at;

        if (reader_left(reader) < sizeof(*text) || text->size > reader_left(reader) - sizeof(*text))
            return E_CORRUPT;
        reader_take(reader, sizeof(*text) + text->size);
        for (size_t i = -(size_t)text->size & 3; i > 0; i--)
            if (reader_u8(reader) != 0)
                return E_CORRUPT;
        cells[row].text = text;
    }
    *column = cells;
    return reader->failed ? E_CORRUPT : OK;
}

/* All at once and without a branch a cell: replay is made of these two loops. */
static bool all_finite(const union cell *cells, uint32_t count)
{
    uint64_t bad = 0;

    for (uint32_t row = 0; row < count; row++)
        bad |= (cells[row].u64 & 0x7ff0000000000000U) == 0x7ff0000000000000U;
    return bad == 0;
}

static bool all_bool(const union cell *cells, uint32_t count)
{
    uint64_t bits = 0;

    for (uint32_t row = 0; row < count; row++)
        bits |= cells[row].u64;
    return bits <= 1;
}

static enum code take_column(struct rows_reader *rows, struct batch_table *table, uint32_t field)
{
    enum value_type type = table->fields[field].type;
    uint32_t count = table->row_count;
    const union cell *cells;

    if (type == TYPE_STRING)
        return take_texts(rows, count, &table->columns[field]);
    if (type == TYPE_RETRACTED) {
        if (rows->zeros == NULL)
            rows->zeros = arena_zero(rows->arena, count * sizeof(*rows->zeros));
        table->columns[field] = rows->zeros;
        return rows->zeros == NULL ? E_MEMORY : OK;
    }
    cells = take_array(rows, count, sizeof(*cells));
    if (cells == NULL)
        return E_CORRUPT;
    if (type == TYPE_F64 && !all_finite(cells, count))
        return E_CORRUPT;
    if (type == TYPE_BOOL && !all_bool(cells, count))
        return E_CORRUPT;
    table->columns[field] = (union cell *)(uintptr_t)cells; /* nobody writes to a decoded batch */
    return OK;
}

static enum code take_table(struct rows_reader *rows)
{
    struct batch *batch = rows->batch;
    struct reader *reader = rows->reader;
    struct batch_table *table = ARENA_NEW(rows->arena, struct batch_table);
    uint64_t field_count, row_count;
    uint8_t revision;
    enum code code;

    if (table == NULL)
        return E_MEMORY;
    table->measurement = reader_span(reader);
    field_count = reader_uvarint(reader);
    row_count = reader_uvarint(reader);
    revision = reader_u8(reader);
    if (table->measurement.size == 0 || revision > 1 || field_count == 0 || row_count == 0 ||
        field_count > reader_left(reader) / FIELD_SIZE_MIN ||
        row_count > reader_left(reader) / (sizeof(uint32_t) + sizeof(int64_t)))
        return E_CORRUPT;
    table->field_count = (uint32_t)field_count;
    table->row_count = table->row_capacity = (uint32_t)row_count;
    code = take_fields(rows, table);
    if (code)
        return code;
    table->series = (uint32_t *)(uintptr_t)take_array(rows, row_count, sizeof(uint32_t));
    table->time = (int64_t *)(uintptr_t)take_array(rows, row_count, sizeof(int64_t));
    if (revision == 1)
        table->revision = (int64_t *)(uintptr_t)take_array(rows, row_count, sizeof(int64_t));
    if (reader->failed || !check_rows(batch, table))
        return E_CORRUPT;
    rows->zeros = NULL;
    for (uint32_t i = 0; i < table->field_count && code == OK; i++)
        code = take_column(rows, table, i);
    *batch->tables_end = table;
    batch->tables_end = &table->next;
    batch->row_count += row_count;
    batch->value_count += row_count * field_count;
    return code;
}

enum code record_rows_take(struct reader *reader, const char *base, struct arena *arena,
                           struct batch **batch)
{
    struct rows_reader rows = {reader, base, arena, ARENA_NEW(arena, struct batch), NULL};
    uint64_t series_count, table_count;
    enum code code;

    if (rows.batch == NULL)
        return E_MEMORY;
    batch_init(rows.batch, arena, 0);
    series_count = reader_uvarint(reader);
    table_count = reader_uvarint(reader);
    if (series_count > reader_left(reader) / SERIES_SIZE_MIN ||
        table_count > reader_left(reader) / TABLE_SIZE_MIN)
        return E_CORRUPT;
    code = take_series(&rows, (uint32_t)series_count);
    for (uint64_t i = 0; i < table_count && code == OK; i++)
        code = take_table(&rows);
    if (code == OK && (reader->failed || reader_left(reader) > 0))
        code = E_CORRUPT;
    if (code == OK)
        *batch = rows.batch;
    return code;
}
