/* The catalog: which tenants, measurements, series, tags and fields exist, in memory.
 * Series are found by canonical key, selected by measurement and tag matchers, listed in order
 * of id.  Tenants do not see each other: every call names one.
 *
 * Thread: any.  One lock per tenant guards its tables and is held for memory work only; series and
 * tenants are never freed before the catalog. */
#ifndef WEIR_CATALOG_CATALOG_H
#define WEIR_CATALOG_CATALOG_H

#include "base/arena.h"
#include "model/limits.h"
#include "model/matcher.h"
#include "model/series.h"

struct catalog;
struct matchset; /* catalog/match.h */

MUST_USE enum code catalog_new(struct catalog **catalog, struct error *err);
void catalog_free(struct catalog *catalog);
/* For the store (replay, start). */
struct series_registry *catalog_registry(struct catalog *catalog);

/* Finds or makes; NULL when memory ran out. */
const struct tenant *catalog_tenant(struct catalog *catalog, struct bytes name);
const struct tenant *catalog_tenant_find(struct catalog *catalog, struct bytes name);
size_t catalog_series_count(struct catalog *catalog, const struct tenant *tenant);

/* Finds or makes the series.  E_SERIES_LIMIT when it is new and the tenant has `series_max`
 * already; the text names the tag key with the most distinct values. */
MUST_USE enum code catalog_series(struct catalog *catalog, const struct tenant *tenant,
                                  struct bytes key, uint64_t series_max, struct series **series,
                                  struct error *err);

/* The series of these keys that are known, NULL for the others.  Faster than one by one: a
 * request of many series is. */
void catalog_series_known(struct catalog *catalog, const struct tenant *tenant,
                          const struct bytes *keys, size_t count, struct series **series);

/* What kind of values the field holds; KIND_NONE when it is not known. */
enum value_kind catalog_kind(struct catalog *catalog, const struct tenant *tenant,
                             struct bytes measurement, struct bytes field);

/* Claims the field's kind and notes its type, atomically: E_FIELD_KIND when another kind holds it
 * (the text names both), E_FIELDS_MANY when the measurement has `fields_max` already.
 * TYPE_RETRACTED claims nothing. */
MUST_USE enum code catalog_claim(struct catalog *catalog, const struct tenant *tenant,
                                 struct bytes measurement, struct bytes field, enum value_type type,
                                 uint64_t fields_max, struct error *err);

/* Asked now and then by long work: another code than OK ends it, and is its answer. */
struct look {
    enum code (*look)(void *context, struct error *err);
    void *context;
};

/* All series of the measurement that the matchers select, ascending by id, from `arena`.
 * E_SERIES_MANY above series_max; what `look` (NULL = nobody asks) says.  Uses the tag index: an
 * equality costs what it selects. */
MUST_USE enum code catalog_select(struct catalog *catalog, const struct tenant *tenant,
                                  const struct selector *selector, uint64_t series_max,
                                  const struct look *look, struct arena *arena,
                                  struct series ***series, size_t *count, struct error *err);

/* What a question may name. */
enum noun { NOUN_MEASUREMENT, NOUN_FIELD, NOUN_TAG };

/* Whether there is one of that name: a measurement, or a field or tag key of `measurement`. */
bool catalog_knows(struct catalog *catalog, const struct tenant *tenant, enum noun noun,
                   struct bytes measurement, struct bytes name);
/* The known one that was probably meant by a name that is not; empty: none is near, or among the
 * first thousand that might be, or the first sixteen thousand of all.  It lives as long as the
 * catalog. */
struct bytes catalog_nearest(struct catalog *catalog, const struct tenant *tenant, enum noun noun,
                             struct bytes measurement, struct bytes name);

struct field_info {
    struct bytes name;
    enum value_kind kind;
    uint8_t types; /* bit (1 << type) for each type seen */
};

/* Lists for the catalog routes, sorted by bytes, after `after` (exclusive, empty = from the start),
 * at most `limit`.  Results live in `arena`. */
MUST_USE enum code catalog_measurements(struct catalog *catalog, const struct tenant *tenant,
                                        struct bytes after, size_t limit, struct arena *arena,
                                        struct bytes **names, size_t *count, struct error *err);
MUST_USE enum code catalog_fields(struct catalog *catalog, const struct tenant *tenant,
                                  struct bytes measurement, struct bytes after, size_t limit,
                                  struct arena *arena, struct field_info **fields, size_t *count,
                                  struct error *err);
/* measurement may be empty = of all. */
MUST_USE enum code catalog_tag_keys(struct catalog *catalog, const struct tenant *tenant,
                                    struct bytes measurement, struct bytes after, size_t limit,
                                    struct arena *arena, struct bytes **keys, size_t *count,
                                    struct error *err);
MUST_USE enum code catalog_tag_values(struct catalog *catalog, const struct tenant *tenant,
                                      struct bytes measurement, struct bytes key,
                                      struct bytes after, size_t limit, struct arena *arena,
                                      struct bytes **values, size_t *count, struct error *err);

#endif
