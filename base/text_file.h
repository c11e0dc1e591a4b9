/* A whole small file of somebody else's (configuration, tenants) into memory.  Unlike base/fs.h
 * this follows symbolic links, takes any path and belongs to no simulation.  It may block: never
 * on an HTTP thread. */
#ifndef WEIR_BASE_TEXT_FILE_H
#define WEIR_BASE_TEXT_FILE_H

#include "base/buf.h"

/* Appends the content.  E_NOT_FOUND when there is no such file, E_CONFIG when it is no regular
 * file or larger than `bytes_max`, E_IO otherwise; the text names the path. */
MUST_USE enum code text_file_read(const char *path, size_t bytes_max, struct buf *text,
                                  struct error *err);
/* The same of a file with a secret in it: E_CONFIG when everybody on the machine may read or change
 * it. */
MUST_USE enum code text_file_read_secret(const char *path, size_t bytes_max, struct buf *text,
                                         struct error *err);

#endif
