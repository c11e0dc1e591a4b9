#include "server/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/interrupt.h"

struct output {
    int fd;
    char *path;      /* owned; NULL: stdout */
    char *path_part; /* owned; NULL: nothing is renamed at the end */
    uint64_t bytes;
};

/* A device or a pipe is written as it is: a file renamed to its name would be in its place. */
static enum code open_path(struct output *output, const char *path, struct error *err)
{
    struct stat there;
    bool is_there = stat(path, &there) == 0;

    output->path = strdup(path);
    if (!output->path)
        return error_set(err, E_MEMORY, "no memory for the output");
    if (is_there && S_ISDIR(there.st_mode))
        return error_set(err, E_EXISTS, "%s is a directory: name a file in it", path);
    if (is_there && !S_ISREG(there.st_mode)) {
        output->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return output->fd < 0 ? error_set_errno(err, errno, "open %s", path) : OK;
    }
    if (asprintf(&output->path_part, "%s.part", path) < 0) {
        output->path_part = NULL;
        return error_set(err, E_MEMORY, "no memory for the output");
    }
    output->fd = open(output->path_part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return output->fd < 0 ? error_set_errno(err, errno, "create %s", output->path_part) : OK;
}

enum code output_open(const char *path, struct output **output, struct error *err)
{
    struct output *made = calloc(1, sizeof(*made));
    enum code code = OK;

    *output = NULL;
    if (!made)
        return error_set(err, E_MEMORY, "no memory for the output");
    made->fd = STDOUT_FILENO;
    if (path) {
        made->fd = -1;
        code = open_path(made, path, err);
    }
    if (code) {
        output_close(made);
        return code;
    }
    *output = made;
    return OK;
}

enum code output_write(struct output *output, struct bytes bytes, struct error *err)
{
    while (bytes.size > 0) {
        ssize_t done = write(output->fd, bytes.data, bytes.size);

        if (done < 0 && errno == EINTR) {
            if (interrupt_came())
                return error_set(err, E_CANCELLED, "interrupted");
            continue;
        }
        if (done < 0 && errno == EPIPE && !output->path_part)
            interrupt_die_of_pipe();
        if (done < 0)
            return error_set_errno(err, errno, "write %s", output->path ? output->path : "stdout");
        output->bytes += (uint64_t)done;
        bytes = bytes_slice(bytes, (size_t)done, bytes.size);
    }
    return OK;
}

enum code output_finish(struct output *output, struct error *err)
{
    if (!output->path_part)
        return OK;
    if (fsync(output->fd) != 0)
        return error_set_errno(err, errno, "sync %s", output->path_part);
    if (rename(output->path_part, output->path) != 0)
        return error_set_errno(err, errno, "rename %s", output->path_part);
    free(output->path_part);
    output->path_part = NULL;
    return OK;
}

uint64_t output_bytes(const struct output *output)
{
    return output->bytes;
}

void output_close(struct output *output)
{
    if (!output)
        return;
    if (output->path && output->fd >= 0)
        close(output->fd);
    if (output->path_part && output->fd >= 0)
        (void)unlink(output->path_part);
    free(output->path);
    free(output->path_part);
    free(output);
}
