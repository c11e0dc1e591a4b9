#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* The four words come from splitmix64, as the authors of xoshiro advise: it never gives
 * the all-zero state, and near seeds give unlike runs. */
void random_seed(struct random *random, uint64_t seed)
{
    for (size_t i = 0; i < COUNT_OF(random->state); i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        random->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate_left(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t random_next(struct random *random)
{
    uint64_t *state = random->state;
    uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    uint64_t short_of; /* so many of the 2^64 values would make the first ones likelier */
    uint64_t value;

    assert(bound > 0);
    short_of = -bound % bound;
    do
        value = random_next(random);
    while (value < short_of);
    return value % bound;
}

bool random_chance(struct random *random, uint32_t one_in)
{
    return random_below(random, one_in) == 0;
}

void random_secure(void *data, size_t size)
{
    char *at = data;

    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* a guessable secret is worse than no server */
        at += got;
        size -= (size_t)got;
    }
}
