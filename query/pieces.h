/* The work of a question cut into pieces that stand in the order of the answer: a group, some
 * series of one, or a stretch of time of one series.  Where cuts are depends on the plan and on
 * what headers tell, not on how many threads there are.  docs/decisions/0038-pieces-of-a-query.md
 */
#ifndef WEIR_QUERY_PIECES_H
#define WEIR_QUERY_PIECES_H

#include "query/plan.h"

/* A question comes to so many pieces or some more, besides those that groups make. */
enum { PIECES_WANTED = 16 };

struct piece {
    size_t group;
    bool first, last; /* of the group */
    size_t series_first, series_end;
    int64_t start, end;
    bool part; /* of the rows of its one series */
};

/* What is to be cut. */
struct pieces_order {
    const struct plan *plan;
    const struct summary_use *use; /* which blocks need not be read */
    size_t group_first, group_end;
    int64_t start, end; /* of the first group; the others have the plan's */
    bool series_whole;  /* the rows of one series stay together */
    /* The cut nearest to `time`, not behind it; NULL: anywhere. */
    int64_t (*align)(const void *context, int64_t time);
    const void *context;
};

struct pieces {
    struct pieces_order order;
    const struct plan_places *places; /* by series, from series_base on */
    size_t series_base;
    uint64_t values;         /* in all, and */
    uint64_t values_guessed; /* in a series where places are not known */
    uint64_t target;         /* values in a piece */
    /* What comes next: */
    size_t group, series;
    bool parted; /* the rows of the series before `part_start` were given */
    int64_t part_start;
    size_t part_place; /* that the rest begins with */
};

/* Sums up what there is to do, in `values`; looks for places, where the plan kept none, in the
 * plan's arena.  Pieces are for those of values_min at least. */
MUST_USE enum code pieces_init(struct pieces *pieces, const struct pieces_order *order,
                               uint64_t values_min, struct arena *arena, struct error *err);
/* False: that was all. */
MUST_USE bool pieces_next(struct pieces *pieces, struct piece *piece);

#endif
