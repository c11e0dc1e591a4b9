/* The registry in files of one machine: DIRECTORY/<kind>/<name>, one file a record; see
 * docs/formats/registry_files.md.  Several processes may have it open: changes of one are seen by
 * the others within 0.2 s.  What is held is held by a lock on a file, which the kernel takes away
 * with the process; one that is paused keeps it. */
#ifndef WEIR_DISCOVERY_REGISTRY_FILES_H
#define WEIR_DISCOVERY_REGISTRY_FILES_H

#include "discovery/registry.h"

/* Makes `directory` if its parent is there, and reads it before it returns.  `rules` is copied.
 * E_NOT_READY: others held its lock for the rules' wait_ms; E_IO, E_MEMORY.  *registry is NULL on
 * failure. */
MUST_USE enum code registry_files_open(const char *directory, const struct registry_rules *rules,
                                       struct registry **registry, struct error *err);

#endif
