/* Deletions in the order of their starts, so that those of one time are found among thousands
 * without looking at each. */
#ifndef WEIR_QUERY_DELETION_LIST_H
#define WEIR_QUERY_DELETION_LIST_H

#include "base/arena.h"

struct deletion {
    int64_t ingest;
    bool erase;
    int64_t start, end;
    const uint8_t *fields; /* a byte for each field asked for; NULL = whole rows */
    uint32_t matchset;     /* of deletions: which series it is of */
};

/* 32, 1,024 or 32,768 neighbours are passed at once where none of them reaches far enough. */
enum { DELETION_LEVELS = 3, DELETION_LEVEL_BITS = 5 };

struct deletion_list {
    struct deletion *each;
    uint32_t count;
    int64_t *reach[DELETION_LEVELS]; /* the greatest end of so many, by their number */
};

/* Sorts and makes `reach` in `arena`.  False when memory ran out. */
MUST_USE bool deletion_list_finish(struct deletion_list *list, struct arena *arena);
/* How many from number `at` on, the first of so many, end at or before `first`: 1 or the size of a
 * level.  The one at `at` does. */
uint32_t deletion_list_pass(const struct deletion_list *list, uint32_t at, int64_t first);

/* The first one from number `from` on that has a time in [first, last]; list->count: none has. */
static inline uint32_t deletion_list_next(const struct deletion_list *list, uint32_t from,
                                          int64_t first, int64_t last)
{
    uint64_t at = from; /* a step from the last ones may be behind 32 bits */

    while (at < list->count && list->each[at].start <= last) {
        if (list->each[at].end > first)
            return (uint32_t)at;
        at += at % (1 << DELETION_LEVEL_BITS) ? 1 : deletion_list_pass(list, (uint32_t)at, first);
    }
    return list->count;
}

/* Those of one time, in no order: whatever is asked of its versions, they are looked up once. */
struct covering {
    const struct deletion **each;
    uint32_t count, capacity;
};

/* In place of those it had; room is from `arena`.  False when memory ran out. */
MUST_USE bool covering_find(struct covering *covering, const struct deletion_list *list,
                            int64_t time, struct arena *arena);

/* Whether the version is hidden from an answer as of `as_of`. */
static inline bool deletion_hides(const struct deletion *deletion, int64_t as_of, int64_t time,
                                  int64_t ingest, uint32_t field)
{
    return (deletion->erase || deletion->ingest <= as_of) && ingest < deletion->ingest &&
           time >= deletion->start && time < deletion->end &&
           (!deletion->fields || deletion->fields[field]);
}

#endif
