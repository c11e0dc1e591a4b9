/* Times that are counted: base + (index − first) × step, and from there to the interval's other end
 * or to the next one.  Days, months and years go by the calendar of the zone, half hours by the
 * clock: so the 50th of a day of 25 hours is one.  Pure. */
#ifndef WEIR_INGEST_ROWS_ROW_STEP_H
#define WEIR_INGEST_ROWS_ROW_STEP_H

#include "ingest/source/source.h"

/* Where counting begins. */
struct row_base {
    int64_t ns;
    int64_t end_ns; /* of the day that it is; INT64_MAX: it has a time of day */
};

/* Where a row stands: always at `count` steps from `origin_ns`, where there are steps. */
struct row_place {
    int64_t ns;
    int64_t origin_ns, count;
    struct span step; /* all zero: none */
};

/* A length out of the data.  E_BAD_TIME with what is wrong. */
MUST_USE enum code row_step_parse(struct bytes text, struct span *step, struct error *err);
/* Where the day ends that the moment is in. */
int64_t row_step_day_end(const struct zone *zone, int64_t ns);
/* Of `time`: first, zone.  E_BAD_TIME: it is no number, below the first, or, of a step below a day
 * and a base that is a date, past the end of that day. */
MUST_USE enum code row_step_index(const struct source_time *time, const struct row_base *base,
                                  const struct span *step, struct bytes index,
                                  struct row_place *place, struct error *err);
/* So many steps on from the place, or back.  E_TIME_RANGE. */
MUST_USE enum code row_step_from(const struct row_place *place, int64_t steps,
                                 const struct zone *zone, int64_t *ns, struct error *err);

#endif
