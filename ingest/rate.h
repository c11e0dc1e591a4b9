/* Points per second of each tenant: a bucket that holds one second's worth and fills evenly.  A
 * request passes while the bucket is not empty, and may leave a debt: so one that is larger than a
 * second's worth succeeds too, and the next ones wait for it.
 *
 * Thread: any. */
#ifndef WEIR_INGEST_RATE_H
#define WEIR_INGEST_RATE_H

#include "base/clock.h"
#include "model/series.h"

struct rate;

MUST_USE enum code rate_new(struct clock *clock, struct rate **rate, struct error *err);
void rate_free(struct rate *rate);
/* Takes `points`.  E_RATE_LIMIT when the tenant owes points, with the seconds until it does not;
 * per_second 0 = no limit.  `points` 0 asks and takes nothing. */
MUST_USE enum code rate_take(struct rate *rate, const struct tenant *tenant, uint64_t per_second,
                             uint64_t points, struct error *err);

#endif
