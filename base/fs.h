/* Files, behind a small table so that a simulator can stand in (tests/sim/fake_fs.c).
 * Paths are relative to the fs's root, '/'-separated, never with "..".  All calls may
 * block: never on an HTTP thread.  Any thread; one file's writes from one thread.
 * A name that is missing gives E_NOT_FOUND, one that is taken E_EXISTS; disk and space as
 * error_set_errno() says.
 *
 * Durability: written bytes are durable after fs_sync(file); a created, renamed or
 * removed name is durable after fs_sync_dir() of its directory.  Not before.  The disk may begin
 * with what is written at once, and fs_write() waits for it when much is. */
#ifndef WEIR_BASE_FS_H
#define WEIR_BASE_FS_H

#include "base/error.h"

struct file; /* owned by whoever opened it; fs_close(NULL) is fine */
struct fs;

enum fs_open_how {
    FS_READ,       /* must exist */
    FS_READ_WRITE, /* must exist */
    FS_CREATE,     /* read-write; must not exist (E_EXISTS) */
};

struct fs_operations {
    enum code (*open)(struct fs *fs, const char *path, enum fs_open_how how, struct file **file,
                      struct error *err);
    void (*close)(struct file *file);
    /* Reads up to `size` bytes; *got is short only at the end of the file. */
    enum code (*read)(struct file *file, uint64_t offset, void *data, size_t size, size_t *got,
                      struct error *err);
    /* False: a disk would have to be waited for, or it fails.  NULL: there is no waiting. */
    bool (*read_at_once)(struct file *file, uint64_t offset, void *data, size_t size);
    /* Writes all parts one behind another at `offset`, or fails; after a failure any part of
     * the range may have been written. */
    enum code (*write)(struct file *file, uint64_t offset, const struct bytes *parts, size_t count,
                       struct error *err);
    enum code (*sync)(struct file *file, struct error *err); /* fdatasync */
    enum code (*truncate)(struct file *file, uint64_t size, struct error *err);
    enum code (*size)(struct file *file, uint64_t *size, struct error *err);
    enum code (*rename)(struct fs *fs, const char *from, const char *to, struct error *err);
    enum code (*unlink)(struct fs *fs, const char *path, struct error *err);
    enum code (*make_dir)(struct fs *fs, const char *path, struct error *err); /* OK if there */
    enum code (*sync_dir)(struct fs *fs, const char *path, struct error *err); /* "" = the root */
    /* Calls `each` for every name in the directory, in no order, "." and ".." left out. */
    enum code (*list)(struct fs *fs, const char *path,
                      void (*each)(void *context, const char *name), void *context,
                      struct error *err);
    enum code (*space)(struct fs *fs, uint64_t *bytes_free, struct error *err);
};

struct fs {
    const struct fs_operations *operations;
};

/* struct file's first member in every implementation. */
struct file_base {
    struct fs *fs;
};

MUST_USE enum code fs_open(struct fs *fs, const char *path, enum fs_open_how how,
                           struct file **file, struct error *err);
void fs_close(struct file *file);
MUST_USE enum code fs_read(struct file *file, uint64_t offset, void *data, size_t size, size_t *got,
                           struct error *err);
/* E_CORRUPT when the file is shorter. */
MUST_USE enum code fs_read_exactly(struct file *file, uint64_t offset, void *data, size_t size,
                                   struct error *err);
/* As fs_read_exactly(), but false when a disk would have to be waited for, where that cannot be
 * known beforehand, or when it fails. */
MUST_USE bool fs_read_at_once(struct file *file, uint64_t offset, void *data, size_t size);
MUST_USE enum code fs_write(struct file *file, uint64_t offset, const struct bytes *parts,
                            size_t count, struct error *err);
MUST_USE enum code fs_sync(struct file *file, struct error *err);
MUST_USE enum code fs_truncate(struct file *file, uint64_t size, struct error *err);
MUST_USE enum code fs_size(struct file *file, uint64_t *size, struct error *err);
MUST_USE enum code fs_rename(struct fs *fs, const char *from, const char *to, struct error *err);
MUST_USE enum code fs_unlink(struct fs *fs, const char *path, struct error *err);
MUST_USE enum code fs_make_dir(struct fs *fs, const char *path, struct error *err);
MUST_USE enum code fs_sync_dir(struct fs *fs, const char *path, struct error *err);
MUST_USE enum code fs_list(struct fs *fs, const char *path,
                           void (*each)(void *context, const char *name), void *context,
                           struct error *err);
MUST_USE enum code fs_space(struct fs *fs, uint64_t *bytes_free, struct error *err);

/* The machine's file system below `root`, which is made if missing (its parent must exist) and
 * held by an open descriptor; files are opened with O_NOFOLLOW | O_CLOEXEC, mode 0600, directories
 * 0700.  EINTR and short writes are handled here.  *fs is NULL on failure. */
MUST_USE enum code fs_posix_open(const char *root, struct fs **fs, struct error *err);
void fs_posix_close(struct fs *fs); /* NULL is fine */
/* An exclusive flock on the file `name` below the root (made if missing), held until the fs is
 * closed, one for each fs; E_BUSY when another process holds it. */
MUST_USE enum code fs_posix_lock(struct fs *fs, const char *name, struct error *err);
/* The file `path` of `from` gets the name `as` in `to` besides: two names, one file, no byte
 * copied.  Both are of fs_posix_open().  E_NOT_SUPPORTED when they are on different file systems,
 * or this one or the kernel allows no such name: then it has to be copied. */
MUST_USE enum code fs_posix_link(struct fs *from, const char *path, struct fs *to, const char *as,
                                 struct error *err);

#endif
