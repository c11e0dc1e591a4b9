/* A set of 128-bit hashes: open addressing, linear probing, load <= 0.7.  Of what is long and only
 * has to be known again it keeps 16 bytes each, where base/map.h would have 32 beside the key.
 * Nothing is ever removed.  One thread at a time. */
#ifndef WEIR_BASE_HASH_SET_H
#define WEIR_BASE_HASH_SET_H

#include "base/hash.h"

struct hash_set {
    struct hash128 *slots; /* owned; zero = empty slot */
    size_t count, capacity;
};

bool hash_set_has(const struct hash_set *set, const struct hash128 *hash);
/* It may be there already.  False when memory ran out. */
MUST_USE bool hash_set_add(struct hash_set *set, const struct hash128 *hash);
void hash_set_release(struct hash_set *set); /* it is empty then */

#endif
