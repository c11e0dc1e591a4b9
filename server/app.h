/* The whole server: its parts made in order of the layers, and stopped in reverse. */
#ifndef WEIR_SERVER_APP_H
#define WEIR_SERVER_APP_H

#include "model/limits.h"

struct server;

struct server_options {
    const char *data;                     /* directory; its parent must exist */
    const char *listen;                   /* "127.0.0.1:8090" */
    const char *tenants;                  /* file, or NULL: open to this machine */
    const char *port_file;                /* where to write the bound address, or NULL */
    unsigned http_threads, query_threads; /* 0 = one per core */
    bool insecure_listen;                 /* allow a non-loopback address without TLS in front */
    bool accept_clock;
    uint64_t ballast_bytes;
    int64_t drain_ms;
    struct limits limits;
};

/* Opens the data directory (E_BUSY when another process has it), replays, listens.  `options`
 * outlives it. */
MUST_USE enum code server_start(const struct server_options *options, struct server **server,
                                struct error *err);
/* Answers what is under way, commits what was taken in, closes.  NULL is fine. */
void server_stop(struct server *server);
/* "127.0.0.1:8090" */
const char *server_address(const struct server *server);
/* Reads the tenants file again. */
MUST_USE enum code server_reload(struct server *server, struct error *err);
/* E_IO when the disk failed and only a restart helps. */
MUST_USE enum code server_check(struct server *server, struct error *err);

/* Walks everything stored in a data directory that no server uses; prints to stdout.  With
 * `accept_loss` forgets the gaps that were told.  OK, or E_CORRUPT when something is damaged. */
MUST_USE enum code server_verify(const char *data, bool accept_loss, struct error *err);

#endif
