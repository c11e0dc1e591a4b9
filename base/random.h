/* Chance, always from a seed (xoshiro256**), so that a run can be played again; and the
 * kernel's randomness for secrets and identities. */
#ifndef WEIR_BASE_RANDOM_H
#define WEIR_BASE_RANDOM_H

#include "base/bytes.h"

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound); /* bound > 0; unbiased */
bool random_chance(struct random *random, uint32_t one_in);

void random_secure(void *data, size_t size); /* getrandom(2); aborts when the kernel has none */

#endif
