#include "base/hash_set.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 16 };

/* The slot that holds it, or the empty one where it belongs: any bytes of a hash are as good as
 * others. */
static struct hash128 *find(const struct hash_set *set, const struct hash128 *hash)
{
    size_t at;

    memcpy(&at, hash->bytes, sizeof(at));
    for (at &= set->capacity - 1;; at = (at + 1) & (set->capacity - 1))
        if (hash128_is_zero(&set->slots[at]) || hash128_equal(&set->slots[at], hash))
            return &set->slots[at];
}

static bool grow(struct hash_set *set)
{
    struct hash_set bigger = {
        .capacity = set->capacity == 0 ? CAPACITY_FIRST : 2 * set->capacity,
        .count = set->count,
    };

    bigger.slots = calloc(bigger.capacity, sizeof(bigger.slots[0]));
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < set->capacity; i++)
        if (!hash128_is_zero(&set->slots[i]))
            *find(&bigger, &set->slots[i]) = set->slots[i];
    free(set->slots);
    *set = bigger;
    return true;
}

bool hash_set_has(const struct hash_set *set, const struct hash128 *hash)
{
    return set->count > 0 && !hash128_is_zero(find(set, hash));
}

bool hash_set_add(struct hash_set *set, const struct hash128 *hash)
{
    struct hash128 *slot;

    assert(!hash128_is_zero(hash));
    if ((set->count + 1) * 10 > set->capacity * 7 && !grow(set))
        return false;
    slot = find(set, hash);
    set->count += hash128_is_zero(slot);
    *slot = *hash;
    return true;
}

void hash_set_release(struct hash_set *set)
{
    free(set->slots);
    *set = (struct hash_set){0};
}
