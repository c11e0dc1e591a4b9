/* When a source's next pull is due.  Each has its own place in the jitter, made of its name, so
 * that many do not come at once, and the same after a restart.  Pure. */
#ifndef WEIR_INGEST_PACE_SCHEDULE_H
#define WEIR_INGEST_PACE_SCHEDULE_H

#include "ingest/source/source.h"

/* The place of a source of that name. */
uint64_t schedule_place(struct bytes tenant, struct bytes name);

/* Asked once for each pull, when the one before it began (`last_wall_ns`), and when somebody takes
 * a source over; the answer is kept.  Without `at`: `every` after the last began; with it, at that
 * time of the day that is `every` after the last one's, and within the jitter from there on.  What
 * should have been by `now_ns` already is within the jitter from now on; what never was (INT64_MIN)
 * is now, with `at` at the next such time.  Not before `expires_ns` (0: not
 * known), where the source keeps to it, then within the jitter too. */
int64_t schedule_next(const struct source_schedule *schedule, uint64_t place, int64_t last_wall_ns,
                      int64_t expires_ns, int64_t now_ns);
/* How far behind its place is: what is added once, to the pull behind the first one, as those who
 * were declared together would stay so.  With `at`, where each has its place anyway, 0. */
int64_t schedule_spread(const struct source_schedule *schedule, uint64_t place);

#endif
