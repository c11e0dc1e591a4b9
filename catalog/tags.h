/* The tag index of one measurement: tag key -> tag value -> posting list, the places of the
 * series that carry it.  A place is a series' index in its measurement's array; places only
 * grow, so the lists are sorted as they come.
 *
 * Thread: whoever holds the lock of the tenant; keys and values themselves are never freed or
 * moved before the catalog, only their lists grow. */
#ifndef WEIR_CATALOG_TAGS_H
#define WEIR_CATALOG_TAGS_H

#include "base/arena.h"
#include "base/map.h"
#include "catalog/hash_table.h"
#include "model/series.h"

struct tag_value {
    struct bytes text; /* points into the key of the first series that brought it */
    union {
        uint32_t one;   /* capacity 1: most values of a wide tag belong to one series only */
        uint32_t *many; /* capacity > 1; owned */
    } places;
    uint32_t count, capacity;
};

struct tag_key {
    struct bytes name;
    struct hash_table values; /* of struct tag_value, by map_hash(text) */
};

struct tags {
    struct map keys; /* name -> struct tag_key */
};

/* Makes keys and values and room for one more place in each value's list; `values` receives one
 * pointer a tag.  False when memory ran out; what was made so far stays, without a place. */
MUST_USE bool tags_prepare(struct tags *tags, struct arena *arena, const struct series_tag *tag,
                           uint32_t count, struct tag_value **values);
/* Adds the place to a prepared value; it is above all places before it. */
void tag_value_add(struct tag_value *value, uint32_t place);

/* Some series carries it; one without was named by a request that was refused later. */
bool tag_key_used(const struct tag_key *key);
const struct tag_key *tags_key(const struct tags *tags, struct bytes name); /* NULL = unknown */
const struct tag_value *tag_key_value(const struct tag_key *key, struct bytes text);
static inline const uint32_t *tag_value_places(const struct tag_value *value)
{
    return value->capacity > 1 ? value->places.many : &value->places.one;
}

void tags_release(struct tags *tags);

#endif
