/* The names of columns in flat answers, where tags and fields stand side by side.  A field that is
 * called like a column of ours becomes field.NAME, a tag that is called like one of ours or a
 * field tag.NAME; so all names differ. */
#ifndef WEIR_QUERY_NAMES_H
#define WEIR_QUERY_NAMES_H

#include "query/plan.h"

/* By tag key and by column; from the plan's arena.  False when memory ran out. */
MUST_USE bool names_make(struct plan *plan, const struct bytes **tags,
                         const struct bytes **columns);

#endif
