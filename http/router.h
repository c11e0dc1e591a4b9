/* From a method and a path to a row of the route table.  Pure, any thread. */
#ifndef WEIR_HTTP_ROUTER_H
#define WEIR_HTTP_ROUTER_H

#include "base/buf.h"
#include "http/route.h"

/* Asserts that the table is sound: paths begin with '/', at most one {name} segment each, no
 * (method, path) twice, every row can finish. */
void router_check(const struct route *routes, size_t count);

/* The row, and in *variable the raw {name} segment (empty when the path has none).  A row without
 * {name} wins over one with it.  E_NOT_FOUND, or E_METHOD with what is allowed in `allow`
 * ("GET, HEAD, POST").  `method` is the request's text; HEAD finds GET rows. */
MUST_USE enum code router_find(const struct route *routes, size_t count, struct bytes method,
                               struct bytes path, const struct route **route,
                               struct bytes *variable, struct buf *allow, struct error *err);

#endif
