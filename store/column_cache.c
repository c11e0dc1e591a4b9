/* A hash table in shards, each with a lock.  Beside it each shard counts how often keys were met
 * lately (TinyLFU): in two counters a key, of which the lesser counts, since others may share one;
 * all are halved now and then, so that what was asked for last week gives way.
 *
 * When room is needed, the hand of a shard looks at the next few entries, and the one met most
 * rarely goes, if the newcomer was met more often.  So neither one reading of everything nor many
 * of them can push out what is asked for all the time, and a loop over more than there is room for
 * keeps a part of it instead of nothing.
 *
 * References: the table has one, each pin one.  What is pinned is not evicted, so that `memory` is
 * all there is; of a pack that is forgotten, what is pinned goes with its last pin. */
#include "store/column_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/budget.h"

enum {
    SHARDS = 16,
    BUCKET_PER_BYTES = 4096, /* most entries are 64 KiB, those of small blocks and headers less */
    BUCKETS_MIN = 4,         /* of a shard; a power of two */
    BUCKETS_MAX = 1 << 20,
    COUNTERS_PER_BUCKET = 4,
    MET_PER_HALVING = 8, /* counters a meeting: they stay mostly 0, and tell keys apart */
    MET_MOST = 15,
    MET_WANTED = 2,
    LOOKED_AT_MAX = 16,    /* entries, for one to evict */
    ALLOCATION_BYTES = 16, /* what malloc adds */
};

struct cached {
    struct cached *next; /* in its bucket */
    struct column_cache *cache;
    struct column_key key;
    atomic_uint references;
    size_t size;
    _Alignas(16) char data[];
};

struct shard {
    _Alignas(64) pthread_mutex_t lock; /* guards: */
    struct cached **buckets;
    uint8_t *met;
    size_t met_count; /* since they were halved */
    size_t hand;      /* the bucket to look at next for one to evict */
    uint64_t hits, misses, evictions;
};

struct column_cache {
    struct budget memory;
    size_t bucket_count, counter_count; /* of a shard, powers of two */
    struct cached **buckets;            /* of all shards; owned, likewise */
    uint8_t *met;
    struct shard shards[SHARDS];
};

/* --- the table --- */

static size_t buckets_of(uint64_t bytes_max)
{
    size_t count = BUCKETS_MIN;

    while (count < BUCKETS_MAX && count < bytes_max / BUCKET_PER_BYTES / SHARDS)
        count *= 2;
    return count;
}

enum code column_cache_new(uint64_t bytes_max, struct column_cache **cache, struct error *err)
{
    size_t buckets = buckets_of(bytes_max), counters = COUNTERS_PER_BUCKET * buckets;
    size_t fixed = sizeof(struct column_cache) +
                   SHARDS * (buckets * sizeof(struct cached *) + counters) +
                   (size_t)3 * ALLOCATION_BYTES;
    struct column_cache *made;

    *cache = NULL;
    if (bytes_max <= fixed)
        return OK;
    made = aligned_alloc(_Alignof(struct column_cache), sizeof(*made));
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for a cache of columns");
    *made = (struct column_cache){
        .memory = {.bytes_max = bytes_max, .used = fixed},
        .bucket_count = buckets,
        .counter_count = counters,
    };
    made->buckets = calloc(SHARDS * buckets, sizeof(struct cached *));
    made->met = calloc(SHARDS, counters);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &made->shards[i];

        pthread_mutex_init(&shard->lock, NULL);
        shard->buckets = made->buckets == NULL ? NULL : made->buckets + i * buckets;
        shard->met = made->met == NULL ? NULL : made->met + i * counters;
    }
    *cache = made;
    if (made->buckets != NULL && made->met != NULL)
        return OK;
    free(made->buckets);
    made->buckets = NULL;
    column_cache_free(made);
    *cache = NULL;
    return error_set(err, E_MEMORY, "no memory for a cache of columns");
}

static size_t bytes_of_entry(size_t size)
{
    return sizeof(struct cached) + size + ALLOCATION_BYTES;
}

static void cached_free(struct cached *cached)
{
    budget_give(&cached->cache->memory, bytes_of_entry(cached->size));
    free(cached);
}

void cached_unpin(void *context)
{
    struct cached *cached = context;
    unsigned before = atomic_fetch_sub_explicit(&cached->references, 1, memory_order_acq_rel);

    assert(before > 0);
    if (before == 1)
        cached_free(cached);
}

void column_cache_free(struct column_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (size_t b = 0; cache->buckets != NULL && b < cache->bucket_count; b++) {
            while (cache->shards[i].buckets[b] != NULL) {
                struct cached *cached = cache->shards[i].buckets[b];

                assert(atomic_load(&cached->references) == 1);
                cache->shards[i].buckets[b] = cached->next;
                cached_free(cached);
            }
        }
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache->buckets);
    free(cache->met);
    free(cache);
}

/* Blocks are where earlier ones end: all bits of the key have a say in all of the hash. */
static uint64_t hash_of(const struct column_key *key)
{
    uint64_t hash = key->pack * UINT64_C(0x9e3779b97f4a7c15) + key->offset;

    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93) + key->part;
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

static struct shard *shard_of(struct column_cache *cache, uint64_t hash)
{
    return &cache->shards[hash % SHARDS];
}

static struct cached **bucket_of(const struct column_cache *cache, struct shard *shard,
                                 uint64_t hash)
{
    return &shard->buckets[hash / SHARDS & (cache->bucket_count - 1)];
}

static bool same_key(const struct column_key *a, const struct column_key *b)
{
    return a->pack == b->pack && a->offset == b->offset && a->part == b->part;
}

static struct cached *find(struct cached *cached, const struct column_key *key)
{
    while (cached != NULL && !same_key(&cached->key, key))
        cached = cached->next;
    return cached;
}

/* --- how often keys are met; under the shard's lock --- */

static void counters_of(const struct column_cache *cache, struct shard *shard, uint64_t hash,
                        uint8_t *counters[2])
{
    counters[0] = &shard->met[hash >> 8 & (cache->counter_count - 1)];
    counters[1] = &shard->met[hash >> 36 & (cache->counter_count - 1)];
}

static unsigned met_of(const struct column_cache *cache, struct shard *shard, uint64_t hash)
{
    uint8_t *counters[2];

    counters_of(cache, shard, hash, counters);
    return *counters[0] < *counters[1] ? *counters[0] : *counters[1];
}

/* Only the lesser counter moves: the other one counts something else, too. */
static unsigned meet(const struct column_cache *cache, struct shard *shard, uint64_t hash)
{
    unsigned met = met_of(cache, shard, hash);
    uint8_t *counters[2];

    if (++shard->met_count > cache->counter_count / MET_PER_HALVING) {
        shard->met_count = 0;
        for (size_t i = 0; i < cache->counter_count; i++)
            shard->met[i] /= 2;
        met /= 2;
    }
    if (met == MET_MOST)
        return met;
    counters_of(cache, shard, hash, counters);
    for (size_t i = 0; i < COUNT_OF(counters); i++)
        if (*counters[i] == met)
            *counters[i] = (uint8_t)(met + 1);
    return met + 1;
}

/* --- readers --- */

const struct cached *column_cache_find(struct column_cache *cache, const struct column_key *key,
                                       bool *wanted)
{
    uint64_t hash = hash_of(key);
    struct shard *shard;
    struct cached *found;
    unsigned met;

    *wanted = false;
    if (cache == NULL)
        return NULL;
    shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    met = meet(cache, shard, hash);
    found = find(*bucket_of(cache, shard, hash), key);
    if (found != NULL) {
        atomic_fetch_add_explicit(&found->references, 1, memory_order_relaxed);
        shard->hits++;
    } else {
        shard->misses++;
    }
    pthread_mutex_unlock(&shard->lock);
    *wanted = found == NULL && met >= MET_WANTED;
    return found;
}

struct bytes cached_bytes(const struct cached *cached)
{
    return (struct bytes){cached->data, cached->size};
}

char *cached_room(struct cached *made)
{
    return made->data;
}

/* The rarest of the next entries, up to `*look` that are not pinned; taken out if it was met less
 * than `met` times. */
static struct cached *evict(struct column_cache *cache, struct shard *shard, unsigned met,
                            size_t *look)
{
    struct cached **rarest = NULL, *taken = NULL;
    unsigned rarest_met = 0;

    pthread_mutex_lock(&shard->lock);
    for (size_t b = 0; b<cache->bucket_count && * look> 0; b++) {
        struct cached **at = &shard->buckets[shard->hand];

        shard->hand = (shard->hand + 1) & (cache->bucket_count - 1);
        for (; *at != NULL && *look > 0; at = &(*at)->next) {
            unsigned its;

            if (atomic_load_explicit(&(*at)->references, memory_order_acquire) > 1)
                continue; /* pins are taken under the lock alone: 1 stays 1 */
            --*look;
            its = met_of(cache, shard, hash_of(&(*at)->key));
            if (rarest == NULL || its < rarest_met) {
                rarest = at;
                rarest_met = its;
            }
        }
    }
    if (rarest != NULL && rarest_met < met) {
        taken = *rarest;
        *rarest = taken->next;
        shard->evictions++;
    }
    pthread_mutex_unlock(&shard->lock);
    return taken;
}

/* False: nothing was found that the key is worth more than. */
static bool evict_for(struct column_cache *cache, uint64_t hash)
{
    struct shard *own = shard_of(cache, hash);
    size_t look = LOOKED_AT_MAX;
    struct cached *taken = NULL;
    unsigned met;

    pthread_mutex_lock(&own->lock);
    met = met_of(cache, own, hash);
    pthread_mutex_unlock(&own->lock);
    for (size_t i = 0; taken == NULL && look > 0 && i < SHARDS; i++)
        taken = evict(cache, shard_of(cache, hash + i), met, &look);
    if (taken != NULL)
        cached_free(taken); /* nobody had it pinned, nobody can find it */
    return taken != NULL;
}

struct cached *column_cache_make(struct column_cache *cache, const struct column_key *key,
                                 size_t size)
{
    size_t bytes = bytes_of_entry(size);
    struct cached *made;

    if (cache == NULL || size > cache->memory.bytes_max)
        return NULL;
    while (!budget_take(&cache->memory, bytes))
        if (!evict_for(cache, hash_of(key)))
            return NULL;
    made = malloc(sizeof(*made) + size);
    if (made == NULL) {
        budget_give(&cache->memory, bytes);
        return NULL;
    }
    made->cache = cache;
    made->key = *key;
    atomic_init(&made->references, 1);
    made->size = size;
    return made;
}

void column_cache_put(struct cached *made)
{
    struct column_cache *cache = made->cache;
    uint64_t hash = hash_of(&made->key);
    struct shard *shard = shard_of(cache, hash);
    struct cached **bucket = bucket_of(cache, shard, hash);
    bool there;

    pthread_mutex_lock(&shard->lock);
    there = find(*bucket, &made->key) != NULL;
    if (!there) {
        made->next = *bucket;
        *bucket = made;
    }
    pthread_mutex_unlock(&shard->lock);
    if (there)
        cached_free(made);
}

void column_cache_forget(void *context, uint64_t pack)
{
    struct column_cache *cache = context;

    for (size_t i = 0; cache != NULL && i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        struct cached *gone = NULL;

        pthread_mutex_lock(&shard->lock);
        for (size_t b = 0; b < cache->bucket_count; b++) {
            for (struct cached **at = &shard->buckets[b]; *at != NULL;) {
                struct cached *cached = *at;

                if (cached->key.pack != pack) {
                    at = &cached->next;
                    continue;
                }
                *at = cached->next;
                cached->next = gone;
                gone = cached;
            }
        }
        pthread_mutex_unlock(&shard->lock);
        while (gone != NULL) {
            struct cached *next = gone->next;

            cached_unpin(gone);
            gone = next;
        }
    }
}

struct column_cache_counts column_cache_counts(const struct column_cache *cache)
{
    struct column_cache_counts counts = {0};

    if (cache == NULL)
        return counts;
    counts.bytes = budget_used(&cache->memory);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = (struct shard *)&cache->shards[i];

        pthread_mutex_lock(&shard->lock);
        counts.hits += shard->hits;
        counts.misses += shard->misses;
        counts.evictions += shard->evictions;
        pthread_mutex_unlock(&shard->lock);
    }
    return counts;
}
