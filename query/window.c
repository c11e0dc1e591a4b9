#include "query/window.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"

enum { WINDOWS_FIRST = 16 };

void windows_init(struct windows *windows, struct watch *watch, const struct grid *grid,
                  uint32_t field_count, uint32_t column_count, const uint8_t *numbers,
                  const struct aggregate_call *aggregates, size_t count)
{
    *windows = (struct windows){.watch = watch,
                                .grid = *grid,
                                .field_count = field_count,
                                .column_count = column_count,
                                .numbers = numbers};
    for (size_t i = 0; i < PART_KINDS; i++)
        windows->offset[i] = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        enum part part = aggregates[i].row->part;

        if (windows->offset[part] != SIZE_MAX)
            continue;
        windows->offset[part] = windows->field_size;
        windows->field_size += part_rows[part].size;
        windows->carrying |= part_rows[part].carries;
    }
    arena_init(&windows->arena, watch->memory.bytes_max, &watch->memory);
}

void windows_begin(struct windows *windows)
{
    arena_release(&windows->arena);
    pool_init(&windows->pool, &windows->arena);
    windows->carries = NULL;
    windows->windows = NULL;
    windows->slots = NULL;
    windows->count = windows->capacity = windows->slot_count = windows->at = 0;
    windows->time_first = INT64_MAX;
    windows->start = windows->end = INT64_MIN;
}

enum code windows_series_begin(struct windows *windows, struct error *err)
{
    size_t count = (size_t)windows->field_count * PART_KINDS;

    windows->series++;
    if (!windows->carrying)
        return OK;
    if (windows->carries)
        memset(windows->carries, 0, count * sizeof(*windows->carries));
    else
        windows->carries = ARENA_ARRAY(&windows->arena, struct part_carry, count);
    return windows->carries ? OK : watch_memory(windows->watch, err);
}

/* By the seeded hash: times are the writer's to choose, and must not be made to collide. */
static size_t slot_of(const struct windows *windows, int64_t start)
{
    uint64_t hash = map_hash((struct bytes){(const char *)&start, sizeof(start)});

    return (size_t)hash & (windows->slot_count - 1);
}

static void put_slot(struct windows *windows, size_t index)
{
    size_t slot = slot_of(windows, windows->windows[index].start);

    while (windows->slots[slot])
        slot = (slot + 1) & (windows->slot_count - 1);
    windows->slots[slot] = (uint32_t)index + 1;
}

/* Twice the room; the table of slots is half full at most. */
static bool grow(struct windows *windows)
{
    size_t capacity = windows->capacity ? 2 * windows->capacity : WINDOWS_FIRST;
    struct window *list =
        arena_grow(&windows->arena, windows->windows, windows->capacity * sizeof(struct window),
                   capacity * sizeof(struct window));

    if (!list || capacity >= UINT32_MAX / 2)
        return false;
    windows->windows = list;
    windows->slots = ARENA_ARRAY(&windows->arena, uint32_t, 2 * capacity);
    if (!windows->slots)
        return false;
    windows->capacity = capacity;
    windows->slot_count = 2 * capacity;
    for (size_t i = 0; i < windows->count; i++)
        put_slot(windows, i);
    return true;
}

static enum code make(struct windows *windows, int64_t start, struct error *err)
{
    size_t size = windows->field_count * windows->field_size;
    char *states;
    enum code code;

    if (windows->apart)
        code = watch_cells(windows->watch, (windows->count + 1) * windows->column_count, err);
    else
        code = watch_window(windows->watch, windows->column_count, err);
    if (code)
        return code;
    if (windows->count == windows->capacity && !grow(windows))
        return watch_memory(windows->watch, err);
    states = arena_zero(&windows->arena, size);
    if (!states)
        return watch_memory(windows->watch, err);
    windows->at = windows->count;
    windows->windows[windows->count] = (struct window){start, states};
    put_slot(windows, windows->count++);
    return OK;
}

/* Makes [start, end) the window that holds `time`.  Mostly it does already: of calendar windows
 * that saves more than all else that is done for a row. */
static void reach(struct windows *windows, int64_t time)
{
    if (time < windows->start || time >= windows->end)
        windows->start = grid_start(&windows->grid, time, &windows->end);
}

/* Makes windows->at the one of [start, end). */
static enum code find(struct windows *windows, struct error *err)
{
    int64_t start = windows->start;
    size_t next = windows->at + 1;

    if (windows->count == 0)
        return make(windows, start, err);
    if (windows->windows[windows->at].start == start)
        return OK;
    if (next < windows->count && windows->windows[next].start == start) {
        windows->at = next; /* every series after the first mostly walks so */
        return OK;
    }
    for (size_t slot = slot_of(windows, start); windows->slots[slot];
         slot = (slot + 1) & (windows->slot_count - 1)) {
        size_t index = windows->slots[slot] - 1;

        if (windows->windows[index].start == start) {
            windows->at = index;
            return OK;
        }
    }
    return make(windows, start, err);
}

static uint64_t count_present(const struct rows_column *column, uint32_t first, uint32_t end)
{
    uint64_t count = 0;

    if (!column->present)
        return end - first;
    for (uint32_t i = first; i < end; i++)
        count += column->present[i];
    return count;
}

/* The first of the rows that has a value; `end`: none has. */
static uint32_t first_valid(const struct run *run, uint32_t first, uint32_t end)
{
    for (uint32_t i = 0; i < run->column_count && first < end; i++) {
        const struct rows_column *column = &run->columns[i];
        const uint8_t *found;

        if (column->type == TYPE_RETRACTED)
            continue;
        if (!column->present)
            return first;
        found = memchr(column->present + first, 1, end - first);
        if (found)
            end = (uint32_t)(found - column->present);
        if (found && end == first)
            return first;
    }
    return end;
}

static char *state_of(const struct windows *windows, uint32_t field, enum part part)
{
    return windows->windows[windows->at].states + field * windows->field_size +
           windows->offset[part];
}

/* The columns of one field to a part that carries: of several types row by row, so that values come
 * in order of time. */
static bool add_field(struct windows *windows, enum part part, const struct run *run,
                      const struct rows_column *columns, uint32_t count, uint32_t first,
                      uint32_t end)
{
    uint32_t field = columns->field, step = count == 1 ? end - first : 1;
    struct part_input input = {
        .time = run->time,
        .pool = &windows->pool,
        .carry = &windows->carries[(size_t)field * PART_KINDS + part],
        .series = windows->series,
    };

    for (uint32_t row = first; row < end; row += step) {
        for (uint32_t i = 0; i < count; i++) {
            if (value_kind(columns[i].type) != KIND_NUMBER)
                continue;
            input.column = &columns[i];
            input.first = row;
            input.end = row + step;
            if (!part_rows[part].add(state_of(windows, field, part), &input))
                return false;
        }
    }
    return true;
}

static bool add_carrying(struct windows *windows, const struct run *run, uint32_t first,
                         uint32_t end)
{
    for (uint32_t i = 0, next; i < run->column_count; i = next) {
        for (next = i + 1; next < run->column_count; next++)
            if (run->columns[next].field != run->columns[i].field)
                break;
        for (enum part part = 0; part < PART_KINDS; part++)
            if (windows->offset[part] != SIZE_MAX && part_rows[part].carries &&
                !add_field(windows, part, run, &run->columns[i], next - i, first, end))
                return false;
    }
    return true;
}

/* Rows [first, end) are all of window `at`. */
static bool add_rows(struct windows *windows, const struct run *run, uint32_t first, uint32_t end)
{
    for (uint32_t i = 0; i < run->column_count; i++) {
        const struct rows_column *column = &run->columns[i];
        struct part_input input = {
            .column = column,
            .time = run->time,
            .first = first,
            .end = end,
            .pool = &windows->pool,
        };
        bool number = value_kind(column->type) == KIND_NUMBER;

        if (column->type == TYPE_RETRACTED)
            continue;
        if (!number && windows->numbers[column->field])
            windows->skipped += count_present(column, first, end);
        for (enum part part = 0; part < PART_KINDS; part++) {
            if (windows->offset[part] == SIZE_MAX || part_rows[part].carries ||
                (part_rows[part].numbers && !number))
                continue;
            if (!part_rows[part].add(state_of(windows, column->field, part), &input))
                return false;
        }
    }
    return !windows->carrying || add_carrying(windows, run, first, end);
}

static bool any_valid(const struct summary *summary)
{
    for (size_t i = 0; i < summary->column_count; i++)
        if (summary->columns[i].summary->valid_count > 0)
            return true;
    return false;
}

/* What add_rows() does, of rows that were not decoded. */
static enum code add_summary(struct windows *windows, const struct summary *summary,
                             struct error *err)
{
    enum code code;

    if (!any_valid(summary))
        return OK;
    reach(windows, summary->time_first);
    if (summary->time_first < windows->time_first)
        windows->time_first = summary->time_first;
    code = find(windows, err);
    if (code)
        return code;
    for (size_t i = 0; i < summary->column_count; i++) {
        const struct place_summary *column = &summary->columns[i];
        struct part_summary input = {column->type, column->summary, summary->time_first,
                                     summary->time_last, summary->row_count};
        bool number = value_kind(column->type) == KIND_NUMBER;

        if (column->summary->valid_count == 0)
            continue;
        if (!number && windows->numbers[column->field])
            windows->skipped += column->summary->valid_count;
        for (enum part part = 0; part < PART_KINDS; part++)
            if (windows->offset[part] != SIZE_MAX && (number || !part_rows[part].numbers))
                part_rows[part].take(state_of(windows, column->field, part), &input);
    }
    return OK;
}

enum code windows_add(struct windows *windows, const struct run *run, struct error *err)
{
    uint32_t first = run->first;

    assert(!run->reversed);
    if (run->summary)
        return add_summary(windows, run->summary, err);
    while (first < run->end) {
        uint32_t valid, end;
        enum code code;

        reach(windows, run->time[first]);
        end = run_row_behind(run, first, windows->end);
        valid = first_valid(run, first, end);
        if (valid < end) { /* else no row has a value: there is no window */
            if (run->time[valid] < windows->time_first)
                windows->time_first = run->time[valid];
            code = find(windows, err);
            if (code)
                return code;
            if (!add_rows(windows, run, first, end))
                return watch_memory(windows->watch, err);
        }
        first = end;
    }
    return OK;
}

enum code windows_count(struct windows *windows, struct error *err)
{
    enum code code = OK;

    for (size_t i = 0; i < windows->count && !code; i++)
        code = watch_window(windows->watch, windows->column_count, err);
    return code;
}

/* The window at hand gets what `from` has of the same one. */
static bool merge_window(struct windows *windows, const struct window *from)
{
    for (uint32_t field = 0; field < windows->field_count; field++)
        for (enum part part = 0; part < PART_KINDS; part++)
            if (windows->offset[part] != SIZE_MAX &&
                !part_rows[part].merge(state_of(windows, field, part),
                                       from->states + field * windows->field_size +
                                           windows->offset[part],
                                       &windows->pool))
                return false;
    return true;
}

enum code windows_merge(struct windows *windows, const struct windows *other, struct error *err)
{
    if (other->time_first < windows->time_first)
        windows->time_first = other->time_first;
    windows->skipped += other->skipped;
    for (size_t i = 0; i < other->count; i++) {
        enum code code;

        windows->start = windows->end = other->windows[i].start;
        code = find(windows, err);
        if (code)
            return code;
        if (!merge_window(windows, &other->windows[i]))
            return watch_memory(windows->watch, err);
    }
    return OK;
}

void windows_swap(struct windows *a, struct windows *b)
{
    struct windows kept = *a;

    *a = *b;
    *b = kept;
    a->pool.arena = &a->arena;
    b->pool.arena = &b->arena;
}

static int compare_windows(const void *a, const void *b)
{
    int64_t x = ((const struct window *)a)->start, y = ((const struct window *)b)->start;

    return x < y ? -1 : x > y;
}

void windows_sort(struct windows *windows)
{
    for (size_t i = 1; i < windows->count; i++) {
        if (windows->windows[i - 1].start < windows->windows[i].start)
            continue;
        qsort(windows->windows, windows->count, sizeof(*windows->windows), compare_windows);
        return;
    }
}

void window_finish(const struct windows *windows, const struct window *window, uint32_t field,
                   const struct aggregate_call *aggregate, struct datum *datum)
{
    assert(windows->offset[aggregate->row->part] != SIZE_MAX);
    aggregate->row->finish(window->states + field * windows->field_size +
                               windows->offset[aggregate->row->part],
                           aggregate, datum);
}

void windows_release(struct windows *windows)
{
    arena_release(&windows->arena);
}
