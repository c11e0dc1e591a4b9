/* GET and POST /v1/query, GET /v1/changes, GET /v1/stats. */
#ifndef WEIR_HANDLERS_QUERIES_H
#define WEIR_HANDLERS_QUERIES_H

#include "http/route.h"
#include "query/query.h"

/* For questions of the request's session over the app's store.  `lost` as in the environment. */
struct query_environment query_environment_of(const struct request *request, _Atomic bool *lost);
/* Rows that a question looked at are counted. */
void query_count_scanned(const struct request *request, const struct query_outcome *outcome);

extern const struct handler query_handler, query_post_handler, changes_handler, stats_handler;

#endif
