/* A file system in memory for tests of the wal: whole files, calls that fail when told to, and a
 * hook that runs in the middle of a call.  What a power cut leaves is the simulator's matter. */
#ifndef WEIR_TESTS_UNIT_STORE_WAL_MEMORY_FS_H
#define WEIR_TESTS_UNIT_STORE_WAL_MEMORY_FS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"

enum { MEMORY_PATH_SIZE = 96 };

enum memory_call {
    CALL_OPEN = 1,
    CALL_READ = 2,
    CALL_WRITE = 4,
    CALL_SYNC = 8,
    CALL_NAME = 16, /* rename, unlink, make_dir, sync_dir, list */
    CALL_TRUNCATE = 32,
    CALL_ANY = 63,
};

struct memory_node {
    struct memory_node *next;
    char path[MEMORY_PATH_SIZE]; /* "" = unlinked */
    char *data;
    size_t size, capacity;
    size_t unsynced; /* writes since the last sync */
};

struct memory_fs {
    struct fs fs;
    struct memory_node *nodes;
    size_t open_count;
    uint64_t calls, writes, syncs;  /* so far; calls: of the kinds in fail_kinds */
    uint64_t write_end, write_rest; /* of the last write, and what its file has behind it */
    uint64_t fail_at;               /* this call (from 1) fails; 0 = none */
    bool fail_on;                   /* and all later ones */
    unsigned fail_kinds;
    enum code fail_code;
    uint64_t space;                                /* of all files together; 0 = no end */
    void (*hook)(void *context, const char *path); /* before a new file is made; then forgotten */
    void *hook_context;
};

struct memory_file {
    struct file_base base;
    struct memory_node *node;
};

static inline struct memory_fs *memory_fs_of(struct fs *fs)
{
    return (struct memory_fs *)fs;
}

static inline struct memory_node *memory_find(struct memory_fs *memory, const char *path)
{
    for (struct memory_node *node = memory->nodes; node != NULL; node = node->next)
        if (strcmp(node->path, path) == 0)
            return node;
    return NULL;
}

static inline void memory_resize(struct memory_node *node, size_t size)
{
    if (size > node->capacity) {
        node->capacity = size * 2;
        node->data = realloc(node->data, node->capacity);
        assert_non_null(node->data);
    }
    if (size > node->size)
        memset(node->data + node->size, 0, size - node->size);
    node->size = size;
}

/* The file, made when missing; tests write into it as a disk would. */
static inline struct memory_node *memory_make(struct memory_fs *memory, const char *path)
{
    struct memory_node *node = memory_find(memory, path);

    if (node == NULL) {
        node = calloc(1, sizeof(*node));
        assert_non_null(node);
        assert_true(strlen(path) < MEMORY_PATH_SIZE);
        snprintf(node->path, sizeof(node->path), "%s", path);
        node->next = memory->nodes;
        memory->nodes = node;
        memory_resize(node, 0);
    }
    return node;
}

static inline bool memory_fails(struct memory_fs *memory, enum memory_call kind)
{
    if ((memory->fail_kinds & (unsigned)kind) == 0)
        return false;
    memory->calls++;
    return memory->fail_at != 0 && (memory->calls == memory->fail_at ||
                                    (memory->fail_on && memory->calls > memory->fail_at));
}

static inline enum code memory_fault(struct memory_fs *memory, struct error *err)
{
    return error_set(err, memory->fail_code, "the test's disk says no");
}

static inline enum code memory_open(struct fs *fs, const char *path, enum fs_open_how how,
                                    struct file **file, struct error *err)
{
    struct memory_fs *memory = memory_fs_of(fs);
    struct memory_file *made;
    struct memory_node *node;

    if (how == FS_CREATE && memory->hook != NULL) {
        void (*hook)(void *context, const char *path) = memory->hook;

        memory->hook = NULL;
        hook(memory->hook_context, path);
    }
    node = memory_find(memory, path);
    if (memory_fails(memory, CALL_OPEN))
        return memory_fault(memory, err);
    if (how == FS_CREATE && node != NULL)
        return error_set(err, E_EXISTS, "%s is there", path);
    if (how != FS_CREATE && node == NULL)
        return error_set(err, E_NOT_FOUND, "%s is not there", path);
    made = calloc(1, sizeof(*made));
    assert_non_null(made);
    made->base.fs = fs;
    made->node = node != NULL ? node : memory_make(memory, path);
    memory->open_count++;
    *file = (struct file *)made;
    return OK;
}

static inline void memory_close(struct file *file)
{
    struct memory_fs *memory = memory_fs_of(((struct memory_file *)file)->base.fs);

    assert_true(memory->open_count > 0);
    memory->open_count--;
    free(file);
}

static inline enum code memory_read(struct file *file, uint64_t offset, void *data, size_t size,
                                    size_t *got, struct error *err)
{
    struct memory_node *node = ((struct memory_file *)file)->node;
    struct memory_fs *memory = memory_fs_of(((struct memory_file *)file)->base.fs);

    if (memory_fails(memory, CALL_READ))
        return memory_fault(memory, err);
    *got = offset >= node->size ? 0 : node->size - (size_t)offset;
    if (*got > size)
        *got = size;
    if (*got > 0)
        memcpy(data, node->data + offset, *got);
    return OK;
}

/* Bytes of all files below `directory`. */
static inline uint64_t memory_fs_bytes(const struct memory_fs *memory, const char *directory)
{
    uint64_t bytes = 0;

    for (const struct memory_node *node = memory->nodes; node != NULL; node = node->next)
        if (node->path[0] != 0 && strncmp(node->path, directory, strlen(directory)) == 0)
            bytes += node->size;
    return bytes;
}

static inline uint64_t memory_left(const struct memory_fs *memory)
{
    uint64_t used;

    if (memory->space == 0)
        return (uint64_t)1 << 40;
    used = memory_fs_bytes(memory, "");
    return memory->space > used ? memory->space - used : 0;
}

/* One that fails has written the first half. */
static inline enum code memory_write(struct file *file, uint64_t offset, const struct bytes *parts,
                                     size_t count, struct error *err)
{
    struct memory_node *node = ((struct memory_file *)file)->node;
    struct memory_fs *memory = memory_fs_of(((struct memory_file *)file)->base.fs);
    bool fails = memory_fails(memory, CALL_WRITE);
    size_t total = 0, at = (size_t)offset;

    for (size_t i = 0; i < count; i++)
        total += parts[i].size;
    if (at + total > node->size && at + total - node->size > memory_left(memory))
        return error_set(err, E_DISK_FULL, "the test's disk is full");
    if (fails)
        total /= 2;
    if (node->size < at + total)
        memory_resize(node, at + total);
    for (size_t i = 0; i < count && total > 0; i++) {
        size_t size = parts[i].size < total ? parts[i].size : total;

        if (size > 0)
            memcpy(node->data + at, parts[i].data, size);
        at += size;
        total -= size;
    }
    memory->writes++;
    memory->write_end = at;
    memory->write_rest = node->size - at;
    node->unsynced++;
    return fails ? memory_fault(memory, err) : OK;
}

static inline enum code memory_sync(struct file *file, struct error *err)
{
    struct memory_fs *memory = memory_fs_of(((struct memory_file *)file)->base.fs);

    if (memory_fails(memory, CALL_SYNC))
        return memory_fault(memory, err);
    memory->syncs++;
    ((struct memory_file *)file)->node->unsynced = 0;
    return OK;
}

static inline enum code memory_truncate(struct file *file, uint64_t size, struct error *err)
{
    struct memory_fs *memory = memory_fs_of(((struct memory_file *)file)->base.fs);

    if (memory_fails(memory, CALL_TRUNCATE))
        return memory_fault(memory, err);
    memory_resize(((struct memory_file *)file)->node, (size_t)size);
    return OK;
}

static inline enum code memory_size(struct file *file, uint64_t *size, struct error *err)
{
    (void)err;
    *size = ((struct memory_file *)file)->node->size;
    return OK;
}

static inline enum code memory_rename(struct fs *fs, const char *from, const char *to,
                                      struct error *err)
{
    struct memory_fs *memory = memory_fs_of(fs);
    struct memory_node *node = memory_find(memory, from);

    if (memory_fails(memory, CALL_NAME))
        return memory_fault(memory, err);
    if (node == NULL)
        return error_set(err, E_NOT_FOUND, "%s is not there", from);
    assert_null(memory_find(memory, to));
    snprintf(node->path, sizeof(node->path), "%s", to);
    return OK;
}

static inline enum code memory_unlink(struct fs *fs, const char *path, struct error *err)
{
    struct memory_fs *memory = memory_fs_of(fs);
    struct memory_node *node = memory_find(memory, path);

    if (memory_fails(memory, CALL_NAME))
        return memory_fault(memory, err);
    if (node == NULL)
        return error_set(err, E_NOT_FOUND, "%s is not there", path);
    node->path[0] = 0;
    return OK;
}

static inline enum code memory_name(struct fs *fs, const char *path, struct error *err)
{
    struct memory_fs *memory = memory_fs_of(fs);

    (void)path;
    return memory_fails(memory, CALL_NAME) ? memory_fault(memory, err) : OK;
}

static inline enum code memory_list(struct fs *fs, const char *path,
                                    void (*each)(void *context, const char *name), void *context,
                                    struct error *err)
{
    struct memory_fs *memory = memory_fs_of(fs);
    size_t size = strlen(path);

    if (memory_fails(memory, CALL_NAME))
        return memory_fault(memory, err);
    for (struct memory_node *node = memory->nodes; node != NULL; node = node->next)
        if (strncmp(node->path, path, size) == 0 && node->path[size] == '/')
            each(context, node->path + size + 1);
    return OK;
}

static inline enum code memory_space(struct fs *fs, uint64_t *bytes_free, struct error *err)
{
    (void)err;
    *bytes_free = memory_left(memory_fs_of(fs));
    return OK;
}

static inline void memory_fs_init(struct memory_fs *memory)
{
    static const struct fs_operations operations = {
        .open = memory_open,
        .close = memory_close,
        .read = memory_read,
        .write = memory_write,
        .sync = memory_sync,
        .truncate = memory_truncate,
        .size = memory_size,
        .rename = memory_rename,
        .unlink = memory_unlink,
        .make_dir = memory_name,
        .sync_dir = memory_name,
        .list = memory_list,
        .space = memory_space,
    };

    *memory = (struct memory_fs){.fs = {.operations = &operations}};
}

/* From now on the n-th call of these kinds fails; n = 0: none. */
static inline void memory_fs_fail(struct memory_fs *memory, uint64_t n, unsigned kinds, bool on,
                                  enum code code)
{
    memory->calls = 0;
    memory->fail_at = n;
    memory->fail_kinds = kinds;
    memory->fail_on = on;
    memory->fail_code = code;
}

/* Also shows that every file was closed. */
static inline void memory_fs_release(struct memory_fs *memory)
{
    struct memory_node *node = memory->nodes;

    assert_int_equal(memory->open_count, 0);
    while (node != NULL) {
        struct memory_node *next = node->next;

        free(node->data);
        free(node);
        node = next;
    }
    memory->nodes = NULL;
}

#endif
