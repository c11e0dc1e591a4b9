/* GET and POST /v1/query. */
#ifndef WEIR_HANDLERS_QUERIES_H
#define WEIR_HANDLERS_QUERIES_H

#include "http/route.h"

extern const struct handler query_handler, changes_handler;

#endif
