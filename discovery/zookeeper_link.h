/* One session with ZooKeeper, over libzookeeper: what is asked goes out at once, what is answered
 * and what changes arrives as events in an inbox.
 *
 * Thread:  one owner calls link_*(); the library's threads only put into the inbox.  The inbox may
 *          be used by any thread.
 * Failure: a request that cannot be sent gives false (no memory, no session): ask again later.  An
 *          answer that says LINK_LOST: anything or nothing has happened. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_LINK_H
#define WEIR_DISCOVERY_ZOOKEEPER_LINK_H

#include "discovery/link_inbox.h"

struct zookeeper_link;

/* `hosts`: "host:port,...".  `digest`: "user:password" or "".  All is copied but for the inbox.
 * E_NOT_READY: names that cannot be resolved now; E_MEMORY. */
MUST_USE enum code link_open(const char *hosts, const char *digest, int session_ms,
                             unsigned generation, struct link_inbox *inbox,
                             struct zookeeper_link **link, struct error *err);
/* Ends the session where it can be told within some seconds.  Requests that are open are answered
 * with LINK_LOST.  NULL is fine. */
void link_close(struct zookeeper_link *link);
/* To be called once for each LINK_CONNECTED, before anything is asked: says who we are.  What was
 * to be read or listed before it and not answered by then is answered with LINK_LOST.  False: it
 * could not be said, open another link. */
MUST_USE bool link_admit(struct zookeeper_link *link);
/* Once connected. */
int link_session_ms(const struct zookeeper_link *link);
int64_t link_session_id(const struct zookeeper_link *link);

MUST_USE bool link_read(struct zookeeper_link *link, const char *path, bool watch,
                        const struct link_tag *tag);
MUST_USE bool link_list(struct zookeeper_link *link, const char *path, const struct link_tag *tag);
MUST_USE bool link_create(struct zookeeper_link *link, const char *path, struct bytes text,
                          bool ephemeral, const struct link_tag *tag);
MUST_USE bool link_write(struct zookeeper_link *link, const char *path, struct bytes text,
                         int32_t version, const struct link_tag *tag);
MUST_USE bool link_remove(struct zookeeper_link *link, const char *path,
                          const struct link_tag *tag);
/* Answered by the leader: who is answered has a session. */
MUST_USE bool link_sync(struct zookeeper_link *link, const char *path, const struct link_tag *tag);

/* The library's last complaint, for people, without secrets; "" = none. */
void link_complaint(char *text, size_t room);

const char *link_library_version(void);

#endif
