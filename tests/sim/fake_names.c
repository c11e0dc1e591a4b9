#include "fake_names.h"

#include <stdio.h>
#include <stdlib.h>

static void *must(void *memory)
{
    if (!memory)
        abort(); /* the simulator's own memory: nothing to prove there */
    return memory;
}

static struct name *names_find(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->entries[i].path, path) == 0)
            return &names->entries[i];
    return NULL;
}

static void names_remove(struct fake_names *all, struct names *names, const char *path)
{
    struct name *name = names_find(names, path);

    if (!name)
        return;
    node_unref(all->disk, name->node);
    names->count--;
    memmove(name, name + 1, (size_t)(names->entries + names->count - name) * sizeof(*name));
}

/* Sorted, so that walks are the same in every run. */
static void names_set(struct fake_names *all, struct names *names, const char *path,
                      struct node *node)
{
    size_t at = 0;

    node_ref(node); /* before the old one goes: it may be the same */
    names_remove(all, names, path);
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

static void names_release(struct fake_names *all, struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        node_unref(all->disk, names->entries[i].node);
    free(names->entries);
    *names = (struct names){0};
}

static void change_add(struct fake_names *all, enum name_change_kind kind, const char *path,
                       const char *from, struct node *node)
{
    struct name_change *change;

    if (all->change_count == all->change_capacity) {
        all->change_capacity = all->change_capacity * 2 + 16;
        all->changes = must(realloc(all->changes, all->change_capacity * sizeof(*all->changes)));
    }
    change = &all->changes[all->change_count++];
    *change = (struct name_change){.kind = kind, .node = node_ref(node)};
    snprintf(change->path, PATH_SIZE, "%s", path);
    snprintf(change->from, PATH_SIZE, "%s", from);
}

static void change_apply(struct fake_names *all, const struct name_change *change)
{
    switch (change->kind) {
    case NAME_SET:
        names_set(all, &all->durable, change->path, change->node);
        break;
    case NAME_REMOVED:
        names_remove(all, &all->durable, change->path);
        break;
    case NAME_MOVED:
        names_remove(all, &all->durable, change->from);
        names_set(all, &all->durable, change->path, change->node);
        break;
    }
}

static void changes_release(struct fake_names *all)
{
    for (size_t i = 0; i < all->change_count; i++)
        node_unref(all->disk, all->changes[i].node);
    all->change_count = 0;
}

bool fake_name_is_in(const char *path, const char *directory)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;

    return strlen(directory) == size && memcmp(path, directory, size) == 0;
}

static bool has_parent(struct names *names, const char *path)
{
    char parent[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    struct name *name;

    if (!slash)
        return true;
    snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
    name = names_find(names, parent);
    return name && !name->node;
}

void fake_names_init(struct fake_names *all, struct fake_disk *disk)
{
    *all = (struct fake_names){.disk = disk};
}

void fake_names_release(struct fake_names *all)
{
    changes_release(all);
    free(all->changes);
    names_release(all, &all->seen);
    names_release(all, &all->durable);
}

struct name *fake_names_find(struct fake_names *all, const char *path)
{
    return names_find(&all->seen, path);
}

bool fake_names_has_parent(struct fake_names *all, const char *path)
{
    return has_parent(&all->seen, path);
}

void fake_names_set(struct fake_names *all, const char *path, struct node *node)
{
    names_set(all, &all->seen, path, node);
    change_add(all, NAME_SET, path, "", node);
}

void fake_names_move(struct fake_names *all, const char *from, const char *to)
{
    struct node *node = node_ref(names_find(&all->seen, from)->node);

    names_remove(all, &all->seen, from);
    names_set(all, &all->seen, to, node);
    change_add(all, NAME_MOVED, to, from, node);
    node_unref(all->disk, node);
}

void fake_names_remove(struct fake_names *all, const char *path)
{
    names_remove(all, &all->seen, path);
    change_add(all, NAME_REMOVED, path, "", NULL);
}

void fake_names_sync(struct fake_names *all, const char *directory)
{
    size_t left = 0;

    for (size_t i = 0; i < all->change_count; i++) {
        struct name_change *change = &all->changes[i];

        if (fake_name_is_in(change->path, directory) ||
            (change->kind == NAME_MOVED && fake_name_is_in(change->from, directory))) {
            change_apply(all, change);
            node_unref(all->disk, change->node);
        } else {
            all->changes[left++] = *change;
        }
    }
    all->change_count = left;
}

/* A name whose directory was lost went with it. */
static void drop_orphans(struct fake_names *all)
{
    for (size_t i = 0; i < all->durable.count;) {
        char path[PATH_SIZE];

        if (has_parent(&all->durable, all->durable.entries[i].path)) {
            i++;
            continue;
        }
        snprintf(path, sizeof(path), "%s", all->durable.entries[i].path);
        names_remove(all, &all->durable, path);
        i = 0; /* it may have been a directory itself */
    }
}

void fake_names_crash(struct fake_names *all)
{
    struct random *random = &all->disk->random;
    enum keep keep = (enum keep)random_below(random, KEEP_COUNT);
    size_t turn = all->change_count > 0 ? random_below(random, all->change_count + 1) : 0;

    for (size_t i = 0; i < all->change_count; i++)
        if (keeps(random, keep, i, turn))
            change_apply(all, &all->changes[i]);
    changes_release(all);
    drop_orphans(all);
    names_release(all, &all->seen);
    for (size_t i = 0; i < all->durable.count; i++)
        names_set(all, &all->seen, all->durable.entries[i].path, all->durable.entries[i].node);
}
