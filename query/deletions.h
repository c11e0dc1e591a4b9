/* Which versions the tombstones of a tenant hide from a question: those of lower ingest time of
 * the selected series in [start, end), whole or of some fields.  A deletion hides them from its own
 * ingest time on; one that erases, at every S, as if they had never been there. */
#ifndef WEIR_QUERY_DELETIONS_H
#define WEIR_QUERY_DELETIONS_H

#include "base/arena.h"
#include "catalog/match.h"
#include "model/matcher.h"
#include "model/series.h"

struct watch;

struct deletion {
    int64_t ingest;
    bool erase;
    int64_t start, end;
    const uint8_t *fields; /* a byte for each field asked for; NULL = whole rows */
};

/* Those that a question may meet, compiled. */
struct deletions {
    const struct tombstone **tombstones;
    struct deletion *each;
    struct matchset **matchsets; /* one a tombstone */
    uint32_t count;
};

/* Of `tombstones`, those of the measurement that touch [start, end) and one of the fields and have
 * ingest <= as_of or erase.  Arrays are from `arena`, which the watch's budget bounds.  Release
 * also after a failure. */
MUST_USE enum code deletions_init(struct deletions *deletions, const struct tombstone *tombstones,
                                  size_t count, struct bytes measurement, int64_t as_of,
                                  int64_t start, int64_t end, const struct bytes *fields,
                                  uint32_t field_count, const struct watch *watch,
                                  struct arena *arena, struct error *err);
/* Those of the series, ascending by ingest, from `arena`.  *count 0 is the usual. */
MUST_USE enum code deletions_of(struct deletions *deletions, const struct series *series,
                                const struct watch *watch, struct arena *arena,
                                const struct deletion **of_series, uint32_t *count,
                                struct error *err);
void deletions_release(struct deletions *deletions);

/* Whether the version is hidden from an answer as of `as_of`. */
static inline bool deletion_hides(const struct deletion *deletion, int64_t as_of, int64_t time,
                                  int64_t ingest, uint32_t field)
{
    return (deletion->erase || deletion->ingest <= as_of) && ingest < deletion->ingest &&
           time >= deletion->start && time < deletion->end &&
           (!deletion->fields || deletion->fields[field]);
}

#endif
