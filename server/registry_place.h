/* Where the registry is, as people say it: `zookeeper://host:port,host:port/path`, or a directory
 * of files. */
#ifndef WEIR_SERVER_REGISTRY_PLACE_H
#define WEIR_SERVER_REGISTRY_PLACE_H

#include "discovery/registry.h"
#include "server/setting.h"

/* By the settings `registry` (which is not NULL) and `registry_credentials_file`.  E_CONFIG for
 * what cannot be right; else as the two kinds of registries say.  It may block. */
MUST_USE enum code registry_place_open(const struct settings *settings,
                                       const struct registry_rules *rules,
                                       struct registry **registry, struct error *err);
/* Reads the credentials again; they are used from now on. */
MUST_USE enum code registry_place_renew(const struct settings *settings, struct registry *registry,
                                        struct error *err);
/* Who there is by the registry at this moment, for who asks once; waits for it.  `whole`: nobody is
 * left out, as tenants are whose records are not right or cannot be read; E_CONFIG tells which.
 * E_NOT_READY where it does not answer; what else as above. */
struct directory_snapshot;
MUST_USE enum code registry_place_directory(const struct settings *settings, bool whole,
                                            struct directory_snapshot **snapshot,
                                            struct error *err);
/* E_CONFIG: the two settings do not go together, or are none.  Looks at no file. */
MUST_USE enum code registry_place_check(const struct settings *settings, struct error *err);

#endif
