/* One answer by several threads: each member of the crew has all that a scan changes, and shares
 * what does not change any more, the plan and its view.  Results of pieces wait in slots. */
#ifndef WEIR_QUERY_ANSWER_CREW_H
#define WEIR_QUERY_ANSWER_CREW_H

#include "query/answer.h"
#include "query/crew.h"
#include "query/pieces.h"

/* A member's answer is the query's, with a watch, a scan, missing texts and memory of its own; it
 * tells nothing. */
struct member {
    struct watch watch;
    struct answer answer;
};

struct crew_slot {
    struct piece piece;
    struct windows windows;
    uint64_t stats_rows;
    struct pixels pixels;
    struct arena arena; /* of */
    struct missing missing;
};

struct answer_crew {
    struct answer *answer; /* the query's */
    struct pieces pieces;
    struct member *members[CREW_MEMBERS_MAX]; /* NULL: has done nothing yet */
    struct crew_slot slots[CREW_SLOTS_MAX];
};

/* All groups of the answer's way from `first` on, those of whom the query's windows are made. */
MUST_USE enum code answer_groups_from(struct answer *answer, size_t first, struct error *err);

/* For ways that cut one series themselves: makes answer->crew, whose slots are theirs, */
MUST_USE enum code answer_crew_make(struct answer *answer, struct error *err);
/* and has the pieces performed and taken as struct crew_work says; the context is the crew. */
MUST_USE enum code answer_crew_run(struct answer *answer, const struct pieces *pieces,
                                   crew_perform *perform, crew_take *take, struct error *err);
/* The answer by which that member performs pieces; missing texts go to the slot. */
MUST_USE enum code answer_crew_member(struct answer_crew *crew, unsigned member,
                                      struct crew_slot *slot, struct answer **answer,
                                      struct error *err);
/* A member's piece is done: its rows are counted. */
MUST_USE enum code answer_crew_settle(struct answer *member, struct error *err);
/* The slot's missing texts are the answer's. */
MUST_USE enum code answer_crew_take_missing(struct answer_crew *crew, struct crew_slot *slot,
                                            struct error *err);
void answer_crew_free(struct answer_crew *crew); /* NULL is fine */

#endif
