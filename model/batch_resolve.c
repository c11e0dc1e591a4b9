/* batch_resolve(): one row for each (series, time).
 *
 * A hash of (series, time) finds the rows that are not alone, mostly none: late rows are common,
 * repeated ones are not.  Those are sorted by (series, time, table, line).  Of the rows of one
 * group only the last of each table can matter, because rows of a table have the same fields.  One
 * table: its last row stays as it is.  Several: their fields are gathered, sorted by (name, line),
 * the last of each name is taken and the union goes into the table of its shape as a new row. Every
 * sort is of what the request holds, so the whole is O(n log n) whatever it holds.
 *
 * A row that goes is marked by line 0 (lines count from 1); marked rows leave in one pass at
 * the end, so that until then a row's number holds. */
#include "base/map.h"
#include "model/batch.h"

#include <assert.h>
#include <stdlib.h>

struct row_place {
    int64_t time;
    uint32_t series, table, line, row;
};

struct cell_place {
    struct batch_field field;
    union cell cell;
    uint32_t line;
};

struct resolve {
    struct batch *batch;
    struct batch_table **tables;
    struct row_place *rows;
    size_t row_count;
    struct cell_place *cells; /* scratch of one group */
    size_t cell_capacity;
    struct batch_field *fields; /* scratch, as large */
};

static int row_place_compare(const void *left, const void *right)
{
    const struct row_place *a = left, *b = right;

    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->table != b->table)
        return a->table < b->table ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int cell_place_compare(const void *left, const void *right)
{
    const struct cell_place *a = left, *b = right;
    int order = bytes_compare(a->field.name, b->field.name);

    if (order != 0)
        return order;
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool gather_rows(struct resolve *resolve)
{
    struct batch *batch = resolve->batch;
    uint32_t table_count = 0, index = 0;
    size_t at = 0;

    for (struct batch_table *table = batch->tables; table != NULL; table = table->next)
        table_count++;
    resolve->tables = ARENA_ARRAY(batch->arena, struct batch_table *, table_count);
    resolve->rows = ARENA_ARRAY(batch->arena, struct row_place, batch->row_count);
    if (resolve->tables == NULL || resolve->rows == NULL)
        return false;
    for (struct batch_table *table = batch->tables; table != NULL; table = table->next, index++) {
        resolve->tables[index] = table;
        for (uint32_t row = 0; row < table->row_count; row++)
            resolve->rows[at++] = (struct row_place){
                .time = table->time[row],
                .series = table->series[row],
                .table = index,
                .line = table->line[row],
                .row = row,
            };
    }
    assert(at == batch->row_count);
    resolve->row_count = at;
    return true;
}

/* The hash has a secret seed: nobody can send rows that all fall into one place. */
static uint64_t row_hash(const struct row_place *row)
{
    const struct {
        int64_t time;
        uint64_t series;
    } key = {row->time, row->series};

    return map_hash((struct bytes){(const char *)&key, sizeof(key)});
}

/* Leaves the rows that share their series and time with another, sorted. */
static bool keep_repeated(struct resolve *resolve)
{
    size_t size = 4, kept = 0;
    uint32_t *slots; /* of the first row of each series and time, + 1; 0 = free */
    uint8_t *repeated = arena_zero(resolve->batch->arena, resolve->row_count);

    while (size < 2 * resolve->row_count)
        size *= 2;
    slots = ARENA_ARRAY(resolve->batch->arena, uint32_t, size);
    if (slots == NULL || repeated == NULL)
        return false;
    for (size_t i = 0; i < resolve->row_count; i++) {
        const struct row_place *row = &resolve->rows[i];
        size_t slot = row_hash(row) & (size - 1);

        for (; slots[slot] != 0; slot = (slot + 1) & (size - 1)) {
            const struct row_place *other = &resolve->rows[slots[slot] - 1];

            if (other->time != row->time || other->series != row->series)
                continue;
            repeated[i] = repeated[slots[slot] - 1] = 1;
            break;
        }
        if (slots[slot] == 0)
            slots[slot] = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < resolve->row_count; i++)
        if (repeated[i])
            resolve->rows[kept++] = resolve->rows[i];
    resolve->row_count = kept;
    if (kept > 1)
        qsort(resolve->rows, kept, sizeof(*resolve->rows), row_place_compare);
    return true;
}

static void mark(struct resolve *resolve, const struct row_place *place)
{
    resolve->tables[place->table]->line[place->row] = 0;
}

static int64_t revision_of(const struct resolve *resolve, const struct row_place *place)
{
    const struct batch_table *table = resolve->tables[place->table];

    return table->revision == NULL ? INT64_MIN : table->revision[place->row];
}

/* No revision time stands for the ingest time, which no revision time is above. */
static int64_t revision_later(int64_t a, int64_t b)
{
    if (a == INT64_MIN || b == INT64_MIN)
        return INT64_MIN;
    return a > b ? a : b;
}

static bool reserve_cells(struct resolve *resolve, size_t count)
{
    if (count <= resolve->cell_capacity)
        return true;
    if (count < resolve->cell_capacity * 2)
        count = resolve->cell_capacity * 2;
    resolve->cells = ARENA_ARRAY(resolve->batch->arena, struct cell_place, count);
    resolve->fields = ARENA_ARRAY(resolve->batch->arena, struct batch_field, count);
    resolve->cell_capacity = count;
    return resolve->cells != NULL && resolve->fields != NULL;
}

/* Puts the newest value of each field of these rows (one of each table) into `cells`, sorted
 * by name; the number of fields, or 0 when memory ran out. */
static size_t gather_cells(struct resolve *resolve, const struct row_place *rows, size_t count)
{
    size_t cell_count = 0, kept = 0;

    for (size_t i = 0; i < count; i++)
        cell_count += resolve->tables[rows[i].table]->field_count;
    if (!reserve_cells(resolve, cell_count))
        return 0;
    cell_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct batch_table *table = resolve->tables[rows[i].table];

        for (uint32_t f = 0; f < table->field_count; f++)
            resolve->cells[cell_count++] = (struct cell_place){
                table->fields[f],
                table->columns[f][rows[i].row],
                rows[i].line,
            };
    }
    qsort(resolve->cells, cell_count, sizeof(*resolve->cells), cell_place_compare);
    for (size_t i = 0; i < cell_count; i++) {
        bool last = i + 1 == cell_count ||
                    !bytes_equal(resolve->cells[i].field.name, resolve->cells[i + 1].field.name);

        if (last)
            resolve->cells[kept++] = resolve->cells[i];
    }
    for (size_t i = 0; i < kept; i++)
        resolve->fields[i] = resolve->cells[i].field;
    return kept;
}

/* Rows of one (series, time), one of each table. */
static bool merge(struct resolve *resolve, const struct row_place *rows, size_t count)
{
    struct batch *batch = resolve->batch;
    struct batch_table *table;
    size_t field_count = gather_cells(resolve, rows, count);
    int64_t revision = revision_of(resolve, &rows[0]);
    uint32_t line = rows[0].line, row;

    if (field_count == 0)
        return false;
    for (size_t i = 1; i < count; i++) {
        revision = revision_later(revision, revision_of(resolve, &rows[i]));
        if (rows[i].line > line)
            line = rows[i].line;
    }
    table = batch_table_find(batch, resolve->tables[rows[0].table]->measurement, resolve->fields,
                             (uint32_t)field_count);
    if (table == NULL)
        return false;
    row = batch_row_begin(batch, table);
    if (row == UINT32_MAX)
        return false;
    for (size_t i = 0; i < field_count; i++)
        table->columns[i][row] = resolve->cells[i].cell;
    batch_row_done(batch, table, rows[0].series, line, rows[0].time);
    if (revision != INT64_MIN && !batch_row_revision(batch, table, revision))
        return false;
    for (size_t i = 0; i < count; i++)
        mark(resolve, &rows[i]);
    return true;
}

/* The rows [first, end) are those of one (series, time). */
static bool resolve_group(struct resolve *resolve, size_t first, size_t end)
{
    struct row_place *rows = resolve->rows;
    size_t kept = first;

    for (size_t i = first; i < end; i++) {
        if (i + 1 < end && rows[i + 1].table == rows[i].table) {
            struct batch_table *table = resolve->tables[rows[i].table];

            if (table->revision != NULL)
                table->revision[rows[i + 1].row] =
                    revision_later(table->revision[rows[i].row], table->revision[rows[i + 1].row]);
            mark(resolve, &rows[i]);
        } else {
            rows[kept++] = rows[i];
        }
    }
    return kept - first == 1 || merge(resolve, rows + first, kept - first);
}

/* Removes the marked rows. */
static void sweep(struct batch *batch)
{
    for (struct batch_table *table = batch->tables; table != NULL; table = table->next) {
        uint32_t count = table->row_count, kept = 0;

        for (uint32_t row = 0; row < count; row++) {
            if (table->line[row] == 0)
                continue;
            if (kept != row)
                batch_row_move(table, kept, row);
            kept++;
        }
        batch_rows_cut(batch, table, kept);
    }
}

bool batch_resolve(struct batch *batch)
{
    struct resolve resolve = {.batch = batch};

    if (!batch->unordered || batch->row_count < 2)
        return true;
    if (!gather_rows(&resolve) || !keep_repeated(&resolve))
        return false;
    if (resolve.row_count == 0)
        return true;
    for (size_t first = 0, end; first < resolve.row_count; first = end) {
        const struct row_place *row = &resolve.rows[first];

        for (end = first + 1; end < resolve.row_count && resolve.rows[end].series == row->series &&
                              resolve.rows[end].time == row->time;)
            end++;
        if (end - first > 1 && !resolve_group(&resolve, first, end))
            return false;
    }
    sweep(batch);
    return true;
}
