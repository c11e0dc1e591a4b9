/* The whole server: its parts made in order of the layers, and stopped in reverse. */
#ifndef WEIR_SERVER_APP_H
#define WEIR_SERVER_APP_H

#include "server/setting.h"

/* Address space of the index, not disk: LMDB grows into it.  TSan leaves less of it free. */
#ifdef __SANITIZE_THREAD__
#define INDEX_MAP_BYTES (UINT64_C(1) << 34)
#else
#define INDEX_MAP_BYTES (UINT64_C(1) << 40)
#endif

struct server;

/* Opens the data directory (E_BUSY when another process has it), replays, listens.  `options`
 * outlives it. */
MUST_USE enum code server_start(const struct settings *settings, struct server **server,
                                struct error *err);
/* Answers what is under way, commits what was taken in, closes.  NULL is fine. */
void server_stop(struct server *server);
/* "127.0.0.1:8090" */
const char *server_address(const struct server *server);
/* Reads the tenants file again, or the files of secrets. */
MUST_USE enum code server_reload(struct server *server, struct error *err);
/* E_IO when the disk failed and only a restart helps. */
MUST_USE enum code server_check(struct server *server, struct error *err);

#endif
