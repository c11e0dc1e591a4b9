/* The HTTP server: libmicrohttpd (only http/mhd.c includes it) behind our gate and router. */
#ifndef WEIR_HTTP_SERVER_H
#define WEIR_HTTP_SERVER_H

#include "base/clock.h"
#include "base/metric.h"
#include "http/route.h"
#include "model/limits.h"

struct http_server;

struct http_options {
    const char *listen;          /* "127.0.0.1:8086", "[::1]:0"; port 0 = any free one */
    unsigned threads;            /* 0 = one per core */
    const struct limits *limits; /* copied: connections, header/body/idle times, body bytes */
    const struct route *routes;
    size_t route_count;
    const struct refusal_shape *shapes; /* of paths without problems; the first that fits holds */
    size_t shape_count;
    void *app;
    /* Before start(), for every route but SCOPE_NONE: sets request->tenant or replies 401/403 and
     * gives false. */
    bool (*authorize)(struct request *request, enum scope scope);
    /* After cleanup(), for every request whose session is not NULL: releases it.  May be NULL. */
    void (*conclude)(struct request *request);
    struct clock *clock;
    struct metrics *metrics;
};

MUST_USE enum code http_server_start(const struct http_options *options,
                                     struct http_server **server, struct error *err);
/* "127.0.0.1:43121", with the port really bound. */
const char *http_server_address(const struct http_server *server);
/* Graceful: no new connections; requests under way go on for up to drain_ms (keep-alive ones are
 * closed after their answer), then are cancelled and cut.  Waits, however long, until the holders
 * of parked requests have resumed them and streams have ended: stop those threads after this. Every
 * cleanup() has run when this returns.  NULL is fine. */
void http_server_stop(struct http_server *server, int64_t drain_ms);

#endif
