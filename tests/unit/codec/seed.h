/* Chance for tests, from WEIR_SEED or else 1; the seed is told, so that a failure comes again. */
#ifndef WEIR_TESTS_UNIT_CODEC_SEED_H
#define WEIR_TESTS_UNIT_CODEC_SEED_H

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

static inline void seed_random(struct random *random)
{
    const char *seed = getenv("WEIR_SEED");

    random_seed(random, seed ? strtoull(seed, NULL, 10) : 1);
    printf("seed %s\n", seed ? seed : "1");
}

#endif
