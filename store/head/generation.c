#include "store/head/generation.h"

#include <assert.h>
#include <stdlib.h>

enum {
    RUN_ROWS_MIN = 2,
    RUN_ROWS_GROWTH = 4,
    RUN_ROWS_MAX = 1024, /* 10 fields: 96 KiB, some percent of waste at a generation's end */
    RUNS_GROWING = 6,    /* of 2, 8, 32, 128, 512 and the first of RUN_ROWS_MAX rows */
};

enum code generation_new(struct generation **out, struct error *err)
{
    struct generation *generation = calloc(1, sizeof(*generation));

    *out = NULL;
    if (generation != NULL) /* address space; pages that no series needs are never touched */
        generation->pages = calloc(CHAIN_PAGE_COUNT, sizeof(*generation->pages));
    if (generation == NULL || generation->pages == NULL) {
        free(generation);
        return error_set(err, E_MEMORY, "no memory for a head generation");
    }
    atomic_init(&generation->references, 1);
    arena_init(&generation->arena, SIZE_MAX, NULL);
    *out = generation;
    return OK;
}

struct generation *generation_ref(struct generation *generation)
{
    atomic_fetch_add_explicit(&generation->references, 1, memory_order_relaxed);
    return generation;
}

bool generation_is_last(const struct generation *generation)
{
    return atomic_load_explicit(&generation->references, memory_order_acquire) == 1;
}

void generation_unref(struct generation *generation)
{
    if (generation == NULL ||
        atomic_fetch_sub_explicit(&generation->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&generation->arena);
    map_release(&generation->shapes);
    free(generation->chains);
    free(generation->pages);
    free(generation);
}

uint64_t generation_bytes(const struct generation *generation)
{
    return atomic_load_explicit(&generation->bytes, memory_order_relaxed);
}

const struct chain *generation_chain(const struct generation *generation,
                                     const struct series *series)
{
    struct chain *_Atomic *page = atomic_load_explicit(
        &generation->pages[series->ordinal / CHAIN_PAGE_SIZE], memory_order_acquire);

    if (page == NULL)
        return NULL;
    return atomic_load_explicit(&page[series->ordinal % CHAIN_PAGE_SIZE], memory_order_acquire);
}

static struct chain *chain_make(struct generation *generation, struct series *series)
{
    uint32_t page_index = series->ordinal / CHAIN_PAGE_SIZE;
    struct chain *_Atomic *page;
    struct chain *chain;

    assert(page_index < CHAIN_PAGE_COUNT);
    page = atomic_load_explicit(&generation->pages[page_index], memory_order_relaxed);
    if (page == NULL) {
        page = arena_zero(&generation->arena, CHAIN_PAGE_SIZE * sizeof(*page));
        if (page == NULL)
            return NULL;
        atomic_store_explicit(&generation->pages[page_index], page, memory_order_release);
    }
    if (generation->chain_count == generation->chain_capacity) {
        size_t capacity = generation->chain_capacity * 2 + 64;
        struct chain **grown = realloc(generation->chains, capacity * sizeof(struct chain *));

        if (grown == NULL)
            return NULL;
        generation->chains = grown;
        generation->chain_capacity = capacity;
    }
    chain = ARENA_NEW(&generation->arena, struct chain);
    if (chain == NULL)
        return NULL;
    chain->series = series;
    generation->chains[generation->chain_count++] = chain;
    atomic_store_explicit(&page[series->ordinal % CHAIN_PAGE_SIZE], chain, memory_order_release);
    return chain;
}

/* The generation's own copy of a table's field list. */
static const struct shape *shape_intern(struct generation *generation,
                                        const struct batch_table *table)
{
    struct arena *arena = &generation->arena;
    size_t key_size = table->measurement.size + 4;
    struct shape *shape;
    struct batch_field *fields;
    char *key, *at;

    for (uint32_t i = 0; i < table->field_count; i++)
        key_size += table->fields[i].name.size + 5;
    key = malloc(key_size);
    if (key == NULL)
        return NULL;
    at = key;
    for (uint32_t i = 0; i <= table->field_count; i++) {
        struct bytes name = i == 0 ? table->measurement : table->fields[i - 1].name;
        uint32_t size = (uint32_t)name.size;

        if (i > 0)
            *at++ = (char)table->fields[i - 1].type;
        memcpy(at, &size, sizeof(size));
        if (size > 0)
            memcpy(at + sizeof(size), name.data, size);
        at += sizeof(size) + size;
    }
    assert((size_t)(at - key) == key_size);
    shape = map_get(&generation->shapes, (struct bytes){key, key_size});
    if (shape != NULL)
        goto out;

    fields = ARENA_ARRAY(arena, struct batch_field, table->field_count);
    shape = ARENA_NEW(arena, struct shape);
    if (shape == NULL || fields == NULL)
        goto fail;
    for (uint32_t i = 0; i < table->field_count; i++) {
        fields[i].type = table->fields[i].type;
        fields[i].name = arena_copy(arena, table->fields[i].name);
        if (fields[i].name.data == NULL)
            goto fail;
    }
    shape->measurement = arena_copy(arena, table->measurement);
    shape->fields = fields;
    shape->field_count = table->field_count;
    struct bytes kept = arena_copy(arena, (struct bytes){key, key_size});
    if (shape->measurement.data == NULL || kept.data == NULL ||
        !map_put(&generation->shapes, kept, shape))
        goto fail;
    goto out;

fail:
    shape = NULL;
out:
    free(key);
    return shape;
}

static struct run *run_make(struct generation *generation, const struct shape *shape,
                            uint32_t capacity, bool with_revision)
{
    size_t row_bytes = (2 + with_revision + (size_t)shape->field_count) * 8;
    size_t head = sizeof(struct run) + shape->field_count * sizeof(union cell *);
    struct run *run = arena_alloc(&generation->arena, (head + 15) / 16 * 16 + row_bytes * capacity);
    int64_t *at;

    if (run == NULL)
        return NULL;
    at = (int64_t *)((char *)run + (head + 15) / 16 * 16);
    *run = (struct run){.shape = shape, .capacity = capacity};
    run->columns = (union cell **)(run + 1);
    run->time = at;
    run->ingest = at + capacity;
    run->revision = with_revision ? at + 2 * (size_t)capacity : NULL;
    at += (2 + with_revision) * (size_t)capacity;
    for (uint32_t i = 0; i < shape->field_count; i++)
        run->columns[i] = (union cell *)(at + i * (size_t)capacity);
    atomic_init(&run->ordered, true);
    return run;
}

/* The run that takes the next row of this shape. */
static struct run *chain_run(struct generation *generation, struct chain *chain,
                             const struct shape *shape, bool with_revision)
{
    struct run *run = chain->last, *fresh;
    uint32_t capacity = RUN_ROWS_MIN;

    if (run != NULL && run->shape == shape && (run->revision != NULL) == with_revision) {
        if (atomic_load_explicit(&run->count, memory_order_relaxed) < run->capacity)
            return run;
        capacity = run->capacity * RUN_ROWS_GROWTH;
        if (capacity > RUN_ROWS_MAX)
            capacity = RUN_ROWS_MAX;
    }
    fresh = run_make(generation, shape, capacity, with_revision);
    if (fresh == NULL)
        return NULL;
    if (run == NULL)
        atomic_store_explicit(&chain->first, fresh, memory_order_release);
    else
        atomic_store_explicit(&run->next, fresh, memory_order_release);
    chain->last = fresh;
    return fresh;
}

static bool cell_copy(struct generation *generation, enum value_type type, union cell *to,
                      union cell from)
{
    struct text *text;

    if (type != TYPE_STRING) {
        *to = from;
        return true;
    }
    text = arena_alloc(&generation->arena, sizeof(*text) + from.text->size);
    if (text == NULL)
        return false;
    memcpy(text, from.text, sizeof(*text) + from.text->size);
    to->text = text;
    return true;
}

static void run_publish(struct run *run, uint32_t row, int64_t time)
{
    if (row == 0) {
        atomic_store_explicit(&run->time_first, time, memory_order_relaxed);
        atomic_store_explicit(&run->time_last, time, memory_order_relaxed);
    } else {
        if (time < run->time[row - 1] || (time == run->time[row - 1] && run->revision != NULL))
            atomic_store_explicit(&run->ordered, false, memory_order_relaxed);
        if (time < atomic_load_explicit(&run->time_first, memory_order_relaxed))
            atomic_store_explicit(&run->time_first, time, memory_order_relaxed);
        if (time > atomic_load_explicit(&run->time_last, memory_order_relaxed))
            atomic_store_explicit(&run->time_last, time, memory_order_relaxed);
    }
    atomic_store_explicit(&run->count, row + 1, memory_order_release);
}

static bool apply_table(struct generation *generation, const struct batch *batch,
                        const struct batch_table *table, int64_t ingest)
{
    const struct shape *shape = shape_intern(generation, table);

    if (shape == NULL)
        return false;
    for (uint32_t r = 0; r < table->row_count; r++) {
        struct series *series = batch->series[table->series[r]].series;
        struct chain *chain = (struct chain *)generation_chain(generation, series);
        struct run *run;
        uint32_t row;

        if (chain == NULL)
            chain = chain_make(generation, series);
        if (chain == NULL)
            return false;
        run = chain_run(generation, chain, shape, table->revision != NULL);
        if (run == NULL)
            return false;
        row = atomic_load_explicit(&run->count, memory_order_relaxed);
        run->time[row] = table->time[r];
        run->ingest[row] = ingest;
        if (table->revision != NULL) /* a claim from the future is lowered to when we knew */
            run->revision[row] = table->revision[r] < ingest ? table->revision[r] : ingest;
        for (uint32_t f = 0; f < shape->field_count; f++)
            if (!cell_copy(generation, shape->fields[f].type, &run->columns[f][row],
                           table->columns[f][r]))
                return false;
        run_publish(run, row, table->time[r]);
        atomic_store_explicit(&chain->row_count, chain->row_count + 1, memory_order_relaxed);
    }
    return true;
}

enum code generation_apply(struct generation *generation, const struct batch *batch, int64_t ingest,
                           struct error *err)
{
    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next)
        if (!apply_table(generation, batch, table, ingest))
            return error_set(err, E_MEMORY, "no memory for the head");
    generation->bytes = generation->arena.used;
    generation->row_count += batch->row_count;
    generation->value_count += batch->value_count;
    if (ingest > generation->ingest_last)
        generation->ingest_last = ingest;
    return OK;
}

enum code generation_note(struct generation *generation, struct generation_note **list,
                          const struct tenant *tenant, struct bytes encoded, int64_t ingest,
                          struct error *err)
{
    struct generation_note *note = ARENA_NEW(&generation->arena, struct generation_note);
    struct bytes copy = arena_copy(&generation->arena, encoded);

    if (note == NULL || copy.data == NULL)
        return error_set(err, E_MEMORY, "no memory for the head");
    *note = (struct generation_note){
        .next = *list, .tenant = tenant, .encoded = copy, .ingest = ingest};
    *list = note;
    generation->bytes = generation->arena.used;
    if (ingest > generation->ingest_last)
        generation->ingest_last = ingest;
    return OK;
}

/* Runs of n rows of a series have room for at most RUN_ROWS_GROWTH times n, and for no more than
 * RUN_ROWS_MAX - 1 beside the n; they are at most n, and no more than RUNS_GROWING and one for each
 * RUN_ROWS_MAX rows.  These bounds are concave in n: those of the parts that batches bring bound
 * the whole, and rows spread evenly over all series of the batch are the worst case. */
static uint64_t room_rows(const struct batch *batch, const struct batch_table *table)
{
    uint64_t growing = (uint64_t)table->row_count * RUN_ROWS_GROWTH;
    uint64_t full = table->row_count + (uint64_t)batch->series_count * (RUN_ROWS_MAX - 1);

    return growing < full ? growing : full;
}

static uint64_t run_count(const struct batch *batch, const struct batch_table *table)
{
    uint64_t rows = table->row_count;
    uint64_t full = rows / RUN_ROWS_MAX + 1 + (uint64_t)batch->series_count * RUNS_GROWING;

    return rows < full ? rows : full;
}

uint64_t generation_cost(const struct batch *batch)
{
    uint64_t cost = 4096;

    for (const struct batch_table *table = batch->tables; table != NULL; table = table->next) {
        uint64_t columns = table->field_count, head = sizeof(struct run) + columns * 8 + 16;
        uint64_t times = table->revision != NULL ? 3 : 2;

        cost += run_count(batch, table) * head;
        cost += room_rows(batch, table) * (times + columns) * 8;
        cost += sizeof(struct shape) + 2 * table->measurement.size + 64;
        for (uint32_t f = 0; f < table->field_count; f++) {
            cost += sizeof(struct batch_field) + 2 * table->fields[f].name.size + 32;
            for (uint32_t r = 0; table->fields[f].type == TYPE_STRING && r < table->row_count; r++)
                cost += sizeof(struct text) + table->columns[f][r].text->size + 16;
        }
    }
    return cost + batch->series_count * (sizeof(struct chain) + 32);
}

bool generation_check(const struct generation *generation)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < generation->chain_count; i++) {
        const struct chain *chain = generation->chains[i];
        uint64_t chain_rows = 0;

        if (generation_chain(generation, chain->series) != chain)
            return false;
        for (const struct run *run = chain->first; run != NULL; run = run->next) {
            if (run->count == 0 || run->count > run->capacity)
                return false;
            for (uint32_t r = 0; r < run->count; r++) {
                if (run->time[r] < run->time_first || run->time[r] > run->time_last ||
                    (r > 0 && run->ordered && run->time[r] < run->time[r - 1]))
                    return false;
            }
            chain_rows += run->count;
        }
        if (chain_rows != chain->row_count)
            return false;
        rows += chain_rows;
    }
    return rows == generation->row_count;
}
