/* Files that are as large and have the hash that somebody knows: read, and copied from one
 * directory to another.  A piece at a time is in memory.
 *
 * Thread: any; waits for the disk. */
#ifndef WEIR_STORE_FILE_COPY_H
#define WEIR_STORE_FILE_COPY_H

#include "base/fs.h"
#include "base/hash.h"

MUST_USE enum code file_hash(struct fs *fs, const char *path, struct hash128 *hash, uint64_t *size,
                             struct error *err);

struct file_copy {
    struct fs *from, *to;
    /* After every piece; what is not OK ends the copy.  NULL = nobody asks. */
    enum code (*step)(void *context, uint64_t bytes, struct error *err);
    void *context;
};

/* `path` has the same name in both; it must not be in `to`.  Synced, its name not yet.  E_CORRUPT
 * when it is not of this size and hash.  What failed is not left in `to`. */
MUST_USE enum code file_copy(const struct file_copy *copy, const char *path, uint64_t size,
                             const struct hash128 *hash, struct error *err);

#endif
