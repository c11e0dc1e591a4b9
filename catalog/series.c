/* Making a series is in two parts: everything that can fail is prepared first (memory for the
 * tables' next slots, the copy of the key, the tag values), then the series is entered in all
 * tables without a way to fail.  So a tenant whose memory ran out keeps consistent tables. */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "catalog/tables.h"
#include "codec/series_key.h"

enum {
    ARRAY_FIRST = 4,
    FOUND_TOGETHER = 16,
    KEY_TEXT_MAX = 256, /* of a key in a message */
};

static bool key_same(const void *item, const void *wanted)
{
    return bytes_equal(((const struct series *)item)->key, *(const struct bytes *)wanted);
}

static bool id_same(const void *item, const void *wanted)
{
    return series_id_compare(((const struct series *)item)->id,
                             *(const struct series_id *)wanted) == 0;
}

struct series *series_find(const struct tenant_tables *tables, struct bytes key, uint64_t hash)
{
    return hash_table_find(&tables->by_key, hash, key_same, &key);
}

/* A find waits twice, for the slot and for the series, whose key mostly lies behind it in the
 * arena; they lie anywhere: each wait is begun for the whole group before the first of it is taken.
 */
static void group_find(const struct tenant_tables *tables, const struct bytes *keys, size_t count,
                       struct series **series)
{
    const struct hash_slot *home[FOUND_TOGETHER];
    uint64_t hash[FOUND_TOGETHER];

    assert(count <= FOUND_TOGETHER);
    for (size_t i = 0; i < count; i++) {
        hash[i] = map_hash(keys[i]);
        home[i] = hash_table_home(&tables->by_key, hash[i]);
        __builtin_prefetch(home[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (home[i] != NULL && home[i]->hash == hash[i] && home[i]->item != NULL) {
            const struct series *likely = home[i]->item;

            __builtin_prefetch(likely);
            __builtin_prefetch(&likely->key);
            __builtin_prefetch(likely + 1);
            __builtin_prefetch((const char *)(likely + 1) + keys[i].size);
        }
    for (size_t i = 0; i < count; i++)
        series[i] = series_find(tables, keys[i], hash[i]);
}

void series_find_many(const struct tenant_tables *tables, const struct bytes *keys, size_t count,
                      struct series **series)
{
    for (size_t done = 0; done < count; done += FOUND_TOGETHER) {
        size_t left = count - done;

        group_find(tables, keys + done, left < FOUND_TOGETHER ? left : FOUND_TOGETHER,
                   series + done);
    }
}

struct series *series_find_id(const struct tenant_tables *tables, struct series_id id)
{
    return hash_table_find(&tables->by_id, id.low, id_same, &id);
}

struct measurement *measurement_find(const struct tenant_tables *tables, struct bytes name)
{
    return map_get(&tables->measurements, name);
}

struct measurement *measurement_make(struct tenant_tables *tables, struct bytes name)
{
    struct measurement *measurement = measurement_find(tables, name);

    if (measurement)
        return measurement;
    measurement = ARENA_NEW(&tables->arena, struct measurement);
    if (!measurement)
        return NULL;
    measurement->name = arena_copy(&tables->arena, name);
    if (!measurement->name.data || !map_put(&tables->measurements, measurement->name, measurement))
        return NULL;
    return measurement;
}

/* An array of pointers with room for one more; NULL when memory ran out. */
static void *pointers_reserve(void *array, uint32_t count, uint32_t *capacity)
{
    uint32_t grown = *capacity ? *capacity : ARRAY_FIRST;
    void *bigger;

    if (count < *capacity)
        return array;
    while (grown <= count) {
        if (grown > UINT32_MAX / 2)
            return NULL;
        grown *= 2;
    }
    bigger = realloc(array, grown * sizeof(void *));
    if (bigger)
        *capacity = grown;
    return bigger;
}

static enum code limit_refused(const struct tenant_tables *tables, uint64_t series_max,
                               struct error *err)
{
    const struct tag_key *widest = tables->widest_key;

    if (!widest)
        return error_set(err, E_SERIES_LIMIT, "the tenant has its %llu series (series_max) already",
                         (unsigned long long)series_max);
    return error_set(err, E_SERIES_LIMIT,
                     "the tenant has its %llu series (series_max) already; tag \"%.*s\" of "
                     "measurement \"%.*s\" has the most distinct values, %zu",
                     (unsigned long long)series_max, BYTES_ARG(widest->name),
                     BYTES_ARG(tables->widest_measurement->name), widest->values.count);
}

static enum code collision_refused(const struct tenant_tables *tables, struct bytes key,
                                   const struct series *other, struct error *err)
{
    struct buf mine = BUF_INIT((size_t)2 * KEY_TEXT_MAX);
    struct buf theirs = BUF_INIT((size_t)2 * KEY_TEXT_MAX);

    series_key_print(key, &mine);
    series_key_print(other->key, &theirs);
    log_event(LOG_ERROR, "series id is taken by another key",
              LOG_TEXT("tenant", tables->tenant.name), LOG_TEXT("key", buf_bytes(&mine)),
              LOG_TEXT("other_key", buf_bytes(&theirs)));
    error_set(err, E_INTERNAL, "the id of series \"%.*s\" is that of \"%.*s\" already",
              BYTES_ARG(buf_bytes(&mine)), BYTES_ARG(buf_bytes(&theirs)));
    buf_release(&mine);
    buf_release(&theirs);
    return E_INTERNAL;
}

/* All that can fail.  The series is complete but for its ordinal, its tag values stand in
 * tables->values, and every table has room. */
static enum code prepare(struct tenant_tables *tables, struct bytes key,
                         struct series **series_made, struct measurement **measurement_of,
                         struct error *err)
{
    struct arena *arena = &tables->arena;
    struct series *series = ARENA_NEW(arena, struct series);
    struct measurement *measurement;
    void *array;
    enum code code;

    if (!series)
        goto memory;
    series->key = arena_copy(arena, key);
    if (!series->key.data)
        goto memory;
    code = series_key_decode(series->key, arena, &series->measurement, &series->tags,
                             &series->tag_count, err);
    if (code)
        return code;
    measurement = measurement_make(tables, series->measurement);
    if (!measurement)
        goto memory;
    series->measurement = measurement->name;
    array = pointers_reserve(measurement->series, measurement->series_count,
                             &measurement->series_capacity);
    if (!array)
        goto memory;
    measurement->series = array;
    array = pointers_reserve(tables->values, series->tag_count, &tables->values_capacity);
    if (!array)
        goto memory;
    tables->values = array;
    if (!tags_prepare(&measurement->tags, arena, series->tags, series->tag_count, tables->values) ||
        !hash_table_reserve(&tables->by_key) || !hash_table_reserve(&tables->by_id))
        goto memory;
    *series_made = series;
    *measurement_of = measurement;
    return OK;

memory:
    return error_set(err, E_MEMORY, "no memory for a new series");
}

static void widest_note(struct tenant_tables *tables, const struct measurement *measurement,
                        const struct series *series)
{
    for (uint32_t i = 0; i < series->tag_count; i++) {
        const struct tag_key *key = tags_key(&measurement->tags, series->tags[i].key);

        if (!tables->widest_key || key->values.count > tables->widest_key->values.count) {
            tables->widest_key = key;
            tables->widest_measurement = measurement;
        }
    }
}

enum code series_make(struct catalog *catalog, struct tenant_tables *tables, struct bytes key,
                      uint64_t hash, struct series_id id, uint64_t series_max,
                      struct series **series_made, struct error *err)
{
    const struct series *other = series_find_id(tables, id);
    struct measurement *measurement = NULL;
    struct series *series = NULL;
    enum code code;

    assert(tables->by_key.count == tables->by_id.count);
    if (other)
        return collision_refused(tables, key, other, err);
    if (tables->by_key.count >= series_max)
        return limit_refused(tables, series_max, err);
    code = prepare(tables, key, &series, &measurement, err);
    if (code)
        return code;
    series->id = id;
    series->tenant = &tables->tenant;
    series->ordinal = catalog->series_count++;
    for (uint32_t i = 0; i < series->tag_count; i++)
        tag_value_add(tables->values[i], measurement->series_count);
    measurement->series[measurement->series_count++] = series;
    hash_table_add(&tables->by_key, hash, series);
    hash_table_add(&tables->by_id, id.low, series);
    widest_note(tables, measurement, series);
    *series_made = series;
    return OK;
}
