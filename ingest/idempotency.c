#include "ingest/idempotency.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

/* A key with its answer.  Entries of a tenant form a list in order of arrival, the oldest first:
 * the one that goes when there are too many or its time is over. */
struct entry {
    struct entry *before, *after;
    bool in_flight;
    int64_t ingest; /* of the answer, or when it began */
    struct hash128 body_hash;
    uint16_t status;
    struct bytes result; /* owned; {NULL, 0} for none */
    bool kept;           /* in flight, and `result` is there already */
    size_t key_size;
    char key[];
};

struct tenant_keys {
    struct map by_key;
    struct entry *oldest, *newest;
};

struct idempotency {
    struct note_sink sink; /* first: the sink is the idempotency */
    uint64_t keys_max;
    int64_t keep_ns;
    struct clock *clock;          /* it may take a lock: not asked under this one */
    pthread_mutex_t lock;         /* guards: */
    struct tenant_keys **tenants; /* by ordinal */
    size_t capacity, count;
};

static void entry_unlink(struct tenant_keys *keys, struct entry *entry)
{
    *(entry->before == NULL ? &keys->oldest : &entry->before->after) = entry->after;
    *(entry->after == NULL ? &keys->newest : &entry->after->before) = entry->before;
}

static void entry_append(struct tenant_keys *keys, struct entry *entry)
{
    entry->before = keys->newest;
    entry->after = NULL;
    *(keys->newest == NULL ? &keys->oldest : &keys->newest->after) = entry;
    keys->newest = entry;
}

static void entry_free(struct entry *entry)
{
    free((char *)entry->result.data);
    free(entry);
}

static void entry_remove(struct idempotency *idempotency, struct tenant_keys *keys,
                         struct entry *entry)
{
    (void)map_remove(&keys->by_key, (struct bytes){entry->key, entry->key_size});
    entry_unlink(keys, entry);
    entry_free(entry);
    idempotency->count--;
}

static struct tenant_keys *keys_of(struct idempotency *idempotency, const struct tenant *tenant)
{
    struct tenant_keys **slot;

    if (tenant->ordinal >= idempotency->capacity) {
        size_t capacity = (tenant->ordinal + 16) * (size_t)2;
        struct tenant_keys **grown =
            realloc(idempotency->tenants, capacity * sizeof(struct tenant_keys *));

        if (grown == NULL)
            return NULL;
        memset(grown + idempotency->capacity, 0,
               (capacity - idempotency->capacity) * sizeof(struct tenant_keys *));
        idempotency->tenants = grown;
        idempotency->capacity = capacity;
    }
    slot = &idempotency->tenants[tenant->ordinal];
    if (*slot == NULL)
        *slot = calloc(1, sizeof(**slot));
    return *slot;
}

/* Old and surplus answers go; what is in flight stays. */
static void keys_expire(struct idempotency *idempotency, struct tenant_keys *keys, int64_t now_ns)
{
    int64_t before = now_ns - idempotency->keep_ns;

    while (keys->oldest != NULL && !keys->oldest->in_flight &&
           (keys->oldest->ingest < before || keys->by_key.count > idempotency->keys_max))
        entry_remove(idempotency, keys, keys->oldest);
}

static struct entry *entry_add(struct idempotency *idempotency, struct tenant_keys *keys,
                               struct bytes key)
{
    struct entry *entry = calloc(1, sizeof(*entry) + key.size);

    if (entry == NULL)
        return NULL;
    memcpy(entry->key, key.data, key.size);
    entry->key_size = key.size;
    if (!map_put(&keys->by_key, (struct bytes){entry->key, key.size}, entry)) {
        free(entry);
        return NULL;
    }
    entry_append(keys, entry);
    idempotency->count++;
    return entry;
}

/* False when memory ran out: an answer without its body would be another answer. */
static bool entry_keep(struct entry *entry, struct bytes result)
{
    char *copy = result.size == 0 ? NULL : malloc(result.size);

    if (result.size > 0 && copy == NULL)
        return false;
    if (result.size > 0)
        memcpy(copy, result.data, result.size);
    free((char *)entry->result.data);
    entry->result = (struct bytes){copy, result.size};
    return true;
}

enum code idempotency_keep(struct idempotency *idempotency, const struct tenant *tenant,
                           const struct note *note, struct error *err)
{
    struct tenant_keys *keys;
    struct entry *entry;
    bool kept = false;

    pthread_mutex_lock(&idempotency->lock);
    keys = keys_of(idempotency, tenant);
    entry = keys == NULL ? NULL : map_get(&keys->by_key, note->key);
    if (entry != NULL && entry->in_flight)
        kept = entry->kept = entry_keep(entry, note->result);
    pthread_mutex_unlock(&idempotency->lock);
    return kept ? OK : error_set(err, E_MEMORY, "no memory to remember the answer");
}

static bool entry_answer(struct entry *entry, const struct note *note)
{
    bool kept = entry->in_flight && entry->kept;

    entry->in_flight = entry->kept = false;
    entry->ingest = note->ingest;
    entry->body_hash = note->body_hash;
    entry->status = note->status;
    return kept || entry_keep(entry, note->result);
}

/* False: no memory, and the key is unknown. */
static bool key_answer(struct idempotency *idempotency, const struct tenant *tenant,
                       const struct note *note)
{
    struct tenant_keys *keys;
    struct entry *entry = NULL;
    int64_t now_ns = clock_wall_ns(idempotency->clock);
    bool answered = false;

    pthread_mutex_lock(&idempotency->lock);
    keys = keys_of(idempotency, tenant);
    if (keys != NULL)
        entry = map_get(&keys->by_key, note->key);
    if (entry == NULL && keys != NULL)
        entry = entry_add(idempotency, keys, note->key);
    if (entry != NULL) {
        answered = entry_answer(entry, note);
        if (!answered)
            entry_remove(idempotency, keys, entry);
        keys_expire(idempotency, keys, now_ns);
    }
    pthread_mutex_unlock(&idempotency->lock);
    return answered;
}

void idempotency_done(struct idempotency *idempotency, const struct tenant *tenant,
                      const struct note *note)
{
    bool answered = key_answer(idempotency, tenant, note);

    assert(answered); /* its memory was taken by idempotency_keep() */
}

static enum code sink_note(struct note_sink *sink, const struct tenant *tenant,
                           const struct note *note, struct error *err)
{
    if (key_answer((struct idempotency *)sink, tenant, note))
        return OK;
    return error_set(err, E_MEMORY, "no memory for an idempotency key that was answered before");
}

enum code idempotency_new(const struct limits *limits, struct clock *clock,
                          struct idempotency **out, struct error *err)
{
    struct idempotency *idempotency = calloc(1, sizeof(*idempotency));

    *out = idempotency;
    if (idempotency == NULL)
        return error_set(err, E_MEMORY, "no memory for idempotency keys");
    idempotency->sink.note = sink_note;
    idempotency->keys_max = limits->idempotency_keys_max;
    idempotency->keep_ns = (int64_t)limits->idempotency_ms_max * 1000000;
    idempotency->clock = clock;
    pthread_mutex_init(&idempotency->lock, NULL);
    return OK;
}

void idempotency_free(struct idempotency *idempotency)
{
    if (idempotency == NULL)
        return;
    for (size_t i = 0; i < idempotency->capacity; i++) {
        struct tenant_keys *keys = idempotency->tenants[i];

        while (keys != NULL && keys->oldest != NULL)
            entry_remove(idempotency, keys, keys->oldest);
        if (keys != NULL)
            map_release(&keys->by_key);
        free(keys);
    }
    free(idempotency->tenants);
    pthread_mutex_destroy(&idempotency->lock);
    free(idempotency);
}

struct note_sink *idempotency_sink(struct idempotency *idempotency)
{
    return &idempotency->sink;
}

void idempotency_believe(struct idempotency *idempotency, struct clock *clock)
{
    idempotency->clock = clock;
}

static enum code entry_judge(const struct entry *entry, struct bytes key,
                             const struct hash128 *body_hash, struct arena *arena,
                             struct note *answer, struct error *err)
{
    if (memcmp(&entry->body_hash, body_hash, sizeof(*body_hash)) != 0)
        return error_set(err, E_IDEMPOTENCY_MISMATCH,
                         "the Idempotency-Key \"%.*s\" came with another body, precision, on_error "
                         "or format before; use a new key for a new request",
                         BYTES_ARG(key));
    if (entry->in_flight)
        return error_set(err, E_IDEMPOTENCY_IN_FLIGHT,
                         "the first request with the Idempotency-Key \"%.*s\" is still being "
                         "answered",
                         BYTES_ARG(key));
    *answer = (struct note){
        .ingest = entry->ingest,
        .status = entry->status,
        .result = arena_copy(arena, entry->result),
    };
    if (answer->result.data == NULL)
        return error_set(err, E_MEMORY, "no memory for an answer");
    return E_EXISTS;
}

enum code idempotency_begin(struct idempotency *idempotency, const struct tenant *tenant,
                            struct bytes key, const struct hash128 *body_hash, struct arena *arena,
                            struct note *answer, struct error *err)
{
    struct tenant_keys *keys;
    struct entry *entry;
    int64_t now_ns = clock_wall_ns(idempotency->clock);
    enum code code = OK;

    pthread_mutex_lock(&idempotency->lock);
    keys = keys_of(idempotency, tenant);
    if (keys != NULL)
        keys_expire(idempotency, keys, now_ns);
    entry = keys == NULL ? NULL : map_get(&keys->by_key, key);
    if (entry != NULL) {
        code = entry_judge(entry, key, body_hash, arena, answer, err);
    } else {
        entry = keys == NULL ? NULL : entry_add(idempotency, keys, key);
        if (entry == NULL) {
            code = error_set(err, E_MEMORY, "no memory for an idempotency key");
        } else {
            entry->in_flight = true;
            entry->body_hash = *body_hash;
            entry->ingest = now_ns;
        }
    }
    pthread_mutex_unlock(&idempotency->lock);
    return code;
}

bool idempotency_knows(struct idempotency *idempotency, const struct tenant *tenant,
                       struct bytes key)
{
    struct tenant_keys *keys;
    const struct entry *entry;
    int64_t now_ns = clock_wall_ns(idempotency->clock);
    bool knows;

    pthread_mutex_lock(&idempotency->lock);
    keys = keys_of(idempotency, tenant);
    if (keys != NULL)
        keys_expire(idempotency, keys, now_ns);
    entry = keys == NULL ? NULL : map_get(&keys->by_key, key);
    knows = entry != NULL && !entry->in_flight;
    pthread_mutex_unlock(&idempotency->lock);
    return knows;
}

void idempotency_release(struct idempotency *idempotency, const struct tenant *tenant,
                         struct bytes key)
{
    struct tenant_keys *keys;
    struct entry *entry;

    pthread_mutex_lock(&idempotency->lock);
    keys = keys_of(idempotency, tenant);
    entry = keys == NULL ? NULL : map_get(&keys->by_key, key);
    if (entry != NULL && entry->in_flight)
        entry_remove(idempotency, keys, entry);
    pthread_mutex_unlock(&idempotency->lock);
}

size_t idempotency_count(struct idempotency *idempotency)
{
    size_t count;

    pthread_mutex_lock(&idempotency->lock);
    count = idempotency->count;
    pthread_mutex_unlock(&idempotency->lock);
    return count;
}
