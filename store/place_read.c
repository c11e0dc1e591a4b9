/* From a place to rows: a run of the head as it is, or the series' part of a block of a pack. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/block_reader.h"
#include "store/packs/row_order.h"
#include "store/view_inside.h"

static enum code no_memory(struct error *err)
{
    return error_set(err, E_QUERY_MEMORY, "decoding passes the query's memory limit");
}

/* The run's columns of the fields asked for; cells are borrowed. */
static enum code run_columns(const struct run *run, const struct bytes *fields, size_t field_count,
                             struct arena *arena, struct rows *rows, struct error *err)
{
    const struct shape *shape = run->shape;
    struct rows_column *columns = ARENA_ARRAY(arena, struct rows_column, shape->field_count);

    if (columns == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < field_count; i++)
        for (uint32_t f = 0; f < shape->field_count; f++)
            if (bytes_equal(shape->fields[f].name, fields[i]))
                columns[rows->column_count++] = (struct rows_column){
                    .field = i, .type = shape->fields[f].type, .cells = run->columns[f]};
    rows->columns = columns;
    return OK;
}

/* Copies the rows into version order. */
static enum code rows_sort(const struct run *run, struct rows *rows, struct arena *arena,
                           struct error *err)
{
    struct row_key *order = ARENA_ARRAY(arena, struct row_key, 2 * (size_t)rows->count);
    int64_t *times = ARENA_ARRAY(arena, int64_t, 3 * (size_t)rows->count);
    struct rows_column *columns = (struct rows_column *)rows->columns;

    if (order == NULL || times == NULL)
        return no_memory(err);
    for (uint32_t r = 0; r < rows->count; r++)
        order[r] = (struct row_key){rows->time[r], 0, r};
    row_order(order, order + rows->count, rows->count, &run);
    for (uint32_t r = 0; r < rows->count; r++) {
        times[r] = order[r].time;
        times[rows->count + r] = run->ingest[order[r].row];
        times[2 * (size_t)rows->count + r] =
            run->revision == NULL ? INT64_MIN : run->revision[order[r].row];
    }
    rows->time = times;
    rows->ingest = times + rows->count;
    if (rows->revision != NULL)
        rows->revision = times + 2 * (size_t)rows->count;
    for (uint32_t c = 0; c < rows->column_count; c++) {
        union cell *cells = ARENA_ARRAY(arena, union cell, rows->count);

        if (cells == NULL)
            return no_memory(err);
        for (uint32_t r = 0; r < rows->count; r++)
            cells[r] = columns[c].cells[order[r].row];
        columns[c].cells = cells;
    }
    return OK;
}

static enum code run_read(const struct place *place, const struct bytes *fields, size_t field_count,
                          struct arena *arena, struct rows *rows, struct error *err)
{
    const struct run *run = place->detail;
    enum code code;

    rows->count = place->row_count;
    rows->time = run->time;
    rows->ingest = run->ingest;
    rows->revision = run->revision;
    code = run_columns(run, fields, field_count, arena, rows, err);
    if (code == OK && !run->ordered)
        code = rows_sort(run, rows, arena, err);
    return code;
}

/* The rows of the series in an opened block: [*first, *end). */
static void block_rows_of(const struct block_view *block, struct series_id id, uint32_t *first,
                          uint32_t *end)
{
    uint32_t low = 0, high = block->series_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (series_id_compare(block->series[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = *end = 0;
    if (low < block->series_count && series_id_compare(block->series[low], id) == 0) {
        *first = block->series_row_first[low];
        *end = block->series_row_first[low + 1];
    }
}

static bool any_present(const uint8_t *present, uint32_t first, uint32_t end)
{
    return present == NULL || memchr(present + first, 1, end - first) != NULL;
}

static enum code columns_read(struct block_reader *reader, const struct bytes *fields,
                              size_t field_count, struct arena *arena, struct block_rows *all,
                              struct error *err)
{
    const struct block_view *block = reader->block;
    enum code code = OK;

    all->columns = ARENA_ARRAY(arena, struct rows_column, block->column_count);
    if (all->columns == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < field_count; i++) {
        uint32_t low = 0, high = block->column_count;

        while (low < high) { /* the first column of this name */
            uint32_t middle = low + (high - low) / 2;

            if (bytes_compare(block->columns[middle].name, fields[i]) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < block->column_count && bytes_equal(block->columns[low].name, fields[i]);
             low++) {
            struct rows_column *column = &all->columns[all->column_count];

            if (pack_refuses(reader->place->source, block->measurement, fields[i],
                             block->columns[low].type))
                continue;
            all->column_count++;
            *column = (struct rows_column){.field = i, .type = block->columns[low].type};
            code = block_reader_column(reader, low, &column->cells, &column->present, err);
            if (code)
                return code;
        }
    }
    return OK;
}

static struct column_cache *cache_of(const struct view *view)
{
    return view == NULL ? NULL : view->store->columns;
}

/* Ingest times decide between versions, and there are none of a place alone: then they are not
 * worth their decoding, which takes as long as that of a column. */
static bool wants_ingest(const struct place *place, const struct series *series,
                         const struct block_rows *all)
{
    if (!place->alone || series == NULL || !all->block.times_unique)
        return true;
    for (uint32_t i = 0; i < all->column_count; i++)
        if (all->columns[i].type == TYPE_RETRACTED)
            return true;
    return false;
}

enum code block_rows_read(const struct view *view, const struct place *place,
                          const struct bytes *fields, size_t field_count,
                          struct block_decoder *decoder, const struct series *series,
                          struct arena *arena, struct block_rows *all, struct error *err)
{
    struct block_reader reader;
    uint32_t first, end;
    enum code code;

    *all = (struct block_rows){0};
    code = block_reader_open(&reader, view, place, decoder, cache_of(view), arena, err);
    if (code)
        return code;
    all->block = *reader.block;
    if (series != NULL) {
        block_rows_of(&all->block, series->id, &first, &end);
        if (first == end)
            return OK;
    }
    block_reader_expect(&reader, field_count);
    code = block_reader_time(&reader, &all->time, err);
    if (code == OK)
        code = block_reader_revision(&reader, &all->revision, err);
    if (code == OK && (place->apart || series == NULL))
        code = block_reader_history(&reader, &all->history, err);
    if (code == OK)
        code = columns_read(&reader, fields, field_count, arena, all, err);
    if (code == OK && wants_ingest(place, series, all))
        code = block_reader_ingest(&reader, &all->ingest, err);
    return code;
}

enum code block_rows_slice(const struct block_rows *all, struct series_id id, struct arena *arena,
                           struct rows *rows, const uint8_t **history, struct error *err)
{
    struct rows_column *columns;
    uint32_t first, end;

    *rows = (struct rows){0};
    *history = NULL;
    block_rows_of(&all->block, id, &first, &end);
    if (first == end)
        return OK;
    columns = ARENA_ARRAY(arena, struct rows_column, all->column_count);
    if (columns == NULL)
        return no_memory(err);
    for (uint32_t i = 0; i < all->column_count; i++) {
        struct rows_column column = all->columns[i];

        if (!any_present(column.present, first, end))
            continue;
        column.cells += first;
        column.present = column.present == NULL ? NULL : column.present + first;
        columns[rows->column_count++] = column;
    }
    rows->count = end - first;
    rows->time = all->time + first;
    rows->ingest = all->ingest == NULL ? NULL : all->ingest + first;
    rows->revision = all->revision == NULL ? NULL : all->revision + first;
    rows->columns = columns;
    *history = all->history == NULL ? NULL : all->history + first;
    return OK;
}

/* False when memory ran out. */
static bool copy_texts(union cell *cells, const uint8_t *present, uint32_t count,
                       struct arena *arena)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct text *text = cells[i].text;
        struct bytes copy;

        if (present != NULL && !present[i])
            continue;
        copy = arena_copy(arena, (struct bytes){(const char *)text, sizeof(*text) + text->size});
        if (copy.data == NULL)
            return false;
        cells[i].text = (const struct text *)(const void *)copy.data;
    }
    return true;
}

static const void *copy_of(const void *data, size_t size, struct arena *arena)
{
    return arena_copy(arena, (struct bytes){data, size}).data;
}

bool rows_copy(struct rows *rows, struct arena *arena)
{
    struct rows_column *columns = (struct rows_column *)rows->columns;
    size_t size = rows->count * sizeof(int64_t);

    rows->time = copy_of(rows->time, size, arena);
    if (rows->time == NULL)
        return false;
    if (rows->ingest != NULL && (rows->ingest = copy_of(rows->ingest, size, arena)) == NULL)
        return false;
    if (rows->revision != NULL && (rows->revision = copy_of(rows->revision, size, arena)) == NULL)
        return false;
    for (uint32_t i = 0; i < rows->column_count; i++) {
        struct rows_column *column = &columns[i];

        column->cells = copy_of(column->cells, rows->count * sizeof(union cell), arena);
        if (column->cells == NULL)
            return false;
        if (column->present != NULL &&
            (column->present = copy_of(column->present, rows->count, arena)) == NULL)
            return false;
        if (column->type == TYPE_STRING &&
            !copy_texts((union cell *)column->cells, column->present, rows->count, arena))
            return false;
    }
    return true;
}

void rows_leave_out(struct rows *rows, const uint8_t *history)
{
    int64_t *const times[] = {(int64_t *)rows->time, (int64_t *)rows->ingest,
                              (int64_t *)rows->revision};
    uint32_t kept = 0;

    for (uint32_t r = 0; r < rows->count; r++) {
        if (history[r])
            continue;
        for (size_t t = 0; t < COUNT_OF(times); t++)
            if (times[t] != NULL)
                times[t][kept] = times[t][r];
        for (uint32_t c = 0; c < rows->column_count; c++) {
            ((union cell *)rows->columns[c].cells)[kept] = rows->columns[c].cells[r];
            if (rows->columns[c].present != NULL)
                ((uint8_t *)rows->columns[c].present)[kept] = rows->columns[c].present[r];
        }
        kept++;
    }
    rows->count = kept;
}

static enum code block_read(const struct view *view, const struct place *place,
                            const struct series *series, const struct bytes *fields,
                            size_t field_count, struct block_decoder *decoder, struct arena *arena,
                            struct rows *rows, struct error *err)
{
    struct block_rows all;
    const uint8_t *history;
    enum code code =
        block_rows_read(view, place, fields, field_count, decoder, series, arena, &all, err);

    if (code == OK)
        code = block_rows_slice(&all, series->id, arena, rows, &history, err);
    if (code || history == NULL)
        return code;
    if (!rows_copy(rows, arena)) /* what was decoded may be borrowed from the cache */
        return no_memory(err);
    rows_leave_out(rows, history);
    return OK;
}

enum code place_read(const struct view *view, const struct place *place,
                     const struct series *series, const struct bytes *fields, size_t field_count,
                     struct block_decoder *decoder, struct arena *arena, struct rows *rows,
                     struct error *err)
{
    *rows = (struct rows){0};
    if (place->in_pack)
        return block_read(view, place, series, fields, field_count, decoder, arena, rows, err);
    return run_read(place, fields, field_count, arena, rows, err);
}

bool place_summaries(const struct view *view, const struct place *place, const struct bytes *fields,
                     size_t field_count, struct arena *arena, bool *times_unique, int64_t *step,
                     struct place_summary **summaries, size_t *count)
{
    const struct pack_block *entry = place->detail;
    const struct block_view *block;
    struct block_reader reader;
    struct error ignored;

    *count = 0;
    if (!place->in_pack || place->apart || entry->series_count != 1 ||
        pack_refused(place->source, NULL) > 0 ||
        block_reader_open(&reader, view, place, NULL, cache_of(view), arena, &ignored) != OK)
        return false;
    block = reader.block;
    *summaries = ARENA_ARRAY(arena, struct place_summary, block->column_count);
    if (*summaries == NULL)
        return false;
    *times_unique = block->times_unique;
    *step = reader.step;
    for (uint32_t i = 0; i < field_count; i++)
        for (uint32_t c = 0; c < block->column_count; c++)
            if (bytes_equal(block->columns[c].name, fields[i]))
                (*summaries)[(*count)++] =
                    (struct place_summary){.field = i,
                                           .type = block->columns[c].type,
                                           .summary = &block->columns[c].summary};
    return true;
}

enum code place_times(const struct view *view, const struct place *place,
                      struct block_decoder *decoder, struct arena *arena, const int64_t **times,
                      struct error *err)
{
    struct block_reader reader;
    enum code code = block_reader_open(&reader, view, place, decoder, cache_of(view), arena, err);

    return code ? code : block_reader_time(&reader, times, err);
}
