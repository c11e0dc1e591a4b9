/* A change writes `version` first and the record then, both durable: after a crash between them
 * there is a version that no record has, which is fine. */
#include "discovery/registry_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "discovery/registry_core.h"
#include "discovery/registry_image.h"

enum {
    LOCK_AGAIN_MS = 2, /* others hold it for some milliseconds */
    PATH_SIZE_MAX = 4096,
    FOLDER_BYTES_MAX = 1 << 30,
};

enum code registry_folder_open(const char *path, int wait_ms, struct fs **root, struct error *err)
{
    struct clock *clock = clock_system();
    int64_t until_ns = clock_monotonic_ns(clock) + (int64_t)wait_ms * 1000000;
    enum code code = fs_posix_open(path, root, err);

    if (code)
        return code;
    for (;;) {
        code = fs_posix_lock(*root, "lock", err);
        if (code != E_BUSY || clock_monotonic_ns(clock) >= until_ns)
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = LOCK_AGAIN_MS * 1000000L}, NULL);
    }
    if (code) {
        fs_posix_close(*root);
        *root = NULL;
    }
    if (code == E_BUSY)
        code = error_set(err, E_NOT_READY, "%s: others hold its lock for %d ms", path, wait_ms);
    return code;
}

enum code registry_folder_version(struct fs *root, uint64_t *version, struct error *err)
{
    char text[24] = "";
    struct file *file = NULL;
    size_t got = 0;
    enum code code;

    *version = 0;
    code = fs_open(root, "version", FS_READ, &file, err);
    if (code)
        return code == E_NOT_FOUND ? OK : code;
    code = fs_read(file, 0, text, sizeof(text) - 1, &got, err);
    fs_close(file);
    if (!code && (got < 2 || text[got - 1] != '\n' ||
                  number_parse_u64((struct bytes){text, got - 1}, version)))
        *version = 0; /* as if it were not there: records tell theirs */
    return code;
}

/* --- who holds --- */

enum code registry_folder_hold(const char *path, enum registry_kind kind, struct bytes name,
                               struct fs **lock, struct error *err)
{
    char directory[PATH_SIZE_MAX], file[REGISTRY_NAME_SIZE_MAX + 8];
    enum code code;

    snprintf(directory, sizeof(directory), "%s/%s", path, registry_kind_name(kind));
    snprintf(file, sizeof(file), "%.*s.lock", BYTES_ARG(name));
    code = fs_posix_open(directory, lock, err);
    if (code)
        return code;
    code = fs_posix_lock(*lock, file, err);
    if (code) {
        fs_posix_close(*lock);
        *lock = NULL;
    }
    return code;
}

bool registry_folder_held(const char *path, enum registry_kind kind, struct bytes name)
{
    struct fs *lock;

    if (registry_folder_hold(path, kind, name, &lock, NULL) == E_BUSY)
        return true;
    fs_posix_close(lock);
    return false;
}

/* --- reading --- */

struct walk {
    const char *path;
    struct fs *root;
    struct registry_folder *folder;
    enum registry_kind kind;
    enum code code; /* what ended it */
    struct error err;
};

/* E_CORRUPT also where it is the record of another name. */
static enum code record_load(struct fs *root, enum registry_kind kind, struct bytes name,
                             struct arena *arena, struct registry_record *record, struct error *err)
{
    struct buf image = BUF_INIT(REGISTRY_IMAGE_BYTES_MAX);
    char path[REGISTRY_NAME_SIZE_MAX + 16];
    struct registry_record *found;
    size_t count;
    enum code code;

    snprintf(path, sizeof(path), "%s/%.*s", registry_kind_name(kind), BYTES_ARG(name));
    code = registry_image_load(root, path, &image, &found, &count, err);
    if (!code &&
        (count != 1 || found->kind != kind || found->missing || !bytes_equal(found->name, name)))
        code = error_set(err, E_CORRUPT, "%s: it is the record of another name", path);
    if (!code) {
        *record = *found;
        record->name = arena_copy(arena, found->name);
        record->text = arena_copy(arena, found->text);
        if (!record->name.data || !record->text.data)
            code = error_set(err, E_MEMORY, "no memory for the records");
    }
    free(found);
    buf_release(&image);
    return code;
}

static enum code make_room(struct registry_folder *folder, struct error *err)
{
    size_t room = folder->room ? 2 * folder->room : 64;
    struct registry_record *grown;

    if (folder->count < folder->room)
        return OK;
    if (folder->count >= REGISTRY_RECORDS_MAX)
        return error_set(err, E_MEMORY, "more than %d records", REGISTRY_RECORDS_MAX);
    grown = realloc(folder->records, room * sizeof(*grown));
    if (!grown)
        return error_set(err, E_MEMORY, "no memory for %zu records", room);
    folder->records = grown;
    folder->room = room;
    return OK;
}

static void read_one(void *context, const char *file)
{
    struct walk *walk = context;
    struct registry_folder *folder = walk->folder;
    struct bytes name = bytes_of(file);
    struct error err = {0};
    enum code code;

    if (walk->code || !registry_name_valid(walk->kind, name))
        return; /* locks, and what is written beside */
    if (registry_kind_ephemeral(walk->kind) && !registry_folder_held(walk->path, walk->kind, name))
        return;
    code = make_room(folder, &err);
    if (!code)
        code = record_load(walk->root, walk->kind, name, &folder->arena,
                           &folder->records[folder->count], &err);
    if (!code) {
        folder->count++;
    } else if (code == E_CORRUPT) { /* as if it were not there, but that it is told */
        if (folder->damaged++ == 0)
            snprintf(folder->text, sizeof(folder->text), "%s", err.text);
        log_error(LOG_ERROR, "registry", &err);
    } else if (code != E_NOT_FOUND) {
        walk->code = code;
        walk->err = err;
    }
}

enum code registry_folder_read(const char *path, struct fs *root, struct registry_folder *folder,
                               struct error *err)
{
    struct walk walk = {.path = path, .root = root, .folder = folder};

    *folder = (struct registry_folder){0};
    arena_init(&folder->arena, FOLDER_BYTES_MAX, NULL);
    for (unsigned i = 0; i < REGISTRY_KIND_COUNT && !walk.code; i++) {
        struct error why = {0};
        enum code code;

        walk.kind = (enum registry_kind)i;
        code = fs_list(root, registry_kind_name(walk.kind), read_one, &walk, &why);
        if (code && code != E_NOT_FOUND && !walk.code) {
            walk.code = code;
            walk.err = why;
        }
    }
    if (walk.code && err)
        *err = walk.err;
    return walk.code;
}

void registry_folder_release(struct registry_folder *folder)
{
    free(folder->records);
    arena_release(&folder->arena);
}

/* --- writing --- */

enum code registry_folder_expect(struct fs *root, enum registry_kind kind, struct bytes name,
                                 uint64_t expected, struct error *err)
{
    struct registry_record found = {0};
    struct arena arena;
    enum code code;

    arena_init(&arena, FOLDER_BYTES_MAX, NULL);
    code = record_load(root, kind, name, &arena, &found, err);
    arena_release(&arena);
    if (code == E_NOT_FOUND || code == E_CORRUPT) /* a damaged one is missing, as readers have it */
        return expected == 0 ? OK
                             : error_set(err, E_NOT_FOUND,
                                         "it is not in the registry; version 0 would make it");
    return code ? code : registry_expect(found.version, expected, err);
}

static enum code version_next(const char *path, struct fs *root, uint64_t above, uint64_t *version,
                              struct error *err)
{
    char text[NUMBER_TEXT_SIZE + 1];
    uint64_t highest;
    size_t size;
    enum code code = registry_folder_version(root, &highest, err);

    if (!code && highest == 0) { /* a new directory, or one that lost it */
        struct registry_folder folder;

        code = registry_folder_read(path, root, &folder, err);
        for (size_t i = 0; i < folder.count; i++)
            if (folder.records[i].version > highest)
                highest = folder.records[i].version;
        registry_folder_release(&folder);
    }
    if (code)
        return code;
    *version = (highest > above ? highest : above) + 1;
    size = number_print_u64(*version, text);
    text[size++] = '\n';
    return registry_file_replace(root, "", "version", (struct bytes){text, size}, err);
}

enum code registry_folder_write(const char *path, struct fs *root, uint64_t above,
                                struct registry_record *record, struct error *err)
{
    const char *kind = registry_kind_name(record->kind);
    char name[REGISTRY_NAME_SIZE_MAX + 1];
    enum code code;

    snprintf(name, sizeof(name), "%.*s", BYTES_ARG(record->name));
    code = fs_make_dir(root, kind, err);
    if (!code)
        code = fs_sync_dir(root, "", err);
    if (!code)
        code = version_next(path, root, above, &record->version, err);
    if (!code)
        code = registry_image_save(root, kind, name, record, 1, err);
    return code;
}
