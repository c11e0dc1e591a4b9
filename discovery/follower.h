/* Keeps a directory as the registry has it: a thread that takes each new snapshot of records,
 * reads it and publishes what is in force. */
#ifndef WEIR_DISCOVERY_FOLLOWER_H
#define WEIR_DISCOVERY_FOLLOWER_H

#include "discovery/directory.h"
#include "discovery/registry.h"

struct follower;

/* `directory` (of directory_open_registered()) and `fs` (NULL: nothing is on disk) are borrowed.
 * Before the registry is opened, whose rules get follower_changed() and the follower. */
MUST_USE enum code follower_new(struct directory *directory, struct fs *fs,
                                struct follower **follower, struct error *err);
void follower_changed(void *follower);
/* Publishes what is known, and goes on with what comes.  `registry` is borrowed. */
MUST_USE enum code follower_start(struct follower *follower, struct registry *registry,
                                  struct error *err);
/* Before the registry is closed.  NULL is fine. */
void follower_stop(struct follower *follower);
void follower_free(struct follower *follower); /* after it; NULL is fine */

struct follower_health {
    size_t refused;   /* records that are not in force as they stand */
    uint64_t version; /* of the registry, as it is in force here */
};

struct follower_health follower_health(struct follower *follower); /* any thread */

#endif
