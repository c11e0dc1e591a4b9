#include "server/delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "discovery/directory.h"
#include "net/mongo.h"

/* The archive at the address that the tenants file or the registry gives now. */
struct followed {
    struct archive archive; /* first */
    struct directory *directory;
    char name[SHARD_NAME_SIZE];
    struct archive *inner; /* at `uri`; NULL: not opened */
    char *uri;             /* owned, a secret */
    size_t uri_size;
    bool unsafe;
};

static struct followed *followed_of(struct archive *archive)
{
    return (struct followed *)archive;
}

static void leave(struct followed *followed)
{
    if (followed->inner != NULL)
        followed->inner->operations->close(followed->inner);
    followed->inner = NULL;
    if (followed->uri != NULL)
        explicit_bzero(followed->uri, followed->uri_size);
    free(followed->uri);
    followed->uri = NULL;
    followed->uri_size = 0;
}

static enum code enter(struct followed *followed, const struct shard_settings *shard,
                       struct error *err)
{
    enum code code;

    followed->uri = malloc(shard->uri.size + 1);
    if (followed->uri == NULL)
        return error_set(err, E_MEMORY, "no memory for a shard");
    memcpy(followed->uri, shard->uri.data, shard->uri.size);
    followed->uri_size = shard->uri.size;
    followed->unsafe = shard->unsafe;
    code = mongo_archive_open(shard->uri, shard->unsafe, followed->name, &followed->inner, err);
    if (code)
        leave(followed);
    return code;
}

/* Asked before each call: an address that was put right must not wait for a failure of the old. */
static enum code follow(struct followed *followed, struct error *err)
{
    struct directory_snapshot *snapshot = directory_get(followed->directory);
    const struct shard_settings *shard = directory_shard(snapshot, bytes_of(followed->name));
    enum code code = OK;

    if (shard == NULL) {
        leave(followed);
        code =
            error_set(err, E_CONFIG, "the tenants file or the registry names no shard %s any more",
                      followed->name);
    } else if (followed->inner == NULL || followed->unsafe != shard->unsafe ||
               !bytes_equal(shard->uri, (struct bytes){followed->uri, followed->uri_size})) {
        leave(followed);
        code = enter(followed, shard, err);
    }
    assert(code != OK || followed->inner != NULL);
    directory_put(snapshot);
    return code;
}

static enum code put(struct archive *archive, struct bytes database,
                     enum archive_collection collection, const struct archive_document *documents,
                     size_t count, struct error *err)
{
    struct followed *followed = followed_of(archive);
    enum code code = follow(followed, err);

    return code ? code
                : followed->inner->operations->put(followed->inner, database, collection, documents,
                                                   count, err);
}

static enum code get(struct archive *archive, struct bytes database,
                     enum archive_collection collection, struct bytes id, struct buf *body,
                     struct error *err)
{
    struct followed *followed = followed_of(archive);
    enum code code = follow(followed, err);

    return code ? code
                : followed->inner->operations->get(followed->inner, database, collection, id, body,
                                                   err);
}

static enum code take_out(struct archive *archive, struct bytes database,
                          enum archive_collection collection, const struct bytes *ids, size_t count,
                          struct error *err)
{
    struct followed *followed = followed_of(archive);
    enum code code = follow(followed, err);

    return code ? code
                : followed->inner->operations->remove(followed->inner, database, collection, ids,
                                                      count, err);
}

static enum code list(struct archive *archive, struct bytes database,
                      enum archive_collection collection,
                      enum code (*each)(void *context, struct bytes id, struct error *err),
                      void *context, struct error *err)
{
    struct followed *followed = followed_of(archive);
    enum code code = follow(followed, err);

    return code ? code
                : followed->inner->operations->list(followed->inner, database, collection, each,
                                                    context, err);
}

static void close_followed(struct archive *archive)
{
    leave(followed_of(archive));
    free(archive);
}

static enum code open_shard(void *context, const char *shard, struct archive **archive,
                            struct error *err)
{
    static const struct archive_operations operations = {put, get, take_out, list, close_followed};
    struct followed *followed = calloc(1, sizeof(*followed));
    enum code code;

    *archive = NULL;
    if (followed == NULL)
        return error_set(err, E_MEMORY, "no memory for a shard");
    followed->archive.operations = &operations;
    followed->directory = context;
    (void)snprintf(followed->name, sizeof(followed->name), "%s", shard);
    code = follow(followed, err);
    if (code)
        close_followed(&followed->archive);
    else
        *archive = &followed->archive;
    return code;
}

static bool shard_of(void *context, const struct tenant *tenant, char name[SHARD_NAME_SIZE])
{
    struct directory_snapshot *snapshot = directory_get(context);
    const struct tenant_settings *settings = directory_tenant(snapshot, tenant->name);
    const struct shard_settings *shard = settings == NULL ? NULL : settings->shard;

    if (shard != NULL)
        (void)snprintf(name, SHARD_NAME_SIZE, "%.*s", BYTES_ARG(shard->name));
    directory_put(snapshot);
    return shard != NULL;
}

struct delivery_rules delivery_rules_of(struct directory *directory)
{
    return (struct delivery_rules){.context = directory, .shard_of = shard_of, .open = open_shard};
}
