#include "fake_fs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_names.h"

struct fake_fs {
    struct fs base;
    struct fake_disk *disk;
    struct fake_names names;
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

static enum code fake_open(struct fs *base, const char *path, enum fs_open_how how,
                           struct file **file, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = fake_names_find(&fs->names, path);
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
    if (how == FS_CREATE ? !fake_names_has_parent(&fs->names, path) : !name || !name->node) {
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
        goto out;
    }
    if (how == FS_CREATE && fs->disk->bytes_used >= fs->disk->bytes_max &&
        random_chance(&fs->disk->random, 2)) {
        code = error_set(err, E_DISK_FULL, "No space left on device");
        goto out;
    }
    if (how == FS_CREATE) {
        node = node_new();
        fake_names_set(&fs->names, path, node);
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

    node_unref(fs->disk, fake->node);
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
    node_write(node, offset, parts, count, size);

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
    struct name *name = fake_names_find(&fs->names, from);
    enum code code = fake_disk_operate(fs->disk, FAULT_NAMES, NULL, err);

    assert(strlen(to) < PATH_SIZE);
    if (code == OK && (!name || !name->node || !fake_names_has_parent(&fs->names, to)))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    if (code) {
        error_context(err, "rename %s to %s", from, to);
        return code;
    }
    fake_names_move(&fs->names, from, to);
    return OK;
}

static enum code fake_unlink(struct fs *base, const char *path, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = fake_names_find(&fs->names, path);
    enum code code = fake_disk_operate(fs->disk, FAULT_NAMES, NULL, err);

    if (code == OK && (!name || !name->node))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    if (code) {
        error_context(err, "unlink %s", path);
        return code;
    }
    fake_names_remove(&fs->names, path);
    return OK;
}

static enum code fake_make_dir(struct fs *base, const char *path, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    struct name *name = fake_names_find(&fs->names, path);
    enum code code = fake_disk_operate(fs->disk, FAULT_NAMES, NULL, err);

    if (code == OK && name && name->node)
        code = error_set(err, E_EXISTS, "a file is in the way");
    if (code == OK && !fake_names_has_parent(&fs->names, path))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    if (code) {
        error_context(err, "make directory %s", path);
        return code;
    }
    if (!name)
        fake_names_set(&fs->names, path, NULL);
    return OK;
}

static enum code fake_sync_dir(struct fs *base, const char *path, struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    enum code code = fake_disk_operate(fs->disk, FAULT_SYNC, NULL, err);

    if (code) {
        error_context(err, "sync directory %s", path);
        return code;
    }
    if (fs->disk->sabotage != SABOTAGE_SYNC_DIR)
        fake_names_sync(&fs->names, path);
    return OK;
}

/* In an order of chance, as a directory's hash gives it. */
static enum code fake_list(struct fs *base, const char *path,
                           void (*each)(void *context, const char *name), void *context,
                           struct error *err)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    char(*found)[PATH_SIZE] = must(calloc(fs->names.seen.count + 1, PATH_SIZE));
    size_t count = 0;
    enum code code = fake_disk_operate(fs->disk, FAULT_READ, NULL, err);
    const struct name *directory = path[0] == '\0' ? NULL : fake_names_find(&fs->names, path);

    if (code == OK && path[0] != '\0' && (!directory || directory->node))
        code = error_set(err, E_NOT_FOUND, "No such file or directory");
    for (size_t i = 0; code == OK && i < fs->names.seen.count; i++) {
        const char *entry = fs->names.seen.entries[i].path;
        const char *slash = strrchr(entry, '/');

        if (fake_name_is_in(entry, path))
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
    fake_names_init(&fs->names, disk);
    return &fs->base;
}

void fake_fs_free(struct fs *base)
{
    struct fake_fs *fs = (struct fake_fs *)base;

    if (!fs)
        return;
    assert(fs->open_count == 0);
    fake_names_release(&fs->names);
    free(fs);
}

size_t fake_fs_crash(struct fs *base)
{
    struct fake_fs *fs = (struct fake_fs *)base;
    size_t torn = 0;

    assert(fs->open_count == 0);
    fake_names_crash(&fs->names);
    for (size_t i = 0; i < fs->names.seen.count; i++)
        if (fs->names.seen.entries[i].node)
            torn += node_crash(fs->disk, fs->names.seen.entries[i].node);
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

    for (size_t i = 0; i < fs->names.seen.count; i++)
        if (fs->names.seen.entries[i].node)
            each(context, fs->names.seen.entries[i].path,
                 fs->names.seen.entries[i].node->seen.size);
}

void fake_fs_flip(struct fs *base, const char *path, uint64_t bit)
{
    struct name *name = fake_names_find(&((struct fake_fs *)base)->names, path);
    char mask = (char)(1 << bit % 8);

    assert(name && name->node && bit / 8 < name->node->seen.size);
    name->node->seen.data[bit / 8] ^= mask;
    if (bit / 8 < name->node->disk.size)
        name->node->disk.data[bit / 8] ^= mask;
}

void fake_fs_peek(struct fs *base, const char *path, uint64_t offset, void *data, size_t size)
{
    struct name *name = fake_names_find(&((struct fake_fs *)base)->names, path);
    const struct image *seen = &name->node->seen;

    memset(data, 0, size);
    if (offset < seen->size)
        memcpy(data, seen->data + offset,
               size < seen->size - offset ? size : (size_t)(seen->size - offset));
}
