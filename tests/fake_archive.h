/* An archive that is a list in memory, and fails as told: before anything was stored, in the
 * middle, or after all was (the reply is lost).  What it stores it holds against its hash.
 *
 * Any threads may call it; what it holds is looked at from outside while none does. */
#ifndef WEIR_TESTS_FAKE_ARCHIVE_H
#define WEIR_TESTS_FAKE_ARCHIVE_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/random.h"
#include "model/archive.h"

/* For all of them; a list's callback may ask again. */
static pthread_mutex_t fake_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

enum fake_failure { FAKE_BEFORE, FAKE_MIDDLE, FAKE_AFTER, FAKE_FAILURES };

struct fake_document {
    char *database, *id, *body;
    enum archive_collection collection;
    size_t size;
};

struct fake_archive {
    struct fake_document *documents; /* sorted by database, collection, id */
    size_t count, capacity;
    _Atomic uint64_t calls; /* that change something, or get */
    uint64_t fail_at;       /* the call that fails; 0 = none */
    bool fail_on;           /* and all behind it */
    enum fake_failure how;
    enum code code;
    /* Chance instead: one in so many calls fails some way; 0 = none. */
    uint32_t fail_one_in;
    struct random random;
    /* Called before each call does anything. */
    void (*hook)(void *context, uint64_t call);
    void *hook_context;
    const bool *off; /* NULL, or: no call gets through while it is set */
    uint64_t failed, opened, closed;
    uint64_t put_bytes;
};

/* What open() gives: several may be open. */
struct fake_handle {
    struct archive archive; /* first */
    struct fake_archive *fake;
};

static inline int fake_order(const struct fake_document *document, const char *database,
                             enum archive_collection collection, struct bytes id)
{
    int order = strcmp(document->database, database);

    if (order == 0)
        order = (int)document->collection - (int)collection;
    return order != 0 ? order : bytes_compare(bytes_of(document->id), id);
}

/* Where it is, or belongs. */
static inline size_t fake_place(const struct fake_archive *fake, const char *database,
                                enum archive_collection collection, struct bytes id)
{
    size_t first = 0, end = fake->count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;

        if (fake_order(&fake->documents[middle], database, collection, id) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static inline struct fake_document *fake_find(const struct fake_archive *fake, const char *database,
                                              enum archive_collection collection, struct bytes id)
{
    size_t at = fake_place(fake, database, collection, id);

    return at < fake->count && fake_order(&fake->documents[at], database, collection, id) == 0
               ? &fake->documents[at]
               : NULL;
}

static inline char *fake_copy(struct bytes bytes)
{
    char *copy = malloc(bytes.size + 1);

    assert(copy != NULL);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    copy[bytes.size] = '\0';
    return copy;
}

static inline void fake_insert(struct fake_archive *fake, const char *database,
                               enum archive_collection collection, struct bytes id,
                               struct bytes body)
{
    size_t at = fake_place(fake, database, collection, id);

    if (fake->count == fake->capacity) {
        fake->capacity = fake->capacity * 2 + 64;
        fake->documents = realloc(fake->documents, fake->capacity * sizeof(*fake->documents));
        assert(fake->documents != NULL);
    }
    memmove(fake->documents + at + 1, fake->documents + at,
            (fake->count - at) * sizeof(*fake->documents));
    fake->documents[at] = (struct fake_document){fake_copy(bytes_of(database)), fake_copy(id),
                                                 fake_copy(body), collection, body.size};
    fake->count++;
    fake->put_bytes += body.size;
}

static inline void fake_delete(struct fake_archive *fake, struct fake_document *document)
{
    size_t at = (size_t)(document - fake->documents);

    free(document->database);
    free(document->id);
    free(document->body);
    fake->count--;
    memmove(fake->documents + at, fake->documents + at + 1,
            (fake->count - at) * sizeof(*fake->documents));
}

/* Whether this call fails, and how. */
static inline bool fake_fails(struct fake_archive *fake, enum fake_failure *how)
{
    uint64_t call = ++fake->calls;
    bool fails =
        fake->fail_at != 0 && (call == fake->fail_at || (fake->fail_on && call > fake->fail_at));

    if (fake->hook != NULL)
        fake->hook(fake->hook_context, call);
    pthread_mutex_lock(&fake_lock);
    *how = fake->how;
    if (fake->fail_one_in > 0 && random_chance(&fake->random, fake->fail_one_in)) {
        *how = (enum fake_failure)random_below(&fake->random, FAKE_FAILURES);
        fake->code = random_chance(&fake->random, 2) ? E_TIMEOUT : E_NOT_READY;
        fails = true;
    }
    if (fake->off != NULL && *fake->off) {
        *how = FAKE_BEFORE;
        fails = true;
    }
    fake->failed += fails;
    pthread_mutex_unlock(&fake_lock);
    return fails;
}

static inline enum code fake_refuse(const struct fake_archive *fake, struct error *err)
{
    return error_set(err, fake->code ? fake->code : E_NOT_READY, "the test's archive says no");
}

static inline enum code fake_put(struct archive *archive, struct bytes database,
                                 enum archive_collection collection,
                                 const struct archive_document *documents, size_t count,
                                 struct error *err)
{
    struct fake_archive *fake = ((struct fake_handle *)archive)->fake;
    enum fake_failure how;
    bool fails = fake_fails(fake, &how);
    size_t stored = fails && how == FAKE_BEFORE   ? 0
                    : fails && how == FAKE_MIDDLE ? count / 2
                                                  : count;
    char *name = fake_copy(database);
    enum code code = OK;

    assert(strlen(name) < 64 && count > 0);
    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; i < stored; i++) {
        struct fake_document *found = fake_find(fake, name, collection, documents[i].id);
        struct hash128 hash = hash128(documents[i].body);

        assert(memcmp(&hash, &documents[i].hash, sizeof(hash)) == 0);
        assert(documents[i].body.size < 16000000);
        if (found == NULL)
            fake_insert(fake, name, collection, documents[i].id, documents[i].body);
        else if (!bytes_equal((struct bytes){found->body, found->size}, documents[i].body))
            code = error_set(err, E_EXISTS, "%.*s is there with another hash",
                             BYTES_ARG(documents[i].id));
    }
    pthread_mutex_unlock(&fake_lock);
    free(name);
    if (fails) /* whatever is there */
        return fake_refuse(fake, err);
    return code;
}

static inline enum code fake_get(struct archive *archive, struct bytes database,
                                 enum archive_collection collection, struct bytes id,
                                 struct buf *body, struct error *err)
{
    struct fake_archive *fake = ((struct fake_handle *)archive)->fake;
    const struct fake_document *found;
    enum fake_failure how;
    char *name;

    if (fake_fails(fake, &how))
        return fake_refuse(fake, err);
    name = fake_copy(database);
    pthread_mutex_lock(&fake_lock);
    found = fake_find(fake, name, collection, id);
    if (found != NULL)
        buf_put(body, (struct bytes){found->body, found->size});
    pthread_mutex_unlock(&fake_lock);
    free(name);
    if (found == NULL)
        return error_set(err, E_NOT_FOUND, "%.*s", BYTES_ARG(id));
    return buf_finish(body, err);
}

static inline enum code fake_remove(struct archive *archive, struct bytes database,
                                    enum archive_collection collection, const struct bytes *ids,
                                    size_t count, struct error *err)
{
    struct fake_archive *fake = ((struct fake_handle *)archive)->fake;
    enum fake_failure how;
    bool fails = fake_fails(fake, &how);
    size_t removed = fails && how == FAKE_BEFORE   ? 0
                     : fails && how == FAKE_MIDDLE ? count / 2
                                                   : count;
    char *name = fake_copy(database);

    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; i < removed; i++) {
        struct fake_document *found = fake_find(fake, name, collection, ids[i]);

        if (found != NULL)
            fake_delete(fake, found);
    }
    pthread_mutex_unlock(&fake_lock);
    free(name);
    return fails ? fake_refuse(fake, err) : OK;
}

static inline enum code
fake_list(struct archive *archive, struct bytes database, enum archive_collection collection,
          enum code (*each)(void *context, struct bytes id, struct error *err), void *context,
          struct error *err)
{
    struct fake_archive *fake = ((struct fake_handle *)archive)->fake;
    char *name = fake_copy(database);
    enum code code = OK;

    pthread_mutex_lock(&fake_lock);
    for (size_t i = 0; code == OK && i < fake->count; i++)
        if (strcmp(fake->documents[i].database, name) == 0 &&
            fake->documents[i].collection == collection)
            code = each(context, bytes_of(fake->documents[i].id), err);
    pthread_mutex_unlock(&fake_lock);
    free(name);
    return code;
}

static inline void fake_close(struct archive *archive)
{
    ((struct fake_handle *)archive)->fake->closed++;
    free(archive);
}

static inline struct archive *fake_open(struct fake_archive *fake)
{
    static const struct archive_operations operations = {
        .put = fake_put,
        .get = fake_get,
        .remove = fake_remove,
        .list = fake_list,
        .close = fake_close,
    };
    struct fake_handle *handle = malloc(sizeof(*handle));

    assert(handle != NULL);
    *handle = (struct fake_handle){{&operations}, fake};
    fake->opened++;
    return &handle->archive;
}

/* Nothing fails any more. */
static inline void fake_heal(struct fake_archive *fake)
{
    fake->fail_at = 0;
    fake->fail_on = false;
    fake->fail_one_in = 0;
    fake->code = OK;
}

/* A bit of byte `at` turns in each document of the collection. */
static inline void fake_damage(struct fake_archive *fake, enum archive_collection collection,
                               size_t at)
{
    for (size_t i = 0; i < fake->count; i++)
        if (fake->documents[i].collection == collection)
            fake->documents[i].body[at] ^= 1;
}

static inline void fake_release(struct fake_archive *fake)
{
    while (fake->count > 0)
        fake_delete(fake, &fake->documents[fake->count - 1]);
    free(fake->documents);
    *fake = (struct fake_archive){.count = 0};
}

#endif
