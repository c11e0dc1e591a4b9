#include "ingest/pace/begun.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 64 };

void begun_release(struct begun *begun)
{
    free(begun->times);
    *begun = BEGUN_INIT;
}

static int64_t *unit(const struct begun *begun, size_t index)
{
    assert(index < begun->count);
    return &begun->times[(begun->first + index) % begun->capacity];
}

int64_t begun_nth(const struct begun *begun, uint64_t nth)
{
    assert(nth > 0);
    return nth <= begun->count ? *unit(begun, begun->count - (size_t)nth) : begun->lost_ns;
}

static void lose(struct begun *begun, int64_t ns)
{
    if (ns > begun->lost_ns)
        begun->lost_ns = ns;
}

/* Without memory it stays as it is. */
static void grow(struct begun *begun, size_t units_max)
{
    size_t capacity = begun->capacity == 0 ? CAPACITY_FIRST : begun->capacity * 2;
    int64_t *grown;

    if (capacity > units_max)
        capacity = units_max;
    grown = capacity > begun->capacity ? malloc(capacity * sizeof(*grown)) : NULL;
    if (grown == NULL)
        return;
    for (size_t i = 0; i < begun->count; i++)
        grown[i] = *unit(begun, i);
    free(begun->times);
    *begun = (struct begun){grown, 0, begun->count, capacity, begun->lost_ns};
}

static bool full(const struct begun *begun)
{
    return begun->count == begun->capacity;
}

static void put(struct begun *begun, int64_t ns, int64_t old_ns, size_t units_max)
{
    size_t at;

    if (full(begun) && (begun->count == 0 || *unit(begun, 0) > old_ns))
        grow(begun, units_max);
    if (full(begun) && begun->count > 0 && *unit(begun, 0) <= ns) {
        lose(begun, *unit(begun, 0));
        begun->first = (begun->first + 1) % begun->capacity;
        begun->count--;
    }
    if (full(begun)) {
        lose(begun, ns);
        return;
    }
    at = begun->count++;
    for (; at > 0 && *unit(begun, at - 1) > ns; at--) /* of notes, which come in any order */
        *unit(begun, at) = *unit(begun, at - 1);
    *unit(begun, at) = ns;
}

void begun_put(struct begun *begun, int64_t ns, uint32_t units, int64_t old_ns, size_t units_max)
{
    uint32_t most = units < BEGUN_UNITS_MAX ? units : BEGUN_UNITS_MAX;

    assert(units_max <= BEGUN_UNITS_MAX);

    for (uint32_t i = 0; i < most; i++)
        put(begun, ns, old_ns, units_max);
}

static void remove_one(struct begun *begun, int64_t ns)
{
    size_t at = begun->count;

    while (at > 0 && *unit(begun, at - 1) > ns)
        at--;
    if (at == 0 || *unit(begun, at - 1) != ns)
        return;
    for (; at < begun->count; at++)
        *unit(begun, at - 1) = *unit(begun, at);
    begun->count--;
}

void begun_remove(struct begun *begun, int64_t ns, uint32_t units)
{
    uint32_t most = units < BEGUN_UNITS_MAX ? units : BEGUN_UNITS_MAX;

    for (uint32_t i = 0; i < most; i++)
        remove_one(begun, ns);
}
