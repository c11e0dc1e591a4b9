/* What began of late under one name, kept for the next start of the process: coarser the longer ago
 * it was.  What began within a thirty-second of the time that has passed since (or 10 ms), and on
 * one UTC day, is one note with the weight of all, as of the last of them: so after a restart a
 * rate holds by that part of its span too long, and never too short.  That is some 1,000 notes for
 * two days, however much was asked: 32 KB of one name, twice that while it grows.
 *
 * Thread: one at a time. */
#ifndef WEIR_INGEST_PACE_PAST_H
#define WEIR_INGEST_PACE_PAST_H

#include "base/error.h"
#include "ingest/pace/moment.h"

struct past_note {
    struct moment last; /* boot_ns INT64_MIN: of another boot */
    int64_t span_ns;    /* since the first of them */
    uint32_t weight;
};

struct past {
    struct past_note *notes; /* owned, in the order in which they came */
    size_t count, capacity;
};

/* E_MEMORY. */
MUST_USE enum code past_add(struct past *past, const struct past_note *note,
                            const struct moment *now, struct error *err);
/* Leaves out what no limit looks back to: by the boot clock, that of another boot by the wall
 * clock, which is all that tells its age. */
void past_thin(struct past *past, const struct moment *now);
void past_release(struct past *past);

#endif
