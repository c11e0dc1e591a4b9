/* A file that holds one secret, a line of 32 to 256 printable bytes: what is right in it.
 *
 * Thread: any.  Errors tell nothing of the line. */
#ifndef WEIR_DISCOVERY_SECRET_LINE_H
#define WEIR_DISCOVERY_SECRET_LINE_H

#include "base/buf.h"

enum { SECRET_LINE_BYTES_MIN = 32, SECRET_LINE_BYTES_MAX = 256, SECRET_LINE_FILE_BYTES_MAX = 4096 };

/* Takes the end of line off.  E_CONFIG, naming `path`, where what is left is no such line. */
MUST_USE enum code secret_line_take(const char *path, struct bytes *line, struct error *err);
/* The whole of it, for somebody else's file.  *line is in `file`, which is to be wiped, after a
 * failure, too.  E_CONFIG: everybody may read it, or it holds no such line; E_NOT_FOUND, E_IO. */
MUST_USE enum code secret_line_read(const char *path, struct buf *file, struct bytes *line,
                                    struct error *err);
/* Wipes and releases. */
void secret_line_release(struct buf *file);

#endif
