#include "base/fs.h"

#include <assert.h>

/* A path that leaves the root is our own mistake: names come from us, never from input. */
static bool stays_below_root(const char *path)
{
    size_t start = 0;

    if (path[0] == '/')
        return false;
    for (size_t i = 0;; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        if (i - start == 2 && path[start] == '.' && path[start + 1] == '.')
            return false;
        if (path[i] == '\0')
            return true;
        start = i + 1;
    }
}

static const struct fs_operations *operations_of(struct file *file)
{
    return ((struct file_base *)(void *)file)->fs->operations;
}

enum code fs_open(struct fs *fs, const char *path, enum fs_open_how how, struct file **file,
                  struct error *err)
{
    enum code code;

    assert(stays_below_root(path) && path[0] != '\0');
    *file = NULL;
    code = fs->operations->open(fs, path, how, file, err);
    assert((code == OK) == (*file != NULL));
    return code;
}

void fs_close(struct file *file)
{
    if (file != NULL)
        operations_of(file)->close(file);
}

enum code fs_read(struct file *file, uint64_t offset, void *data, size_t size, size_t *got,
                  struct error *err)
{
    return operations_of(file)->read(file, offset, data, size, got, err);
}

bool fs_read_at_once(struct file *file, uint64_t offset, void *data, size_t size)
{
    const struct fs_operations *operations = operations_of(file);

    return operations->read_at_once != NULL ? operations->read_at_once(file, offset, data, size)
                                            : fs_read_exactly(file, offset, data, size, NULL) == OK;
}

enum code fs_read_exactly(struct file *file, uint64_t offset, void *data, size_t size,
                          struct error *err)
{
    size_t got = 0;
    enum code code = fs_read(file, offset, data, size, &got, err);

    if (code)
        return code;
    if (got < size)
        return error_set(err, E_CORRUPT, "the file ends %s byte %llu, want %zu bytes at %llu",
                         got > 0 ? "at" : "at or before", (unsigned long long)offset + got, size,
                         (unsigned long long)offset);
    return OK;
}

enum code fs_write(struct file *file, uint64_t offset, const struct bytes *parts, size_t count,
                   struct error *err)
{
    return operations_of(file)->write(file, offset, parts, count, err);
}

enum code fs_sync(struct file *file, struct error *err)
{
    return operations_of(file)->sync(file, err);
}

enum code fs_truncate(struct file *file, uint64_t size, struct error *err)
{
    return operations_of(file)->truncate(file, size, err);
}

enum code fs_size(struct file *file, uint64_t *size, struct error *err)
{
    return operations_of(file)->size(file, size, err);
}

enum code fs_rename(struct fs *fs, const char *from, const char *to, struct error *err)
{
    assert(stays_below_root(from));
    assert(stays_below_root(to));
    return fs->operations->rename(fs, from, to, err);
}

enum code fs_unlink(struct fs *fs, const char *path, struct error *err)
{
    assert(stays_below_root(path));
    return fs->operations->unlink(fs, path, err);
}

enum code fs_make_dir(struct fs *fs, const char *path, struct error *err)
{
    assert(stays_below_root(path));
    return fs->operations->make_dir(fs, path, err);
}

enum code fs_sync_dir(struct fs *fs, const char *path, struct error *err)
{
    assert(stays_below_root(path));
    return fs->operations->sync_dir(fs, path, err);
}

enum code fs_list(struct fs *fs, const char *path, void (*each)(void *context, const char *name),
                  void *context, struct error *err)
{
    assert(stays_below_root(path));
    return fs->operations->list(fs, path, each, context, err);
}

enum code fs_space(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    return fs->operations->space(fs, bytes_free, err);
}
