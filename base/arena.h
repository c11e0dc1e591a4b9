/* Memory that is freed in one stroke.  One thread at a time.  Chunks double from
 * 4 KiB (or what it is told) to 1 MiB (larger requests get their own); with a budget, every chunk
 * is taken from it first and given back at release. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include "base/budget.h"
#include "base/bytes.h"

enum { ARENA_ALIGNMENT = 16 };

struct arena_chunk;
struct arena_release;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *at, *end;             /* free part of the newest chunk */
    size_t used, bytes_max;     /* chunk bytes held, and their limit */
    size_t first;               /* size of the first chunk; 0 = 4 KiB.  See arena_begin_small() */
    struct budget *budget;      /* borrowed, may be NULL */
    bool limited;               /* the limit or the budget refused something, not the machine */
    struct arena_release *releases; /* to be called; in the arena */
};

/* Allocates nothing yet. */
void arena_init(struct arena *arena, size_t bytes_max, struct budget *budget);
/* For what is small and lives long, as one of a thousand: before anything is allocated.  `first` is
 * a power of two, of 256 at least; a chunk is so large, or a quarter of what is held. */
void arena_begin_small(struct arena *arena, size_t first);
/* The part of arena_alloc() that is rarely needed: from a new chunk.  `size` is a multiple of 16.
 */
void *arena_alloc_chunk(struct arena *arena, size_t size);

/* 16-byte aligned, content undefined; NULL at the limit, budget or memory's end.  size 0 is fine.
 */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    char *at = arena->at;

    if (rounded < size)
        return NULL;
    if (at == NULL || rounded > (size_t)(arena->end - at))
        return arena_alloc_chunk(arena, rounded);
    arena->at = at + rounded;
    return at;
}

void *arena_zero(struct arena *arena, size_t size);
/* Grows an array: a copy of `size_old` bytes in a room of `size_new`; in place when it is the
 * newest. */
void *arena_grow(struct arena *arena, void *old, size_t size_old, size_t size_new);
/* A copy; .data is NULL on failure (also check size: an empty span gives a non-NULL pointer). */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
/* Calls function(context) when everything is freed: for what was borrowed until then.  False:
 * memory ran out, it will not be called. */
MUST_USE bool arena_on_release(struct arena *arena, void (*function)(void *context), void *context);
/* Frees everything; the arena can be used again. */
void arena_release(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_zero((arena), sizeof(type)))
/* Zeroed.  NULL when count * sizeof(type) overflows. */
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), sizeof(type), (count)))
void *arena_array(struct arena *arena, size_t item_size, size_t count);

#endif
