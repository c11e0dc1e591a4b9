/* The tenants file, docs/reference/tenants.md, read into a snapshot.  It may block: never on an
 * HTTP thread. */
#ifndef WEIR_DISCOVERY_TENANTS_FILE_H
#define WEIR_DISCOVERY_TENANTS_FILE_H

#include "discovery/snapshot.h"

/* E_CONFIG with path, line and reason; E_NOT_FOUND, E_IO, E_MEMORY.  *snapshot is NULL then. */
MUST_USE enum code tenants_file_read(const char *path, const struct limits *node,
                                     struct directory_snapshot **snapshot, struct error *err);
/* The same of a text. */
MUST_USE enum code tenants_parse(struct bytes text, const struct limits *node,
                                 struct directory_snapshot **snapshot, struct error *err);

#endif
