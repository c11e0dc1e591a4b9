/* A hash map from byte strings to pointers: open addressing, linear probing, load <= 0.7.
 * Keys are borrowed and must outlive the map.  The hash is XXH3-64 with a seed drawn at
 * start, so that keys cannot be made to collide from outside.  One thread at a time. */
#ifndef WEIR_BASE_MAP_H
#define WEIR_BASE_MAP_H

#include "base/bytes.h"

struct map_slot {
    uint64_t hash;
    struct bytes key;
    void *value; /* NULL = empty slot */
};

struct map {
    struct map_slot *slots; /* owned */
    size_t count, capacity; /* capacity is 0 or a power of two */
};

#define MAP_INIT ((struct map){0})

uint64_t map_hash(struct bytes key);
/* For the simulator and tests, before the first map: replaces the drawn seed, so that walks repeat.
 */
void map_hash_seed(uint64_t fixed);
void *map_get(const struct map *map, struct bytes key);
void *map_get_hashed(const struct map *map, struct bytes key, uint64_t hash);
/* `value` is not NULL; the key must not be there yet.  False when memory ran out. */
MUST_USE bool map_put(struct map *map, struct bytes key, void *value);
MUST_USE bool map_put_hashed(struct map *map, struct bytes key, uint64_t hash, void *value);
void *map_remove(struct map *map, struct bytes key); /* the value that was there, or NULL */
/* Walk: for (size_t i = 0; (slot = map_next(map, &i)) != NULL;) */
const struct map_slot *map_next(const struct map *map, size_t *index);
void map_release(struct map *map);

#endif
