/* For who knows by other ways that a member has listed something: its chain is looked at now, not
 * when its second is over, nor when the rest of a shard that failed is.
 *
 * Thread: any; guests_wait() waits. */
#ifndef WEIR_STORE_GUESTS_HURRY_H
#define WEIR_STORE_GUESTS_HURRY_H

#include "base/bytes.h"

struct guests;
struct hash128;
struct tenant;

/* What nobody can hurry is not told: it is seen when it is.  Each may be a call of a shard that is
 * down: whoever hurries does so once a second. */
void guests_hurry(struct guests *guests, const struct tenant *tenant,
                  const struct hash128 *incarnation, struct bytes shard);
/* Counts what readers were given, of any tenant. */
uint64_t guests_told(struct guests *guests);
/* Until that is more than `since`, or this time of CLOCK_MONOTONIC. */
void guests_wait(struct guests *guests, uint64_t since, int64_t until_ns);

#endif
