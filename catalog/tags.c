#include "catalog/tags.h"

#include <assert.h>
#include <stdlib.h>

enum { PLACES_FIRST = 4 }; /* of a list on the heap: 16 bytes, malloc's smallest useful piece */

static bool value_same(const void *item, const void *wanted)
{
    return bytes_equal(((const struct tag_value *)item)->text, *(const struct bytes *)wanted);
}

static bool value_reserve(struct tag_value *value)
{
    uint32_t capacity;
    uint32_t *places;

    if (value->count < value->capacity)
        return true;
    if (value->capacity == 0) {
        value->capacity = 1;
        return true;
    }
    if (value->capacity > UINT32_MAX / 2)
        return false;
    capacity = value->capacity == 1 ? PLACES_FIRST : value->capacity * 2;
    places = realloc(value->capacity > 1 ? value->places.many : NULL, capacity * sizeof(*places));
    if (!places)
        return false;
    if (value->capacity == 1)
        places[0] = value->places.one;
    value->places.many = places;
    value->capacity = capacity;
    return true;
}

void tag_value_add(struct tag_value *value, uint32_t place)
{
    uint32_t *places = value->capacity > 1 ? value->places.many : &value->places.one;

    assert(value->count < value->capacity);
    assert(value->count == 0 || places[value->count - 1] < place);
    places[value->count++] = place;
}

static struct tag_key *key_make(struct tags *tags, struct arena *arena, struct bytes name)
{
    struct tag_key *key = map_get(&tags->keys, name);

    if (key)
        return key;
    key = ARENA_NEW(arena, struct tag_key);
    if (!key)
        return NULL;
    key->name = name;
    return map_put(&tags->keys, name, key) ? key : NULL;
}

static struct tag_value *value_make(struct tag_key *key, struct arena *arena, struct bytes text)
{
    uint64_t hash = map_hash(text);
    struct tag_value *value = hash_table_find(&key->values, hash, value_same, &text);

    if (value)
        return value;
    if (!hash_table_reserve(&key->values))
        return NULL;
    value = ARENA_NEW(arena, struct tag_value);
    if (!value)
        return NULL;
    value->text = text;
    hash_table_add(&key->values, hash, value);
    return value;
}

bool tags_prepare(struct tags *tags, struct arena *arena, const struct series_tag *tag,
                  uint32_t count, struct tag_value **values)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tag_key *key = key_make(tags, arena, tag[i].key);

        if (!key)
            return false;
        values[i] = value_make(key, arena, tag[i].value);
        if (!values[i] || !value_reserve(values[i]))
            return false;
    }
    return true;
}

bool tag_key_used(const struct tag_key *key)
{
    const struct tag_value *value;

    for (size_t i = 0; (value = hash_table_next(&key->values, &i)) != NULL;)
        if (value->count > 0)
            return true;
    return false;
}

const struct tag_key *tags_key(const struct tags *tags, struct bytes name)
{
    return map_get(&tags->keys, name);
}

const struct tag_value *tag_key_value(const struct tag_key *key, struct bytes text)
{
    return hash_table_find(&key->values, map_hash(text), value_same, &text);
}

static void key_release(struct tag_key *key)
{
    struct tag_value *value;

    for (size_t i = 0; (value = hash_table_next(&key->values, &i)) != NULL;)
        if (value->capacity > 1)
            free(value->places.many);
    hash_table_release(&key->values);
}

void tags_release(struct tags *tags)
{
    const struct map_slot *slot;

    for (size_t i = 0; (slot = map_next(&tags->keys, &i)) != NULL;)
        key_release(slot->value);
    map_release(&tags->keys);
}
