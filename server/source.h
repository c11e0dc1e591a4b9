/* Text of a file or of stdin, decompressed, as it is wanted. */
#ifndef WEIR_SERVER_SOURCE_H
#define WEIR_SERVER_SOURCE_H

#include "base/buf.h"

struct source;

/* "-" is stdin; .gz and .zst are decompressed.  E_NOT_FOUND, E_IO. *source is NULL on failure. */
MUST_USE enum code source_open(const char *path, struct source **source, struct error *err);
void source_close(struct source *source); /* NULL is fine */
/* Appends until `text` has at least `size` bytes or the end has come; from a pipe or terminal also
 * when something is there and nothing more has come for a second.  E_BAD_COMPRESSION, E_IO,
 * E_CANCELLED after a signal. */
MUST_USE enum code source_fill(struct source *source, struct buf *text, size_t size,
                               struct error *err);
bool source_ended(const struct source *source);
/* Bytes of the file that were read, and its size (0 = unknown), before decompression. */
uint64_t source_taken(const struct source *source);
uint64_t source_size(const struct source *source);

#endif
