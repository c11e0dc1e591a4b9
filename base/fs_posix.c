/* The machine's file system.  Everything is opened relative to the root's descriptor, so
 * the directory may be moved under us, and no later chdir() or mount matters.
 *
 * Calls that a signal cut short are repeated; one that failed is not.  That holds above
 * all for fdatasync(): after a failure Linux takes the pages for clean, and a second call
 * would say that lost bytes are safe. */
#include "base/fs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PARTS_A_CALL = 1024,      /* of one pwritev(), as many as the kernel takes */
    BEHIND_BYTES = 512 << 10, /* written that the disk has not begun with */
};

struct posix_fs {
    struct fs fs;
    int root, lock; /* descriptors; lock is -1 while none is held */
};

struct posix_file {
    struct file_base base;
    int descriptor;
    uint64_t flowed; /* where what the disk has not begun with begins, up to BEHIND_BYTES of it */
    char path[];     /* for errors */
};

static struct posix_fs *posix_fs_of(struct fs *fs)
{
    return (struct posix_fs *)(void *)fs;
}

static struct posix_file *posix_file_of(struct file *file)
{
    return (struct posix_file *)(void *)file;
}

/* A missing name and a name that is taken are answers, not failures of the disk. */
static enum code fail(struct error *err, int number, const char *verb, const char *path)
{
    enum code code = error_set_errno(err, number, "%s %s", verb, path[0] == '\0' ? "." : path);

    if (number == ENOENT)
        code = E_NOT_FOUND;
    else if (number == EEXIST)
        code = E_EXISTS;
    if (err != NULL)
        err->code = code;
    return code;
}

static int open_at(int directory, const char *path, int flags)
{
    int descriptor;

    do
        descriptor = openat(directory, path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

static int open_dir_at(int directory, const char *path)
{
    return open_at(directory, path[0] == '\0' ? "." : path, O_RDONLY | O_DIRECTORY);
}

/* Without noting when it was read: on ext4 that needs the journal, which a read would wait for
 * while others sync.  Who does not own the file may not ask for that. */
static int open_to_read(int directory, const char *path)
{
    int descriptor = open_at(directory, path, O_RDONLY | O_NOATIME);

    return descriptor < 0 && errno == EPERM ? open_at(directory, path, O_RDONLY) : descriptor;
}

static enum code posix_open(struct fs *fs, const char *path, enum fs_open_how how,
                            struct file **file, struct error *err)
{
    static const int flags[] = {
        [FS_READ_WRITE] = O_RDWR,
        [FS_CREATE] = O_RDWR | O_CREAT | O_EXCL,
    };
    size_t path_size = strlen(path) + 1;
    struct posix_file *made;

    assert((unsigned)how < COUNT_OF(flags));
    made = malloc(sizeof(*made) + path_size); /* first: a failure then leaves no new file */
    if (made == NULL)
        return error_set(err, E_MEMORY, "open %s: out of memory", path);
    made->base.fs = fs;
    made->flowed = UINT64_MAX; /* until the next write, likewise after a sync */
    memcpy(made->path, path, path_size);
    made->descriptor = how == FS_READ ? open_to_read(posix_fs_of(fs)->root, path)
                                      : open_at(posix_fs_of(fs)->root, path, flags[how]);
    if (made->descriptor < 0) {
        int number = errno;

        free(made);
        return fail(err, number, how == FS_CREATE ? "create" : "open", path);
    }
    *file = (struct file *)(void *)made;
    return OK;
}

static void posix_close(struct file *file)
{
    struct posix_file *posix = posix_file_of(file);

    (void)close(posix->descriptor); /* what had to be durable was synced */
    free(posix);
}

static enum code posix_read(struct file *file, uint64_t offset, void *data, size_t size,
                            size_t *got, struct error *err)
{
    struct posix_file *posix = posix_file_of(file);
    size_t done = 0;

    while (done < size) {
        ssize_t step =
            pread(posix->descriptor, (char *)data + done, size - done, (off_t)(offset + done));

        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return fail(err, errno, "read", posix->path);
        if (step == 0)
            break;
        done += (size_t)step;
    }
    *got = done;
    return OK;
}

/* Fills `vectors` from the parts that begin `skip` bytes into parts[0]. */
static int gather(const struct bytes *parts, size_t count, size_t skip,
                  struct iovec vectors[PARTS_A_CALL])
{
    int used = 0;

    for (size_t i = 0; i < count && used < PARTS_A_CALL; i++, skip = 0) {
        if (parts[i].size > skip)
            vectors[used++] =
                (struct iovec){(void *)(uintptr_t)(parts[i].data + skip), parts[i].size - skip};
    }
    return used;
}

/* Not every file system can: overlayfs, NFS and tmpfs cannot. */
static bool posix_read_at_once(struct file *file, uint64_t offset, void *data, size_t size)
{
    struct iovec part = {data, size};

    return preadv2(posix_file_of(file)->descriptor, &part, 1, (off_t)offset, RWF_NOWAIT) ==
           (ssize_t)size;
}

/* The disk begins with what was written while more is made, and has little to do at a time: tens of
 * megabytes at once, when a pack is synced, would keep whoever reads or syncs the log waiting for
 * all of them.  A failure told here is not told by fdatasync() again.  Where there is no such call,
 * fdatasync() has all to do. */
static enum code write_behind(struct posix_file *posix, uint64_t end, struct error *err)
{
    while (end - posix->flowed >= BEHIND_BYTES) {
        uint64_t before = posix->flowed < BEHIND_BYTES ? posix->flowed : BEHIND_BYTES;
        int failed = sync_file_range(posix->descriptor, (off_t)(posix->flowed - before),
                                     (off_t)(before + BEHIND_BYTES),
                                     SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);

        if (failed && errno != ENOSYS)
            return fail(err, errno, "write", posix->path);
        posix->flowed += BEHIND_BYTES;
    }
    return OK;
}

static enum code posix_write(struct file *file, uint64_t offset, const struct bytes *parts,
                             size_t count, struct error *err)
{
    struct posix_file *posix = posix_file_of(file);
    size_t skip = 0; /* bytes of parts[0] that are written */

    if (offset < posix->flowed)
        posix->flowed = offset;
    for (;;) {
        struct iovec vectors[PARTS_A_CALL];
        ssize_t step;
        size_t written;

        while (count > 0 && skip >= parts[0].size) {
            skip -= parts[0].size;
            parts++;
            count--;
        }
        if (count == 0)
            return write_behind(posix, offset, err);
        step =
            pwritev(posix->descriptor, vectors, gather(parts, count, skip, vectors), (off_t)offset);
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return fail(err, errno, "write", posix->path);
        if (step == 0) /* never for a regular file; an endless loop would be worse */
            return fail(err, EIO, "write", posix->path);
        written = (size_t)step;
        offset += written;
        skip += written;
    }
}

static enum code posix_sync(struct file *file, struct error *err)
{
    struct posix_file *posix = posix_file_of(file);
    int failed;

    do
        failed = fdatasync(posix->descriptor);
    while (failed && errno == EINTR);
    if (failed)
        return fail(err, errno, "sync", posix->path);
    posix->flowed = UINT64_MAX;
    return OK;
}

static enum code posix_truncate(struct file *file, uint64_t size, struct error *err)
{
    struct posix_file *posix = posix_file_of(file);
    int failed;

    do
        failed = ftruncate(posix->descriptor, (off_t)size);
    while (failed && errno == EINTR);
    return failed ? fail(err, errno, "truncate", posix->path) : OK;
}

static enum code posix_size(struct file *file, uint64_t *size, struct error *err)
{
    struct posix_file *posix = posix_file_of(file);
    struct stat status;

    if (fstat(posix->descriptor, &status))
        return fail(err, errno, "size of", posix->path);
    *size = (uint64_t)status.st_size;
    return OK;
}

static enum code posix_rename(struct fs *fs, const char *from, const char *to, struct error *err)
{
    int root = posix_fs_of(fs)->root;
    enum code code;

    if (renameat(root, from, root, to) == 0)
        return OK;
    code = fail(err, errno, "rename", from);
    error_context(err, "to %s", to);
    return code;
}

static enum code posix_unlink(struct fs *fs, const char *path, struct error *err)
{
    return unlinkat(posix_fs_of(fs)->root, path, 0) ? fail(err, errno, "remove", path) : OK;
}

static enum code posix_make_dir(struct fs *fs, const char *path, struct error *err)
{
    int root = posix_fs_of(fs)->root;
    struct stat status;

    if (mkdirat(root, path, 0700) == 0)
        return OK;
    if (errno != EEXIST)
        return fail(err, errno, "make directory", path);
    if (fstatat(root, path, &status, AT_SYMLINK_NOFOLLOW)) /* a disk that fails, for one */
        return fail(err, errno, "look at directory", path);
    return S_ISDIR(status.st_mode) ? OK : fail(err, EEXIST, "make directory", path);
}

/* fsync(2) of a directory that the caller opened; repeated only when a signal cut it short. */
static int sync_descriptor(int descriptor)
{
    int failed;

    do
        failed = fsync(descriptor);
    while (failed && errno == EINTR);
    return failed;
}

static enum code posix_sync_dir(struct fs *fs, const char *path, struct error *err)
{
    int descriptor = open_dir_at(posix_fs_of(fs)->root, path);
    enum code code = OK;

    if (descriptor < 0)
        return fail(err, errno, "open directory", path);
    if (sync_descriptor(descriptor))
        code = fail(err, errno, "sync directory", path);
    (void)close(descriptor);
    return code;
}

static enum code posix_list(struct fs *fs, const char *path,
                            void (*each)(void *context, const char *name), void *context,
                            struct error *err)
{
    int descriptor = open_dir_at(posix_fs_of(fs)->root, path);
    enum code code = OK;
    DIR *directory;

    if (descriptor < 0)
        return fail(err, errno, "open directory", path);
    directory = fdopendir(descriptor);
    if (directory == NULL) {
        code = fail(err, errno, "list", path);
        (void)close(descriptor);
        return code;
    }
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(directory);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(context, entry->d_name);
    }
    if (errno != 0)
        code = fail(err, errno, "list", path);
    (void)closedir(directory);
    return code;
}

static enum code posix_space(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    struct statvfs status;

    if (fstatvfs(posix_fs_of(fs)->root, &status))
        return fail(err, errno, "free space of", "");
    *bytes_free = (uint64_t)status.f_bavail * status.f_frsize;
    return OK;
}

static const struct fs_operations posix_operations = {
    .open = posix_open,
    .close = posix_close,
    .read = posix_read,
    .read_at_once = posix_read_at_once,
    .write = posix_write,
    .sync = posix_sync,
    .truncate = posix_truncate,
    .size = posix_size,
    .rename = posix_rename,
    .unlink = posix_unlink,
    .make_dir = posix_make_dir,
    .sync_dir = posix_sync_dir,
    .list = posix_list,
    .space = posix_space,
};

/* The name of a root that we made is durable when its parent is synced. */
static enum code sync_parent(int root, const char *path, struct error *err)
{
    int parent = open_dir_at(root, "..");
    enum code code = OK;

    if (parent < 0)
        return fail(err, errno, "open parent of", path);
    if (sync_descriptor(parent))
        code = fail(err, errno, "sync parent of", path);
    (void)close(parent);
    return code;
}

/* Looked at first: who opens it again and again makes nothing.  *is_new: it was made. */
static int open_root(const char *root, bool *is_new)
{
    const int how = O_RDONLY | O_DIRECTORY | O_CLOEXEC; /* itself may be a link */
    int descriptor = open(root, how);

    *is_new = descriptor < 0 && errno == ENOENT && mkdir(root, 0700) == 0;
    if (descriptor < 0 && (*is_new || errno == EEXIST))
        descriptor = open(root, how);
    return descriptor;
}

enum code fs_posix_open(const char *root, struct fs **fs, struct error *err)
{
    struct posix_fs *made = malloc(sizeof(*made));
    enum code code;
    bool is_new;

    *fs = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "open directory %s: out of memory", root);
    *made = (struct posix_fs){.fs.operations = &posix_operations, .lock = -1};
    made->root = open_root(root, &is_new);
    if (made->root < 0) {
        code = fail(err, errno, "open or make directory", root);
        free(made);
        return code;
    }
    code = is_new ? sync_parent(made->root, root, err) : OK;
    if (code) {
        fs_posix_close(&made->fs);
        return code;
    }
    *fs = &made->fs;
    return OK;
}

void fs_posix_close(struct fs *fs)
{
    struct posix_fs *posix = posix_fs_of(fs);

    if (fs == NULL)
        return;
    if (posix->lock >= 0)
        (void)close(posix->lock);
    (void)close(posix->root);
    free(posix);
}

enum code fs_posix_lock(struct fs *fs, const char *name, struct error *err)
{
    struct posix_fs *posix = posix_fs_of(fs);
    int descriptor, number;

    assert(posix->lock < 0);
    descriptor = open_at(posix->root, name, O_RDWR | O_CREAT);
    if (descriptor < 0)
        return fail(err, errno, "open lock", name);
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        posix->lock = descriptor;
        return OK;
    }
    number = errno;
    (void)close(descriptor);
    if (number == EWOULDBLOCK)
        return error_set(err, E_BUSY, "%s is locked: another process uses this directory", name);
    return fail(err, number, "lock", name);
}

enum code fs_posix_link(struct fs *from, const char *path, struct fs *to, const char *as,
                        struct error *err)
{
    int number;

    if (linkat(posix_fs_of(from)->root, path, posix_fs_of(to)->root, as, 0) == 0)
        return OK;
    number = errno;
    if (number == EXDEV || number == EPERM || number == EMLINK || number == EOPNOTSUPP)
        return error_set(err, E_NOT_SUPPORTED, "link %s: another file system, or links forbidden",
                         path);
    return fail(err, number, "link", path);
}
