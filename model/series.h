/* A series: a tenant's measurement and tag set.  Its identity is the 128-bit hash of its
 * canonical key (codec/series_key.h), the same on every node. */
#ifndef WEIR_MODEL_SERIES_H
#define WEIR_MODEL_SERIES_H

#include <string.h>

#include "base/error.h"
#include "model/value.h"

/* The hash read as two big-endian words, so that number order is byte order. */
struct series_id {
    uint64_t high, low;
};

static inline int series_id_compare(struct series_id a, struct series_id b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

struct series_tag {
    struct bytes key, value;
};

/* A measurement of the product's own beside those of the tenant, as what a source knows of its work
 * (docs/decisions/0052): its name begins with a byte that no client can write, and no list has it.
 */
#define MEASUREMENT_HIDDEN '\x01'

static inline bool measurement_is_hidden(struct bytes name)
{
    return name.size > 0 && name.data[0] == MEASUREMENT_HIDDEN;
}

/* Of these, what a source has done.  The others name, behind a second such byte, the measurement of
 * the rows that they go with. */
static inline bool measurement_is_note(struct bytes name)
{
    return measurement_is_hidden(name) &&
           memchr(name.data + 1, MEASUREMENT_HIDDEN, name.size - 1) == NULL;
}

/* Who a row belongs to.  Made by the catalog, lives as long as the process; the settings of
 * a tenant (limits, tokens) are elsewhere and change. */
struct tenant {
    uint32_t ordinal;  /* dense, from 0, of this process */
    struct bytes name; /* [a-z0-9_-]{1,64} */
    /* Bytes of its packs that its shard has not confirmed, 0 without a shard: of the last look,
     * which delivery alone takes.  Every write asks; NULL where none is delivered (tests). */
    _Atomic uint64_t *undelivered;
};

/* Owned by the catalog, lives as long as the process.  Immutable but for the mark. */
struct series {
    struct series_id id;
    uint32_t ordinal; /* dense over all tenants, from 0, of this process */
    uint32_t tag_count;
    const struct tenant *tenant;
    struct bytes key; /* canonical */
    struct bytes measurement;
    const struct series_tag *tags; /* sorted by key */
    /* The key is in the index: records may leave it out.  Not before: else a record that is lost
     * would take those behind it along, whose series nobody could name. */
    _Atomic bool stored;
};

/* What the store needs of the catalog, at replay and at start. Any thread. */
struct series_registry {
    /* Finds or makes.  NULL when memory ran out. */
    const struct tenant *(*tenant)(struct series_registry *registry, struct bytes name);
    /* Finds or makes by canonical key, whatever the limits: the row was acknowledged. */
    enum code (*series)(struct series_registry *registry, const struct tenant *tenant,
                        struct bytes key, struct series **series, struct error *err);
    /* NULL when unknown. */
    struct series *(*series_by_id)(struct series_registry *registry, const struct tenant *tenant,
                                   struct series_id id);
    /* Notes that the field exists with this type (claims its kind if it has none). */
    enum code (*field)(struct series_registry *registry, const struct tenant *tenant,
                       struct bytes measurement, struct bytes field, enum value_type type,
                       struct error *err);
    /* The same, but E_FIELD_KIND where it holds another kind. */
    enum code (*claim)(struct series_registry *registry, const struct tenant *tenant,
                       struct bytes measurement, struct bytes field, enum value_type type,
                       struct error *err);
};

#endif
