#include "query/top.h"

#include <stdlib.h>

enum { RANKED_FIRST = 16 };

static int compare_places(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x->time < y->time ? -1 : x->time > y->time;
}

/* Below 0: `a` is the better. */
static int compare_ranks(const void *a, const void *b, void *bottom)
{
    const struct ranked *x = a, *y = b;
    int order = datum_compare(&x->value, &y->value);

    if (order != 0)
        return *(const bool *)bottom ? order : -order;
    return compare_places(a, b);
}

void top_init(struct top *top, uint64_t most, bool bottom, struct arena *arena)
{
    *top = (struct top){.most = most, .bottom = bottom, .arena = arena};
}

static bool worse(struct top *top, const struct ranked *a, const struct ranked *b)
{
    return compare_ranks(a, b, &top->bottom) > 0;
}

static void sift_down(struct top *top)
{
    struct ranked moved = top->list[0];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < top->count && worse(top, &top->list[child + 1], &top->list[child]))
            child++;
        if (child >= top->count || !worse(top, &top->list[child], &moved))
            break;
        top->list[at] = top->list[child];
        at = child;
    }
    top->list[at] = moved;
}

static bool push(struct top *top, const struct ranked *ranked)
{
    size_t at = top->count;

    if (at == top->capacity) {
        size_t capacity = at ? 2 * at : RANKED_FIRST;
        struct ranked *list =
            arena_grow(top->arena, top->list, at * sizeof(*list), capacity * sizeof(*list));

        if (!list)
            return false;
        top->list = list;
        top->capacity = capacity;
    }
    top->count++;
    for (; at > 0 && worse(top, ranked, &top->list[(at - 1) / 2]); at = (at - 1) / 2)
        top->list[at] = top->list[(at - 1) / 2];
    top->list[at] = *ranked;
    return true;
}

bool top_offer(struct top *top, const struct ranked *ranked)
{
    if (value_kind(ranked->value.type) != KIND_NUMBER)
        return true;
    if (top->count < top->most)
        return push(top, ranked);
    if (worse(top, ranked, &top->list[0]))
        return true;
    top->list[0] = *ranked;
    sift_down(top);
    return true;
}

void top_sort(struct top *top)
{
    if (top->count > 1)
        qsort_r(top->list, top->count, sizeof(*top->list), compare_ranks, &top->bottom);
}

void top_sort_by_place(struct top *top)
{
    if (top->count > 1)
        qsort(top->list, top->count, sizeof(*top->list), compare_places);
}
