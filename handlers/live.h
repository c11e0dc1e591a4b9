/* GET /v1/live: changes as they are committed, as an event stream (docs/reference/live.md).
 *
 * No thread belongs to a reader.  One thread looks, every live_interval_ms_max, whose tenant has
 * commits above what the reader was told; for these a worker answers the question about changes
 * since then, a page of bounded size at a time.  Nothing is queued for a reader: one that is slow
 * gets its next page when it has taken the last one, and then it is of all that changed meanwhile.
 *
 * Stop: live_close() first, so that the streams end and the HTTP server need not wait for them;
 * live_stop() once the server and the workers have stopped. */
#ifndef WEIR_HANDLERS_LIVE_H
#define WEIR_HANDLERS_LIVE_H

#include "http/route.h"

struct app;
struct limits;
struct live;

extern const struct handler live_handler;

/* `app` is borrowed; of `limits` the node's live_interval_ms_max and live_heartbeat_ms_max are
 * copied. */
MUST_USE enum code live_start(struct app *app, const struct limits *limits, struct live **live,
                              struct error *err);
/* Ends all streams; later requests are refused.  Any thread; NULL is fine. */
void live_close(struct live *live);
void live_stop(struct live *live); /* no reader is left; NULL is fine */

#endif
