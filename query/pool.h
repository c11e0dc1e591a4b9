/* Arrays that grow, of many windows at once: in an arena, and one that has become too small serves
 * the next window that needs one of its size. */
#ifndef WEIR_QUERY_POOL_H
#define WEIR_QUERY_POOL_H

#include "base/arena.h"

enum { POOL_CLASSES = 48 };

struct pool {
    struct arena *arena;                   /* borrowed */
    struct pool_array *free[POOL_CLASSES]; /* of 2^class bytes */
};

void pool_init(struct pool *pool, struct arena *arena);
/* Twice the room (`size_first` for none): a copy of the `size` bytes, whose room goes back.  Sizes
 * are powers of two from 16 on.  NULL, and the old one stays, when memory ran out. */
void *pool_double(struct pool *pool, void *old, size_t size, size_t size_first);
/* Of undefined content. */
void *pool_take(struct pool *pool, size_t size);
void pool_give(struct pool *pool, void *array, size_t size);

#endif
