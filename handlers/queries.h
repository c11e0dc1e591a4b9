/* GET and POST /v1/query, GET /v1/changes, GET /v1/stats. */
#ifndef WEIR_HANDLERS_QUERIES_H
#define WEIR_HANDLERS_QUERIES_H

#include "http/route.h"

extern const struct handler query_handler, query_post_handler, changes_handler, stats_handler;

#endif
