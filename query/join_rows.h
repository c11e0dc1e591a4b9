/* The rows of a join: which groups it has, and the rows of each, merged by time. */
#ifndef WEIR_QUERY_JOIN_ROWS_H
#define WEIR_QUERY_JOIN_ROWS_H

#include "query/join.h"
#include "query/plan.h"
#include "query/table.h"

/* Of one selection: what it has of the group at hand, and where the walk is. */
struct join_source {
    const struct table *table;
    const struct selection *selection;
    size_t row_first, row_end; /* equal: the group has none */
    size_t at;   /* rows before it (in the order of the walk) are done; of one that spreads: rows
                    that are not later than the time at hand */
    bool drives; /* its times are those of the join */
};

struct join_rows {
    enum join_kind kind;
    bool descending;
    struct join_source *sources; /* by selection */
    uint32_t count;
    struct watch *watch;
    int64_t time;    /* of the row at hand */
    uint64_t passed; /* rows, since the watch was told */
};

/* The result groups of the join into plan->groups, with their keys as plan->tag_keys.  *picked says
 * for each of them which group each selection has there: an index into table->groups, SIZE_MAX =
 * none (by group, then selection).  Selections that are not grouped join all. */
MUST_USE bool join_groups_make(const struct join *join, const struct plan *const *plans,
                               const struct table *tables, struct plan *plan,
                               const size_t **picked);

/* `sources` by selection: table and selection are set. */
void join_rows_init(struct join_rows *rows, enum join_kind kind, bool descending,
                    struct join_source *sources, uint32_t count, struct watch *watch);
/* The group with these picked; then row after row. */
void join_rows_begin(struct join_rows *rows, const size_t *picked);
/* Sets rows->time, and in row[] by selection the row that stands there, SIZE_MAX = none.  E_END,
 * and those of watch_look(): each row that is passed is work, also where nothing comes of it, as a
 * selection that joins all groups is walked for each of them. */
MUST_USE enum code join_rows_next(struct join_rows *rows, size_t *row, struct error *err);

#endif
