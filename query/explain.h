/* explain=true: the plan and its cost in place of the answer. */
#ifndef WEIR_QUERY_EXPLAIN_H
#define WEIR_QUERY_EXPLAIN_H

#include "query/query.h"

struct answer;

/* Behind answer_prepare().  Nothing is decoded. */
MUST_USE enum code explain_run(struct answer *answer, struct query_sink *sink,
                               struct query_outcome *outcome, struct error *err);

#endif
