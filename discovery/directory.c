/* A reader holds the lock for one pointer and one count; reading a file happens outside it. */
#include "discovery/directory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "discovery/snapshot.h"
#include "discovery/tenants_file.h"

#define DAY_NS (INT64_C(86400) * 1000000000)
#define HISTORY_NS (90 * DAY_NS)

struct directory {
    char *path;      /* NULL = open mode, or registered */
    bool registered; /* snapshots come from outside */
    struct limits node;
    pthread_mutex_t lock;
    struct directory_snapshot *current; /* guarded by lock */
    bool known;                         /* likewise */
};

struct directory_snapshot *snapshot_new(void)
{
    struct directory_snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (!snapshot)
        return NULL;
    snapshot->references = 1;
    arena_init(&snapshot->arena, SIZE_MAX, NULL);
    return snapshot;
}

struct tenant_settings *snapshot_tenant_add(struct directory_snapshot *snapshot, struct bytes name,
                                            const struct limits *node)
{
    struct tenant_settings *tenant = ARENA_NEW(&snapshot->arena, struct tenant_settings);

    if (!tenant)
        return NULL;
    *tenant = (struct tenant_settings){
        .name = arena_copy(&snapshot->arena, name),
        .limits = *node,
        .retention_ns = INT64_MAX,
        .history_ns = HISTORY_NS,
    };
    if (!tenant->name.data || !map_put(&snapshot->tenants, tenant->name, tenant))
        return NULL;
    return tenant;
}

static enum code snapshot_read(const struct directory *directory,
                               struct directory_snapshot **snapshot, struct error *err)
{
    if (directory->path)
        return tenants_file_read(directory->path, &directory->node, snapshot, err);
    *snapshot = snapshot_new();
    if (*snapshot && directory->registered)
        return OK;
    if (*snapshot && snapshot_tenant_add(*snapshot, BYTES("default"), &directory->node))
        return OK;
    directory_put(*snapshot);
    *snapshot = NULL;
    return error_set(err, E_MEMORY, "no memory for the tenants");
}

static enum code make(const char *path, bool registered, const struct limits *node,
                      struct directory **directory_made, struct error *err)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    enum code code = OK;

    *directory_made = NULL;
    if (!directory)
        return error_set(err, E_MEMORY, "no memory for the tenants");
    directory->node = *node;
    directory->registered = registered;
    directory->known = !registered;
    if (path) {
        directory->path = strdup(path);
        if (!directory->path)
            code = error_set(err, E_MEMORY, "no memory for the tenants");
    }
    if (!code)
        code = snapshot_read(directory, &directory->current, err);
    if (code) {
        free(directory->path);
        free(directory);
        return code;
    }
    pthread_mutex_init(&directory->lock, NULL);
    *directory_made = directory;
    return OK;
}

enum code directory_open(const char *path, const struct limits *node, struct directory **directory,
                         struct error *err)
{
    return make(path, false, node, directory, err);
}

enum code directory_open_registered(const struct limits *node, struct directory **directory,
                                    struct error *err)
{
    return make(NULL, true, node, directory, err);
}

void directory_close(struct directory *directory)
{
    if (!directory)
        return;
    directory_put(directory->current);
    pthread_mutex_destroy(&directory->lock);
    free(directory->path);
    free(directory);
}

static void publish(struct directory *directory, struct directory_snapshot *fresh)
{
    struct directory_snapshot *old;

    pthread_mutex_lock(&directory->lock);
    old = directory->current;
    directory->current = fresh;
    directory->known = true;
    pthread_mutex_unlock(&directory->lock);
    directory_put(old);
}

void directory_publish(struct directory *directory, struct directory_snapshot *snapshot)
{
    assert(directory->registered);
    publish(directory, snapshot);
}

enum code directory_reload(struct directory *directory, struct error *err)
{
    struct directory_snapshot *fresh;
    enum code code;

    if (directory->registered)
        return OK;
    code = snapshot_read(directory, &fresh, err);
    if (!code)
        publish(directory, fresh);
    return code;
}

bool directory_open_mode(const struct directory *directory)
{
    return !directory->path && !directory->registered;
}

bool directory_known(struct directory *directory)
{
    bool known;

    pthread_mutex_lock(&directory->lock);
    known = directory->known;
    pthread_mutex_unlock(&directory->lock);
    return known;
}

const struct limits *directory_node(const struct directory *directory)
{
    return &directory->node;
}

struct directory_snapshot *directory_get(struct directory *directory)
{
    struct directory_snapshot *snapshot;

    pthread_mutex_lock(&directory->lock);
    snapshot = directory->current;
    snapshot->references++;
    pthread_mutex_unlock(&directory->lock);
    return snapshot;
}

void directory_put(struct directory_snapshot *snapshot)
{
    uint32_t before;

    if (!snapshot)
        return;
    before = snapshot->references--;
    assert(before > 0);
    if (before > 1)
        return;
    map_release(&snapshot->tenants);
    map_release(&snapshot->tokens);
    map_release(&snapshot->shards);
    arena_release(&snapshot->arena);
    free(snapshot);
}

bool directory_grant(const struct directory_snapshot *snapshot, struct bytes token, int64_t now_ns,
                     struct token_grant *grant)
{
    static const struct token_record nobody; /* no text has the hash of zeros */
    const struct token_record *record, *found = NULL;
    struct token_hash hash;
    size_t count = 0;
    struct bytes id;

    if (!token_id_of(token, &id)) /* not secret: the form is public */
        return false;
    record = map_get(&snapshot->tokens, id);
    /* An unknown id takes as long as a known one. */
    hash = token_hash(token);
    if (!record)
        record = &nobody;
    for (; record; record = record->next)
        if (token_hash_equal(&hash, &record->hash)) {
            found = record;
            count++;
        }
    if (count != 1 || now_ns >= found->expires_ns)
        return false;
    *grant = (struct token_grant){found->tenant, found->scopes, found->id};
    return true;
}

const struct tenant_settings *directory_tenant(const struct directory_snapshot *snapshot,
                                               struct bytes name)
{
    return map_get(&snapshot->tenants, name);
}

const struct shard_settings *directory_shard(const struct directory_snapshot *snapshot,
                                             struct bytes name)
{
    return map_get(&snapshot->shards, name);
}

size_t directory_tenant_count(const struct directory_snapshot *snapshot)
{
    return snapshot->tenants.count;
}

const struct tenant_settings *directory_next(const struct directory_snapshot *snapshot, size_t *at)
{
    const struct map_slot *slot = map_next(&snapshot->tenants, at);

    return slot ? slot->value : NULL;
}
