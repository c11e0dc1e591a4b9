/* Shards first, as tenants name them.  What a record said before is looked for where it was held
 * already, then in the records of the last time; at the start those are the copy on disk.  A shard
 * that is deleted while a tenant still names it is held, too: what the tenant has there would be
 * out of reach. */
#include "discovery/registered.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "discovery/registry_core.h"
#include "discovery/registry_image.h"
#include "discovery/shard_document.h"
#include "discovery/snapshot.h"
#include "discovery/tenant_document.h"

struct registered {
    struct fs *fs;                      /* borrowed; NULL = none */
    struct registry_snapshot *previous; /* of the last build */
    struct registry_snapshot *held;     /* earlier forms that are in force */
    bool kept;                          /* they are on disk */
    bool told;                          /* that they are not */
    struct arena arena;                 /* of the faults */
    struct registered_fault *faults;
    size_t fault_count;
};

struct build {
    const struct registered *registered;
    const struct registry_snapshot *records;
    const struct limits *node;
    struct directory_snapshot *into;
    struct arena arena; /* of faults and the array of held ones */
    struct registered_fault *faults;
    size_t fault_count;
    struct registry_record *held; /* texts are of earlier snapshots */
    size_t held_count;
};

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory for the directory");
}

/* --- the files --- */

static struct registry_snapshot *load(struct fs *fs, const char *path)
{
    struct buf image = BUF_INIT(REGISTRY_IMAGE_BYTES_MAX);
    struct registry_record *records = NULL;
    struct registry_snapshot *snapshot;
    struct error err = {0};
    size_t count = 0;
    enum code code =
        fs ? registry_image_load(fs, path, &image, &records, &count, &err) : E_NOT_FOUND;

    if (code && code != E_NOT_FOUND)
        log_error(LOG_ERROR, "what records of the registry said before is not known", &err);
    snapshot = registry_snapshot_new(records, count);
    free(records);
    buf_release(&image);
    return snapshot;
}

enum code registered_new(struct fs *fs, struct registered **registered_made, struct error *err)
{
    struct registered *registered = calloc(1, sizeof(*registered));

    *registered_made = NULL;
    if (!registered)
        return no_memory(err);
    registered->fs = fs;
    registered->kept = true;
    arena_init(&registered->arena, SIZE_MAX, NULL);
    registered->previous = load(fs, REGISTRY_COPY);
    registered->held = load(fs, REGISTRY_HELD_COPY);
    if (!registered->previous || !registered->held) {
        registered_free(registered);
        return no_memory(err);
    }
    *registered_made = registered;
    return OK;
}

void registered_free(struct registered *registered)
{
    if (!registered)
        return;
    registry_snapshot_put(registered->previous);
    registry_snapshot_put(registered->held);
    arena_release(&registered->arena);
    free(registered);
}

const struct registered_fault *registered_faults(const struct registered *registered, size_t *count)
{
    *count = registered->fault_count;
    return registered->faults;
}

static bool same_forms(const struct registry_snapshot *a, const struct registry_snapshot *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (registry_record_order(&a->records[i], &b->records[i]) != 0 ||
            !bytes_equal(a->records[i].text, b->records[i].text))
            return false;
    return true;
}

bool registered_keep(struct registered *registered)
{
    const struct registry_snapshot *held = registered->held;
    struct error err = {0};

    if (registered->kept)
        return true;
    registered->kept = registry_image_save(registered->fs, "", REGISTRY_HELD_COPY, held->records,
                                           held->count, &err) == OK;
    if (!registered->kept && !registered->told)
        log_error(LOG_ERROR, "what records of the registry said before is not kept on disk", &err);
    registered->told = !registered->kept;
    return registered->kept;
}

/* --- faults --- */

static enum code fault(struct build *build, const struct registry_record *record, bool held,
                       const char *text, struct error *err)
{
    struct registered_fault *made = ARENA_NEW(&build->arena, struct registered_fault);

    if (!made)
        return no_memory(err);
    *made = (struct registered_fault){.next = build->faults,
                                      .kind = record->kind,
                                      .name = arena_copy(&build->arena, record->name),
                                      .version = record->version,
                                      .held = held};
    (void)snprintf(made->text, sizeof(made->text), "%s", text);
    if (!made->name.data)
        return no_memory(err);
    build->faults = made;
    build->fault_count++;
    return OK;
}

/* There is room for each record of the snapshot. */
static void hold(struct build *build, const struct registry_record *record, struct bytes text)
{
    struct registry_record *held = &build->held[build->held_count++];

    *held = *record;
    held->missing = false;
    held->text = text;
}

/* Empty: it said nothing before. */
static struct bytes said_before(const struct build *build, const struct registry_record *record)
{
    const struct registered *registered = build->registered;
    const struct registry_record *found =
        registry_find(registered->held, record->kind, record->name);

    if (!found)
        found = registry_find(registered->previous, record->kind, record->name);
    return found ? found->text : (struct bytes){NULL, 0};
}

static bool known(const struct registered_fault *faults, const struct registered_fault *one)
{
    for (; faults; faults = faults->next)
        if (faults->kind == one->kind && faults->version == one->version &&
            bytes_equal(faults->name, one->name) && strcmp(faults->text, one->text) == 0)
            return true;
    return false;
}

static void tell(const struct registered_fault *old, const struct registered_fault *now)
{
    for (const struct registered_fault *at = now; at; at = at->next)
        if (!known(old, at))
            log_event(LOG_ERROR,
                      at->held ? "a record of the registry is not right: what it said before stays"
                               : "a record of the registry is not right",
                      LOG_CSTR("kind", registry_kind_name(at->kind)), LOG_TEXT("name", at->name),
                      LOG_UINT("version", at->version), LOG_CSTR("detail", at->text));
    for (const struct registered_fault *at = old; at; at = at->next)
        if (!known(now, at))
            log_event(LOG_INFO, "a record of the registry was put right, or differs",
                      LOG_CSTR("kind", registry_kind_name(at->kind)), LOG_TEXT("name", at->name));
}

/* --- shards --- */

static enum code shard_add(struct build *build, struct bytes name,
                           const struct shard_document *document, struct error *err)
{
    struct shard_settings *shard = ARENA_NEW(&build->into->arena, struct shard_settings);

    if (!shard)
        return no_memory(err);
    *shard = (struct shard_settings){.name = arena_copy(&build->into->arena, name),
                                     .uri = document->uri,
                                     .unsafe = document->unsafe};
    if (!shard->name.data || !map_put(&build->into->shards, shard->name, shard))
        return no_memory(err);
    return OK;
}

/* Whether a text is a shard that is not deleted; it is added then. */
static enum code shard_try(struct build *build, const struct registry_record *record,
                           struct bytes text, bool *deleted, struct error *err)
{
    struct shard_document document;
    enum code code = shard_document_parse(text, &build->into->arena, &document, err);

    if (code)
        return code;
    *deleted = document.deleted;
    return document.deleted ? OK : shard_add(build, record->name, &document, err);
}

static enum code shard_build(struct build *build, const struct registry_record *record,
                             struct error *err)
{
    struct error why = {0};
    struct bytes before;
    bool deleted = false;
    enum code code = shard_try(build, record, record->text, &deleted, &why);

    if (code == OK)
        return OK;
    if (code == E_MEMORY)
        return no_memory(err);
    before = said_before(build, record);
    code = before.size > 0 ? shard_try(build, record, before, &deleted, NULL) : E_CONFIG;
    if (code == E_MEMORY)
        return no_memory(err);
    if (code == OK)
        hold(build, record, before);
    return fault(build, record, code == OK, why.text, err);
}

/* A shard that was deleted, and whose name a tenant has: what it said before that. */
static enum code shard_revive(struct build *build, struct bytes name, struct bytes tenant,
                              const struct shard_settings **shard, struct error *err)
{
    const struct registry_record *record = registry_find(build->records, REGISTRY_SHARDS, name);
    char text[ERROR_TEXT_SIZE];
    struct bytes before;
    bool deleted = false;
    enum code code = E_CONFIG;

    if (!record)
        return OK;
    before = said_before(build, record);
    if (before.size > 0)
        code = shard_try(build, record, before, &deleted, NULL);
    if (code == E_MEMORY)
        return no_memory(err);
    if (code || deleted)
        return OK;
    hold(build, record, before);
    *shard = map_get(&build->into->shards, name);
    (void)snprintf(text, sizeof(text), "/state: it is deleted, but the tenant %.*s has packs there",
                   BYTES_ARG(tenant));
    return fault(build, record, true, text, err);
}

/* --- tenants --- */

static enum code shards_find(struct build *build, struct bytes tenant,
                             const struct tenant_document *document,
                             const struct shard_settings **shards, struct error *err)
{
    for (size_t i = 0; i < document->shard_count; i++) {
        struct bytes name = document->shards[i];
        enum code code = OK;

        shards[i] = map_get(&build->into->shards, name);
        if (!shards[i])
            code = shard_revive(build, name, tenant, &shards[i], err);
        if (code)
            return code;
        if (!shards[i])
            return error_set(err, E_CONFIG, "/shards/%zu: there is no shard \"%.*s\"", i,
                             BYTES_ARG(name));
    }
    return OK;
}

static const struct token_record *last_of(struct token_record *first, struct token_record *added)
{
    const struct token_record *same = NULL;

    for (;; first = first->next) {
        if (token_hash_equal(&first->hash, &added->hash))
            same = first;
        if (!first->next)
            break;
    }
    first->next = added;
    return same;
}

static enum code token_add(struct build *build, const struct registry_record *record,
                           const struct tenant_settings *tenant, const struct tenant_token *from,
                           struct error *err)
{
    struct token_record *token = ARENA_NEW(&build->into->arena, struct token_record);
    const struct token_record *same = NULL;
    struct token_record *first;
    char text[ERROR_TEXT_SIZE];

    if (!token)
        return no_memory(err);
    *token =
        (struct token_record){from->id, from->hash, from->scopes, from->expires_ns, tenant, NULL};
    first = map_get(&build->into->tokens, token->id);
    if (first)
        same = last_of(first, token);
    else if (!map_put(&build->into->tokens, token->id, token))
        return no_memory(err);
    if (!same)
        return OK;
    (void)snprintf(text, sizeof(text),
                   "/tokens: %.*s stands at the tenant %.*s as well and admits to neither",
                   BYTES_ARG(token->id), BYTES_ARG(same->tenant->name));
    return fault(build, record, false, text, err);
}

static enum code tenant_add(struct build *build, const struct registry_record *record,
                            const struct tenant_document *document,
                            const struct shard_settings *const *shards, struct error *err)
{
    struct tenant_settings *tenant = snapshot_tenant_add(build->into, record->name, build->node);
    enum code code = OK;

    if (!tenant)
        return no_memory(err);
    if (document->retention_ns != 0)
        tenant->retention_ns = document->retention_ns;
    if (document->history_ns != 0)
        tenant->history_ns = document->history_ns;
    for (size_t i = 0; i < document->limit_count; i++)
        *limit_of(&tenant->limits, document->limits[i].row) = document->limits[i].value;
    tenant->shards = shards;
    tenant->shard_count = document->shard_count;
    if (tenant->shard_count > 0)
        tenant->shard = shards[tenant->shard_count - 1];
    for (size_t i = 0; i < document->token_count && !code; i++)
        code = token_add(build, record, tenant, &document->tokens[i], err);
    return code;
}

static enum code tenant_try(struct build *build, const struct registry_record *record,
                            struct bytes text, struct error *err)
{
    struct tenant_document document;
    const struct shard_settings **shards;
    enum code code = tenant_document_parse(text, &build->into->arena, &document, err);

    if (code || document.deleted)
        return code;
    shards = ARENA_ARRAY(&build->into->arena, const struct shard_settings *, document.shard_count);
    if (!shards)
        return no_memory(err);
    code = shards_find(build, record->name, &document, shards, err);
    return code ? code : tenant_add(build, record, &document, shards, err);
}

static enum code tenant_build(struct build *build, const struct registry_record *record,
                              struct error *err)
{
    struct error why = {0};
    struct bytes before;
    enum code code = tenant_try(build, record, record->text, &why);

    if (code == OK)
        return OK;
    if (code == E_MEMORY)
        return no_memory(err);
    before = said_before(build, record);
    code = before.size > 0 ? tenant_try(build, record, before, NULL) : E_CONFIG;
    if (code == E_MEMORY)
        return no_memory(err);
    if (code == OK)
        hold(build, record, before);
    return fault(build, record, code == OK, why.text, err);
}

/* --- all of it --- */

static enum code build_all(struct build *build, struct error *err)
{
    static const struct {
        enum registry_kind kind;
        enum code (*one)(struct build *build, const struct registry_record *record,
                         struct error *err);
    } kinds[] = {
        {REGISTRY_SHARDS,  shard_build },
        {REGISTRY_TENANTS, tenant_build},
    };

    build->held = ARENA_ARRAY(&build->arena, struct registry_record, build->records->count);
    if (!build->held || !build->into)
        return no_memory(err);
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        size_t first, end;

        registry_range(build->records, kinds[k].kind, &first, &end);
        for (size_t i = first; i < end; i++) {
            enum code code = kinds[k].one(build, &build->records->records[i], err);

            if (code)
                return code;
        }
    }
    return OK;
}

enum code registered_build(struct registered *registered, struct registry_snapshot *records,
                           const struct limits *node, struct directory_snapshot **snapshot,
                           struct error *err)
{
    struct build build = {
        .registered = registered, .records = records, .node = node, .into = snapshot_new()};
    struct registry_snapshot *held = NULL;
    enum code code;

    *snapshot = NULL;
    arena_init(&build.arena, SIZE_MAX, NULL);
    code = build_all(&build, err);
    if (code == OK) {
        held = registry_snapshot_new(build.held, build.held_count);
        if (!held)
            code = no_memory(err);
    }
    if (code) {
        directory_put(build.into);
        arena_release(&build.arena);
        return code;
    }
    tell(registered->faults, build.faults);
    if (registered->fs && !same_forms(held, registered->held))
        registered->kept = false;
    registry_snapshot_put(registered->held);
    registered->held = held;
    (void)registered_keep(registered);
    atomic_fetch_add(&records->references, 1);
    registry_snapshot_put(registered->previous);
    registered->previous = records;
    arena_release(&registered->arena);
    registered->arena = build.arena;
    registered->faults = build.faults;
    registered->fault_count = build.fault_count;
    *snapshot = build.into;
    return OK;
}
