/* While nothing is written, the moment up to which all is in packs goes on with the clock, for
 * other members: what one that rests can have acknowledged ends there, also when it is dead later.
 *
 * Thread: the sealer's, or a store not started. */
#ifndef WEIR_STORE_IDLE_H
#define WEIR_STORE_IDLE_H

#include "base/error.h"

struct store;

/* So often, as it is a commit of the index. */
static const int64_t idle_period_ns = 5 * INT64_C(1000000000);

/* Nothing of what is not asked for by others, or not true now.  store_sealed() is durable as it is
 * afterwards: nothing at or below it is ever acknowledged, not even after a crash and a clock set
 * back.  E_DISK_FULL, E_IO: it did not go on. */
MUST_USE enum code store_step_idle(struct store *store, struct error *err);

#endif
