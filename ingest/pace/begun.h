/* When each of the newest units of weight began: as many as the largest rate can ask for.
 *
 * A rate of COUNT has room for `weight` more once the (COUNT - weight + 1)th unit from the newest
 * began a span ago: one look, and nothing to be dropped as time passes.  Of units that there is no
 * room for, the newest time is kept, and all of them count as if they had begun then: so a rate
 * that somebody joins with later, and want of memory, hold too long at worst.
 *
 * Thread: one at a time. */
#ifndef WEIR_INGEST_PACE_BEGUN_H
#define WEIR_INGEST_PACE_BEGUN_H

#include "base/bytes.h"

enum { BEGUN_UNITS_MAX = 1000000 }; /* 8 bytes each; what is needed is taken */

struct begun {
    int64_t *times; /* a ring, ascending from `first` on */
    size_t first, count, capacity;
    int64_t lost_ns; /* the newest that is not in it; INT64_MIN: all are */
};

#define BEGUN_INIT ((struct begun){.lost_ns = INT64_MIN})

void begun_release(struct begun *begun);
/* So many units at `ns`, which may be older than others are.  What is not younger than `old_ns`
 * makes room, and so does the oldest where there are `units_max`. */
void begun_put(struct begun *begun, int64_t ns, uint32_t units, int64_t old_ns, size_t units_max);
/* So many that were put at `ns`; those that are lost stay so. */
void begun_remove(struct begun *begun, int64_t ns, uint32_t units);
/* When the nth unit from the newest (1) began; INT64_MIN: there are not so many. */
int64_t begun_nth(const struct begun *begun, uint64_t nth);

#endif
