/* The best of many: top= and bottom= rank groups, or rows, by one number.  Of equal numbers the
 * earlier group is the better, then the earlier time. */
#ifndef WEIR_QUERY_TOP_H
#define WEIR_QUERY_TOP_H

#include "base/arena.h"
#include "query/datum.h"

struct ranked {
    struct datum value; /* a number */
    size_t group;
    int64_t time;
    const struct datum *values; /* of a row that is told; not looked at here */
};

/* The best `most` of those offered, as a heap whose root is the worst of them. */
struct top {
    uint64_t most;
    bool bottom;         /* the least are the best */
    struct arena *arena; /* borrowed */
    struct ranked *list;
    size_t count, capacity;
};

void top_init(struct top *top, uint64_t most, bool bottom, struct arena *arena);
/* What is no number is left out.  False when memory ran out. */
MUST_USE bool top_offer(struct top *top, const struct ranked *ranked);
/* Best first; or by group, then time.  Nothing is offered any more. */
void top_sort(struct top *top);
void top_sort_by_place(struct top *top);

#endif
