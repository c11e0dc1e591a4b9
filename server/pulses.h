/* Asks the other members of the registry once a second how they are (docs/formats/peer.md), and
 * tells the store what follows for its ingest times, and the membership what for joining.
 *
 * One thread.  It asks at most PULSES_AT_ONCE members at a time, all of them within a second, and
 * those that are more in turns of a second each. */
#ifndef WEIR_SERVER_PULSES_H
#define WEIR_SERVER_PULSES_H

#include "base/error.h"

struct app;
struct pulses;

enum { PULSES_AT_ONCE = 64 };

/* `app` is borrowed, with its registry, membership, secret, roll and store. */
MUST_USE enum code pulses_start(struct app *app, struct pulses **pulses, struct error *err);
/* At most a second.  Before the membership stops; NULL is fine. */
void pulses_stop(struct pulses *pulses);

#endif
