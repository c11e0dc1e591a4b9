#ifndef WEIR_TESTS_SIM_FLIP_H
#define WEIR_TESTS_SIM_FLIP_H

struct world;

/* One store, one flipped bit.  The world is fresh. */
void flip_episode(struct world *world);

#endif
