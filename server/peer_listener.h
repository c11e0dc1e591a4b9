/* The listener for other members of the registry: a second HTTP server with routes of its own
 * (docs/formats/peer.md), which the world has no business with. */
#ifndef WEIR_SERVER_PEER_LISTENER_H
#define WEIR_SERVER_PEER_LISTENER_H

#include "server/setting.h"

struct app;
struct http_server;

/* The settings together, before anything is opened.  E_CONFIG; names the setting. */
MUST_USE enum code peer_listener_check(const struct settings *settings, struct error *err);
/* app->secret is there.  *server is NULL on failure, and where there shall be none. */
MUST_USE enum code peer_listener_start(const struct settings *settings, struct app *app,
                                       struct http_server **server, struct error *err);
/* What other members reach it by; NULL: there is none.  Lives as long as both. */
const char *peer_listener_address(const struct settings *settings,
                                  const struct http_server *server);
/* Lets those under way go on for a moment.  NULL is fine. */
void peer_listener_stop(struct http_server *server);

#endif
