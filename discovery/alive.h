/* That this process is alive as a member of the registry: alive/<number>, held while it serves, and
 * who else holds it.
 *
 * Thread: one at a time. */
#ifndef WEIR_DISCOVERY_ALIVE_H
#define WEIR_DISCOVERY_ALIVE_H

#include "base/buf.h"
#include "discovery/registry.h"

struct alive {
    struct registry *registry; /* borrowed */
    struct buf text;           /* what is told of the process; empty: it does not serve yet */
    unsigned number;           /* that is held; 0: none */
    int64_t doubled_since_ns;  /* monotonic; 0 = nobody else has it */
    bool doubled_told;
};

void alive_init(struct alive *alive, struct registry *registry);
void alive_release(struct alive *alive); /* the registry ends what is held */

/* From now on it serves at `listen`, with this version of the program.  E_MEMORY. */
MUST_USE enum code alive_describe(struct alive *alive, const char *program, const char *listen,
                                  struct error *err);
/* Wants the place of this number, and no other any more; nothing before it serves.  E_MEMORY. */
MUST_USE enum code alive_hold(struct alive *alive, unsigned number, struct error *err);
/* Whether it is this process's, as `records` have it. */
bool alive_own(const struct alive *alive, const struct registry_snapshot *records);
/* What another process says that holds the place; empty where there is none.  The log tells when
 * one comes, stays and goes. */
struct bytes alive_other(struct alive *alive, const struct registry_snapshot *records);

#endif
