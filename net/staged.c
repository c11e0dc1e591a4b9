/* The memory of a body that has outgrown it is what is written next: a piece goes to the file when
 * there is more than fits.  The file is not for keeping, so it is not one of base/fs.h: nothing is
 * synced, and there is no name that a crash could leave. */
#include "net/staged.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"

enum { PATH_SIZE = 4096 };

struct staged {
    const char *directory;
    struct buf memory; /* all of it, or what is not in the file yet */
    int file;          /* -1 = none */
    uint64_t written;
    bool finished;
};

enum code staged_new(const char *directory, size_t memory_bytes_max, struct staged **staged,
                     struct error *err)
{
    size_t most =
        memory_bytes_max > STAGED_MEMORY_BYTES_MIN ? memory_bytes_max : STAGED_MEMORY_BYTES_MIN;
    struct staged *made = malloc(sizeof(*made));

    *staged = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for a body");
    *made = (struct staged){.directory = directory, .memory = BUF_INIT(most), .file = -1};
    *staged = made;
    return OK;
}

void staged_free(struct staged *staged)
{
    if (!staged)
        return;
    if (staged->file >= 0)
        close(staged->file);
    buf_release(&staged->memory);
    free(staged);
}

/* Some file systems have no files without a name (overlays of old kernels, FUSE). */
static enum code open_by_name(struct staged *staged, struct error *err)
{
    char path[PATH_SIZE];

    if (snprintf(path, sizeof(path), "%s/weir-pull-XXXXXX", staged->directory) >= PATH_SIZE)
        return error_set(err, E_IO, "stage a body: the path of the directory is too long");
    staged->file = mkostemp(path, O_CLOEXEC);
    if (staged->file < 0 || unlink(path) != 0)
        return error_set_errno(err, errno, "stage a body: create %s", path);
    return OK;
}

static enum code file_open(struct staged *staged, struct error *err)
{
    staged->file = open(staged->directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (staged->file >= 0)
        return OK;
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)
        return open_by_name(staged, err);
    return error_set_errno(err, errno, "stage a body: create a file in %s", staged->directory);
}

/* What is in memory goes to the end of the file. */
static enum code spill(struct staged *staged, struct error *err)
{
    struct bytes left = buf_bytes(&staged->memory);
    enum code code = staged->file >= 0 ? OK : file_open(staged, err);

    while (!code && left.size > 0) {
        ssize_t size = pwrite(staged->file, left.data, left.size, (off_t)staged->written);

        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return error_set_errno(err, errno, "stage a body: write");
        staged->written += (uint64_t)size;
        left = bytes_slice(left, (size_t)size, left.size);
    }
    buf_clear(&staged->memory);
    return code;
}

enum code staged_put(struct staged *staged, struct bytes piece, struct error *err)
{
    assert(!staged->finished);
    while (piece.size > 0) {
        size_t room = staged->memory.size_max - staged->memory.size;
        size_t size = piece.size < room ? piece.size : room;
        enum code code;

        if (room == 0) {
            code = spill(staged, err);
            if (code)
                return code;
            continue;
        }
        buf_put(&staged->memory, bytes_slice(piece, 0, size));
        code = buf_finish(&staged->memory, err);
        if (code)
            return code;
        piece = bytes_slice(piece, size, piece.size);
    }
    return OK;
}

enum code staged_finish(struct staged *staged, struct error *err)
{
    enum code code = OK;

    assert(!staged->finished);
    if (staged->file >= 0) {
        code = spill(staged, err);
        buf_release(&staged->memory);
    }
    staged->finished = true;
    return code;
}

uint64_t staged_size(const struct staged *staged)
{
    return staged->written + staged->memory.size;
}

/* --- the way out --- */

typedef enum code take_piece(void *context, struct bytes piece, struct error *err);

static enum code read_memory(const struct staged *staged, take_piece *take, void *context,
                             struct error *err)
{
    struct bytes left = buf_bytes(&staged->memory);
    enum code code = OK;

    while (!code && left.size > 0) {
        size_t size = left.size < STAGED_PIECE_BYTES_MAX ? left.size : STAGED_PIECE_BYTES_MAX;

        code = take(context, bytes_slice(left, 0, size), err);
        left = bytes_slice(left, size, left.size);
    }
    return code;
}

/* *got is at least one byte. */
static enum code read_some(const struct staged *staged, uint64_t at, char *room, size_t size,
                           size_t *got, struct error *err)
{
    ssize_t read;

    do
        read = pread(staged->file, room, size, (off_t)at);
    while (read < 0 && errno == EINTR);
    if (read < 0)
        return error_set_errno(err, errno, "read a staged body");
    if (read == 0)
        return error_set(err, E_IO, "a staged body is shorter than it was");
    *got = (size_t)read;
    return OK;
}

static enum code read_file(const struct staged *staged, char *room, take_piece *take, void *context,
                           struct error *err)
{
    uint64_t at = 0;
    enum code code = OK;

    while (!code && at < staged->written) {
        size_t got = 0;

        code = read_some(staged, at, room, STAGED_PIECE_BYTES_MAX, &got, err);
        at += got;
        if (!code)
            code = take(context, (struct bytes){room, got}, err);
    }
    return code;
}

enum code staged_at(const struct staged *staged, uint64_t offset, char *into, size_t size,
                    struct error *err)
{
    assert(staged->finished);
    assert(offset <= staged_size(staged) && size <= staged_size(staged) - offset);
    if (staged->file < 0 && size > 0)
        memcpy(into, staged->memory.data + offset, size);
    while (staged->file >= 0 && size > 0) {
        size_t got = 0;
        enum code code = read_some(staged, offset, into, size, &got, err);

        if (code)
            return code;
        offset += got;
        into += got;
        size -= got;
    }
    return OK;
}

enum code staged_read(struct staged *staged, take_piece *take, void *context, struct error *err)
{
    enum code code;
    char *room;

    assert(staged->finished);
    if (staged->file < 0)
        return read_memory(staged, take, context, err);
    room = malloc(STAGED_PIECE_BYTES_MAX);
    if (!room)
        return error_set(err, E_MEMORY, "no memory to read a staged body");
    code = read_file(staged, room, take, context, err);
    free(room);
    return code;
}
