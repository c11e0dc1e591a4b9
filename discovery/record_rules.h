/* What a record of the registry may become, given the others: asked by who changes one, before it
 * is put.  Nodes hold to what is there, whoever wrote it (discovery/registered.h).
 *
 * Failure: E_CONFIG with a pointer, E_MEMORY. */
#ifndef WEIR_DISCOVERY_RECORD_RULES_H
#define WEIR_DISCOVERY_RECORD_RULES_H

#include "discovery/registry.h"
#include "discovery/shard_document.h"
#include "discovery/tenant_document.h"

/* Its shards are there, and those that it had before are among them. */
MUST_USE enum code tenant_may_become(const struct registry_snapshot *records, struct bytes name,
                                     const struct tenant_document *document, struct error *err);
/* No tenant has packs at it.  Deleted ones have them as well, and can be taken back for as long as
 * the shard is there: `consent` is how to say that it goes all the same, NULL = that was said.
 * E_CONFIG tells who they are and what can be done. */
MUST_USE enum code shard_may_go(const struct registry_snapshot *records, struct bytes name,
                                const char *consent, struct error *err);

#endif
