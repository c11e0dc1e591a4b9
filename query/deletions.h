/* Which versions the tombstones of a tenant hide from a question: those of lower ingest time of
 * the selected series in [start, end), whole or of some fields.  A deletion hides them from its own
 * ingest time on; one that erases, at every S, as if they had never been there. */
#ifndef WEIR_QUERY_DELETIONS_H
#define WEIR_QUERY_DELETIONS_H

#include "catalog/match.h"
#include "model/matcher.h"
#include "model/series.h"
#include "query/deletion_list.h"

struct place;
struct watch;

/* Those that a question may meet, compiled. */
struct deletions {
    struct deletion_list list;
    struct matchset **matchsets; /* each selection once */
    uint32_t matchset_count;
};

/* Of `tombstones`, those of the measurement that touch [start, end) and one of the fields and have
 * ingest <= as_of or erase.  Arrays are from `arena`, which the watch's budget bounds.  Release
 * also after a failure; those of the watch are among them. */
MUST_USE enum code deletions_init(struct deletions *deletions, const struct tombstone *tombstones,
                                  size_t count, struct bytes measurement, int64_t as_of,
                                  int64_t start, int64_t end, const struct bytes *fields,
                                  uint32_t field_count, struct watch *watch, struct arena *arena,
                                  struct error *err);
/* Those of the series that have a time in common with one of its places (of view_places()), from
 * `arena`.  Empty is the usual. */
MUST_USE enum code deletions_of(struct deletions *deletions, const struct series *series,
                                const struct place *places, size_t place_count, struct watch *watch,
                                struct arena *arena, struct deletion_list *of_series,
                                struct error *err);
void deletions_release(struct deletions *deletions);

#endif
