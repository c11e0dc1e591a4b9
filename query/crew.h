/* Work in pieces that stand in an order: the query's own thread and those lent to it perform them
 * side by side, the own thread takes their results in order.  What a piece is does not depend on
 * who performs it or how many there are, so neither does the answer.
 *
 * A helper never waits: when too many pieces wait to be taken, it leaves, and is asked for again.
 *
 * Thread: crew_run() is the own thread's; see below for the rest. */
#ifndef WEIR_QUERY_CREW_H
#define WEIR_QUERY_CREW_H

#include "base/error.h"
#include "query/helpers.h"

enum {
    CREW_HELPERS_MAX = 15,
    CREW_MEMBERS_MAX = CREW_HELPERS_MAX + 1, /* 0 is the own thread */
    CREW_SLOTS_MAX = 64,                     /* pieces that are under way or wait to be taken */
};

/* Any member, each a piece at a time. */
typedef enum code crew_perform(void *context, unsigned member, unsigned slot, struct error *err);
/* In order; the slot is free then.  The own thread. */
typedef enum code crew_take(void *context, unsigned slot, struct error *err);

struct crew_work {
    void *context;
    /* Describes the next piece in the slot, which is free.  False: there is none.  Any member, one
     * at a time. */
    bool (*next)(void *context, unsigned slot);
    /* Whether one more may be performed ahead of the next to be taken.  Likewise. */
    bool (*roomy)(void *context);
    crew_perform *perform;
    crew_take *take;
    /* Something failed: what is under way shall end soon, with any code.  Any member. */
    void (*stop)(void *context);
};

/* Until all pieces are taken, or one failed: then the error that was met first.  No helper is at
 * work when it returns.  *helped counts the pieces that helpers performed. */
MUST_USE enum code crew_run(const struct crew_work *work, struct helpers *helpers, uint64_t *helped,
                            struct error *err);

#endif
