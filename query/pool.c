#include "query/pool.h"

#include <assert.h>

struct pool_array {
    struct pool_array *next;
};

void pool_init(struct pool *pool, struct arena *arena)
{
    *pool = (struct pool){.arena = arena};
}

static unsigned class_of(size_t size)
{
    unsigned class = (unsigned)__builtin_ctzll(size);

    assert(size >= ARENA_ALIGNMENT);
    assert((size & (size - 1)) == 0);
    assert(class < POOL_CLASSES);
    return class;
}

void *pool_take(struct pool *pool, size_t size)
{
    unsigned class = class_of(size);
    struct pool_array *array = pool->free[class];

    if (!array)
        return arena_alloc(pool->arena, size);
    pool->free[class] = array->next;
    return array;
}

void pool_give(struct pool *pool, void *array, size_t size)
{
    unsigned class = class_of(size);
    struct pool_array *free = array;

    free->next = pool->free[class];
    pool->free[class] = free;
}

void *pool_double(struct pool *pool, void *old, size_t size, size_t size_first)
{
    void *array;

    if (!old)
        return pool_take(pool, size_first);
    if (size > SIZE_MAX / 2 || class_of(size) + 1 >= POOL_CLASSES)
        return NULL;
    if (!pool->free[class_of(2 * size)]) { /* in place, where nothing came behind it */
        array = arena_grow(pool->arena, old, size, 2 * size);
    } else {
        array = pool_take(pool, 2 * size);
        memcpy(array, old, size);
    }
    if (array && array != old)
        pool_give(pool, old, size);
    return array;
}
