/* An archive that is a list of documents in memory, for those who read one. */
#ifndef WEIR_TESTS_UNIT_STORE_DELIVERY_LISTED_ARCHIVE_H
#define WEIR_TESTS_UNIT_STORE_DELIVERY_LISTED_ARCHIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/archive.h"
#include "store/delivery/chain.h"

enum { LISTED_MAX = 4096 };

struct listed_document {
    char database[CHAIN_DATABASE_SIZE], id[CHAIN_ID_SIZE];
    enum archive_collection collection;
    struct buf body;
};

struct listed_archive {
    struct archive archive; /* first */
    struct listed_document *documents;
    size_t count;
    unsigned gets, fail_at; /* from that one on (1 = the first), `failures` of them with `code` */
    unsigned failures;
    enum code code;
    unsigned closed;
    void (*before_get)(void *context); /* NULL: nothing happens meanwhile */
    void *context;
};

static inline struct listed_document *listed_find(struct listed_archive *listed,
                                                  struct bytes database,
                                                  enum archive_collection collection,
                                                  struct bytes id)
{
    for (size_t i = 0; i < listed->count; i++) {
        struct listed_document *document = &listed->documents[i];

        if (document->collection == collection &&
            bytes_equal(bytes_of(document->database), database) &&
            bytes_equal(bytes_of(document->id), id))
            return document;
    }
    return NULL;
}

static inline enum code listed_put(struct archive *archive, struct bytes database,
                                   enum archive_collection collection,
                                   const struct archive_document *documents, size_t count,
                                   struct error *err)
{
    struct listed_archive *listed = (struct listed_archive *)archive;

    for (size_t i = 0; i < count; i++) {
        struct listed_document *document =
            listed_find(listed, database, collection, documents[i].id);

        if (document != NULL && !bytes_equal(buf_bytes(&document->body), documents[i].body))
            return error_set(err, E_EXISTS, "%.*s", BYTES_ARG(documents[i].id));
        if (document != NULL)
            continue;
        assert_true(listed->count < LISTED_MAX);
        document = &listed->documents[listed->count++];
        snprintf(document->database, sizeof(document->database), "%.*s", BYTES_ARG(database));
        snprintf(document->id, sizeof(document->id), "%.*s", BYTES_ARG(documents[i].id));
        document->collection = collection;
        document->body = BUF_INIT(16 << 20);
        buf_put(&document->body, documents[i].body);
        assert_int_equal(buf_finish(&document->body, NULL), OK);
    }
    return OK;
}

static inline enum code listed_get(struct archive *archive, struct bytes database,
                                   enum archive_collection collection, struct bytes id,
                                   struct buf *body, struct error *err)
{
    struct listed_archive *listed = (struct listed_archive *)archive;
    const struct listed_document *document;

    listed->gets++;
    if (listed->before_get != NULL)
        listed->before_get(listed->context);
    document = listed_find(listed, database, collection, id);
    if (listed->gets >= listed->fail_at && listed->failures > 0) {
        listed->failures--;
        return error_set(err, listed->code, "the test's shard says no");
    }
    if (document == NULL)
        return error_set(err, E_NOT_FOUND, "%.*s is not there", BYTES_ARG(id));
    buf_put(body, buf_bytes(&document->body));
    return buf_finish(body, err);
}

static inline enum code
listed_list(struct archive *archive, struct bytes database, enum archive_collection collection,
            enum code (*each)(void *context, struct bytes id, struct error *err), void *context,
            struct error *err)
{
    struct listed_archive *listed = (struct listed_archive *)archive;
    enum code code = OK;

    for (size_t i = 0; code == OK && i < listed->count; i++)
        if (listed->documents[i].collection == collection &&
            bytes_equal(bytes_of(listed->documents[i].database), database))
            code = each(context, bytes_of(listed->documents[i].id), err);
    return code;
}

static inline void listed_close(struct archive *archive)
{
    ((struct listed_archive *)archive)->closed++;
}

static inline void listed_init(struct listed_archive *listed)
{
    static const struct archive_operations operations = {
        .put = listed_put, .get = listed_get, .list = listed_list, .close = listed_close};

    *listed = (struct listed_archive){
        .archive = {&operations}, .documents = calloc(LISTED_MAX, sizeof(struct listed_document))};
    assert_non_null(listed->documents);
}

static inline void listed_release(struct listed_archive *listed)
{
    for (size_t i = 0; i < listed->count; i++)
        buf_release(&listed->documents[i].body);
    free(listed->documents);
}

static inline void listed_put_one(struct listed_archive *listed, struct bytes tenant,
                                  enum archive_collection collection, const char *id,
                                  struct bytes body)
{
    struct archive_document document = {bytes_of(id), body, hash128(body)};
    char database[CHAIN_DATABASE_SIZE];

    chain_database(tenant, database);
    assert_int_equal(
        listed_put(&listed->archive, bytes_of(database), collection, &document, 1, NULL), OK);
}

/* Documents whose names begin so. */
static inline void listed_drop(struct listed_archive *listed, const char *prefix)
{
    size_t kept = 0;

    for (size_t i = 0; i < listed->count; i++) {
        if (strncmp(listed->documents[i].id, prefix, strlen(prefix)) == 0)
            buf_release(&listed->documents[i].body);
        else
            listed->documents[kept++] = listed->documents[i];
    }
    listed->count = kept;
}

static inline void listed_put_entry(struct listed_archive *listed, const struct chain_entry *entry)
{
    struct buf body = BUF_INIT(CHAIN_ENTRY_BYTES_MAX);
    char id[CHAIN_ID_SIZE];

    chain_entry_encode(entry, &body);
    assert_int_equal(buf_finish(&body, NULL), OK);
    chain_entry_id(&entry->incarnation, entry->number, id);
    listed_put_one(listed, entry->tenant, ARCHIVE_MANIFESTS, id, buf_bytes(&body));
    buf_release(&body);
}

#endif
