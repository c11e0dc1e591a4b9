/* The ephemeral records that this process wants in ZooKeeper, and whether it has them.
 *
 * Whether something is held is a matter of time.  Each sixth of the session's time the leader is
 * asked for a sign of life; what is held counts until two thirds have passed since the last
 * question that was answered, by a clock that goes on while the machine sleeps or the process is
 * stopped.
 *
 * Thread: any for what callers of the registry want; the rest is the owner's of the link. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_HOLDS_H
#define WEIR_DISCOVERY_ZOOKEEPER_HOLDS_H

#include <stdatomic.h>

#include "discovery/zookeeper_work.h"

struct zookeeper_holds {
    struct holds wanted;        /* each is the begin of a struct zookeeper_hold */
    _Atomic int64_t proven_ns;  /* boot clock: the session was alive then */
    _Atomic int64_t session_ns; /* its time */
};

void zookeeper_holds_init(struct zookeeper_holds *holds);
void zookeeper_holds_release(struct zookeeper_holds *holds); /* nobody asks any more */

/* As registry_held(); what is wanted, and no more, is told to `wanted`. */
bool zookeeper_holds_have(struct zookeeper_holds *holds, enum registry_kind kind, struct bytes name,
                          uint64_t *epoch);

/* The owner's of the link.  The leader answered what was sent at this time of the boot clock. */
void zookeeper_holds_prove(struct zookeeper_holds *holds, int64_t sent_ns);
/* The session is over. */
void zookeeper_holds_lost(struct zookeeper_holds *holds);
/* As zookeeper_hold_home(), of all of the kind. */
void zookeeper_holds_home(struct zookeeper_holds *holds, enum registry_kind kind,
                          enum link_outcome outcome);
/* The one that the answer was for, to be looked at until the next step; NULL: it is over. */
const struct zookeeper_hold *zookeeper_holds_answer(struct zookeeper_holds *holds,
                                                    const struct link_event *event,
                                                    int64_t session);
/* What each waits for goes out; `link` NULL: there is none; `connected`: it takes something. */
struct zookeeper_turn {
    struct zookeeper_link *link;
    const struct zookeeper_address *address;
    const struct zookeeper_nodes *nodes;
    int64_t session;
    bool connected;
    bool published; /* the nodes are what is there at this moment */
};
void zookeeper_holds_step(struct zookeeper_holds *holds, const struct zookeeper_turn *turn);

#endif
