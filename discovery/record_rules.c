#include "discovery/record_rules.h"

#include <stdio.h>

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

enum code shard_may_become(const struct registry_snapshot *records, struct bytes name,
                           const struct shard_document *document, struct error *err)
{
    struct arena arena;
    size_t first, end;
    enum code code = OK;

    if (!document->deleted)
        return OK;
    arena_init(&arena, SIZE_MAX, NULL);
    registry_range(records, REGISTRY_TENANTS, &first, &end);
    for (size_t i = first; i < end && !code; i++) {
        const struct registry_record *record = &records->records[i];
        struct tenant_document tenant;
        struct error why = {0};

        code = tenant_document_parse(record->text, &arena, &tenant, &why);
        if (code == E_MEMORY) {
            *err = why;
            break;
        }
        if (code) {
            error_point(err, BYTES("/state"));
            code = error_set(err, E_CONFIG,
                             "/state: the record of the tenant \"%.*s\" is not right, and may name "
                             "this shard; put it right first",
                             BYTES_ARG(record->name));
        } else if (!tenant.deleted && names_shard(&tenant, name)) {
            error_point(err, BYTES("/state"));
            code = error_set(err, E_CONFIG, "/state: the tenant \"%.*s\" has packs there",
                             BYTES_ARG(record->name));
        }
    }
    arena_release(&arena);
    return code;
}
