/* The registry in ZooKeeper: /weir/<kind>/<name>, one node a record, ephemeral ones for what is
 * held.  A session that is lost is made again, with all that is held; nothing of it is waited for.
 *
 * Texts and the log name hosts and nodes, never credentials.  The library's own log goes through
 * ours. */
#ifndef WEIR_DISCOVERY_ZOOKEEPER_H
#define WEIR_DISCOVERY_ZOOKEEPER_H

#include "discovery/registry.h"

struct zookeeper_settings {
    /* "host:port,host:port": all members of an ensemble; "host:port,host:port/path": the tree is
     * below /path instead of /weir; its parents are made as well. */
    struct bytes hosts;
    /* "user:password", a secret: the client proves with it who it is (scheme digest), and every
     * node it makes is for this user alone.  Empty: nodes are open to whoever reaches the server.
     */
    struct bytes digest;
    int session_ms; /* wanted; the server may change it.  0 = 10,000 */
};

/* Connects in the background: until there is contact the snapshot is the disk's, or empty.  All is
 * copied.  E_CONFIG for what cannot be right; E_MEMORY, E_IO.  *registry is NULL on failure. */
MUST_USE enum code zookeeper_registry_open(const struct zookeeper_settings *settings,
                                           const struct registry_rules *rules,
                                           struct registry **registry, struct error *err);

/* From now on these, with a new session, in which what was held is held again, if nobody else was
 * quicker.  The same as before change nothing.  E_CONFIG, and nothing changes. */
MUST_USE enum code zookeeper_registry_change(struct registry *registry,
                                             const struct zookeeper_settings *settings,
                                             struct error *err);

/* What it was built with: the library cannot be asked. */
const char *zookeeper_library_version(void);

#endif
