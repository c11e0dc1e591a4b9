/* The secret that the members of a registry know one another by, docs/formats/peer.md: a line of a
 * file.  What it says now is shown to others and expected of them; of more than that nobody keeps a
 * copy.
 *
 * Thread: any.  Errors tell nothing of it. */
#ifndef WEIR_DISCOVERY_CLUSTER_SECRET_H
#define WEIR_DISCOVERY_CLUSTER_SECRET_H

#include "base/error.h"

struct cluster_secret;

enum {
    CLUSTER_SECRET_BYTES_MAX = 256,
    CLUSTER_SECRET_TEXT_SIZE = CLUSTER_SECRET_BYTES_MAX + 1,
};

/* `path` is borrowed.  E_CONFIG: everybody may read it, or it holds no such line; E_NOT_FOUND,
 * E_IO. */
MUST_USE enum code cluster_secret_open(const char *path, struct cluster_secret **secret,
                                       struct error *err);
void cluster_secret_close(struct cluster_secret *secret); /* NULL is fine */
/* Reads the file again; after a failure the old one holds.  It may block. */
MUST_USE enum code cluster_secret_renew(struct cluster_secret *secret, struct error *err);
/* In a time that does not depend on how much of it is right. */
MUST_USE bool cluster_secret_is(struct cluster_secret *secret, struct bytes text);
/* For who shows it: wipe it afterwards. */
void cluster_secret_copy(struct cluster_secret *secret, char text[CLUSTER_SECRET_TEXT_SIZE]);

#endif
