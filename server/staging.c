#include "server/staging.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup_label.h"

enum { DESCRIPTORS_OF_A_WALK = 16 };

struct staging {
    char *path, *part; /* owned */
    struct fs *fs;
    int directory; /* of `part`, locked; -1 = not ours */
    bool finished;
};

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static enum code remove_tree(const char *path, struct error *err)
{
    assert(path != NULL);
    if (nftw(path, remove_one, DESCRIPTORS_OF_A_WALK, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return error_set_errno(err, errno, "remove %s", path);
    return OK;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = {".", "..", "index", "packs", "wal", BACKUP_LABEL_NAME};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Nothing is removed that somebody else put there. */
static enum code holds_ours_alone(const char *path, struct error *err)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    enum code code = OK;

    if (directory == NULL)
        return error_set_errno(err, errno, "open directory %s", path);
    while (code == OK && (entry = readdir(directory)) != NULL)
        if (!is_ours(entry->d_name))
            code = error_set(err, E_EXISTS,
                             "%s/%s is not of an unfinished backup or restore: move it away", path,
                             entry->d_name);
    (void)closedir(directory);
    return code;
}

/* The directory, locked; E_BUSY while another process has it. */
static enum code lock_part(const char *path, int *directory, struct error *err)
{
    struct stat held, named;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    *directory = -1;
    if (descriptor < 0)
        return error_set_errno(err, errno, "open directory %s", path);
    /* The other may have finished or given up between the two calls. */
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 || fstat(descriptor, &held) != 0 ||
        lstat(path, &named) != 0 || held.st_ino != named.st_ino || held.st_dev != named.st_dev) {
        close(descriptor);
        return error_set(err, E_BUSY, "%s: another backup or restore is at work there", path);
    }
    *directory = descriptor;
    return OK;
}

static enum code make_part(struct staging *staging, struct error *err)
{
    enum code code;

    if (mkdir(staging->part, 0700) != 0) {
        if (errno != EEXIST)
            return error_set_errno(err, errno, "make directory %s", staging->part);
        code = lock_part(staging->part, &staging->directory, err);
        if (code == OK)
            code = holds_ours_alone(staging->part, err);
        if (code == OK)
            code = remove_tree(staging->part, err);
        if (staging->directory >= 0)
            close(staging->directory);
        staging->directory = -1;
        if (code)
            return code;
        if (mkdir(staging->part, 0700) != 0)
            return error_set_errno(err, errno, "make directory %s", staging->part);
    }
    code = lock_part(staging->part, &staging->directory, err);
    return code ? code : fs_posix_open(staging->part, &staging->fs, err);
}

static bool is_empty_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    bool empty = directory != NULL;

    while (empty && (entry = readdir(directory)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory != NULL)
        (void)closedir(directory);
    return empty;
}

/* A mount point cannot be renamed over, which is better told before than after an hour of copying.
 */
static enum code name_is_free(const char *path, bool empty_passes, struct error *err)
{
    struct stat named, above;
    char *parent = NULL;
    bool mounted;

    if (lstat(path, &named) != 0)
        return errno == ENOENT ? OK : error_set_errno(err, errno, "look at %s", path);
    if (!empty_passes || !is_empty_directory(path))
        return error_set(err, E_EXISTS, "%s exists%s: give a name that is free", path,
                         empty_passes ? " and is no empty directory" : "");
    if (asprintf(&parent, "%s/..", path) < 0)
        return error_set(err, E_MEMORY, "no memory for a path");
    mounted = stat(parent, &above) == 0 && above.st_dev != named.st_dev;
    free(parent);
    if (mounted)
        return error_set(err, E_EXISTS,
                         "%s is a mount point, which nothing can take the place of: give a "
                         "directory in it",
                         path);
    return OK;
}

enum code staging_open(const char *path, bool empty_passes, struct staging **out, struct error *err)
{
    struct staging *staging = calloc(1, sizeof(*staging));
    size_t size = strlen(path);
    enum code code;

    *out = NULL;
    if (staging == NULL)
        return error_set(err, E_MEMORY, "no memory for a directory");
    staging->directory = -1;
    while (size > 1 && path[size - 1] == '/')
        size--;
    staging->path = strndup(path, size);
    if (staging->path == NULL || asprintf(&staging->part, "%.*s.part", (int)size, path) < 0) {
        staging->part = NULL;
        code = error_set(err, E_MEMORY, "no memory for a path");
    } else {
        code = name_is_free(staging->path, empty_passes, err);
    }
    if (code == OK)
        code = make_part(staging, err);
    if (code) {
        staging_close(staging);
        return code;
    }
    *out = staging;
    return OK;
}

struct fs *staging_fs(struct staging *staging)
{
    return staging->fs;
}

const char *staging_path(const struct staging *staging)
{
    return staging->part;
}

enum code staging_finish(struct staging *staging, struct error *err)
{
    int parent;
    enum code code = fs_sync_dir(staging->fs, "", err);

    if (code)
        return code;
    if (rename(staging->part, staging->path) != 0)
        return error_set_errno(err, errno, "rename %s to %s", staging->part, staging->path);
    staging->finished = true;
    parent = openat(staging->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || fsync(parent) != 0)
        code = error_set_errno(err, errno, "sync the directory of %s", staging->path);
    if (parent >= 0)
        close(parent);
    return code;
}

void staging_close(struct staging *staging)
{
    struct error ignored;

    if (staging == NULL)
        return;
    fs_posix_close(staging->fs);
    if (staging->directory >= 0) {
        if (!staging->finished)
            (void)!remove_tree(staging->part, &ignored); /* else the next one does */
        close(staging->directory);
    }
    free(staging->path);
    free(staging->part);
    free(staging);
}
