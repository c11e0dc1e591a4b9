#include "discovery/record_rules.h"

#include <stdio.h>

#include "discovery/name_list.h"

static bool names_shard(const struct tenant_document *document, struct bytes shard)
{
    for (size_t i = 0; i < document->shard_count; i++)
        if (bytes_equal(document->shards[i], shard))
            return true;
    return false;
}

static enum code shard_is_there(const struct registry_snapshot *records, struct arena *arena,
                                struct bytes shard, size_t index, struct error *err)
{
    const struct registry_record *record = registry_find(records, REGISTRY_SHARDS, shard);
    struct shard_document document;
    char pointer[32];
    enum code code;

    (void)snprintf(pointer, sizeof(pointer), "/shards/%zu", index);
    if (!record) {
        error_point(err, bytes_of(pointer));
        return error_set(err, E_CONFIG, "%s: there is no shard \"%.*s\"; add it first", pointer,
                         BYTES_ARG(shard));
    }
    code = shard_document_parse(record->text, arena, &document, err);
    if (code == E_MEMORY)
        return code;
    if (code) {
        error_point(err, bytes_of(pointer));
        error_context(err, "%s: the record of the shard \"%.*s\" is not right", pointer,
                      BYTES_ARG(shard));
        return code;
    }
    if (!document.deleted)
        return OK;
    error_point(err, bytes_of(pointer));
    return error_set(err, E_CONFIG, "%s: the shard \"%.*s\" is deleted", pointer, BYTES_ARG(shard));
}

static enum code keeps_its_shards(const struct registry_snapshot *records, struct arena *arena,
                                  struct bytes name, const struct tenant_document *document,
                                  struct error *err)
{
    const struct registry_record *record = registry_find(records, REGISTRY_TENANTS, name);
    struct tenant_document before;
    struct error why = {0};
    enum code code;

    if (!record)
        return OK;
    code = tenant_document_salvage(record->text, arena, &before, &why);
    if (code == E_MEMORY)
        return error_set(err, E_MEMORY, "%s", why.text);
    if (code)
        return OK; /* what it had is not known */
    for (size_t i = 0; i < before.shard_count; i++)
        if (!names_shard(document, before.shards[i])) {
            error_point(err, BYTES("/shards"));
            return error_set(err, E_CONFIG,
                             "/shards: the tenant has packs at \"%.*s\": shards may be added, and "
                             "the last is where new packs go, but none is taken away",
                             BYTES_ARG(before.shards[i]));
        }
    return OK;
}

enum code tenant_may_become(const struct registry_snapshot *records, struct bytes name,
                            const struct tenant_document *document, struct error *err)
{
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = keeps_its_shards(records, &arena, name, document, err);
    for (size_t i = 0; i < document->shard_count && !code && !document->deleted; i++)
        code = shard_is_there(records, &arena, document->shards[i], i, err);
    arena_release(&arena);
    return code;
}

/* Tenants that have packs at a shard. */
struct users {
    struct name_list active, deleted;
    struct name_list unknown; /* whose records do not tell */
};

static enum code users_find(const struct registry_snapshot *records, struct bytes shard,
                            struct users *users, struct error *err)
{
    struct arena arena;
    size_t first, end;
    enum code code = OK;

    arena_init(&arena, SIZE_MAX, NULL);
    registry_range(records, REGISTRY_TENANTS, &first, &end);
    for (size_t i = first; i < end && code != E_MEMORY; i++) {
        struct bytes name = records->records[i].name;
        struct tenant_document tenant;
        struct error why = {0};

        code = tenant_document_salvage(records->records[i].text, &arena, &tenant, &why);
        if (code == E_MEMORY)
            *err = why;
        else if (code)
            name_list_add(&users->unknown, name);
        else if (names_shard(&tenant, shard))
            name_list_add(tenant.deleted ? &users->deleted : &users->active, name);
    }
    arena_release(&arena);
    return code == E_MEMORY ? code : OK;
}

static bool is_deleted(const struct registry_snapshot *records, struct bytes shard)
{
    const struct registry_record *record = registry_find(records, REGISTRY_SHARDS, shard);
    struct shard_document document;
    struct arena arena;
    bool deleted;

    arena_init(&arena, SIZE_MAX, NULL);
    deleted =
        record && !shard_document_parse(record->text, &arena, &document, NULL) && document.deleted;
    arena_release(&arena);
    return deleted;
}

enum code shard_may_go(const struct registry_snapshot *records, struct bytes name,
                       const char *consent, struct error *err)
{
    struct users users = {0};
    enum code code;

    if (is_deleted(records, name))
        return OK; /* nobody loses anything by that any more */
    code = users_find(records, name, &users, err);
    if (code)
        return code;
    if (users.unknown.count > 0)
        return error_set(err, E_CONFIG,
                         "records of tenants are not right, and may name the shard %.*s: %s; put "
                         "them right first",
                         BYTES_ARG(name), name_list_text(&users.unknown));
    if (users.active.count > 0)
        return error_set(err, E_CONFIG,
                         "the shard %.*s is in use: tenants have packs there (%s), and keep every "
                         "shard that they were given; it can go when these tenants are deleted",
                         BYTES_ARG(name), name_list_text(&users.active));
    if (users.deleted.count > 0 && consent)
        return error_set(
            err, E_CONFIG,
            "deleted tenants left packs at the shard %.*s (%s), and could not be taken "
            "back without it; %s deletes it all the same",
            BYTES_ARG(name), name_list_text(&users.deleted), consent);
    return OK;
}
