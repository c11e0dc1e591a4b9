/* The watch: one thread that looks at all connections once a second (more often with shorter
 * limits, and while draining).
 * - A head that is not complete in header_ms, a body that takes longer than body_ms or comes with
 *   less than 1 KB/s after header_ms: the request is marked overdue and its reading side shut, so
 *   that its HTTP thread answers 408 and closes.
 * - A client that has closed its side while its request is parked or streamed: cancelled.
 *   (libmicrohttpd does not look at suspended connections.)  While its request is still coming: the
 *   connection is closed at once and not at the time-out.
 * - Requests that wait before their body for longer than waiters.h allows: they try a last time.
 * - Refused connections that linger. */
#ifndef WEIR_HTTP_WATCH_H
#define WEIR_HTTP_WATCH_H

#include "base/error.h"

struct http_server;

MUST_USE enum code watch_start(struct http_server *server, struct error *err);
void watch_wake(struct http_server *server); /* any thread */
void watch_stop(struct http_server *server);
/* Cancels every exchange and shuts every connection.  Any thread. */
void watch_cut_all(struct http_server *server);

#endif
