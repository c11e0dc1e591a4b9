/* The catalog's face: finds tenants, takes their locks, and stands as the store's registry.
 *
 * A hit (nearly every call) is one hash, a read lock, one probe and one comparison.  A miss lets
 * the read lock go, hashes the id without any lock, takes the write lock and looks again. */
#include "catalog/catalog.h"

#include <stdlib.h>

#include "catalog/lock.h"
#include "catalog/tables.h"
#include "codec/series_key.h"

void tables_free(struct tenant_tables *tables)
{
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&tables->measurements, &i)) != NULL;) {
        struct measurement *measurement = slot->value;

        map_release(&measurement->fields);
        tags_release(&measurement->tags);
        free(measurement->series);
    }
    map_release(&tables->measurements);
    hash_table_release(&tables->by_key);
    hash_table_release(&tables->by_id);
    free(tables->values);
    arena_release(&tables->arena);
    pthread_rwlock_destroy(&tables->lock);
    free(tables);
}

static struct tenant_tables *tables_new(struct bytes name, uint32_t ordinal)
{
    struct tenant_tables *tables = calloc(1, sizeof(*tables));

    if (!tables)
        return NULL;
    if (!lock_init(&tables->lock)) {
        free(tables);
        return NULL;
    }
    arena_init(&tables->arena, SIZE_MAX, NULL);
    tables->tenant.ordinal = ordinal;
    tables->tenant.undelivered = &tables->undelivered;
    tables->tenant.name = arena_copy(&tables->arena, name);
    if (!tables->tenant.name.data) {
        tables_free(tables);
        return NULL;
    }
    return tables;
}

const struct tenant *catalog_tenant_find(struct catalog *catalog, struct bytes name)
{
    struct tenant_tables *tables;

    lock_read(&catalog->lock);
    tables = map_get(&catalog->tenants, name);
    lock_leave(&catalog->lock);
    return tables ? &tables->tenant : NULL;
}

const struct tenant *catalog_tenant(struct catalog *catalog, struct bytes name)
{
    const struct tenant *found = catalog_tenant_find(catalog, name);
    struct tenant_tables *tables;

    if (found)
        return found;
    lock_write(&catalog->lock);
    tables = map_get(&catalog->tenants, name);
    if (!tables) {
        tables = tables_new(name, (uint32_t)catalog->tenants.count);
        if (tables && !map_put(&catalog->tenants, tables->tenant.name, tables)) {
            tables_free(tables);
            tables = NULL;
        }
    }
    lock_leave(&catalog->lock);
    return tables ? &tables->tenant : NULL;
}

size_t catalog_series_count(struct catalog *catalog, const struct tenant *tenant)
{
    struct tenant_tables *tables = tables_of(tenant);
    size_t count;

    (void)catalog;
    lock_read(&tables->lock);
    count = tables->by_key.count;
    lock_leave(&tables->lock);
    return count;
}

enum code catalog_series(struct catalog *catalog, const struct tenant *tenant, struct bytes key,
                         uint64_t series_max, struct series **series, struct error *err)
{
    struct tenant_tables *tables = tables_of(tenant);
    uint64_t hash = map_hash(key);
    struct series *found;
    struct series_id id;
    enum code code = OK;

    lock_read(&tables->lock);
    found = series_find(tables, key, hash);
    lock_leave(&tables->lock);
    if (found) {
        *series = found;
        return OK;
    }
    id = series_key_id(key);
    lock_write(&tables->lock);
    found = series_find(tables, key, hash);
    if (!found)
        code = series_make(catalog, tables, key, hash, id, series_max, &found, err);
    lock_leave(&tables->lock);
    if (!code)
        *series = found;
    return code;
}

void catalog_series_known(struct catalog *catalog, const struct tenant *tenant,
                          const struct bytes *keys, size_t count, struct series **series)
{
    struct tenant_tables *tables = tables_of(tenant);

    (void)catalog;
    lock_read(&tables->lock);
    series_find_many(tables, keys, count, series);
    lock_leave(&tables->lock);
}

static enum code claim(const struct tenant *tenant, struct bytes measurement, struct bytes field,
                       enum value_type type, uint64_t fields_max, bool force, struct error *err)
{
    struct tenant_tables *tables = tables_of(tenant);
    enum code code;
    bool claimed;

    if (type == TYPE_RETRACTED)
        return OK;
    lock_read(&tables->lock);
    claimed = field_claimed(tables, measurement, field, type);
    lock_leave(&tables->lock);
    if (claimed)
        return OK;
    lock_write(&tables->lock);
    code = field_claim(tables, measurement, field, type, fields_max, force, err);
    lock_leave(&tables->lock);
    return code;
}

enum value_kind catalog_kind(struct catalog *catalog, const struct tenant *tenant,
                             struct bytes measurement, struct bytes field)
{
    struct tenant_tables *tables = tables_of(tenant);
    enum value_kind kind;

    (void)catalog;
    lock_read(&tables->lock);
    kind = field_kind(tables, measurement, field);
    lock_leave(&tables->lock);
    return kind;
}

enum code catalog_claim(struct catalog *catalog, const struct tenant *tenant,
                        struct bytes measurement, struct bytes field, enum value_type type,
                        uint64_t fields_max, struct error *err)
{
    (void)catalog;
    return claim(tenant, measurement, field, type, fields_max, false, err);
}

static const struct tenant *registry_tenant(struct series_registry *registry, struct bytes name)
{
    return catalog_tenant((struct catalog *)registry, name);
}

static enum code registry_series(struct series_registry *registry, const struct tenant *tenant,
                                 struct bytes key, struct series **series, struct error *err)
{
    return catalog_series((struct catalog *)registry, tenant, key, UINT64_MAX, series, err);
}

static struct series *registry_series_by_id(struct series_registry *registry,
                                            const struct tenant *tenant, struct series_id id)
{
    struct tenant_tables *tables = tables_of(tenant);
    struct series *series;

    (void)registry;
    lock_read(&tables->lock);
    series = series_find_id(tables, id);
    lock_leave(&tables->lock);
    return series;
}

static enum code registry_field(struct series_registry *registry, const struct tenant *tenant,
                                struct bytes measurement, struct bytes field, enum value_type type,
                                struct error *err)
{
    (void)registry;
    return claim(tenant, measurement, field, type, UINT64_MAX, true, err);
}

static enum code registry_claim(struct series_registry *registry, const struct tenant *tenant,
                                struct bytes measurement, struct bytes field, enum value_type type,
                                struct error *err)
{
    (void)registry;
    return claim(tenant, measurement, field, type, UINT64_MAX, false, err);
}

enum code catalog_new(struct catalog **catalog_made, struct error *err)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));

    *catalog_made = NULL;
    if (!catalog || !lock_init(&catalog->lock)) {
        free(catalog);
        return error_set(err, E_MEMORY, "no memory for the catalog");
    }
    catalog->registry = (struct series_registry){
        .tenant = registry_tenant,
        .series = registry_series,
        .series_by_id = registry_series_by_id,
        .field = registry_field,
        .claim = registry_claim,
    };
    *catalog_made = catalog;
    return OK;
}

void catalog_free(struct catalog *catalog)
{
    const struct map_slot *slot;

    if (!catalog)
        return;
    for (size_t i = 0; (slot = map_next(&catalog->tenants, &i)) != NULL;)
        tables_free(slot->value);
    map_release(&catalog->tenants);
    pthread_rwlock_destroy(&catalog->lock);
    free(catalog);
}

struct series_registry *catalog_registry(struct catalog *catalog)
{
    return &catalog->registry;
}
