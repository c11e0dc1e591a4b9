/* Records as bytes: one a file in the registry of files, all of them in the copy of the last good
 * snapshot.  Format: docs/formats/registry_files.md.  Texts may be secrets: files are for their
 * owner alone (base/fs.h makes them so). */
#ifndef WEIR_DISCOVERY_REGISTRY_IMAGE_H
#define WEIR_DISCOVERY_REGISTRY_IMAGE_H

#include "base/buf.h"
#include "discovery/registry.h"

enum { REGISTRY_IMAGE_BYTES_MAX = 256 << 20 };

void registry_image_put(const struct registry_record *records, size_t count, struct buf *out);
/* *records is an array to be freed whose names and texts are in `image`.  E_CORRUPT: what and at
 * which byte; E_MEMORY.  *records is NULL then. */
MUST_USE enum code registry_image_parse(struct bytes image, struct registry_record **records,
                                        size_t *count, struct error *err);

/* Writes beside the file `name` of `directory` ("" = the root), makes it durable and takes its
 * place: there is the old one or the new one, whole.  One at a time for a name. */
MUST_USE enum code registry_file_replace(struct fs *fs, const char *directory, const char *name,
                                         struct bytes bytes, struct error *err);
MUST_USE enum code registry_image_save(struct fs *fs, const char *directory, const char *name,
                                       const struct registry_record *records, size_t count,
                                       struct error *err);
/* Appends the file to `image` and parses it.  E_NOT_FOUND, E_CORRUPT, E_IO, E_MEMORY. */
MUST_USE enum code registry_image_load(struct fs *fs, const char *path, struct buf *image,
                                       struct registry_record **records, size_t *count,
                                       struct error *err);

#endif
