/* Every size is rounded up to 16, so `at` stays aligned and the test for room is one
 * comparison.  A request above half the largest chunk gets a chunk of its own, put
 * *behind* the newest: the newest keeps serving the small ones. */
#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CHUNK_LEAST = 256,
    CHUNK_FIRST = 4 << 10,
    CHUNK_LARGEST = 1 << 20,
};

struct arena_chunk {
    struct arena_chunk *next; /* older */
    _Alignas(ARENA_ALIGNMENT) char data[];
};

struct arena_release {
    struct arena_release *next;
    void (*function)(void *context);
    void *context;
};

void arena_init(struct arena *arena, size_t bytes_max, struct budget *budget)
{
    *arena = (struct arena){.bytes_max = bytes_max, .budget = budget};
}

void arena_begin_small(struct arena *arena, size_t first)
{
    assert(arena->chunks == NULL);
    assert(first >= CHUNK_LEAST && (first & (first - 1)) == 0);
    arena->first = first;
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk;

    assert(arena->used <= arena->bytes_max);
    if (size > arena->bytes_max - arena->used ||
        (arena->budget != NULL && !budget_take(arena->budget, size))) {
        arena->limited = true;
        return NULL;
    }
    chunk = malloc(size);
    if (chunk == NULL) {
        if (arena->budget != NULL)
            budget_give(arena->budget, size);
        return NULL;
    }
    arena->used += size;
    return chunk;
}

/* Chunks double with what is held, so that few are made and little is left over; where memory is
 * what counts they are a quarter of it. */
void *arena_alloc_chunk(struct arena *arena, size_t size)
{
    size_t need = size + sizeof(struct arena_chunk);
    size_t left = arena->bytes_max - arena->used;
    size_t chunk_size = arena->first == 0 ? CHUNK_FIRST : arena->first;
    size_t held = arena->first == 0 ? arena->used : arena->used / 4;
    struct arena_chunk *chunk;

    if (need < size)
        return NULL;
    if (need > CHUNK_LARGEST / 2 && arena->chunks != NULL) {
        chunk = chunk_new(arena, need);
        if (chunk == NULL)
            return NULL;
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
        return chunk->data;
    }
    while (chunk_size < CHUNK_LARGEST && (chunk_size < need || chunk_size <= held))
        chunk_size *= 2;
    if (chunk_size > left) /* the last chunk may be smaller, so that the limit can be used up */
        chunk_size = left & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (chunk_size < need)
        chunk_size = need;
    chunk = chunk_new(arena, chunk_size);
    if (chunk == NULL)
        return NULL;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->at = chunk->data + size;
    arena->end = (char *)chunk + chunk_size;
    return chunk->data;
}

void *arena_zero(struct arena *arena, size_t size)
{
    void *memory = arena_alloc(arena, size);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *arena_array(struct arena *arena, size_t item_size, size_t count)
{
    size_t size;

    if (__builtin_mul_overflow(item_size, count, &size))
        return NULL;
    return arena_zero(arena, size);
}

void *arena_grow(struct arena *arena, void *old, size_t size_old, size_t size_new)
{
    size_t rounded_old = (size_old + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    void *memory;

    assert(size_new >= size_old);
    assert(old != NULL || size_old == 0);
    if (old != NULL && size_new <= rounded_old)
        return old;
    if (old != NULL && (char *)old + rounded_old == arena->at &&
        size_new <= (size_t)(arena->end - (char *)old)) {
        /* The newest: the room behind it is free. `end` is aligned, so rounding stays within. */
        arena->at =
            (char *)old + ((size_new + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1));
        return old;
    }
    memory = arena_alloc(arena, size_new);
    if (memory != NULL && size_old > 0)
        memcpy(memory, old, size_old);
    return memory;
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    char *data = arena_alloc(arena, bytes.size);

    if (data == NULL)
        return (struct bytes){NULL, 0};
    if (bytes.size > 0)
        memcpy(data, bytes.data, bytes.size);
    return (struct bytes){data, bytes.size};
}

bool arena_on_release(struct arena *arena, void (*function)(void *context), void *context)
{
    struct arena_release *release = arena_alloc(arena, sizeof(*release));

    if (release == NULL)
        return false;
    *release = (struct arena_release){arena->releases, function, context};
    arena->releases = release;
    return true;
}

void arena_release(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    size_t first = arena->first;

    for (struct arena_release *at = arena->releases; at != NULL; at = at->next)
        at->function(at->context);
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
    if (arena->budget != NULL)
        budget_give(arena->budget, arena->used);
    arena_init(arena, arena->bytes_max, arena->budget);
    arena->first = first;
}
