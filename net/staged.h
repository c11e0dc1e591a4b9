/* A body that comes over the network, kept until somebody has read it: a small one in memory, a
 * large one in a file that has no name, so that nothing of it stays when the process ends.
 *
 * Thread:  put and finish by whoever made it; once finished, read and free by any one thread. */
#ifndef WEIR_NET_STAGED_H
#define WEIR_NET_STAGED_H

#include "base/error.h"

struct staged;

enum { STAGED_MEMORY_BYTES_MIN = 64 << 10, STAGED_PIECE_BYTES_MAX = 256 << 10 };

/* What is longer than memory_bytes_max (at least STAGED_MEMORY_BYTES_MIN) goes into `directory`,
 * which is borrowed until it is finished, in pieces of that size.  *staged is NULL on failure. */
MUST_USE enum code staged_new(const char *directory, size_t memory_bytes_max,
                              struct staged **staged, struct error *err);
/* E_MEMORY, E_DISK_FULL, E_IO.  After a failure only staged_free() may follow. */
MUST_USE enum code staged_put(struct staged *staged, struct bytes piece, struct error *err);
/* Nothing is put any more. */
MUST_USE enum code staged_finish(struct staged *staged, struct error *err);

uint64_t staged_size(const struct staged *staged);
/* Hands it over from its beginning, in pieces of at most STAGED_PIECE_BYTES_MAX, as often as
 * wanted; a code other than OK ends it. */
MUST_USE enum code staged_read(struct staged *staged,
                               enum code (*take)(void *context, struct bytes piece,
                                                 struct error *err),
                               void *context, struct error *err);
/* `size` bytes from `offset` on, which lie within it.  E_IO. */
MUST_USE enum code staged_at(const struct staged *staged, uint64_t offset, char *into, size_t size,
                             struct error *err);
void staged_free(struct staged *staged); /* NULL is fine */

#endif
