/* The collectors of a node: what is declared is followed in the registry (or the node's own), and
 * pulled.  docs/decisions/0052-collectors.md */
#ifndef WEIR_SERVER_COLLECTORS_H
#define WEIR_SERVER_COLLECTORS_H

#include "base/error.h"

struct app;
struct collectors;
struct fs;
struct settings;

/* Sets app->puller.  After the store and app->declared, before HTTP. */
MUST_USE enum code collectors_start(const struct settings *settings, struct fs *fs, struct app *app,
                                    struct collectors **collectors, struct error *err);
/* Who waits for a page of a trial is told that the server stops, else the stop would wait for it.
 * NULL is fine. */
void collectors_hurry(struct collectors *collectors);
/* Before the store is closed, and when no request is under way any more.  NULL is fine. */
void collectors_stop(struct collectors *collectors);

#endif
