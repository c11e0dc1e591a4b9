/* Faults between a program and its kernel, for LD_PRELOAD: the nth call of a kind on a kind of file
 * kills the process, fails, or writes only half.  What is to happen, and how often each call was
 * seen, stands in a file that the harness maps too (FAULT_PLAN; tests/fault/faults.py has the same
 * layout), so that counts outlive the process and a fault can be lifted while it runs.  Only files
 * below FAULT_ROOT count.  An fdatasync that fails takes what it should have made durable with it,
 * as Linux may: the bytes written since the last sync of that file become zeros, so that whoever
 * tries again and takes the second success for the truth is found out.  strace can inject as well,
 * but counts per thread, knows no kinds of files, and makes each call so slow that races look
 * otherwise. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { OPEN, WRITE, SYNC, SYNC_DIR, RENAME, UNLINK, TRUNCATE, MAKE_DIR, CALLS };
enum place { WAL, PACKS, INDEX, OTHER, PLACES };
enum action { COUNT, KILL, FAIL, HALF };
enum { NAME_SIZE = 4096, UNSYNCED_MAX = 8192 };

/* All of 64 bits, so that no padding has to be known elsewhere. */
struct plan {
    _Atomic uint64_t call, place, action, number; /* number: errno of FAIL */
    _Atomic uint64_t first, last;                 /* hits from 1 that it is meant for */
    _Atomic uint64_t fired;
    _Atomic uint64_t file,
        again; /* of the first sync that failed: hash of its name, later syncs of it */
    _Atomic uint64_t seen[CALLS][PLACES];
};

static struct plan *plan;
static char root[NAME_SIZE];
static size_t root_size;

__attribute__((constructor)) static void plan_map(void)
{
    const char *path = getenv("FAULT_PLAN"), *below = getenv("FAULT_ROOT");
    int descriptor;
    void *mapped;

    if (path == NULL || below == NULL)
        return;
    descriptor = open(path, O_RDWR | O_CLOEXEC);
    mapped = descriptor < 0
                 ? MAP_FAILED
                 : mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED) { /* a test of nothing must not pass */
        perror(path);
        _exit(125);
    }
    close(descriptor);
    root_size = strlen(below);
    if (root_size >= sizeof(root))
        _exit(125);
    memcpy(root, below, root_size + 1);
    plan = mapped;
}

static enum place place_of(const char *path)
{
    path += root_size;
    if (strncmp(path, "/wal", 4) == 0)
        return WAL;
    if (strncmp(path, "/packs", 6) == 0)
        return PACKS;
    if (strncmp(path, "/index", 6) == 0)
        return INDEX;
    return OTHER;
}

static bool is_below_root(const char *path)
{
    return strncmp(path, root, root_size) == 0 &&
           (path[root_size] == '/' || path[root_size] == '\0');
}

/* What is to happen to this call, which is counted. */
static enum action decide(enum call call, const char *path)
{
    enum place place;
    uint64_t n;

    if (plan == NULL || !is_below_root(path))
        return COUNT;
    place = place_of(path);
    n = atomic_fetch_add(&plan->seen[call][place], 1) + 1;
    if (atomic_load(&plan->action) == COUNT || atomic_load(&plan->call) != call ||
        atomic_load(&plan->place) != place || n < atomic_load(&plan->first) ||
        n > atomic_load(&plan->last))
        return COUNT;
    atomic_fetch_add(&plan->fired, 1);
    if (atomic_load(&plan->action) == KILL) {
        kill(getpid(), SIGKILL);
        pause();
    }
    return (enum action)atomic_load(&plan->action);
}

static bool path_of(int descriptor, char *path)
{
    char link[64];
    ssize_t size;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
    size = readlink(link, path, NAME_SIZE - 1);
    if (size < 0)
        return false;
    path[size] = '\0';
    return true;
}

static enum action decide_at(enum call call, int directory, const char *name)
{
    char path[NAME_SIZE], whole[2 * NAME_SIZE];

    if (plan == NULL)
        return COUNT;
    if (name[0] == '/')
        return decide(call, name);
    if (directory == AT_FDCWD) {
        if (getcwd(path, sizeof(path)) == NULL)
            return COUNT;
    } else if (!path_of(directory, path)) {
        return COUNT;
    }
    snprintf(whole, sizeof(whole), "%s/%s", path, name);
    return decide(call, whole);
}

static enum action decide_descriptor(enum call call, int descriptor)
{
    char path[NAME_SIZE];

    return plan != NULL && path_of(descriptor, path) ? decide(call, path) : COUNT;
}

static int failed(void)
{
    errno = (int)atomic_load(&plan->number);
    return -1;
}

/* The library's own function. */
#define REAL(name)                                                                                 \
    static __typeof__(name) *real;                                                                 \
    if (real == NULL)                                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

static bool needs_mode(int flags)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

static mode_t mode_of(int flags, va_list more)
{
    return needs_mode(flags) ? va_arg(more, mode_t) : 0;
}

/* Only calls that can make a file count: those that read cannot meet a full disk. */
static bool open_fails(int directory, const char *path, int flags)
{
    return needs_mode(flags) && decide_at(OPEN, directory, path) != COUNT;
}

int openat(int directory, const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;
    REAL(openat);

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_fails(directory, path, flags) ? failed() : real(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;
    REAL(openat64);

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_fails(directory, path, flags) ? failed() : real(directory, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;
    REAL(open);

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_fails(AT_FDCWD, path, flags) ? failed() : real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    mode_t mode;
    REAL(open64);

    va_start(more, flags);
    mode = mode_of(flags, more);
    va_end(more);
    return open_fails(AT_FDCWD, path, flags) ? failed() : real(path, flags, mode);
}

static size_t half(enum action action, size_t size)
{
    return action == HALF && size > 1 ? size / 2 : size;
}

/* --- what was written and not synced --- */

struct range {
    dev_t device;
    ino_t file;
    off64_t offset;
    size_t size;
    char *before; /* what stood there; zeros behind the end of the file */
};

static struct range unsynced[UNSYNCED_MAX];
static size_t unsynced_count;
static pthread_mutex_t unsynced_lock = PTHREAD_MUTEX_INITIALIZER;

/* Remembers what a write is about to change. */
static void writing(int descriptor, off64_t offset, size_t size)
{
    struct range range = {.offset = offset, .size = size};
    char path[NAME_SIZE], *old = NULL;
    struct stat what;
    int reader;

    if (plan == NULL || size == 0 || !path_of(descriptor, path) || !is_below_root(path) ||
        (fcntl(descriptor, F_GETFL) & O_DSYNC) != 0 || fstat(descriptor, &what) != 0)
        return;
    range.device = what.st_dev;
    range.file = what.st_ino;
    old = calloc(1, size);
    reader = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (old == NULL || reader < 0 || pread64(reader, old, size, offset) < 0)
        _exit(125);
    close(reader);
    range.before = old;
    pthread_mutex_lock(&unsynced_lock);
    if (unsynced_count == UNSYNCED_MAX)
        _exit(125);
    unsynced[unsynced_count++] = range;
    pthread_mutex_unlock(&unsynced_lock);
}

/* FNV-1a of its path: an inode is given again at once when a file that failed is removed. */
static uint64_t name_hash(int descriptor)
{
    uint64_t hash = 0xcbf29ce484222325u;
    char path[NAME_SIZE];

    if (!path_of(descriptor, path))
        return 1;
    for (const char *at = path; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return hash;
}

/* A sync of the file is over: of what was written before, nothing is unsynced any more.  `lost`:
 * the sync failed, and it is gone, the newest write first. */
static void synced(int descriptor, bool lost)
{
    struct stat what;
    size_t kept = 0;
    uint64_t name;
    int kept_errno = errno;

    if (plan == NULL || fstat(descriptor, &what) != 0)
        return;
    name = name_hash(descriptor);
    if (atomic_load(&plan->file) == name)
        atomic_fetch_add(&plan->again, 1);
    else if (lost && atomic_load(&plan->file) == 0)
        atomic_store(&plan->file, name);
    pthread_mutex_lock(&unsynced_lock);
    for (size_t i = unsynced_count; lost && i-- > 0;)
        if (unsynced[i].device == what.st_dev && unsynced[i].file == what.st_ino &&
            syscall(SYS_pwrite64, descriptor, unsynced[i].before, unsynced[i].size,
                    unsynced[i].offset) != (ssize_t)unsynced[i].size)
            _exit(125);
    for (size_t i = 0; i < unsynced_count; i++) {
        if (unsynced[i].device == what.st_dev && unsynced[i].file == what.st_ino)
            free(unsynced[i].before);
        else
            unsynced[kept++] = unsynced[i];
    }
    unsynced_count = kept;
    pthread_mutex_unlock(&unsynced_lock);
    errno = kept_errno;
}

static size_t parts_size(const struct iovec *parts, int count)
{
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    return size;
}

/* Half of a gathered write: the first half of its bytes, in one plain write. */
static ssize_t write_half(int descriptor, const struct iovec *parts, int count, off64_t offset)
{
    size_t wanted = half(HALF, parts_size(parts, count)), done = 0;
    char *copy;
    ssize_t written;

    copy = malloc(wanted + 1);
    if (copy == NULL)
        abort();
    for (int i = 0; i < count && done < wanted; i++) {
        size_t piece = parts[i].iov_len < wanted - done ? parts[i].iov_len : wanted - done;

        memcpy(copy + done, parts[i].iov_base, piece);
        done += piece;
    }
    written = syscall(SYS_pwrite64, descriptor, copy, wanted, offset);
    free(copy);
    return written;
}

ssize_t write(int descriptor, const void *data, size_t size)
{
    enum action action = decide_descriptor(WRITE, descriptor);
    REAL(write);

    if (action == FAIL)
        return failed();
    writing(descriptor, lseek64(descriptor, 0, SEEK_CUR), half(action, size));
    return real(descriptor, data, half(action, size));
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    enum action action = decide_descriptor(WRITE, descriptor);
    REAL(pwrite);

    if (action == FAIL)
        return failed();
    writing(descriptor, offset, half(action, size));
    return real(descriptor, data, half(action, size), offset);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset)
{
    enum action action = decide_descriptor(WRITE, descriptor);
    REAL(pwrite64);

    if (action == FAIL)
        return failed();
    writing(descriptor, offset, half(action, size));
    return real(descriptor, data, half(action, size), offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    enum action action = decide_descriptor(WRITE, descriptor);
    off64_t offset = lseek64(descriptor, 0, SEEK_CUR);
    ssize_t done;
    REAL(writev);

    if (action == FAIL)
        return failed();
    writing(descriptor, offset, parts_size(parts, count));
    if (action != HALF)
        return real(descriptor, parts, count);
    done = write_half(descriptor, parts, count, offset);
    lseek64(descriptor, done, SEEK_CUR);
    return done;
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset)
{
    enum action action = decide_descriptor(WRITE, descriptor);
    REAL(pwritev);

    if (action == FAIL)
        return failed();
    writing(descriptor, offset, parts_size(parts, count));
    if (action == HALF)
        return write_half(descriptor, parts, count, offset);
    return real(descriptor, parts, count, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset)
{
    enum action action = decide_descriptor(WRITE, descriptor);
    REAL(pwritev64);

    if (action == FAIL)
        return failed();
    writing(descriptor, offset, parts_size(parts, count));
    if (action == HALF)
        return write_half(descriptor, parts, count, offset);
    return real(descriptor, parts, count, offset);
}

int fallocate(int descriptor, int mode, off_t offset, off_t size)
{
    REAL(fallocate);

    return decide_descriptor(WRITE, descriptor) == FAIL ? failed()
                                                        : real(descriptor, mode, offset, size);
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t size)
{
    REAL(fallocate64);

    return decide_descriptor(WRITE, descriptor) == FAIL ? failed()
                                                        : real(descriptor, mode, offset, size);
}

int posix_fallocate(int descriptor, off_t offset, off_t size)
{
    REAL(posix_fallocate);

    return decide_descriptor(WRITE, descriptor) == FAIL ? (int)atomic_load(&plan->number)
                                                        : real(descriptor, offset, size);
}

int sync_file_range(int descriptor, off64_t offset, off64_t size, unsigned flags)
{
    REAL(sync_file_range);

    return decide_descriptor(WRITE, descriptor) == FAIL ? failed()
                                                        : real(descriptor, offset, size, flags);
}

int fdatasync(int descriptor)
{
    bool fails = decide_descriptor(SYNC, descriptor) == FAIL;
    int result;
    REAL(fdatasync);

    result = fails ? failed() : real(descriptor);
    synced(descriptor, fails);
    return result;
}

/* Of a directory, or of a file by those who want its times too. */
int fsync(int descriptor)
{
    struct stat what;
    enum call call = fstat(descriptor, &what) == 0 && S_ISDIR(what.st_mode) ? SYNC_DIR : SYNC;
    REAL(fsync);

    return decide_descriptor(call, descriptor) == FAIL ? failed() : real(descriptor);
}

int rename(const char *from, const char *to)
{
    REAL(rename);

    return decide_at(RENAME, AT_FDCWD, from) == FAIL ? failed() : real(from, to);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    REAL(renameat);

    return decide_at(RENAME, from_directory, from) == FAIL
               ? failed()
               : real(from_directory, from, to_directory, to);
}

int unlink(const char *path)
{
    REAL(unlink);

    return decide_at(UNLINK, AT_FDCWD, path) == FAIL ? failed() : real(path);
}

int unlinkat(int directory, const char *path, int flags)
{
    REAL(unlinkat);

    return decide_at(UNLINK, directory, path) == FAIL ? failed() : real(directory, path, flags);
}

int ftruncate(int descriptor, off_t size)
{
    REAL(ftruncate);

    return decide_descriptor(TRUNCATE, descriptor) == FAIL ? failed() : real(descriptor, size);
}

int ftruncate64(int descriptor, off64_t size)
{
    REAL(ftruncate64);

    return decide_descriptor(TRUNCATE, descriptor) == FAIL ? failed() : real(descriptor, size);
}

int mkdirat(int directory, const char *path, mode_t mode)
{
    REAL(mkdirat);

    return decide_at(MAKE_DIR, directory, path) == FAIL ? failed() : real(directory, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);

    return decide_at(MAKE_DIR, AT_FDCWD, path) == FAIL ? failed() : real(path, mode);
}
