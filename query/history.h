/* What was known of a row and when (versions=all): its answers at every S there was, each with
 * [known_from, known_to).  Equal neighbours are one; while a row was deleted or had no value there
 * is no answer.  So `as_of = t` answers exactly the states with known_from <= t < known_to. */
#ifndef WEIR_QUERY_HISTORY_H
#define WEIR_QUERY_HISTORY_H

#include "query/versions.h"

enum { KNOWN_STILL = 0 }; /* known_to of a state that still holds at S; no ingest time is 0 */

struct known {
    int64_t from, to;
    const struct datum *values; /* by shown field */
};

struct history {
    struct scan *scan;
    uint32_t value_count; /* of a state */
    int64_t floor; /* states that ended at or before it are not told: as_of cannot ask there */
    struct arena arena;
    int64_t *events; /* room for as many as `capacity` */
    struct known *known;
    struct datum *values;
    struct datum *sources; /* of one state, where a sieve makes its values of them */
    uint8_t *decided;
    size_t capacity;
};

/* Once for all series of a query.  Release also after a failure. */
/* States are of what the setting's sieve makes of rows: `value_count` values each. */
void history_init(struct history *history, const struct scan_setting *setting, uint32_t value_count,
                  int64_t floor);
void history_begin(struct history *history, struct scan *scan);
/* The states of the next time that has some, oldest first; they live until the next call.
 * E_END. */
MUST_USE enum code history_next(struct history *history, int64_t *time, const struct known **known,
                                size_t *count, struct error *err);
void history_release(struct history *history);

#endif
