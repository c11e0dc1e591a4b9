/* Rows stand in chunks, so that a table grows without being copied; the first is small, as most
 * tables are. */
#include "query/table.h"

#include <assert.h>

#include "query/datum.h"

enum { CHUNK_ROWS_SHIFT = 8, CHUNK_ROWS = 1 << CHUNK_ROWS_SHIFT };

struct slot {
    union cell cell; /* of one that is wide the low half */
    uint32_t high;   /* in `wides` of the chunk, one more; 0: it is not wide */
    enum value_type type;
};

struct table_chunk {
    int64_t *times;
    struct slot *slots; /* by row, then column */
    int64_t *highs;     /* high halves of wide integers: few, so made when one comes */
    uint32_t high_count;
};

void table_init(struct table *table, uint32_t column_count, struct arena *arena,
                const struct watch *watch)
{
    *table = (struct table){.arena = arena, .watch = watch, .column_count = column_count};
}

static bool grow(struct arena *arena, void **items, size_t item_size, size_t count,
                 size_t *capacity)
{
    size_t more = *capacity ? 2 * *capacity : 8;
    void *grown;

    if (count < *capacity)
        return true;
    grown = arena_grow(arena, *items, *capacity * item_size, more * item_size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = more;
    return true;
}

static bool add_chunk(struct table *table)
{
    struct table_chunk *chunk = ARENA_NEW(table->arena, struct table_chunk);

    if (!chunk || !grow(table->arena, (void **)&table->chunks, sizeof(struct table_chunk *),
                        table->chunk_count, &table->chunk_capacity))
        return false;
    chunk->times = arena_alloc(table->arena, CHUNK_ROWS * sizeof(*chunk->times));
    chunk->slots =
        arena_alloc(table->arena, (size_t)CHUNK_ROWS * table->column_count * sizeof(*chunk->slots));
    if (!chunk->times || !chunk->slots)
        return false;
    table->chunks[table->chunk_count++] = chunk;
    return true;
}

static bool enter_group(struct table *table, size_t group)
{
    size_t count = table->group_count;

    if (count > 0 && table->groups[count - 1].group == group)
        return true;
    if (!grow(table->arena, (void **)&table->groups, sizeof(*table->groups), count,
              &table->group_capacity))
        return false;
    table->groups[count] = (struct table_group){group, table->row_count, table->row_count};
    table->group_count++;
    return true;
}

static bool put_wide(struct table *table, struct table_chunk *chunk, struct slot *slot, wide value)
{
    if (!chunk->highs) {
        chunk->highs = arena_alloc(table->arena, (size_t)CHUNK_ROWS * table->column_count *
                                                     sizeof(*chunk->highs));
        if (!chunk->highs)
            return false;
    }
    slot->cell.u64 = (uint64_t)value;
    chunk->highs[chunk->high_count++] = (int64_t)(value >> 64);
    slot->high = chunk->high_count;
    return true;
}

static bool put_text(struct table *table, struct slot *slot, const struct text *text)
{
    size_t size = sizeof(*text) + text->size;
    struct text *copy = arena_alloc(table->arena, size);

    if (!copy)
        return false;
    memcpy(copy, text, size);
    slot->cell.text = copy;
    return true;
}

enum code table_put(struct table *table, size_t group, int64_t time, const struct datum *values,
                    struct error *err)
{
    size_t row = table->row_count % CHUNK_ROWS;
    struct table_chunk *chunk;

    if (!enter_group(table, group) || (row == 0 && !add_chunk(table)))
        return watch_memory(table->watch, err);
    assert(table->groups[table->group_count - 1].row_end == table->row_count);
    chunk = table->chunks[table->chunk_count - 1];
    chunk->times[row] = time;
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct slot *slot = &chunk->slots[row * table->column_count + i];
        bool made = true;

        *slot = (struct slot){values[i].cell, 0, values[i].type};
        if (values[i].is_wide)
            made = put_wide(table, chunk, slot, values[i].integer);
        else if (values[i].type == TYPE_STRING)
            made = put_text(table, slot, values[i].cell.text);
        if (!made)
            return watch_memory(table->watch, err);
    }
    table->row_count++;
    table->groups[table->group_count - 1].row_end = table->row_count;
    return OK;
}

int64_t table_time(const struct table *table, size_t row)
{
    assert(row < table->row_count);
    return table->chunks[row >> CHUNK_ROWS_SHIFT]->times[row % CHUNK_ROWS];
}

void table_values(const struct table *table, size_t row, struct datum *values)
{
    const struct table_chunk *chunk = table->chunks[row >> CHUNK_ROWS_SHIFT];
    const struct slot *slots = &chunk->slots[row % CHUNK_ROWS * table->column_count];

    assert(row < table->row_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        values[i] = (struct datum){.type = slots[i].type, .cell = slots[i].cell};
        if (slots[i].high == 0)
            continue;
        values[i].is_wide = true;
        values[i].integer =
            (wide)((unsigned_wide)chunk->highs[slots[i].high - 1] << 64 | slots[i].cell.u64);
    }
}
