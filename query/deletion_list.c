#include "query/deletion_list.h"

#include <stdlib.h>

static uint32_t level_size(int level)
{
    return UINT32_C(1) << (DELETION_LEVEL_BITS * (level + 1));
}

static int compare_start(const void *a, const void *b)
{
    const struct deletion *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->ingest < y->ingest ? -1 : x->ingest > y->ingest;
}

static bool is_sorted(const struct deletion_list *list)
{
    for (uint32_t i = 1; i < list->count; i++)
        if (list->each[i - 1].start > list->each[i].start)
            return false;
    return true;
}

bool deletion_list_finish(struct deletion_list *list, struct arena *arena)
{
    if (!is_sorted(list))
        qsort(list->each, list->count, sizeof(*list->each), compare_start);
    for (int level = 0; level < DELETION_LEVELS; level++) {
        uint32_t size = level_size(level), below = size >> DELETION_LEVEL_BITS;
        int64_t *reach = arena_alloc(arena, (list->count / size + 1) * sizeof(*reach));

        if (!reach)
            return false;
        for (uint32_t i = 0; i < list->count; i += below) {
            int64_t end = level > 0 ? list->reach[level - 1][i / below] : list->each[i].end;

            if (i % size == 0 || end > reach[i / size])
                reach[i / size] = end;
        }
        list->reach[level] = reach;
    }
    return true;
}

uint32_t deletion_list_pass(const struct deletion_list *list, uint32_t at, int64_t first)
{
    uint32_t passed = 1;

    for (int level = 0; level < DELETION_LEVELS; level++) {
        uint32_t size = level_size(level);

        if (at % size != 0 || list->reach[level][at / size] > first)
            break;
        passed = size;
    }
    return passed;
}

bool covering_find(struct covering *covering, const struct deletion_list *list, int64_t time,
                   struct arena *arena)
{
    covering->count = 0;
    for (uint32_t i = deletion_list_next(list, 0, time, time); i < list->count;
         i = deletion_list_next(list, i + 1, time, time)) {
        if (covering->count == covering->capacity) {
            uint32_t capacity = covering->capacity * 2 + 8;
            const struct deletion **each = arena_grow(
                arena, covering->each, covering->count * sizeof(*each), capacity * sizeof(*each));

            if (!each)
                return false;
            covering->each = each;
            covering->capacity = capacity;
        }
        covering->each[covering->count++] = &list->each[i];
    }
    return true;
}
