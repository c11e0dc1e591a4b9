/* The part of a tenants file that names shards: where packs of tenants are delivered, and how to
 * get there.  An address has a password in it more often than not: nothing here tells it. */
#ifndef WEIR_DISCOVERY_SHARDS_H
#define WEIR_DISCOVERY_SHARDS_H

#include "codec/yaml_doc.h"
#include "discovery/snapshot.h"

/* Adds the shards that the map `node` names; reads their `uri_file`s, so it may block.  E_CONFIG
 * with line and reason, E_MEMORY. */
MUST_USE enum code shards_take(struct directory_snapshot *snapshot, const struct yaml_node *node,
                               struct error *err);
/* The shard of the snapshot that the text `node` names. */
MUST_USE enum code shard_name_take(const struct directory_snapshot *snapshot,
                                   const struct yaml_node *node,
                                   const struct shard_settings **shard, struct error *err);

#endif
