/* What a path leads to is decided by the kernel: openat2 with RESOLVE_BENEATH does not leave the
 * allowed directory by a link, "..", or a name that is exchanged meanwhile, so nothing has to be
 * resolved here and looked at again.  A file is looked at before it is opened to be read, as to
 * open a FIFO or a device does something already. */
#include "ingest/follow/tail_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEPS_MAX = 64, AGAIN_MAX = 8 };

/* --- what is allowed --- */

static bool steps_good(struct bytes path)
{
    for (size_t at = 1, end; at < path.size; at = end + 1) {
        struct bytes step;

        for (end = at; end < path.size && path.data[end] != '/';)
            end++;
        step = bytes_slice(path, at, end);
        if (step.size == 0 || bytes_equal(step, BYTES(".")) || bytes_equal(step, BYTES("..")))
            return false;
    }
    return true;
}

enum code tail_places_add(struct tail_places *places, struct bytes text, struct error *err)
{
    struct tail_place place = {.directory = text};
    const char *sign = memchr(text.data, '=', text.size);

    if (text.size > 0 && text.data[0] != '/' && sign != NULL) {
        place.tenant = bytes_slice(text, 0, (size_t)(sign - text.data));
        place.directory = bytes_slice(text, place.tenant.size + 1, text.size);
    }
    while (place.directory.size > 1 && place.directory.data[place.directory.size - 1] == '/')
        place.directory.size--;
    if (place.directory.size == 0 || place.directory.data[0] != '/' ||
        !steps_good(place.directory) || place.directory.size >= PATH_MAX ||
        (sign != NULL && text.data[0] != '/' && place.tenant.size == 0))
        return error_set(err, E_CONFIG,
                         "\"%.*s\" is no directory; want an absolute path without \"..\", as "
                         "/srv/lab, or of one tenant, as lab=/srv/lab",
                         BYTES_ARG(text));
    if (places->count == TAIL_PLACES_MAX)
        return error_set(err, E_CONFIG, "there are more than %d directories", TAIL_PLACES_MAX);
    places->items[places->count++] = place;
    return OK;
}

static bool is_of(const struct tail_place *place, struct bytes tenant)
{
    return place->tenant.size == 0 || bytes_equal(place->tenant, tenant);
}

/* What is behind the directory and its slash; .data is NULL where the path is not below it. */
static struct bytes below(const struct tail_place *place, struct bytes path)
{
    size_t size = place->directory.size == 1 ? 0 : place->directory.size;

    if (path.size < size || (size > 0 && memcmp(path.data, place->directory.data, size) != 0) ||
        (path.size > size && path.data[size] != '/'))
        return (struct bytes){NULL, 0};
    return path.size == size ? BYTES("") : bytes_slice(path, size + 1, path.size);
}

/* The first that has the path below it; NULL: none. */
static const struct tail_place *find(const struct tail_places *places, struct bytes tenant,
                                     struct bytes path, struct bytes *rest)
{
    for (size_t i = 0; i < places->count; i++) {
        *rest = below(&places->items[i], path);
        if (is_of(&places->items[i], tenant) && rest->data != NULL)
            return &places->items[i];
    }
    return NULL;
}

enum code tail_places_check(const struct tail_places *places, struct bytes tenant,
                            struct bytes path, struct error *err)
{
    struct bytes rest;
    char list[256] = "";
    size_t size = 0;

    if (find(places, tenant, path, &rest) != NULL && steps_good(path))
        return OK;
    for (size_t i = 0; i < places->count; i++)
        if (is_of(&places->items[i], tenant) && size < sizeof(list))
            size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%.*s",
                                     size > 0 ? ", " : "", BYTES_ARG(places->items[i].directory));
    if (size == 0)
        return error_set(err, E_BAD_PARAMETER,
                         "this node lets the tenant follow no files; who operates it may allow "
                         "directories by `pull_files`");
    return error_set(err, E_BAD_PARAMETER,
                     "it is in no directory that the tenant may read; want a path below %s", list);
}

/* --- opening --- */

/* -1 with errno. */
static int open_beneath(int directory, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = -1;

    for (int i = 0; i < AGAIN_MAX; i++) { /* names were exchanged under the kernel's eyes */
        fd = (int)syscall(SYS_openat2, directory, *path == '\0' ? "." : path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd;
}

static enum code tell_errno(const char *path, struct error *err)
{
    int number = errno;

    if (number == ENOENT || number == ENOTDIR)
        return error_set(err, E_NOT_FOUND, "%s: there is no such file", path);
    if (number == EXDEV || number == ELOOP)
        return error_set(err, E_FORBIDDEN, "%s leads out of the directory that is allowed", path);
    if (number == EACCES || number == EPERM)
        return error_set(err, E_FORBIDDEN, "%s: the server may not read it", path);
    return error_set_errno(err, number, "%s", path);
}

static enum code open_place(const struct tail_place *place, int *fd, struct error *err)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%.*s", BYTES_ARG(place->directory));
    *fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? tell_errno(path, err) : OK;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static enum code open_regular(int directory, const char *rest, const char *path, int *fd,
                              struct stat *stat, struct error *err)
{
    struct stat before;
    int look = open_beneath(directory, rest, O_PATH);
    bool regular;

    *fd = -1;
    if (look < 0)
        return tell_errno(path, err);
    regular = fstat(look, &before) == 0 && S_ISREG(before.st_mode);
    (void)close(look);
    if (regular) {
        *fd = open_beneath(directory, rest, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (*fd < 0)
            return tell_errno(path, err);
        regular = fstat(*fd, stat) == 0 && S_ISREG(stat->st_mode) && same_file(stat, &before);
    }
    if (regular)
        return OK;
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    return error_set(err, E_FORBIDDEN, "%s is no regular file", path);
}

enum code tail_places_open(const struct tail_places *places, struct bytes tenant, const char *path,
                           int *fd, struct stat *stat, struct error *err)
{
    struct bytes rest;
    const struct tail_place *place = find(places, tenant, bytes_of(path), &rest);
    int directory = -1;
    enum code code;

    *fd = -1;
    if (place == NULL)
        return error_set(err, E_FORBIDDEN, "%s is in no directory that is allowed", path);
    code = open_place(place, &directory, err);
    if (code == OK)
        code = open_regular(directory, rest.data, path, fd, stat, err);
    if (directory >= 0)
        (void)close(directory);
    return code;
}

/* --- looking for files --- */

struct walk {
    enum code (*take)(void *context, const char *path, const struct stat *stat, struct error *err);
    void *context;
    int root;
    size_t root_size; /* of the path, with its slash */
    char *steps[STEPS_MAX];
    size_t step_count;
    char path[2 * PATH_MAX]; /* at hand */
    bool any;                /* something could be looked into */
};

static bool has_wildcard(const char *step)
{
    return strpbrk(step, "*?[") != NULL;
}

/* Adds a step to the path; false: it is too long. */
static bool enter(struct walk *walk, const char *name, size_t *size)
{
    size_t name_size = strlen(name);

    *size = strlen(walk->path);
    if (*size + name_size + 2 > sizeof(walk->path))
        return false;
    (void)snprintf(walk->path + *size, sizeof(walk->path) - *size, "%s%s",
                   *size > 0 && walk->path[*size - 1] != '/' ? "/" : "", name);
    return true;
}

static const char *rest_of(const struct walk *walk)
{
    const char *rest =
        walk->path + (strlen(walk->path) < walk->root_size ? strlen(walk->path) : walk->root_size);

    return rest;
}

/* Of a name in an open directory; a link is followed as far as it may be. */
static bool look_at(const struct walk *walk, int directory, const char *name, struct stat *stat)
{
    int fd;
    bool found;

    if (fstatat(directory, name, stat, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (!S_ISLNK(stat->st_mode))
        return true;
    fd = open_beneath(walk->root, rest_of(walk), O_PATH);
    found = fd >= 0 && fstat(fd, stat) == 0;
    if (fd >= 0)
        (void)close(fd);
    return found;
}

static enum code walk_from(struct walk *walk, size_t step, struct error *err);

/* A name that fits: deeper, or what is looked for. */
static enum code take_name(struct walk *walk, int directory, const char *name, size_t step,
                           bool deeper, struct error *err)
{
    struct stat stat;
    size_t size;
    enum code code = OK;

    if (!enter(walk, name, &size))
        return OK;
    if (look_at(walk, directory, name, &stat)) {
        if (S_ISREG(stat.st_mode) && step == walk->step_count)
            code = walk->take(walk->context, walk->path, &stat, err);
        else if (S_ISDIR(stat.st_mode) && deeper)
            code = walk_from(walk, step, err);
    }
    walk->path[size] = '\0';
    return code;
}

/* All names that fit; of a directory that the path ends with, all but hidden ones. */
static enum code walk_names(struct walk *walk, int directory, size_t step, struct error *err)
{
    bool ends = step == walk->step_count;
    const char *pattern = ends ? "*" : walk->steps[step];
    DIR *names = fdopendir(directory); /* which is its own now */
    struct dirent *name;
    enum code code = OK;

    if (names == NULL) {
        (void)close(directory);
        return error_set(err, E_MEMORY, "no memory to look for files");
    }
    while (code == OK && (name = readdir(names)) != NULL)
        if (strcmp(name->d_name, ".") != 0 && strcmp(name->d_name, "..") != 0 &&
            fnmatch(pattern, name->d_name, FNM_PERIOD) == 0)
            code = take_name(walk, dirfd(names), name->d_name, ends ? step : step + 1,
                             !ends && step + 1 < walk->step_count, err);
    (void)closedir(names);
    return code;
}

/* The path at hand is a directory; steps from `step` on are below it. */
static enum code walk_from(struct walk *walk, size_t step, struct error *err)
{
    int directory = open_beneath(walk->root, rest_of(walk), O_RDONLY | O_DIRECTORY);
    enum code code;

    if (directory < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? tell_errno(walk->path, err)
                                                                     : OK;
    walk->any = true;
    if (step == walk->step_count || has_wildcard(walk->steps[step]))
        return walk_names(walk, directory, step, err);
    code = take_name(walk, directory, walk->steps[step], step + 1, true, err);
    (void)close(directory);
    return code;
}

static enum code split(struct walk *walk, char *rest, struct error *err)
{
    char *at = rest;

    while (*at != '\0') {
        char *slash = strchr(at, '/');

        if (walk->step_count == STEPS_MAX)
            return error_set(err, E_NOT_FOUND, "the path has more than %d steps", STEPS_MAX);
        walk->steps[walk->step_count++] = at;
        if (slash == NULL)
            break;
        *slash = '\0';
        at = slash + 1;
    }
    return OK;
}

enum code tail_places_walk(const struct tail_places *places, struct bytes tenant, struct bytes path,
                           enum code (*take)(void *context, const char *path,
                                             const struct stat *stat, struct error *err),
                           void *context, struct error *err)
{
    struct walk walk = {.take = take, .context = context, .root = -1};
    struct bytes rest;
    const struct tail_place *place = find(places, tenant, path, &rest);
    char steps[PATH_MAX];
    enum code code;

    if (place == NULL || rest.size >= sizeof(steps))
        return error_set(err, E_FORBIDDEN, "%.*s is in no directory that is allowed",
                         BYTES_ARG(path));
    (void)snprintf(steps, sizeof(steps), "%.*s", BYTES_ARG(rest));
    (void)snprintf(walk.path, sizeof(walk.path), "%.*s", BYTES_ARG(place->directory));
    walk.root_size = place->directory.size == 1 ? 1 : place->directory.size + 1;
    code = split(&walk, steps, err);
    if (code == OK)
        code = open_place(place, &walk.root, err);
    if (code == OK)
        code = walk_from(&walk, 0, err);
    if (walk.root >= 0)
        (void)close(walk.root);
    if (code == OK && !walk.any)
        return error_set(err, E_NOT_FOUND, "%.*s: no such directory, or it may not be read",
                         BYTES_ARG(path));
    return code;
}
