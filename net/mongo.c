/* libmongoc.  One client of its own kind without threads: it looks for its servers when it is asked
 * something.  A client that met a failure of the network is thrown away, as it would not ask that
 * server again for five seconds; who calls us has a better back-off.
 *
 * An answer to an insert proves little: it may be lost after the work was done, it may be of a
 * primary that is none any more, and "duplicate key" says that there is something, not what.  So an
 * insert's answer only explains; what counts is that each document is found again, by a read that
 * majorities stand behind, with the hash of what was sent.  Documents are found by their _id alone:
 * that every server has an index for. */
#include "net/mongo.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <mongoc/mongoc.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/mongo_code.h"
#include "net/redact.h"

enum {
    BATCH_DOCUMENTS_MAX = 1000,
    BATCH_BYTES_MAX = 4 << 20, /* copied twice on its way; larger ones are not faster */
    /* So many and more are read back by one list of names.  A server with an index gains a round
     * trip each; FerretDB, which walks over its collection for either, does a name alone in a
     * thirteenth of the time. */
    TOGETHER_MIN = 16,
    DOCUMENT_BYTES_MAX = 16 << 20,
    DOCUMENT_BYTES_BESIDE = 128, /* of names, lengths and the hash */
    DATABASE_SIZE_MAX = 63,
    SECRETS_MAX = 5,
};

struct mongo {
    struct archive archive;
    char *name;
    bool unsafe;
    char *text;        /* the URI as it was given */
    mongoc_uri_t *uri; /* with what it left open */
    struct bytes secrets[SECRETS_MAX];
    mongoc_client_t *client; /* NULL: the next call makes one */
    bool alone;              /* one server without a replica set, as it said */
    bool alone_told;
    bool busy;        /* a call is under way, maybe in a caller's function that is told of ids */
    int64_t asked_ns; /* monotonic: when the last command went out */
};

static const char *const collection_names[] = {
    [ARCHIVE_PACKS] = "packs",
    [ARCHIVE_MANIFESTS] = "manifests",
};

/* --- the library --- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
/* Whose call is in the library: its log has no other way of knowing. */
static _Thread_local const struct mongo *calling;

/* A text about a URI that could not be taken apart may quote any part of it: only what the library
 * says itself goes on, and names of options. */
static void tell_of_uri(const char *uri, const char *message, char *text, size_t room)
{
    const char *options = strrchr(uri, '?');

    if (strpbrk(uri, "\"'[]")) /* nobody knows which quotes are whose */
        message = "something in it is wrong";
    redact_quotes(message, options ? bytes_of(options + 1) : BYTES(""), text, room);
}

static void library_log(mongoc_log_level_t level, const char *domain, const char *message,
                        void *context)
{
    const struct mongo *mongo = calling;
    char text[ERROR_TEXT_SIZE];

    (void)domain;
    (void)context;
    if (level > MONGOC_LOG_LEVEL_WARNING)
        return; /* news of no failure */
    if (mongo && mongo->uri)
        redact_words(message, mongo->secrets, SECRETS_MAX, text, sizeof(text));
    else
        tell_of_uri(mongo ? mongo->text : "", message, text, sizeof(text));
    log_event(LOG_WARN, "libmongoc", LOG_CSTR("shard", mongo ? mongo->name : ""),
              LOG_CSTR("text", text));
}

static void library_begin(void)
{
    mongoc_log_set_handler(library_log, NULL);
    mongoc_init(); /* for good: mongoc_cleanup() would gain the end of a process nothing */
}

const char *mongo_library_version(void)
{
    return mongoc_get_version();
}

/* --- errors --- */

/* A time-out and a broken connection look the same but for how long they took. */
static enum code code_of_stream(const struct mongo *mongo)
{
    int64_t waited_ns = clock_monotonic_ns(clock_system()) - mongo->asked_ns;
    int64_t wait_ms_max = mongoc_uri_get_option_as_int32(mongo->uri, MONGOC_URI_SOCKETTIMEOUTMS, 0);

    /* The library's clock counts whole milliseconds, of each of its waits. */
    return wait_ms_max > 0 && waited_ns / 1000000 >= wait_ms_max - wait_ms_max / 10 ? E_TIMEOUT
                                                                                    : E_NOT_READY;
}

static enum code code_of(const struct mongo *mongo, const bson_error_t *error)
{
    switch (error->domain) {
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_WRITE_CONCERN:
        return mongo_code(error->code);
    case MONGOC_ERROR_STREAM:
        return code_of_stream(mongo);
    case MONGOC_ERROR_SERVER_SELECTION:
        return error->code == MONGOC_ERROR_SERVER_SELECTION_BAD_WIRE_VERSION ? E_CONFIG
                                                                             : E_NOT_READY;
    case MONGOC_ERROR_PROTOCOL:
        return error->code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION ? E_CONFIG : E_NOT_READY;
    case MONGOC_ERROR_SCRAM:
    case MONGOC_ERROR_SASL:
        return E_CONFIG;
    case MONGOC_ERROR_CLIENT:
        return error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE ? E_CONFIG : E_NOT_READY;
    default:
        return E_IO;
    }
}

static enum code refuse(const struct mongo *mongo, const bson_error_t *error, struct error *err)
{
    char text[ERROR_TEXT_SIZE];

    redact_words(error->message, mongo->secrets, SECRETS_MAX, text, sizeof(text));
    return error_set(err, code_of(mongo, error), "%s", text);
}

/* --- opening --- */

/* What stands before the @ of the URI, as it is written there: the library knows it unescaped. */
static void note_written_secrets(struct mongo *mongo)
{
    const char *begin = strstr(mongo->text, "://"), *at = strrchr(mongo->text, '@');
    const char *colon;

    if (!begin || !at || at < begin + 3)
        return;
    begin += 3;
    colon = memchr(begin, ':', (size_t)(at - begin));
    mongo->secrets[0] = (struct bytes){begin, (size_t)((colon ? colon : at) - begin)};
    if (colon)
        mongo->secrets[1] = (struct bytes){colon + 1, (size_t)(at - colon - 1)};
}

static void note_secrets(struct mongo *mongo)
{
    const char *const words[] = {
        mongoc_uri_get_username(mongo->uri),
        mongoc_uri_get_password(mongo->uri),
        mongoc_uri_get_option_as_utf8(mongo->uri, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD, NULL),
    };

    note_written_secrets(mongo);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i])
            mongo->secrets[2 + i] = bytes_of(words[i]);
}

static enum code refuse_uri(const char *uri, const bson_error_t *error, struct error *err)
{
    char text[ERROR_TEXT_SIZE];

    tell_of_uri(uri, error->message, text, sizeof(text));
    return error_set(err, E_CONFIG,
                     "the URI is not taken (%s); one such as "
                     "mongodb://user:password@host:27017/?replicaSet=name is, where @ : / %% and "
                     "the like within a user or password are written as %%40 %%3A %%2F %%25",
                     text);
}

static void complete_concerns(mongoc_uri_t *uri)
{
    mongoc_write_concern_t *write = mongoc_write_concern_copy(mongoc_uri_get_write_concern(uri));
    mongoc_read_concern_t *read = mongoc_read_concern_copy(mongoc_uri_get_read_concern(uri));

    if (mongoc_write_concern_get_w(write) == MONGOC_WRITE_CONCERN_W_DEFAULT)
        mongoc_write_concern_set_w(write, MONGOC_WRITE_CONCERN_W_MAJORITY);
    if (!mongoc_write_concern_journal_is_set(write))
        mongoc_write_concern_set_journal(write, true);
    if (!mongoc_uri_has_option(uri, MONGOC_URI_WTIMEOUTMS))
        mongoc_write_concern_set_wtimeout_int64(write, 10000);
    if (!mongoc_read_concern_get_level(read))
        (void)mongoc_read_concern_set_level(read, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
    mongoc_uri_set_write_concern(uri, write);
    mongoc_uri_set_read_concern(uri, read);
    mongoc_write_concern_destroy(write);
    mongoc_read_concern_destroy(read);
}

static void complete(mongoc_uri_t *uri)
{
    static const struct {
        const char *option;
        int32_t value;
    } numbers[] = {
        {MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 5000 },
        {MONGOC_URI_CONNECTTIMEOUTMS,         5000 },
        {MONGOC_URI_SOCKETTIMEOUTMS,          15000},
    };
    static const char *const switches[] = {MONGOC_URI_RETRYWRITES, MONGOC_URI_RETRYREADS};

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (!mongoc_uri_has_option(uri, numbers[i].option))
            (void)mongoc_uri_set_option_as_int32(uri, numbers[i].option, numbers[i].value);
    for (size_t i = 0; i < COUNT_OF(switches); i++)
        if (!mongoc_uri_has_option(uri, switches[i]))
            (void)mongoc_uri_set_option_as_bool(uri, switches[i], true);
    if (!mongoc_uri_get_appname(uri))
        (void)mongoc_uri_set_appname(uri, "weir");
    complete_concerns(uri);
}

static enum code uri_take(struct mongo *mongo, struct error *err)
{
    bson_error_t error;

    calling = mongo;
    mongo->uri = mongoc_uri_new_with_error(mongo->text, &error);
    calling = NULL;
    if (!mongo->uri)
        return refuse_uri(mongo->text, &error, err);
    note_secrets(mongo);
    if (!mongoc_write_concern_is_acknowledged(mongoc_uri_get_write_concern(mongo->uri)))
        return error_set(err, E_CONFIG, "w=0 would tell of no failure: leave w out");
    if (mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(mongo->uri)) != MONGOC_READ_PRIMARY)
        return error_set(err, E_CONFIG,
                         "what was delivered is read back from the primary: leave "
                         "readPreference out");
    complete(mongo->uri);
    return OK;
}

static void mongo_close(struct archive *archive);
static const struct archive_operations operations;

enum code mongo_archive_open(struct bytes uri, bool unsafe, const char *name,
                             struct archive **archive, struct error *err)
{
    struct mongo *mongo = calloc(1, sizeof(*mongo));
    enum code code;

    *archive = NULL;
    pthread_once(&library_once, library_begin);
    if (mongo) {
        mongo->archive.operations = &operations;
        mongo->unsafe = unsafe;
        mongo->name = strdup(name);
        mongo->text = strndup(uri.data, uri.size);
    }
    if (!mongo || !mongo->name || !mongo->text)
        code = error_set(err, E_MEMORY, "no memory for a shard");
    else if (strlen(mongo->text) != uri.size)
        code = error_set(err, E_CONFIG, "the URI has a NUL in it");
    else
        code = uri_take(mongo, err);
    if (code) {
        error_context(err, "shard %s", name);
        if (mongo)
            mongo_close(&mongo->archive);
        return code;
    }
    *archive = &mongo->archive;
    return OK;
}

/* Nobody is told that its session ends: of a server that does not answer a stop would wait for each
 * client's socketTimeoutMS, and the server ends it by itself, as that of a process that is killed.
 */
static void drop_client(struct mongo *mongo)
{
    calling = mongo;
    if (mongo->client) {
        mongoc_client_reset(mongo->client);
        mongoc_client_destroy(mongo->client);
    }
    mongo->client = NULL;
    calling = NULL;
}

static void mongo_close(struct archive *archive)
{
    struct mongo *mongo = (struct mongo *)archive;

    drop_client(mongo);
    if (mongo->uri)
        mongoc_uri_destroy(mongo->uri);
    if (mongo->text)
        explicit_bzero(mongo->text, strlen(mongo->text));
    free(mongo->text);
    free(mongo->name);
    free(mongo);
}

/* --- the server --- */

/* Only what it said itself decides what it promises: a URI does not tell one server from a set. */
static enum code check_concern(struct mongo *mongo, struct error *err)
{
    const mongoc_write_concern_t *write = mongoc_uri_get_write_concern(mongo->uri);
    const char *level = mongoc_read_concern_get_level(mongoc_uri_get_read_concern(mongo->uri));
    const char *fault = NULL;

    if (!mongoc_write_concern_get_journal(write))
        fault = "journal=false: what a server took would be gone with its power";
    else if (mongo->alone)
        return OK; /* its journal is all there is */
    else if (!mongoc_write_concern_get_wmajority(write))
        fault = "a w that is not majority: what one server took can be rolled back";
    else if (strcmp(level, MONGOC_READ_CONCERN_LEVEL_MAJORITY) != 0 &&
             strcmp(level, MONGOC_READ_CONCERN_LEVEL_LINEARIZABLE) != 0)
        fault = "a readConcernLevel below majority: what is read back can be rolled back";
    if (!fault || mongo->unsafe)
        return OK;
    return error_set(err, E_CONFIG, "the URI has %s; leave it out, or set unsafe: true", fault);
}

static enum code check_server(struct mongo *mongo, const char *type, struct error *err)
{
    static const char *const writable[] = {"Standalone", "RSPrimary", "Mongos", "LoadBalancer"};
    size_t i = 0;

    while (i < COUNT_OF(writable) && strcmp(type, writable[i]) != 0)
        i++;
    if (i == COUNT_OF(writable)) /* a URI of this one host; libmongoc asks no other */
        return error_set(err, E_NOT_READY,
                         "the only host that the URI names is no primary now (%s): name the "
                         "members and replicaSet=",
                         type);
    mongo->alone = i == 0;
    if (mongo->alone && !mongo->alone_told)
        log_event(LOG_INFO,
                  "a shard is one server without a replica set: what it holds is as "
                  "safe as its disk",
                  LOG_CSTR("shard", mongo->name));
    mongo->alone_told |= mongo->alone;
    return check_concern(mongo, err);
}

/* Asks nothing of a server that was asked lately. */
static enum code reach(struct mongo *mongo, struct error *err)
{
    mongoc_server_description_t *server;
    bson_error_t error;
    enum code code;

    if (!mongo->client) {
        mongo->client = mongoc_client_new_from_uri_with_error(mongo->uri, &error);
        if (!mongo->client)
            return refuse(mongo, &error, err);
        (void)mongoc_client_set_error_api(mongo->client, MONGOC_ERROR_API_VERSION_2);
    }
    server = mongoc_client_select_server(mongo->client, true, NULL, &error);
    if (!server)
        return refuse(mongo, &error, err);
    code = check_server(mongo, mongoc_server_description_type(server), err);
    mongoc_server_description_destroy(server);
    return code;
}

/* --- every call --- */

static void asking(struct mongo *mongo)
{
    mongo->asked_ns = clock_monotonic_ns(clock_system());
}

static enum code begin(struct mongo *mongo, struct bytes database, enum archive_collection which,
                       mongoc_collection_t **collection, struct error *err)
{
    char name[DATABASE_SIZE_MAX + 1];
    enum code code;

    *collection = NULL;
    assert(!mongo->busy);
    mongo->busy = true;
    calling = mongo;
    asking(mongo);
    if (database.size == 0 || database.size > DATABASE_SIZE_MAX)
        return error_set(err, E_CONFIG, "\"%.*s\": a database has a name of 1 to %d bytes",
                         BYTES_ARG(database), DATABASE_SIZE_MAX);
    memcpy(name, database.data, database.size);
    name[database.size] = '\0';
    code = reach(mongo, err);
    if (code)
        return code;
    *collection = mongoc_client_get_collection(mongo->client, name, collection_names[which]);
    return OK;
}

static enum code end(struct mongo *mongo, mongoc_collection_t *collection, enum code code,
                     struct error *err)
{
    if (collection)
        mongoc_collection_destroy(collection);
    if (code == E_NOT_READY || code == E_TIMEOUT || code == E_CONFIG)
        drop_client(mongo);
    calling = NULL;
    mongo->busy = false;
    if (code)
        error_context(err, "shard %s", mongo->name);
    return code;
}

/* --- finding --- */

static bool binary_of(const bson_t *document, const char *key, struct bytes *value)
{
    bson_iter_t at;
    bson_subtype_t subtype;
    const uint8_t *data;
    uint32_t size;

    if (!bson_iter_init_find(&at, document, key) || !BSON_ITER_HOLDS_BINARY(&at))
        return false;
    bson_iter_binary(&at, &subtype, &size, &data);
    *value = (struct bytes){(const char *)data, size};
    return true;
}

static bool hash_is(struct bytes bytes, const struct hash128 *hash)
{
    return bytes_equal(bytes, (struct bytes){(const char *)hash->bytes, sizeof(hash->bytes)});
}

static void append_id(bson_t *document, const char *key, struct bytes id)
{
    bool whole = bson_append_utf8(document, key, (int)strlen(key), id.data, (int)id.size);

    assert(whole);
}

/* Of all these names, or their hashes alone, in one answer. */
static mongoc_cursor_t *find(struct mongo *mongo, mongoc_collection_t *collection,
                             const bson_t *filter, size_t count, bool hash_only)
{
    bson_t options = BSON_INITIALIZER, projection;
    mongoc_cursor_t *cursor;

    BSON_APPEND_INT64(&options, "limit", (int64_t)count);
    BSON_APPEND_INT64(&options, "batchSize", (int64_t)count);
    BSON_APPEND_BOOL(&options, "singleBatch", true);
    if (hash_only) {
        BSON_APPEND_DOCUMENT_BEGIN(&options, "projection", &projection);
        BSON_APPEND_INT32(&projection, "h", 1);
        bson_append_document_end(&options, &projection);
    }
    asking(mongo);
    cursor = mongoc_collection_find_with_opts(collection, filter, &options, NULL);
    bson_destroy(&options);
    return cursor;
}

static enum code get(struct mongo *mongo, mongoc_collection_t *collection, struct bytes id,
                     struct buf *body, struct error *err)
{
    bson_t filter = BSON_INITIALIZER;
    struct bytes hash, bytes;
    mongoc_cursor_t *cursor;
    struct hash128 right;
    const bson_t *found;
    bson_error_t error;
    enum code code;

    append_id(&filter, "_id", id);
    cursor = find(mongo, collection, &filter, 1, false);
    bson_destroy(&filter);
    if (!mongoc_cursor_next(cursor, &found)) {
        code = mongoc_cursor_error(cursor, &error)
                   ? refuse(mongo, &error, err)
                   : error_set(err, E_NOT_FOUND, "%.*s is not there", BYTES_ARG(id));
    } else if (!binary_of(found, "h", &hash) || !binary_of(found, "b", &bytes)) {
        code = error_set(err, E_CORRUPT, "%.*s has no hash or no body", BYTES_ARG(id));
    } else if (right = hash128(bytes), !hash_is(hash, &right)) {
        code = error_set(err, E_CORRUPT, "%.*s: the body has not the hash that stands beside it",
                         BYTES_ARG(id));
    } else {
        buf_put(body, bytes);
        code = buf_finish(body, err);
    }
    mongoc_cursor_destroy(cursor);
    return code;
}

static enum code mongo_get(struct archive *archive, struct bytes database,
                           enum archive_collection which, struct bytes id, struct buf *body,
                           struct error *err)
{
    struct mongo *mongo = (struct mongo *)archive;
    mongoc_collection_t *collection;
    enum code code = begin(mongo, database, which, &collection, err);

    if (!code)
        code = get(mongo, collection, id, body, err);
    return end(mongo, collection, code, err);
}

static enum code mongo_list(struct archive *archive, struct bytes database,
                            enum archive_collection which,
                            enum code (*each)(void *context, struct bytes id, struct error *err),
                            void *context, struct error *err)
{
    struct mongo *mongo = (struct mongo *)archive;
    bson_t filter = BSON_INITIALIZER, options = BSON_INITIALIZER, projection;
    mongoc_collection_t *collection;
    mongoc_cursor_t *cursor;
    const bson_t *found;
    bson_error_t error;
    enum code code = begin(mongo, database, which, &collection, err);

    if (code)
        return end(mongo, collection, code, err);
    BSON_APPEND_DOCUMENT_BEGIN(&options, "projection", &projection);
    BSON_APPEND_INT32(&projection, "_id", 1);
    bson_append_document_end(&options, &projection);
    cursor = mongoc_collection_find_with_opts(collection, &filter, &options, NULL);
    while (!code && (asking(mongo), mongoc_cursor_next(cursor, &found))) {
        bson_iter_t at;
        uint32_t size;
        const char *id;

        if (!bson_iter_init_find(&at, found, "_id") || !BSON_ITER_HOLDS_UTF8(&at))
            continue; /* none of ours */
        id = bson_iter_utf8(&at, &size);
        code = each(context, (struct bytes){id, size}, err);
    }
    if (!code && mongoc_cursor_error(cursor, &error))
        code = refuse(mongo, &error, err);
    mongoc_cursor_destroy(cursor);
    bson_destroy(&filter);
    bson_destroy(&options);
    return end(mongo, collection, code, err);
}

/* --- putting --- */

/* The error in an array of the answer whose "index" is `index`; any if that is negative. */
static bool error_in(const bson_t *reply, const char *array, int64_t index, bson_error_t *error)
{
    bson_iter_t at, each;

    if (!bson_iter_init_find(&at, reply, array) || !BSON_ITER_HOLDS_ARRAY(&at) ||
        !bson_iter_recurse(&at, &each))
        return false;
    while (bson_iter_next(&each)) {
        bson_iter_t field;
        int64_t number = -1, code = 0;
        const char *text = "";

        if (!BSON_ITER_HOLDS_DOCUMENT(&each))
            continue;
        if (bson_iter_recurse(&each, &field) && bson_iter_find(&field, "index"))
            number = bson_iter_as_int64(&field);
        if (bson_iter_recurse(&each, &field) && bson_iter_find(&field, "code"))
            code = bson_iter_as_int64(&field);
        if (bson_iter_recurse(&each, &field) && bson_iter_find(&field, "errmsg") &&
            BSON_ITER_HOLDS_UTF8(&field))
            text = bson_iter_utf8(&field, NULL);
        if (index >= 0 && number != index)
            continue;
        bson_set_error(error, MONGOC_ERROR_SERVER, (uint32_t)code, "%s", text);
        return true;
    }
    return false;
}

/* What is found under the name of a document that was sent. */
enum seen { NOTHING, THE_SAME, ANOTHER };

/* Answers come in the order of the names mostly: *next is where to look first. */
static void note(const bson_t *found, const struct archive_document *documents, size_t count,
                 size_t *next, enum seen *seen)
{
    bson_iter_t at;
    struct bytes id, hash;
    uint32_t size;

    if (!bson_iter_init_find(&at, found, "_id") || !BSON_ITER_HOLDS_UTF8(&at))
        return;
    id.data = bson_iter_utf8(&at, &size);
    id.size = size;
    for (size_t i = 0; i < count; i++) {
        size_t index = (*next + i) % count;

        if (!bytes_equal(documents[index].id, id))
            continue;
        seen[index] = binary_of(found, "h", &hash) && hash_is(hash, &documents[index].hash)
                          ? THE_SAME
                          : ANOTHER;
        *next = index + 1;
        return;
    }
}

static enum code look(struct mongo *mongo, mongoc_collection_t *collection,
                      const struct archive_document *documents, size_t count, enum seen *seen,
                      struct error *err)
{
    bson_t filter = BSON_INITIALIZER, list, names;
    mongoc_cursor_t *cursor;
    const bson_t *found;
    bson_error_t error;
    enum code code = OK;
    size_t next = 0;

    if (count == 1) {
        append_id(&filter, "_id", documents[0].id);
    } else {
        BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &list);
        BSON_APPEND_ARRAY_BEGIN(&list, "$in", &names);
        for (size_t i = 0; i < count; i++) {
            char number[16];
            const char *key;

            (void)bson_uint32_to_string((uint32_t)i, &key, number, sizeof(number));
            append_id(&names, key, documents[i].id);
        }
        bson_append_array_end(&list, &names);
        bson_append_document_end(&filter, &list);
    }
    cursor = find(mongo, collection, &filter, count, true);
    bson_destroy(&filter);
    while (mongoc_cursor_next(cursor, &found))
        note(found, documents, count, &next, seen);
    if (mongoc_cursor_error(cursor, &error))
        code = refuse(mongo, &error, err);
    mongoc_cursor_destroy(cursor);
    return code;
}

/* Why a document that was sent is not there. */
static enum code explain(const struct mongo *mongo, const bson_t *reply, size_t index,
                         struct bytes id, struct error *err)
{
    bson_error_t error;

    if (error_in(reply, "writeErrors", (int64_t)index, &error) &&
        mongo_code(error.code) != E_EXISTS)
        return refuse(mongo, &error, err);
    if (error_in(reply, "writeConcernErrors", -1, &error))
        return refuse(mongo, &error, err);
    return error_set(err, E_NOT_READY, "%.*s was written, but no majority has it yet",
                     BYTES_ARG(id));
}

/* Sends them.  OK: the server said something of each, which is in the reply.  The reply is
 * initialised in any case. */
static enum code insert(struct mongo *mongo, mongoc_collection_t *collection,
                        const struct archive_document *documents, size_t count, bson_t *reply,
                        struct error *err)
{
    bson_t **list = calloc(count, sizeof(bson_t *)), options = BSON_INITIALIZER;
    bson_error_t error;
    bool whole = true;

    if (!list) {
        bson_init(reply);
        return error_set(err, E_MEMORY, "no memory for %zu documents", count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct archive_document *from = &documents[i];

        list[i] = bson_sized_new(from->id.size + from->body.size + DOCUMENT_BYTES_BESIDE);
        append_id(list[i], "_id", from->id);
        whole &= BSON_APPEND_BINARY(list[i], "h", BSON_SUBTYPE_BINARY, from->hash.bytes,
                                    sizeof(from->hash.bytes));
        whole &= BSON_APPEND_BINARY(list[i], "b", BSON_SUBTYPE_BINARY,
                                    (const uint8_t *)(from->body.size > 0 ? from->body.data : ""),
                                    (uint32_t)from->body.size);
    }
    assert(whole); /* documents were measured */
    BSON_APPEND_BOOL(&options, "ordered", false);
    asking(mongo);
    whole = mongoc_collection_insert_many(collection, (const bson_t **)list, count, &options, reply,
                                          &error);
    for (size_t i = 0; i < count; i++)
        bson_destroy(list[i]);
    free(list);
    bson_destroy(&options);
    if (whole || bson_has_field(reply, "writeErrors") ||
        bson_has_field(reply, "writeConcernErrors"))
        return OK;
    return refuse(mongo, &error, err);
}

/* OK: each is there with its hash. */
static enum code read_back(struct mongo *mongo, mongoc_collection_t *collection,
                           const struct archive_document *documents, size_t count,
                           const bson_t *reply, struct error *err)
{
    enum seen seen[BATCH_DOCUMENTS_MAX] = {NOTHING};
    size_t step = count < TOGETHER_MIN ? 1 : count;

    for (size_t at = 0; at < count; at += step) {
        enum code code = look(mongo, collection, documents + at, step, seen + at, err);

        if (code)
            return code;
    }
    for (size_t i = 0; i < count; i++) {
        if (seen[i] == ANOTHER)
            return error_set(err, E_EXISTS, "%.*s is there already, with another hash",
                             BYTES_ARG(documents[i].id));
        if (seen[i] == NOTHING)
            return explain(mongo, reply, i, documents[i].id, err);
    }
    return OK;
}

static enum code put_batch(struct mongo *mongo, mongoc_collection_t *collection,
                           const struct archive_document *documents, size_t count,
                           struct error *err)
{
    bson_t reply;
    bson_error_t error;
    enum code code = insert(mongo, collection, documents, count, &reply, err);

    /* Of a set, a read at majority says more than an answer that names a time-out.  Of a server
     * alone it says nothing about its journal. */
    if (!code && mongo->alone && error_in(&reply, "writeConcernErrors", -1, &error))
        code = refuse(mongo, &error, err);
    if (!code)
        code = read_back(mongo, collection, documents, count, &reply, err);
    bson_destroy(&reply);
    return code;
}

/* How many go together.  E_IO: the first is too large to go at all. */
static enum code batch_of(const struct archive_document *documents, size_t count, size_t *batch,
                          struct error *err)
{
    size_t bytes = 0, i = 0;

    while (i < count && i < BATCH_DOCUMENTS_MAX) {
        size_t size = documents[i].id.size + documents[i].body.size + DOCUMENT_BYTES_BESIDE;

        if (size > DOCUMENT_BYTES_MAX)
            return error_set(err, E_IO, "%.*s has %zu bytes: MongoDB takes documents of 16 MiB",
                             BYTES_ARG(documents[i].id), documents[i].body.size);
        if (i > 0 && bytes + size > BATCH_BYTES_MAX)
            break;
        bytes += size;
        i++;
    }
    *batch = i;
    return OK;
}

static enum code mongo_put(struct archive *archive, struct bytes database,
                           enum archive_collection which, const struct archive_document *documents,
                           size_t count, struct error *err)
{
    struct mongo *mongo = (struct mongo *)archive;
    mongoc_collection_t *collection;
    enum code code = begin(mongo, database, which, &collection, err);

    for (size_t at = 0, batch = 0; !code && at < count; at += batch) {
        code = batch_of(documents + at, count - at, &batch, err);
        if (!code)
            code = put_batch(mongo, collection, documents + at, batch, err);
    }
    return end(mongo, collection, code, err);
}

/* --- removing --- */

static enum code remove_batch(struct mongo *mongo, mongoc_collection_t *collection,
                              const struct bytes *ids, size_t count, struct error *err)
{
    bson_t options = BSON_INITIALIZER, reply;
    mongoc_bulk_operation_t *bulk;
    bson_error_t error;
    enum code code = OK;

    BSON_APPEND_BOOL(&options, "ordered", false);
    bulk = mongoc_collection_create_bulk_operation_with_opts(collection, &options);
    bson_destroy(&options);
    for (size_t i = 0; !code && i < count; i++) {
        bson_t filter = BSON_INITIALIZER;

        append_id(&filter, "_id", ids[i]);
        if (!mongoc_bulk_operation_remove_one_with_opts(bulk, &filter, NULL, &error))
            code = refuse(mongo, &error, err);
        bson_destroy(&filter);
    }
    if (!code) {
        asking(mongo);
        if (mongoc_bulk_operation_execute(bulk, &reply, &error) == 0 ||
            error_in(&reply, "writeErrors", -1, &error) ||
            error_in(&reply, "writeConcernErrors", -1, &error))
            code = refuse(mongo, &error, err);
        bson_destroy(&reply);
    }
    mongoc_bulk_operation_destroy(bulk);
    return code;
}

static enum code mongo_remove(struct archive *archive, struct bytes database,
                              enum archive_collection which, const struct bytes *ids, size_t count,
                              struct error *err)
{
    struct mongo *mongo = (struct mongo *)archive;
    mongoc_collection_t *collection;
    enum code code = begin(mongo, database, which, &collection, err);

    for (size_t at = 0; !code && at < count; at += BATCH_DOCUMENTS_MAX) {
        size_t left = count - at;

        code = remove_batch(mongo, collection, ids + at,
                            left < BATCH_DOCUMENTS_MAX ? left : BATCH_DOCUMENTS_MAX, err);
    }
    return end(mongo, collection, code, err);
}

static const struct archive_operations operations = {
    .put = mongo_put,
    .get = mongo_get,
    .remove = mongo_remove,
    .list = mongo_list,
    .close = mongo_close,
};
