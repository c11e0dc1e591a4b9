/* Names are whole paths in two flat arrays: what programs see, and what the disk holds.  A node
 * (the file itself) is counted by names, waiting name changes and handles, so that a removed file
 * lives on where its removal is not durable yet. */
#include "fake_fs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECTOR = 512, PATH_SIZE = 160 };

/* The bytes of a file; what is not there reads as zero. */
struct image {
    char *data;
    uint64_t size, capacity;
};

/* A change that is not durable: a new size, or sectors as they were after a write. */
struct change {
    bool resizes;
    uint64_t size;         /* resizes */
    uint64_t offset, used; /* else: bytes [offset, offset + used), whole sectors */
    char *data;
};

struct node {
    size_t references;
    struct image seen, disk;
    struct change *changes;
    size_t change_count, change_capacity;
};

struct name {
    char path[PATH_SIZE];
    struct node *node; /* NULL: a directory */
};

struct names {
    struct name *entries;
    size_t count, capacity;
};

enum name_change_kind { NAME_SET, NAME_REMOVED, NAME_MOVED };

struct name_change {
    enum name_change_kind kind;
    char path[PATH_SIZE], from[PATH_SIZE]; /* from: NAME_MOVED */
    struct node *node;                     /* NAME_SET, NAME_MOVED */
};

struct fake_fs {
    struct fs base;
    struct fake_disk *disk;
    struct names seen, durable;
    struct name_change *changes; /* in order */
    size_t change_count, change_capacity;
    size_t open_count;
};

struct fake_file {
    struct file_base base;
    struct node *node;
    char path[PATH_SIZE];
};

static void *must(void *memory)
{
    if (!memory)
        abort(); /* the simulator's own memory: nothing to prove there */
    return memory;
}

/* --- images --- */

static void image_resize(struct image *image, uint64_t size)
{
    if (size > image->capacity) {
        uint64_t capacity = size + size / 2 + 4096;

        image->data = must(realloc(image->data, capacity));
        image->capacity = capacity;
    }
    if (size > image->size)
        memset(image->data + image->size, 0, size - image->size);
    image->size = size;
}

/* Puts what lies within the size. */
static void image_put(struct image *image, uint64_t offset, const char *data, uint64_t size)
{
    if (offset >= image->size)
        return;
    if (size > image->size - offset)
        size = image->size - offset;
    memcpy(image->data + offset, data, size);
}

/* --- nodes --- */

static struct node *node_ref(struct node *node)
{
    if (node)
        node->references++;
    return node;
}

static void changes_clear(struct node *node)
{
    for (size_t i = 0; i < node->change_count; i++)
        free(node->changes[i].data);
    node->change_count = 0;
}

static void node_unref(struct fake_fs *fs, struct node *node)
{
    if (!node || --node->references > 0)
        return;
    fake_disk_give(fs->disk, node->seen.size);
    changes_clear(node);
    free(node->changes);
    free(node->seen.data);
    free(node->disk.data);
    free(node);
}

static struct change *change_add(struct node *node)
{
    if (node->change_count == node->change_capacity) {
        node->change_capacity = node->change_capacity * 2 + 8;
        node->changes =
            must(realloc(node->changes, node->change_capacity * sizeof(*node->changes)));
    }
    node->changes[node->change_count] = (struct change){0};
    return &node->changes[node->change_count++];
}

static void node_resize(struct node *node, uint64_t size)
{
    struct change *change;

    if (size == node->seen.size)
        return;
    image_resize(&node->seen, size);
    change = change_add(node);
    change->resizes = true;
    change->size = size;
}

/* Notes the sectors that hold [offset, offset + size) as they are now. */
static void node_note(struct node *node, uint64_t offset, uint64_t size)
{
    struct change *change = change_add(node);

    change->offset = offset / SECTOR * SECTOR;
    change->used = (offset + size + SECTOR - 1) / SECTOR * SECTOR - change->offset;
    change->data = must(calloc(1, change->used));
    if (change->offset + change->used > node->seen.size)
        memcpy(change->data, node->seen.data + change->offset, node->seen.size - change->offset);
    else
        memcpy(change->data, node->seen.data + change->offset, change->used);
}

/* How much of what waits reaches the disk. */
enum keep {
    KEEP_ALL,
    KEEP_NONE,
    KEEP_HALF,
    KEEP_MOST,
    KEEP_FEW,
    KEEP_FIRST,
    KEEP_LAST,
    KEEP_COUNT
};

static bool keeps(struct random *random, enum keep keep, size_t at, size_t turn)
{
    switch (keep) {
    case KEEP_ALL:
        return true;
    case KEEP_NONE:
        return false;
    case KEEP_HALF:
        return random_chance(random, 2);
    case KEEP_MOST:
        return !random_chance(random, 8);
    case KEEP_FEW:
        return random_chance(random, 8);
    case KEEP_FIRST:
        return at < turn;
    case KEEP_LAST:
        return at >= turn;
    case KEEP_COUNT:
        break;
    }
    return false;
}

/* Writes a choice of what waits to the disk image and forgets the rest.  True when a part stayed.
 */
static bool node_settle(struct node *node, struct random *random, enum keep keep)
{
    size_t sectors = 0, at = 0, turn, resizes = 0, resizes_kept, kept = 0;
    bool torn;

    for (size_t i = 0; i < node->change_count; i++) {
        sectors += node->changes[i].used / SECTOR;
        resizes += node->changes[i].resizes;
    }
    turn = sectors > 0 ? random_below(random, sectors + 1) : 0;
    resizes_kept = resizes;
    if (keep == KEEP_NONE)
        resizes_kept = 0;
    else if (keep != KEEP_ALL && resizes > 0 && random_chance(random, 2))
        resizes_kept = random_below(random, resizes + 1);
    for (size_t i = 0; i < node->change_count; i++) {
        const struct change *change = &node->changes[i];

        if (change->resizes) {
            if (resizes_kept > 0) {
                image_resize(&node->disk, change->size);
                resizes_kept--;
            }
            continue;
        }
        for (uint64_t from = 0; from < change->used; from += SECTOR, at++) {
            if (keeps(random, keep, at, turn)) {
                image_put(&node->disk, change->offset + from, change->data + from, SECTOR);
                kept++;
            }
        }
    }
    torn = kept > 0 && kept < sectors;
    changes_clear(node);
    return torn;
}

/* --- names --- */

static struct name *names_find(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->entries[i].path, path) == 0)
            return &names->entries[i];
    return NULL;
}

static void names_remove(struct fake_fs *fs, struct names *names, const char *path)
{
    struct name *name = names_find(names, path);

    if (!name)
        return;
    node_unref(fs, name->node);
    names->count--;
    memmove(name, name + 1, (size_t)(names->entries + names->count - name) * sizeof(*name));
}

/* Sorted, so that walks are the same in every run. */
static void names_set(struct fake_fs *fs, struct names *names, const char *path, struct node *node)
{
    size_t at = 0;

    node_ref(node); /* before the old one goes: it may be the same */
    names_remove(fs, names, path);
    if (names->count == names->capacity) {
        names->capacity = names->capacity * 2 + 16;
        names->entries = must(realloc(names->entries, names->capacity * sizeof(*names->entries)));
    }
    while (at < names->count && strcmp(names->entries[at].path, path) < 0)
        at++;
    memmove(&names->entries[at + 1], &names->entries[at],
            (names->count - at) * sizeof(*names->entries));
    snprintf(names->entries[at].path, PATH_SIZE, "%s", path);
    names->entries[at].node = node;
    names->count++;
}

static void names_release(struct fake_fs *fs, struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        node_unref(fs, names->entries[i].node);
    free(names->entries);
    *names = (struct names){0};
}

static void name_change_add(struct fake_fs *fs, enum name_change_kind kind, const char *path,
                            const char *from, struct node *node)
{
    struct name_change *change;

    if (fs->change_count == fs->change_capacity) {
        fs->change_capacity = fs->change_capacity * 2 + 16;
        fs->changes = must(realloc(fs->changes, fs->change_capacity * sizeof(*fs->changes)));
    }
    change = &fs->changes[fs->change_count++];
    *change = (struct name_change){.kind = kind, .node = node_ref(node)};
    snprintf(change->path, PATH_SIZE, "%s", path);
    snprintf(change->from, PATH_SIZE, "%s", from);
}

static void name_change_apply(struct fake_fs *fs, const struct name_change *change)
{
    switch (change->kind) {
    case NAME_SET:
        names_set(fs, &fs->durable, change->path, change->node);
        break;
    case NAME_REMOVED:
        names_remove(fs, &fs->durable, change->path);
        break;
    case NAME_MOVED:
        names_remove(fs, &fs->durable, change->from);
        names_set(fs, &fs->durable, change->path, change->node);
        break;
    }
}

static bool is_in(const char *path, const char *directory)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;

    return strlen(directory) == size && memcmp(path, directory, size) == 0;
}

static bool parent_exists(struct fake_fs *fs, const char *path)
{
    char parent[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    struct name *name;

    if (!slash)
        return true;
    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
    name = names_find(&fs->seen, parent);
    return name && !name->node;
}

/* --- operations --- */

static enum code fake_open(struct fs *base, const char *path, enum fs_open_how how,
                           struct file **file, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = names_find(&fs->seen, path);
    struct fake_file *made;
    struct node *node;
    enum code code =
        fake_disk_operate(fs->disk, how == FS_CREATE ? FAULT_NAMES : FAULT_READ, NULL, err);

    *file = NULL;
    assert(strlen(path) < PATH_SIZE && path[0] != '/' && !strstr(path, ".."));
    if (code)
        goto out;
    if (how == FS_CREATE && name) {
        code = error_set(err, E_EXISTS, "it exists");
        goto out;
    }
    if (how == FS_CREATE ? !parent_exists(fs, path) : !name || !name->node) {
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
        goto out;
    }
    if (how == FS_CREATE && fs->disk->bytes_used >= fs->disk->bytes_max &&
        random_chance(&fs->disk->random, 2)) {
        code = error_set(err, E_DISK_FULL, "No space left on device");
        goto out;
    }
    if (how == FS_CREATE) {
        node = must(calloc(1, sizeof(*node)));
        names_set(fs, &fs->seen, path, node);
        name_change_add(fs, NAME_SET, path, "", node);
    } else {
        node = name->node;
    }
    made = must(calloc(1, sizeof(*made)));
    made->base.fs = base;
    made->node = node_ref(node);
    snprintf(made->path, PATH_SIZE, "%s", path);
    fs->open_count++;
    *file = (struct file *)made;

out:
    if (code)
        error_context(err, "open %s", path);
    return code;
}

static void fake_close(struct file *file)
{
    struct fake_file *fake = (struct fake_file *)file;
    struct fake_fs *fs = (struct fake_fs *)fake->base.fs;

    node_unref(fs, fake->node);
    fs->open_count--;
    free(fake);
}

static enum code fake_read(struct file *file, uint64_t offset, void *data, size_t size, size_t *got,
                           struct error *err)
{
    struct fake_file *fake = (struct fake_file *)file;
    struct fake_fs *fs = (struct fake_fs *)fake->base.fs;
    const struct image *seen = &fake->node->seen;
    enum code code = fake_disk_operate(fs->disk, FAULT_READ, NULL, err);

    if (code) {
        error_context(err, "read %s", fake->path);
        return code;
    }
    *got = 0;
    if (offset < seen->size) {
        *got = size < seen->size - offset ? size : (size_t)(seen->size - offset);
        memcpy(data, seen->data + offset, *got);
    }
    return OK;
}

/* Writes at most `size` of the parts' bytes. */
static void write_parts(struct node *node, uint64_t offset, const struct bytes *parts, size_t count,
                        uint64_t size)
{
    uint64_t at = offset;

    if (size == 0)
        return;
    if (offset + size > node->seen.size)
        node_resize(node, offset + size);
    for (size_t i = 0; i < count && at < offset + size; i++) {
        uint64_t part = parts[i].size;

        if (part > offset + size - at)
            part = offset + size - at;
        if (part > 0)
            memcpy(node->seen.data + at, parts[i].data, part);
        at += part;
    }
    node_note(node, offset, size);
}

static enum code fake_write(struct file *file, uint64_t offset, const struct bytes *parts,
                            size_t count, struct error *err)
{
    struct fake_file *fake = (struct fake_file *)file;
    struct fake_fs *fs = (struct fake_fs *)fake->base.fs;
    struct node *node = fake->node;
    uint64_t size = 0, grown, room;
    bool cut;
    enum code code = fake_disk_operate(fs->disk, FAULT_WRITE, &cut, err);

    for (size_t i = 0; i < count; i++)
        size += parts[i].size;
    if (code && (cut || !fs->disk->off)) /* a part may have got through */
        size = random_below(&fs->disk->random, size + 1);
    if (code && !cut && fs->disk->off)
        goto out;
    grown = offset + size > node->seen.size ? offset + size - node->seen.size : 0;
    if (size > 0 && !fake_disk_take(fs->disk, grown)) {
        room = fs->disk->bytes_max > fs->disk->bytes_used
                   ? fs->disk->bytes_max - fs->disk->bytes_used
                   : 0;
        size -= grown - room; /* what fits is written */
        if (offset > node->seen.size && offset - node->seen.size > room)
            size = 0;
        grown = offset + size > node->seen.size && size > 0 ? offset + size - node->seen.size : 0;
        if (!fake_disk_take(fs->disk, grown))
            size = 0;
        code = error_set(err, E_DISK_FULL, "No space left on device");
    }
    write_parts(node, offset, parts, count, size);

out:
    if (code)
        error_context(err, "write %s", fake->path);
    return code;
}

static enum code fake_sync(struct file *file, struct error *err)
{
    struct fake_file *fake = (struct fake_file *)file;
    struct fake_fs *fs = (struct fake_fs *)fake->base.fs;
    struct random *random = &fs->disk->random;
    bool cut;
    enum code code = fake_disk_operate(fs->disk, FAULT_SYNC, &cut, err);

    if (code == OK && fs->disk->sabotage != SABOTAGE_SYNC)
        node_settle(fake->node, random, KEEP_ALL);
    else if (code && !fs->disk->off)
        node_settle(fake->node, random, (enum keep)random_below(random, KEEP_COUNT));
    if (code)
        error_context(err, "sync %s", fake->path);
    return code;
}

static enum code fake_truncate(struct file *file, uint64_t size, struct error *err)
{
    struct fake_file *fake = (struct fake_file *)file;
    struct fake_fs *fs = (struct fake_fs *)fake->base.fs;
    struct node *node = fake->node;
    enum code code = fake_disk_operate(fs->disk, FAULT_WRITE, NULL, err);

    if (code == OK && size > node->seen.size && !fake_disk_take(fs->disk, size - node->seen.size))
        code = error_set(err, E_DISK_FULL, "No space left on device");
    if (code) {
        error_context(err, "truncate %s", fake->path);
        return code;
    }
    if (size < node->seen.size)
        fake_disk_give(fs->disk, node->seen.size - size);
    node_resize(node, size);
    return OK;
}

static enum code fake_size(struct file *file, uint64_t *size, struct error *err)
{
    struct fake_file *fake = (struct fake_file *)file;
    struct fake_fs *fs = (struct fake_fs *)fake->base.fs;
    enum code code = fake_disk_operate(fs->disk, FAULT_READ, NULL, err);

    if (code) {
        error_context(err, "size of %s", fake->path);
        return code;
    }
    *size = fake->node->seen.size;
    return OK;
}

static enum code fake_rename(struct fs *base, const char *from, const char *to, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = names_find(&fs->seen, from);
    struct node *node;
    enum code code = fake_disk_operate(fs->disk, FAULT_NAMES, NULL, err);

    assert(strlen(to) < PATH_SIZE);
    if (code == OK && (!name || !name->node || !parent_exists(fs, to)))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    if (code) {
        error_context(err, "rename %s to %s", from, to);
        return code;
    }
    node = node_ref(name->node);
    names_remove(fs, &fs->seen, from);
    names_set(fs, &fs->seen, to, node);
    name_change_add(fs, NAME_MOVED, to, from, node);
    node_unref(fs, node);
    return OK;
}

static enum code fake_unlink(struct fs *base, const char *path, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = names_find(&fs->seen, path);
    enum code code = fake_disk_operate(fs->disk, FAULT_NAMES, NULL, err);

    if (code == OK && (!name || !name->node))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    if (code) {
        error_context(err, "unlink %s", path);
        return code;
    }
    names_remove(fs, &fs->seen, path);
    name_change_add(fs, NAME_REMOVED, path, "", NULL);
    return OK;
}

static enum code fake_make_dir(struct fs *base, const char *path, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = names_find(&fs->seen, path);
    enum code code = fake_disk_operate(fs->disk, FAULT_NAMES, NULL, err);

    if (code == OK && name && name->node)
        code = error_set(err, E_EXISTS, "a file is in the way");
    if (code == OK && !parent_exists(fs, path))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    if (code) {
        error_context(err, "make directory %s", path);
        return code;
    }
    if (!name) {
        names_set(fs, &fs->seen, path, NULL);
        name_change_add(fs, NAME_SET, path, "", NULL);
    }
    return OK;
}

static enum code fake_sync_dir(struct fs *base, const char *path, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    size_t left = 0;
    enum code code = fake_disk_operate(fs->disk, FAULT_SYNC, NULL, err);

    if (code) {
        error_context(err, "sync directory %s", path);
        return code;
    }
    if (fs->disk->sabotage == SABOTAGE_SYNC_DIR)
        return OK;
    for (size_t i = 0; i < fs->change_count; i++) {
        struct name_change *change = &fs->changes[i];

        if (is_in(change->path, path) ||
            (change->kind == NAME_MOVED && is_in(change->from, path))) {
            name_change_apply(fs, change);
            node_unref(fs, change->node);
        } else {
            fs->changes[left++] = *change;
        }
    }
    fs->change_count = left;
    return OK;
}

/* In an order of chance, as a directory's hash gives it. */
static enum code fake_list(struct fs *base, const char *path,
                           void (*each)(void *context, const char *name), void *context,
                           struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    char(*found)[PATH_SIZE] = must(calloc(fs->seen.count + 1, PATH_SIZE));
    size_t count = 0;
    enum code code = fake_disk_operate(fs->disk, FAULT_READ, NULL, err);
    const struct name *directory = path[0] == '\0' ? NULL : names_find(&fs->seen, path);

    if (code == OK && path[0] != '\0' && (!directory || directory->node))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    for (size_t i = 0; code == OK && i < fs->seen.count; i++) {
        const char *entry = fs->seen.entries[i].path;
        const char *slash = strrchr(entry, '/');

        if (is_in(entry, path))
            snprintf(found[count++], PATH_SIZE, "%s", slash ? slash + 1 : entry);
    }
    for (; count > 0; count--) { /* `each` may change the directory */
        size_t at = random_below(&fs->disk->random, count);

        each(context, found[at]);
        memmove(found[at], found[count - 1], PATH_SIZE);
    }
    free(found);
    if (code)
        error_context(err, "list %s", path);
    return code;
}

static enum code fake_space(struct fs *base, uint64_t *bytes_free, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    const struct fake_disk *disk = fs->disk;
    enum code code = fake_disk_operate(fs->disk, FAULT_READ, NULL, err);

    if (code)
        return code;
    *bytes_free = disk->bytes_max == UINT64_MAX        ? (uint64_t)1 << 40
                  : disk->bytes_max > disk->bytes_used ? disk->bytes_max - disk->bytes_used
                                                       : 0;
    return OK;
}

static const struct fs_operations fake_operations = {
    .open = fake_open,
    .close = fake_close,
    .read = fake_read,
    .write = fake_write,
    .sync = fake_sync,
    .truncate = fake_truncate,
    .size = fake_size,
    .rename = fake_rename,
    .unlink = fake_unlink,
    .make_dir = fake_make_dir,
    .sync_dir = fake_sync_dir,
    .list = fake_list,
    .space = fake_space,
};

struct fs *fake_fs_new(struct fake_disk *disk)
{
    struct fake_fs *fs = must(calloc(1, sizeof(*fs)));

    fs->base.operations = &fake_operations;
    fs->disk = disk;
    return &fs->base;
}

static void changes_release(struct fake_fs *fs)
{
    for (size_t i = 0; i < fs->change_count; i++)
        node_unref(fs, fs->changes[i].node);
    fs->change_count = 0;
}

void fake_fs_free(struct fs *base)
{
    struct fake_fs *fs = (struct fake_fs *)base;

    if (!fs)
        return;
    assert(fs->open_count == 0);
    changes_release(fs);
    free(fs->changes);
    names_release(fs, &fs->seen);
    names_release(fs, &fs->durable);
    free(fs);
}

/* Which name changes reach the disk. */
static void crash_names(struct fake_fs *fs)
{
    struct random *random = &fs->disk->random;
    enum keep keep = (enum keep)random_below(random, KEEP_COUNT);
    size_t turn = fs->change_count > 0 ? random_below(random, fs->change_count + 1) : 0;

    for (size_t i = 0; i < fs->change_count; i++)
        if (keeps(random, keep, i, turn))
            name_change_apply(fs, &fs->changes[i]);
    changes_release(fs);
    /* A name whose directory was lost went with it. */
    for (size_t i = 0; i < fs->durable.count;) {
        char parent[PATH_SIZE];
        const char *slash = strrchr(fs->durable.entries[i].path, '/');
        struct name *name = NULL;

        if (slash) {
            snprintf(parent, sizeof(parent), "%.*s", (int)(slash - fs->durable.entries[i].path),
                     fs->durable.entries[i].path);
            name = names_find(&fs->durable, parent);
        }
        if (slash && !name) {
            snprintf(parent, sizeof(parent), "%s", fs->durable.entries[i].path);
            names_remove(fs, &fs->durable, parent);
            i = 0; /* it may have been a directory itself */
        } else {
            i++;
        }
    }
}

size_t fake_fs_crash(struct fs *base)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct random *random = &fs->disk->random;
    size_t torn = 0;

    assert(fs->open_count == 0);
    crash_names(fs);
    names_release(fs, &fs->seen);
    for (size_t i = 0; i < fs->durable.count; i++) {
        const struct name *name = &fs->durable.entries[i];
        struct node *node = name->node;

        names_set(fs, &fs->seen, name->path, node);
        if (!node)
            continue;
        torn += node_settle(node, random, (enum keep)random_below(random, KEEP_COUNT));
        fake_disk_give(fs->disk, node->seen.size);
        image_resize(&node->seen, 0);
        image_resize(&node->seen, node->disk.size);
        if (node->disk.size > 0)
            memcpy(node->seen.data, node->disk.data, node->disk.size);
        fs->disk->bytes_used += node->disk.size;
    }
    return torn;
}

size_t fake_fs_open_count(const struct fs *base)
{
    return ((const struct fake_fs *)base)->open_count;
}

void fake_fs_each(struct fs *base, void (*each)(void *context, const char *path, uint64_t size),
                  void *context)
{
    struct fake_fs *fs = (struct fake_fs *)base;

    for (size_t i = 0; i < fs->seen.count; i++)
        if (fs->seen.entries[i].node)
            each(context, fs->seen.entries[i].path, fs->seen.entries[i].node->seen.size);
}

void fake_fs_flip(struct fs *base, const char *path, uint64_t bit)
{
    struct name *name = names_find(&((struct fake_fs *)base)->seen, path);
    char mask = (char)(1 << bit % 8);

    assert(name && name->node && bit / 8 < name->node->seen.size);
    name->node->seen.data[bit / 8] ^= mask;
    if (bit / 8 < name->node->disk.size)
        name->node->disk.data[bit / 8] ^= mask;
}

void fake_fs_peek(struct fs *base, const char *path, uint64_t offset, void *data, size_t size)
{
    struct name *name = names_find(&((struct fake_fs *)base)->seen, path);
    const struct image *seen = &name->node->seen;

    memset(data, 0, size);
    if (offset < seen->size)
        memcpy(data, seen->data + offset,
               size < seen->size - offset ? size : (size_t)(seen->size - offset));
}
