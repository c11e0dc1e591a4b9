#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_SIZE = 16 << 10 };

/* Until the end, whatever size the file said it had: it may be growing. */
static enum code read_all(int descriptor, const char *path, size_t bytes_max, struct buf *text,
                          struct error *err)
{
    size_t first = text->size;

    for (;;) {
        char piece[PIECE_SIZE];
        ssize_t got = read(descriptor, piece, sizeof(piece));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, errno, "%s", path);
        if (got == 0)
            return buf_finish(text, err);
        if (text->size - first + (size_t)got > bytes_max)
            return error_set(err, E_CONFIG, "%s: larger than %zu bytes", path, bytes_max);
        buf_put(text, (struct bytes){piece, (size_t)got});
    }
}

static enum code file_read(const char *path, bool secret, size_t bytes_max, struct buf *text,
                           struct error *err)
{
    /* Not blocking: a FIFO must not hang the start. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    enum code code;

    if (descriptor < 0 && errno == ENOENT)
        return error_set(err, E_NOT_FOUND, "%s: no such file", path);
    if (descriptor < 0)
        return error_set_errno(err, errno, "%s", path);
    if (fstat(descriptor, &info))
        code = error_set_errno(err, errno, "%s", path);
    else if (!S_ISREG(info.st_mode))
        code = error_set(err, E_CONFIG, "%s: not a regular file", path);
    else if (secret && (info.st_mode & (S_IROTH | S_IWOTH)) != 0)
        code = error_set(err, E_CONFIG,
                         "%s: every user may read or change it (mode %03o), and it holds a secret; "
                         "chmod o-rwx it",
                         path, (unsigned)info.st_mode & 0777);
    else
        code = read_all(descriptor, path, bytes_max, text, err);
    close(descriptor);
    return code;
}

enum code text_file_read(const char *path, size_t bytes_max, struct buf *text, struct error *err)
{
    return file_read(path, false, bytes_max, text, err);
}

enum code text_file_read_secret(const char *path, size_t bytes_max, struct buf *text,
                                struct error *err)
{
    return file_read(path, true, bytes_max, text, err);
}
