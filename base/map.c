#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/random.h"

/* A map grows by four up to a thousand slots, by two from there: one of a request is soon filled,
 * and moving what is in it took as long as putting it there.  But the first steps are by two: there
 * are many that live long and have a handful of keys. */
enum { CAPACITY_FIRST = 4, CAPACITY_FAST_FIRST = 16, CAPACITY_FAST_MAX = 1024 };

static uint64_t seed; /* written before main(), or by map_hash_seed() */

__attribute__((constructor)) static void draw_seed(void)
{
    random_secure(&seed, sizeof(seed));
}

void map_hash_seed(uint64_t fixed)
{
    seed = fixed;
}

uint64_t map_hash(struct bytes key)
{
    return XXH3_64bits_withSeed(key.data, key.size, seed);
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct map_slot *find(const struct map *map, struct bytes key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t at = (size_t)hash & mask;

    for (;;) {
        struct map_slot *slot = &map->slots[at];

        if (slot->value == NULL || (slot->hash == hash && bytes_equal(slot->key, key)))
            return slot;
        at = (at + 1) & mask;
    }
}

void *map_get_hashed(const struct map *map, struct bytes key, uint64_t hash)
{
    return map->count == 0 ? NULL : find(map, key, hash)->value;
}

void *map_get(const struct map *map, struct bytes key)
{
    return map->count == 0 ? NULL : find(map, key, map_hash(key))->value;
}

static bool grow(struct map *map)
{
    struct map bigger = {.capacity = CAPACITY_FIRST};

    if (map->capacity > 0)
        bigger.capacity =
            map->capacity *
            (map->capacity >= CAPACITY_FAST_FIRST && map->capacity < CAPACITY_FAST_MAX ? 4 : 2);
    bigger.slots = calloc(bigger.capacity, sizeof(bigger.slots[0]));
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++) {
        const struct map_slot *slot = &map->slots[i];
        size_t at = (size_t)slot->hash & (bigger.capacity - 1);

        if (slot->value == NULL)
            continue;
        while (bigger.slots[at].value != NULL) /* keys differ: no comparison needed */
            at = (at + 1) & (bigger.capacity - 1);
        bigger.slots[at] = *slot;
    }
    bigger.count = map->count;
    free(map->slots);
    *map = bigger;
    return true;
}

bool map_put_hashed(struct map *map, struct bytes key, uint64_t hash, void *value)
{
    struct map_slot *slot;

    assert(value != NULL);
    if (map->count >= map->capacity / 10 * 7 + map->capacity % 10 * 7 / 10 && !grow(map))
        return false;
    slot = find(map, key, hash);
    assert(slot->value == NULL);
    *slot = (struct map_slot){hash, key, value};
    map->count++;
    return true;
}

bool map_put(struct map *map, struct bytes key, void *value)
{
    return map_put_hashed(map, key, map_hash(key), value);
}

/* Closes the gap instead of leaving a mark: each later one of the run that may stand in
 * the gap (its home is not behind it) moves there, and leaves the next gap. */
void *map_remove(struct map *map, struct bytes key)
{
    size_t mask = map->capacity - 1;
    struct map_slot *slot;
    size_t gap;
    void *value;

    if (map->count == 0)
        return NULL;
    slot = find(map, key, map_hash(key));
    value = slot->value;
    if (value == NULL)
        return NULL;
    gap = (size_t)(slot - map->slots);
    for (size_t at = (gap + 1) & mask; map->slots[at].value != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)map->slots[at].hash & mask;

        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        map->slots[gap] = map->slots[at];
        gap = at;
    }
    map->slots[gap] = (struct map_slot){0};
    map->count--;
    return value;
}

const struct map_slot *map_next(const struct map *map, size_t *index)
{
    while (*index < map->capacity) {
        const struct map_slot *slot = &map->slots[(*index)++];

        if (slot->value != NULL)
            return slot;
    }
    return NULL;
}

void map_release(struct map *map)
{
    free(map->slots);
    *map = MAP_INIT;
}
