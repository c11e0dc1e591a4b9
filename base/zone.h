/* Time zones: from UTC to what clocks on the wall show and back, out of the machine's tz database
 * (/usr/share/zoneinfo).  The process's own TZ plays no part.
 *
 * A zone is immutable: any thread may ask it.  One of the database is read when it is first opened,
 * and stays for as long as the process lives, one for all; others are in the arena.  Seconds are
 * counted from 1970-01-01T00:00:00, "local" ones as if the wall clock showed UTC. */
#ifndef WEIR_BASE_ZONE_H
#define WEIR_BASE_ZONE_H

#include "base/arena.h"
#include "base/error.h"

struct zone;

/* "Europe/Berlin", "UTC", or a fixed offset as "+10:00".  Reads one file of a few KiB, the
 * first time.  E_BAD_PARAMETER when there is no such zone, E_IO,
 * E_MEMORY; the error names the zone. */
MUST_USE enum code zone_open(struct bytes name, struct arena *arena, const struct zone **zone,
                             struct error *err);
/* The same from the bytes of a tz file (RFC 8536). E_CORRUPT when they are not one. */
MUST_USE enum code zone_parse(struct bytes file, struct arena *arena, const struct zone **zone,
                              struct error *err);

bool zone_is_fixed(const struct zone *zone); /* its clocks are never turned */
/* How far the wall clock is ahead of UTC, in seconds. */
int32_t zone_offset(const struct zone *zone, int64_t utc_s);

enum zone_local {
    ZONE_ONCE,  /* earlier_s = later_s */
    ZONE_TWICE, /* clocks were turned back over it: both */
    ZONE_NEVER, /* clocks were turned forward over it: both are the moment of the turn */
};
/* When the wall clock shows `local_s` (within +-2^62), in UTC. */
enum zone_local zone_utc(const struct zone *zone, int64_t local_s, int64_t *earlier_s,
                         int64_t *later_s);

#endif
