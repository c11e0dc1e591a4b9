/* The catalog's tables as its own files share them: struct catalog owns the tenants, a tenant
 * owns everything that belongs to it, and its lock guards it.  Nobody outside the room includes
 * this.
 *
 * Thread: `lock` of struct catalog guards its `tenants`; the lock of a tenant guards all that is
 *         declared after it.  One is held at a time.  Series, tag keys, tag values and names live
 *         in the tenant's arena: they never move, so a pointer to one may leave the lock. */
#ifndef WEIR_CATALOG_TABLES_H
#define WEIR_CATALOG_TABLES_H

#include <pthread.h>

#include "base/arena.h"
#include "base/map.h"
#include "catalog/hash_table.h"
#include "catalog/tags.h"
#include "model/series.h"

struct field {
    struct bytes name;
    enum value_kind kind;
    uint8_t types; /* bit (1 << type) for each type seen */
};

struct measurement {
    struct bytes name;
    struct map fields; /* name -> struct field */
    struct tags tags;
    struct series **series; /* by place, in order of arrival; owned array */
    uint32_t series_count, series_capacity;
};

struct tenant_tables {
    struct tenant tenant; /* first: what callers hold is a pointer to it */
    _Atomic uint64_t undelivered;
    pthread_rwlock_t lock;
    struct arena arena;
    struct map measurements;                      /* name -> struct measurement */
    struct hash_table by_key;                     /* struct series by map_hash(key) */
    struct hash_table by_id;                      /* struct series by id.low */
    const struct measurement *widest_measurement; /* where the tag key with the most values is */
    const struct tag_key *widest_key;
    struct tag_value **values; /* of the series being made; owned */
    uint32_t values_capacity;
};

struct catalog {
    struct series_registry registry; /* first: what the store holds is a pointer to it */
    _Atomic uint32_t series_count;   /* the next ordinal */
    pthread_rwlock_t lock;
    struct map tenants; /* name -> struct tenant_tables, each on the heap */
};

static inline struct tenant_tables *tables_of(const struct tenant *tenant)
{
    return (struct tenant_tables *)tenant;
}

/* All below: the tenant's lock is held, for writing where something is made. */

/* NULL when unknown, or when memory ran out. */
struct measurement *measurement_find(const struct tenant_tables *tables, struct bytes name);
struct measurement *measurement_make(struct tenant_tables *tables, struct bytes name);

struct series *series_find(const struct tenant_tables *tables, struct bytes key, uint64_t hash);
/* The same of many keys, NULL for what is not there; in less time than one by one. */
void series_find_many(const struct tenant_tables *tables, const struct bytes *keys, size_t count,
                      struct series **series);
struct series *series_find_id(const struct tenant_tables *tables, struct series_id id);
/* Makes the series of a key that is not there yet; whole or not at all.  E_SERIES_LIMIT at
 * series_max; E_INTERNAL when another key has this id already. */
MUST_USE enum code series_make(struct catalog *catalog, struct tenant_tables *tables,
                               struct bytes key, uint64_t hash, struct series_id id,
                               uint64_t series_max, struct series **series, struct error *err);

/* Claims the kind for the field, makes it when new.  With `force` the other kind's type is noted
 * all the same: it is in the store already. */
MUST_USE enum code field_claim(struct tenant_tables *tables, struct bytes measurement,
                               struct bytes name, enum value_type type, uint64_t fields_max,
                               bool force, struct error *err);
/* The field is claimed and the type noted already. */
enum value_kind field_kind(const struct tenant_tables *tables, struct bytes measurement,
                           struct bytes name);
bool field_claimed(const struct tenant_tables *tables, struct bytes measurement, struct bytes name,
                   enum value_type type);

void tables_free(struct tenant_tables *tables);

#endif
