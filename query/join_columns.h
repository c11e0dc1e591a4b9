/* The columns of a join: "load.mean_power" of each selection's, then those that let= computes of
 * them; and which of all these the answer shows. */
#ifndef WEIR_QUERY_JOIN_COLUMNS_H
#define WEIR_QUERY_JOIN_COLUMNS_H

#include "query/join.h"
#include "query/plan.h"

struct join_columns {
    const struct bytes *names; /* of all */
    uint32_t count;
    const uint32_t *first;             /* by selection: where its columns begin */
    uint32_t computed_first;           /* these stand behind all selections' */
    const struct expression *computed; /* bound to the columns */
    const uint32_t *shown;             /* columns, in the order of the answer */
    uint32_t shown_count;
};

/* `plans` by selection; everything is from `arena`.  Errors point at "let" and "fields". */
MUST_USE enum code join_columns_make(const struct query *query, const struct plan *const *plans,
                                     struct arena *arena, const struct watch *watch,
                                     struct join_columns *columns, struct error *err);
/* Values of all columns, of which the selections' are there: computes the others. */
void join_columns_compute(const struct join_columns *columns, struct datum *values);

#endif
