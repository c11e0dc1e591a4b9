#include "store/pack_carry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/index.h"
#include "store/packs/pack_stub.h"

/* --- what there is --- */

static enum code entry_read(struct bytes key, struct bytes value, struct bytes *tenant,
                            struct manifest_entry *entry, struct error *err)
{
    struct bytes rest;

    if (!index_key_split(key, tenant, &rest))
        return error_set(err, E_CORRUPT, "index: a manifest entry without a tenant");
    return manifest_entry_decode(value, entry, err);
}

static enum code add_entry(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct pack_totals *totals = context;
    struct manifest_entry entry;
    struct bytes tenant;
    enum code code = entry_read(key, value, &tenant, &entry, err);

    if (code)
        return code;
    totals->packs++;
    totals->files += entry.in_file;
    totals->file_bytes += entry.in_file ? entry.bytes : 0;
    totals->rows += entry.row_count;
    totals->values += entry.value_count;
    return OK;
}

static enum code walk_manifest(struct index *index,
                               enum code (*each)(void *context, struct bytes key,
                                                 struct bytes value, struct error *err),
                               void *context, struct error *err)
{
    struct index_transaction *transaction = NULL;
    enum code code = index->operations->begin(index, false, &transaction, err);

    if (code)
        return code;
    code =
        index->operations->walk(transaction, INDEX_MANIFEST, (struct bytes){0}, each, context, err);
    index->operations->abort(transaction);
    return code;
}

enum code pack_totals_of(struct index *index, struct pack_totals *totals, struct error *err)
{
    *totals = (struct pack_totals){0};
    return walk_manifest(index, add_entry, totals, err);
}

/* --- from one directory to the other --- */

struct carrying {
    struct pack_carry *carry;
    char directory[PACK_PATH_SIZE]; /* of the last tenant, its names not synced yet; or "" */
};

static enum code directory_leave(struct carrying *carrying, struct error *err)
{
    enum code code = OK;

    if (carrying->directory[0] != '\0')
        code = fs_sync_dir(carrying->carry->files.to, carrying->directory, err);
    carrying->directory[0] = '\0';
    return code;
}

static enum code directory_enter(struct carrying *carrying, struct bytes tenant, struct error *err)
{
    char directory[PACK_PATH_SIZE];
    enum code code;

    (void)snprintf(directory, sizeof(directory), "packs/%.*s", BYTES_ARG(tenant));
    if (strcmp(directory, carrying->directory) == 0)
        return OK;
    code = directory_leave(carrying, err);
    if (code == OK)
        code = fs_make_dir(carrying->carry->files.to, directory, err);
    if (code == OK)
        memcpy(carrying->directory, directory, sizeof(directory));
    return code;
}

static enum code size_of(struct fs *fs, const char *path, uint64_t *size, struct error *err)
{
    struct file *file = NULL;
    enum code code = fs_open(fs, path, FS_READ, &file, err);

    if (code == OK)
        code = fs_size(file, size, err);
    fs_close(file);
    return code;
}

/* *linked is false when it has to be copied. */
static enum code link_pack(const struct pack_carry *carry, const char *path, uint64_t bytes,
                           bool *linked, struct error *err)
{
    uint64_t size = 0;
    enum code code = fs_posix_link(carry->files.from, path, carry->files.to, path, err);

    *linked = code == OK;
    if (code == E_NOT_SUPPORTED)
        return OK;
    if (code == OK)
        code = size_of(carry->files.to, path, &size, err);
    if (code == OK && size != bytes)
        code = error_set(err, E_CORRUPT, "%s has %" PRIu64 " bytes instead of %" PRIu64, path, size,
                         bytes);
    if (code == OK && carry->files.step != NULL)
        code = carry->files.step(carry->files.context, bytes, err);
    return code;
}

static bool is_away(struct fs *fs, struct bytes tenant, uint64_t number)
{
    struct error ignored;
    char path[PACK_PATH_SIZE];
    uint64_t size;

    pack_stub_path(tenant, number, path);
    return size_of(fs, path, &size, &ignored) == OK;
}

static enum code carry_pack(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct carrying *carrying = context;
    struct pack_carry *carry = carrying->carry;
    struct manifest_entry entry;
    struct bytes tenant;
    char path[PACK_PATH_SIZE];
    bool linked = false;
    uint64_t size;
    enum code code = entry_read(key, value, &tenant, &entry, err);

    if (code || !entry.in_file)
        return code;
    pack_path(tenant, entry.number, path);
    code = directory_enter(carrying, tenant, err);
    if (code)
        return code;
    if (size_of(carry->files.to, path, &size, NULL) == OK) /* an earlier run was here */
        return OK;
    if (carry->link)
        code = link_pack(carry, path, entry.bytes, &linked, err);
    if (code == OK && !linked)
        code = file_copy(&carry->files, path, entry.bytes, &entry.hash, err);
    if (code == E_NOT_FOUND && is_away(carry->files.from, tenant, entry.number))
        return error_set(
            err, E_NOT_SUPPORTED,
            "the blocks of %s are at the tenant's shard alone (local_packs_bytes_max): "
            "a copy of this directory would not have them. weir restore makes a "
            "directory of what a shard has",
            path);
    if (code == E_NOT_FOUND)
        memcpy(carry->gone, path, sizeof(path));
    carry->linked += code == OK && linked;
    carry->copied += code == OK && !linked;
    return code;
}

enum code pack_carry(struct pack_carry *carry, struct index *index, struct error *err)
{
    struct carrying carrying = {.carry = carry};
    enum code code = fs_make_dir(carry->files.to, "packs", err);

    if (code == OK)
        code = walk_manifest(index, carry_pack, &carrying, err);
    if (code == OK)
        code = directory_leave(&carrying, err);
    if (code == OK)
        code = fs_sync_dir(carry->files.to, "packs", err);
    return code;
}

/* --- what is there and not named --- */

struct names {
    char **names; /* owned */
    size_t count;
    bool failed;
};

static void names_add(void *context, const char *name)
{
    struct names *names = context;
    char **grown = realloc(names->names, (names->count + 1) * sizeof(*grown));

    if (grown != NULL) {
        names->names = grown;
        grown[names->count] = strdup(name);
    }
    if (grown == NULL || grown[names->count] == NULL)
        names->failed = true;
    else
        names->count++;
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

static enum code names_list(struct fs *fs, const char *path, struct names *names, struct error *err)
{
    enum code code = fs_list(fs, path, names_add, names, err);

    if (code == OK && names->failed)
        code = error_set(err, E_MEMORY, "no memory to list %s", path);
    return code;
}

/* Whether a manifest entry has this file. */
static enum code is_named(const struct index_operations *index,
                          struct index_transaction *transaction, struct bytes tenant,
                          const char *name, bool *named, struct error *err)
{
    uint64_t number = strtoull(name, NULL, 16);
    struct buf key = BUF_INIT(512);
    struct bytes value;
    char path[PACK_PATH_SIZE];
    enum code code;

    *named = false;
    pack_path(tenant, number, path);
    if (strcmp(strrchr(path, '/') + 1, name) != 0)
        return OK;
    index_key_u64(tenant, number, &key);
    code = buf_finish(&key, err);
    if (code == OK)
        code = index->get(transaction, INDEX_MANIFEST, buf_bytes(&key), &value, err);
    *named = code == OK;
    buf_release(&key);
    return code == E_NOT_FOUND ? OK : code;
}

static enum code prune_tenant(struct fs *fs, const struct index_operations *index,
                              struct index_transaction *transaction, const char *tenant,
                              struct error *err)
{
    struct names files = {.names = NULL};
    char path[2 * PACK_PATH_SIZE];
    enum code code;

    (void)snprintf(path, sizeof(path), "packs/%s", tenant);
    code = names_list(fs, path, &files, err);
    for (size_t i = 0; code == OK && i < files.count; i++) {
        bool named;

        code = is_named(index, transaction, bytes_of(tenant), files.names[i], &named, err);
        if (code || named)
            continue;
        (void)snprintf(path, sizeof(path), "packs/%s/%s", tenant, files.names[i]);
        code = fs_unlink(fs, path, err);
    }
    names_release(&files);
    return code;
}

enum code pack_carry_prune(struct fs *fs, struct index *index, struct error *err)
{
    struct index_transaction *transaction = NULL;
    struct names tenants = {.names = NULL};
    enum code code = names_list(fs, "packs", &tenants, err);

    if (code == OK)
        code = index->operations->begin(index, false, &transaction, err);
    for (size_t i = 0; code == OK && i < tenants.count; i++)
        code = prune_tenant(fs, index->operations, transaction, tenants.names[i], err);
    index->operations->abort(transaction);
    names_release(&tenants);
    return code;
}
