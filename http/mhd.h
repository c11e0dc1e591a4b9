/* libmicrohttpd 0.9.75, whose header only mhd.c includes.
 *
 * What it demands, and how it is kept: a response is queued only by the HTTP thread, in the first
 * handler call (which closes the connection) or after the whole body; other threads only resume.
 * A connection is suspended only from the handler or the content reader.  Nothing is suspended when
 * mhd_stop() is called: no exchange is left then. */
#ifndef WEIR_HTTP_MHD_H
#define WEIR_HTTP_MHD_H

#include "base/error.h"

struct exchange;
struct http_server;

/* Serves server->listen_fd, which mhd_stop() closes; after a failure it stays the caller's.  While
 * server->draining there are no new connections: they are closed at once. */
MUST_USE enum code mhd_start(struct http_server *server, unsigned threads, struct error *err);
void mhd_stop(struct http_server *server);
void mhd_suspend(struct exchange *exchange);
void mhd_resume(struct exchange *exchange);
const char *mhd_reason(unsigned status); /* "Not Found" */
const char *mhd_version(void);           /* of the library that runs */

#endif
