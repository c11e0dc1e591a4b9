/* Files below one directory:
 *
 *     lock              whoever changes or reads it all holds a lock on this, for a moment
 *     version           the highest version that was given out, as decimal text
 *     tenants/acme      one record (registry_image.h)
 *     leases/merge      the same of who holds it, or held it last
 *     leases/merge.lock on which whoever holds it has a lock
 *
 * A change writes `version` first and the record then, both durable: after a crash between them
 * there is a version that no record has, which is fine.  Others look at `version` twenty times a
 * second, or as often as they were told, and read all of it when that has changed, under the lock:
 * so a snapshot is of one moment.
 *
 * What is held is held by the kernel's lock of an open file, which goes with the process however
 * that ends.  Nobody else notices this by `version`, so whoever knows of a holder tries its lock.
 */
#include "discovery/registry_files.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/thread.h"
#include "discovery/holds.h"
#include "discovery/registry_core.h"
#include "discovery/registry_folder.h"

enum {
    LOOK_MS = 50, /* so that a change is seen within 0.2 s */
    HOLD_AGAIN_MS = 2000,
};

struct file_hold {
    struct hold wanted;
    struct fs *lock;  /* whose lock is ours; NULL: not held */
    int64_t again_ns; /* monotonic: not before, as the disk did not take it; of the thread */
    uint64_t epoch;
};

struct files {
    struct registry registry;
    char *directory;
    struct thread *thread;
    uint64_t version_seen; /* of the thread */
    bool read;             /* of the thread: it was once */
    struct holds holds;    /* each is the begin of a struct file_hold */
    pthread_mutex_t lock;  /* guards what is below */
    pthread_cond_t wake;
    bool stopping, poked;
};

static struct files *files_of(struct registry *registry)
{
    return (struct files *)registry;
}

/* --- changing --- */

static int64_t monotonic_ns(void)
{
    return clock_monotonic_ns(clock_system());
}

static void poke(struct files *files)
{
    pthread_mutex_lock(&files->lock);
    files->poked = true;
    pthread_cond_signal(&files->wake);
    pthread_mutex_unlock(&files->lock);
}

/* Until a snapshot has what was written: others may have written since. */
static void wait_for(struct files *files, enum registry_kind kind, struct bytes name,
                     uint64_t version)
{
    int64_t until_ns = monotonic_ns() + (int64_t)files->registry.rules.wait_ms * 1000000;

    poke(files);
    for (;;) {
        struct registry_snapshot *snapshot = registry_get(&files->registry);
        const struct registry_record *record = registry_find(snapshot, kind, name);
        bool there = record && record->version >= version;
        uint64_t sequence = snapshot->sequence;
        int64_t left_ns = until_ns - monotonic_ns();

        registry_snapshot_put(snapshot);
        if (there || left_ns <= 0)
            return;
        (void)registry_wait(&files->registry, sequence, (int)(left_ns / 1000000) + 1);
    }
}

/* Also of before it was wiped: versions go up. */
static uint64_t version_floor(struct files *files)
{
    struct registry_snapshot *snapshot = registry_get(&files->registry);
    uint64_t highest = 0;

    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->records[i].version > highest)
            highest = snapshot->records[i].version;
    registry_snapshot_put(snapshot);
    return highest;
}

static enum code files_put(struct registry *registry, enum registry_kind kind, struct bytes name,
                           uint64_t expected, struct bytes text, uint64_t *version,
                           struct error *err)
{
    struct files *files = files_of(registry);
    struct registry_record record = {.kind = kind, .name = name, .text = text};
    struct fs *root;
    enum code code = registry_folder_open(files->directory, registry->rules.wait_ms, &root, err);

    if (code)
        return code;
    code = registry_folder_expect(root, kind, name, expected, err);
    if (!code)
        code = registry_folder_write(files->directory, root, version_floor(files), &record, err);
    fs_posix_close(root);
    if (code)
        return code;
    *version = record.version;
    wait_for(files, kind, name, record.version);
    return OK;
}

/* --- holding --- */

static struct file_hold *hold_of(struct hold *hold)
{
    return (struct file_hold *)hold;
}

static void hold_end(struct hold *hold)
{
    fs_posix_close(hold_of(hold)->lock);
}

static enum code files_hold(struct registry *registry, enum registry_kind kind, struct bytes name,
                            struct bytes text, struct error *err)
{
    struct files *files = files_of(registry);
    enum code code = holds_want(&files->holds, kind, name, text, err);

    poke(files);
    return code;
}

static void files_release(struct registry *registry, enum registry_kind kind, struct bytes name)
{
    struct files *files = files_of(registry);

    holds_give_up(&files->holds, kind, name);
    poke(files);
}

static bool files_held(struct registry *registry, enum registry_kind kind, struct bytes name,
                       uint64_t *epoch)
{
    struct files *files = files_of(registry);
    const struct file_hold *hold;
    bool held;

    pthread_mutex_lock(&files->holds.lock);
    hold = hold_of(holds_find(&files->holds, kind, name));
    held = hold && hold->lock;
    if (held && epoch)
        *epoch = hold->epoch;
    pthread_mutex_unlock(&files->holds.lock);
    return held;
}

static void hold_set(struct files *files, struct file_hold *hold, struct fs *lock, uint64_t epoch)
{
    struct fs *before = hold->lock;

    pthread_mutex_lock(&files->holds.lock);
    hold->lock = lock;
    hold->epoch = epoch;
    pthread_mutex_unlock(&files->holds.lock);
    fs_posix_close(before);
}

/* Writes who holds it.  A copy of the text, as a caller may give another one meanwhile. */
static enum code hold_write(struct files *files, struct fs *root, const struct hold *wanted,
                            uint64_t *version, struct error *err)
{
    struct registry_record record = {.kind = wanted->kind, .name = bytes_of(wanted->name)};
    struct buf text = BUF_INIT(REGISTRY_TEXT_SIZE_MAX);
    enum code code;

    pthread_mutex_lock(&files->holds.lock);
    buf_put(&text, wanted->text);
    pthread_mutex_unlock(&files->holds.lock);
    code = buf_finish(&text, err);
    record.text = buf_bytes(&text);
    if (!code)
        code = registry_folder_write(files->directory, root, version_floor(files), &record, err);
    *version = record.version;
    buf_release(&text);
    return code;
}

/* Under the lock of the directory. */
static enum code hold_acquire(struct files *files, struct fs *root, struct file_hold *hold,
                              struct error *err)
{
    const struct hold *wanted = &hold->wanted;
    struct fs *lock;
    uint64_t version;
    enum code code =
        registry_folder_hold(files->directory, wanted->kind, bytes_of(wanted->name), &lock, err);

    if (code)
        return code == E_BUSY ? OK : code;
    code = hold_write(files, root, wanted, &version, err);
    if (code) {
        fs_posix_close(lock);
        return code;
    }
    hold_set(files, hold, lock, version);
    return OK;
}

static struct hold *first_of(struct files *files)
{
    struct hold *first;

    pthread_mutex_lock(&files->holds.lock);
    first = files->holds.first;
    pthread_mutex_unlock(&files->holds.lock);
    return first;
}

static bool hold_is_due(const struct file_hold *hold)
{
    return !hold->lock && monotonic_ns() >= hold->again_ns;
}

static bool is_released(const struct hold *hold)
{
    return hold->released;
}

/* One that the disk does not take keeps nobody from reading what others change. */
static void holds_acquire(struct files *files, struct fs *root)
{
    for (struct hold *wanted = first_of(files); wanted; wanted = wanted->next) {
        struct file_hold *hold = hold_of(wanted);
        struct error err = {0};

        if (!hold_is_due(hold) || !hold_acquire(files, root, hold, &err))
            continue;
        hold->again_ns = monotonic_ns() + (int64_t)HOLD_AGAIN_MS * 1000000;
        error_context(&err, "%s %s is not held", registry_kind_name(wanted->kind), wanted->name);
        log_error(LOG_ERROR, "registry", &err);
    }
}

/* --- the thread --- */

static bool wants_any(struct files *files)
{
    bool wants = false;

    pthread_mutex_lock(&files->holds.lock);
    for (struct hold *hold = files->holds.first; hold; hold = hold->next)
        wants |= hold->released || hold_is_due(hold_of(hold));
    pthread_mutex_unlock(&files->holds.lock);
    return wants;
}

/* Under the lock: whether somebody of the newest snapshot holds it no more. */
static bool holder_gone(struct files *files)
{
    struct registry_snapshot *snapshot = registry_get(&files->registry);
    bool gone = false;
    size_t first, end;

    registry_range(snapshot, REGISTRY_ALIVE, &first, &end);
    for (size_t i = first; i < snapshot->count && !gone; i++)
        gone = !registry_folder_held(files->directory, snapshot->records[i].kind,
                                     snapshot->records[i].name);
    registry_snapshot_put(snapshot);
    return gone;
}

static bool holders_known(struct files *files)
{
    struct registry_snapshot *snapshot = registry_get(&files->registry);
    size_t first, end;
    bool any;

    registry_range(snapshot, REGISTRY_ALIVE, &first, &end);
    any = first < snapshot->count;
    registry_snapshot_put(snapshot);
    return any;
}

/* A record that was taken away took what was held along. */
static void holds_check(struct files *files, const struct registry_folder *folder)
{
    for (struct hold *wanted = first_of(files); wanted; wanted = wanted->next) {
        struct file_hold *hold = hold_of(wanted);
        bool there = false;

        if (!hold->lock)
            continue;
        for (size_t i = 0; i < folder->count && !there; i++)
            there = folder->records[i].kind == wanted->kind &&
                    folder->records[i].version == hold->epoch;
        if (!there)
            hold_set(files, hold, NULL, 0);
    }
}

static enum code look_locked(struct files *files, struct fs *root, struct error *err)
{
    struct registry_folder folder;
    uint64_t version;
    bool changed = holds_sweep(&files->holds, is_released);
    enum code code;

    holds_acquire(files, root);
    code = registry_folder_version(root, &version, err);
    if (code)
        return code;
    if (!changed && files->read && version == files->version_seen && !holder_gone(files))
        return OK;
    code = registry_folder_read(files->directory, root, &folder, err);
    if (!code) {
        holds_check(files, &folder);
        code = registry_publish(&files->registry, folder.records, folder.count, folder.text, err);
    }
    if (!code) {
        files->version_seen = version;
        files->read = true;
    }
    registry_folder_release(&folder);
    return code;
}

/* Others who hold the lock for so long are waited for.  Once all has been read the next time will
 * do. */
static enum code look(struct files *files, int wait_ms, struct error *err)
{
    struct fs *root = NULL;
    uint64_t version = 0;
    enum code code = fs_posix_open(files->directory, &root, err);

    if (!code)
        code = registry_folder_version(root, &version, err);
    fs_posix_close(root);
    if (!code)
        registry_seen(&files->registry);
    if (code || (files->read && version == files->version_seen && !wants_any(files) &&
                 !holders_known(files)))
        return code;
    code = registry_folder_open(files->directory, wait_ms, &root, err);
    if (code == E_NOT_READY && files->read)
        return OK;
    if (code)
        return code;
    code = look_locked(files, root, err);
    fs_posix_close(root);
    return code;
}

static void look_and_tell(struct files *files)
{
    struct error err = {0};

    if (!look(files, LOOK_MS, &err)) {
        if (registry_health(&files->registry).state != REGISTRY_CONNECTED)
            files->read = false; /* it is back: all of it is looked at */
    } else {
        registry_state_set(&files->registry, REGISTRY_DISCONNECTED, err.text);
    }
    registry_keep(&files->registry, false);
}

static void run(void *context)
{
    struct files *files = context;

    for (;;) {
        int64_t at_ns = monotonic_ns() + (int64_t)files->registry.rules.look_ms * 1000000;
        struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
        bool stopping;

        pthread_mutex_lock(&files->lock);
        while (!files->stopping && !files->poked)
            if (pthread_cond_timedwait(&files->wake, &files->lock, &at) == ETIMEDOUT)
                break;
        stopping = files->stopping;
        files->poked = false;
        pthread_mutex_unlock(&files->lock);
        if (stopping)
            return;
        look_and_tell(files);
    }
}

/* --- opening --- */

static void files_close(struct registry *registry)
{
    struct files *files = files_of(registry);

    pthread_mutex_lock(&files->lock);
    files->stopping = true;
    pthread_cond_signal(&files->wake);
    pthread_mutex_unlock(&files->lock);
    thread_join(files->thread);
    holds_release(&files->holds);
    pthread_cond_destroy(&files->wake);
    pthread_mutex_destroy(&files->lock);
    registry_core_release(registry);
    free(files->directory);
    free(files);
}

static const struct registry_operations operations = {
    .put = files_put,
    .hold = files_hold,
    .release = files_release,
    .held = files_held,
    .close = files_close,
};

enum code registry_files_open(const char *directory, const struct registry_rules *rules,
                              struct registry **registry, struct error *err)
{
    struct files *files = calloc(1, sizeof(*files));
    enum code code;

    *registry = NULL;
    if (!files)
        return error_set(err, E_MEMORY, "no memory for the registry");
    files->directory = strdup(directory);
    code = files->directory ? OK : error_set(err, E_MEMORY, "no memory for the registry");
    if (!code)
        code = registry_core_init(&files->registry, &operations, rules, err);
    if (code) {
        free(files->directory);
        free(files);
        return code;
    }
    holds_init(&files->holds, sizeof(struct file_hold), hold_end);
    pthread_mutex_init(&files->lock, NULL);
    condition_init(&files->wake);
    *registry = &files->registry; /* before `changed` is called */
    code = look(files, files->registry.rules.wait_ms, err);
    if (!code)
        code = thread_start("registry", run, files, &files->thread, err);
    if (code) {
        *registry = NULL;
        files_close(&files->registry);
        error_context(err, "registry %s", directory);
    }
    return code;
}
