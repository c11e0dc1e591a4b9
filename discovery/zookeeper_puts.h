/* The records that callers of the registry put into ZooKeeper at this moment.  Each waits until its
 * own is decided, or its time is over.
 *
 * Thread: any for zookeeper_puts_put(), which waits; the rest is the owner's of the link. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_PUTS_H
#define WEIR_DISCOVERY_ZOOKEEPER_PUTS_H

#include <pthread.h>

#include "discovery/zookeeper_work.h"

struct zookeeper_puts {
    pthread_mutex_t lock; /* guards, and `done` of each: */
    pthread_cond_t answered;
    struct zookeeper_put *fresh; /* that nobody took yet; the newest first */
    uint64_t ids;

    struct zookeeper_put *taken; /* the owner's of the link */
};

void zookeeper_puts_init(struct zookeeper_puts *puts);
void zookeeper_puts_release(struct zookeeper_puts *puts); /* nobody waits any more */

/* As registry_put(); the inbox is poked, so that its owner takes it. */
MUST_USE enum code zookeeper_puts_put(struct zookeeper_puts *puts, struct link_inbox *inbox,
                                      struct zookeeper_put *put, int wait_ms, struct error *err);

/* Those that came since the last time. */
void zookeeper_puts_take(struct zookeeper_puts *puts);
/* As zookeeper_put_step(), zookeeper_put_lost() and zookeeper_put_home(), of all, and of all of the
 * kind. */
void zookeeper_puts_step(struct zookeeper_puts *puts, struct zookeeper_link *link,
                         const struct zookeeper_address *address);
void zookeeper_puts_lost(struct zookeeper_puts *puts);
void zookeeper_puts_home(struct zookeeper_puts *puts, enum registry_kind kind,
                         enum link_outcome outcome, const struct zookeeper_address *address);
/* The one that the answer was for, to be looked at until they are finished; NULL: its time was
 * over. */
const struct zookeeper_put *zookeeper_puts_answer(struct zookeeper_puts *puts,
                                                  const struct link_event *event,
                                                  struct zookeeper_link *link,
                                                  const struct zookeeper_address *address);
/* Those that are decided go back to their callers; `published`: what was written is in the
 * snapshot.  So do those whose time is over, which for all of them is at `end_ns` (monotonic), with
 * this word for the state of the registry. */
void zookeeper_puts_finish(struct zookeeper_puts *puts, bool published, int64_t end_ns,
                           const char *state);
/* Monotonic: when the first one's time is over; INT64_MAX: there is none. */
int64_t zookeeper_puts_due(const struct zookeeper_puts *puts, int64_t end_ns);

#endif
