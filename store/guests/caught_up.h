/* Whether readers have what other members had listed of a tenant by some moment: until then, that
 * there is nothing may only mean that nobody looked.
 *
 * Thread: any. */
#ifndef WEIR_STORE_GUESTS_CAUGHT_UP_H
#define WEIR_STORE_GUESTS_CAUGHT_UP_H

#include <stdint.h>

#include "base/error.h"

struct guests;
struct tenant;

/* OK: they have, of `since_ns` (CLOCK_MONOTONIC).  E_NOT_READY: not yet, err says whose; it takes a
 * second, and as long as a shard does not answer.  What nobody can read, as a chain or a pack that
 * is damaged and a shard that the tenant has no more, is not waited for: answers tell it. */
MUST_USE enum code guests_caught_up(struct guests *guests, const struct tenant *tenant,
                                    int64_t since_ns, struct error *err);

#endif
