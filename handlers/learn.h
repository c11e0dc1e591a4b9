/* What a list of names needs of members that live: series and fields of rows that these have not
 * delivered.  Rows that are asked for bring them into the catalog.
 *
 * Thread: query workers, which wait. */
#ifndef WEIR_HANDLERS_LEARN_H
#define WEIR_HANDLERS_LEARN_H

#include "base/error.h"

struct request;

/* Of the measurement; of all where it is empty: then measurements that nobody knows here.  *all is
 * false where somebody may know more. */
MUST_USE enum code learn_names(const struct request *request, struct bytes measurement, bool *all,
                               struct error *err);

#endif
