/* The directory out of the registry's records.  A record that is refused takes nothing down: what
 * it said last that was right stays in force, and the log tells; so it is over a restart, as such
 * forms are kept on disk.
 *
 * Thread: one at a time. */
#ifndef WEIR_DISCOVERY_REGISTERED_H
#define WEIR_DISCOVERY_REGISTERED_H

#include "discovery/directory.h"
#include "discovery/registry.h"

struct registered;

/* Names of files below `fs`: the registry's own copy, which is read before the registry is opened
 * and writes it, and ours of the forms that stayed in force. */
#define REGISTRY_COPY "registry"
#define REGISTRY_HELD_COPY "registry-held"

/* `fs` NULL: nothing is on disk.  E_MEMORY; *registered is NULL then. */
MUST_USE enum code registered_new(struct fs *fs, struct registered **registered, struct error *err);
void registered_free(struct registered *registered); /* NULL is fine */

/* What is in force now.  May write to the disk.  E_MEMORY: nothing has changed. */
MUST_USE enum code registered_build(struct registered *registered,
                                    struct registry_snapshot *records, const struct limits *node,
                                    struct directory_snapshot **snapshot, struct error *err);

/* Puts on disk what stayed in force, where the last build could not: a disk may have been full.
 * Cheap where there is nothing to do.  False: it is to be tried again. */
bool registered_keep(struct registered *registered);

/* A record that is not in force as it stands. */
struct registered_fault {
    struct registered_fault *next;
    enum registry_kind kind;
    struct bytes name;
    uint64_t version;
    bool held; /* what it said before is in force instead; else nothing of it */
    char text[ERROR_TEXT_SIZE];
};

/* Of the last registered_build(); NULL = none. */
const struct registered_fault *registered_faults(const struct registered *registered,
                                                 size_t *count);

#endif
