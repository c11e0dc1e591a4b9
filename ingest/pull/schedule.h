/* When a source's next pull is due.  Each has its own place in the jitter, made of its name, so
 * that many do not come at once, and the same after a restart.  Pure. */
#ifndef WEIR_INGEST_PULL_SCHEDULE_H
#define WEIR_INGEST_PULL_SCHEDULE_H

#include "ingest/pull/source.h"

/* The first time after `last_wall_ns` (of the beginning of the last pull; INT64_MIN = none yet:
 * then within the jitter from `now_ns` on, but not before `at`).  `expires_ns`: 0 = not known. */
MUST_USE enum code schedule_next(const struct source_schedule *schedule, uint64_t place,
                                 int64_t last_wall_ns, int64_t expires_ns, int64_t now_ns,
                                 int64_t *next_ns, struct error *err);

#endif
