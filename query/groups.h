/* Which series make up which result of an answer, and in which order results stand. */
#ifndef WEIR_QUERY_GROUPS_H
#define WEIR_QUERY_GROUPS_H

#include "query/plan.h"

/* Makes plan->groups of plan->series (ascending by id), which it reorders for tags; finds the
 * first group of the page, and the tag keys that flat answers have as columns. */
MUST_USE enum code groups_make(struct plan *plan, struct error *err);
/* Where a group stands in a cursor. */
MUST_USE bool group_position(struct plan *plan, const struct group *group, struct series_id *id,
                             struct bytes *values);

#endif
