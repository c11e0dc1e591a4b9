#include "server/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/inflate.h"
#include "server/interrupt.h"

enum {
    PIECE_SIZE = 64 << 10,
    /* A block of zstd has 4 bytes at least and comes to 128 KiB: these to 128 MiB. */
    PACKED_PIECE_SIZE = 4 << 10,
    IDLE_MS = 1000,
};

struct source {
    int fd;
    bool waits; /* a pipe, a terminal: what comes may come slowly */
    bool ended;
    uint64_t taken, size;
    struct inflate *inflate; /* NULL = plain */
    struct buf *into;        /* during source_fill() */
    char piece[PIECE_SIZE];
};

static const char *encoding_of(const char *path)
{
    size_t size = strlen(path);

    if (size > 3 && strcmp(path + size - 3, ".gz") == 0)
        return "gzip";
    if (size > 4 && strcmp(path + size - 4, ".zst") == 0)
        return "zstd";
    return NULL;
}

static enum code open_path(struct source *source, const char *path, struct error *err)
{
    struct stat stat;

    source->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 && errno == ENOENT)
        return error_set(err, E_NOT_FOUND, "there is no file %s", path);
    if (source->fd < 0 || fstat(source->fd, &stat) != 0)
        return error_set_errno(err, errno, "open %s", path);
    if (S_ISDIR(stat.st_mode))
        return error_set(err, E_NOT_FOUND, "%s is a directory; name its files", path);
    source->waits = !S_ISREG(stat.st_mode);
    if (S_ISREG(stat.st_mode) && stat.st_size > 0)
        source->size = (uint64_t)stat.st_size;
    return OK;
}

enum code source_open(const char *path, struct source **source, struct error *err)
{
    const char *encoding = encoding_of(path);
    struct source *made = calloc(1, sizeof(*made));
    enum code code;

    *source = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory to read %s", path);
    made->fd = -1;
    code = open_path(made, path, err);
    if (!code && encoding)
        code = inflate_new(bytes_of(encoding), UINT64_MAX, UINT64_MAX, &made->inflate, err);
    if (code) {
        source_close(made);
        return code;
    }
    *source = made;
    return OK;
}

void source_close(struct source *source)
{
    if (!source)
        return;
    if (source->fd > STDIN_FILENO)
        close(source->fd);
    inflate_free(source->inflate);
    free(source);
}

static enum code append(void *context, struct bytes piece, struct error *err)
{
    struct source *source = context;

    buf_put(source->into, piece);
    return buf_finish(source->into, err);
}

/* False: nothing came for a while. */
static bool await_input(const struct source *source)
{
    struct pollfd descriptor = {.fd = source->fd, .events = POLLIN};

    return poll(&descriptor, 1, IDLE_MS) != 0;
}

static enum code take_end(struct source *source, struct error *err)
{
    source->ended = true;
    return source->inflate ? inflate_finish(source->inflate, err) : OK;
}

static enum code take_piece(struct source *source, struct error *err)
{
    size_t room = source->inflate ? PACKED_PIECE_SIZE : PIECE_SIZE;
    /* A signal may have come while input was awaited. */
    ssize_t got = interrupt_came() ? 0 : read(source->fd, source->piece, room);
    struct bytes piece;

    if (interrupt_came())
        return error_set(err, E_CANCELLED, "interrupted");
    if (got < 0)
        return errno == EINTR ? OK : error_set_errno(err, errno, "read");
    if (got == 0)
        return take_end(source, err);
    source->taken += (uint64_t)got;
    piece = (struct bytes){source->piece, (size_t)got};
    if (source->inflate)
        return inflate_feed(source->inflate, piece, append, source, err);
    return append(source, piece, err);
}

enum code source_fill(struct source *source, struct buf *text, size_t size, struct error *err)
{
    enum code code = OK;

    source->into = text;
    while (!code && !source->ended && text->size < size) {
        if (source->waits && text->size > 0 && !await_input(source))
            return OK;
        code = take_piece(source, err);
    }
    return code;
}

bool source_ended(const struct source *source)
{
    return source->ended;
}

uint64_t source_taken(const struct source *source)
{
    return source->taken;
}

uint64_t source_size(const struct source *source)
{
    return source->size;
}
