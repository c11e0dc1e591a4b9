#include "server/guests.h"

#include <stdlib.h>

#include "discovery/directory.h"
#include "discovery/follower.h"
#include "discovery/member_document.h"
#include "discovery/member_number.h"
#include "discovery/registry.h"
#include "store/delivery/delivery_rules.h"

static enum code no_memory(struct error *err)
{
    return error_set(err, E_MEMORY, "no memory to look for other members");
}

/* Of a record that is not right nobody knows whose it is: a member with no chain that anybody
 * finds, whom answers name until it is mended, as its node may take writes. */
static bool author_of(const struct registry_record *record, struct arena *arena,
                      struct guest_author *author)
{
    struct member_document document;
    struct error ignored;
    unsigned number = member_number(record->name);

    if (number == 0)
        return false;
    *author = (struct guest_author){.number = number, .active = true};
    if (member_document_parse(record->text, arena, &document, &ignored) != OK)
        return true;
    author->active = member_state_owes(document.state);
    return hash128_parse(document.incarnation, &author->incarnation) || author->active;
}

static enum code find_authors(struct registry *registry, struct arena *arena,
                              struct guest_survey *survey, struct error *err)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    struct guest_author *authors;
    size_t first, end, count = 0;

    registry_range(snapshot, REGISTRY_MEMBERS, &first, &end);
    authors = ARENA_ARRAY(arena, struct guest_author, end - first + 1);
    for (size_t i = first; authors != NULL && i < end; i++)
        count += author_of(&snapshot->records[i], arena, &authors[count]);
    registry_snapshot_put(snapshot);
    survey->authors = authors;
    survey->author_count = count;
    return authors == NULL ? no_memory(err) : OK;
}

static bool copy_tenant(const struct tenant_settings *settings, struct arena *arena,
                        struct guest_tenant *tenant)
{
    struct bytes *shards = ARENA_ARRAY(arena, struct bytes, settings->shard_count + 1);

    tenant->name = arena_copy(arena, settings->name);
    tenant->shards = shards;
    tenant->shard_count = settings->shard_count;
    for (size_t i = 0; shards != NULL && i < settings->shard_count; i++) {
        shards[i] = arena_copy(arena, settings->shards[i]->name);
        if (shards[i].data == NULL)
            return false;
    }
    return shards != NULL && tenant->name.data != NULL;
}

static enum code find_tenants(struct directory *directory, struct arena *arena,
                              struct guest_survey *survey, struct error *err)
{
    struct directory_snapshot *snapshot;
    const struct tenant_settings *settings;
    struct guest_tenant *tenants;
    bool copied = true;
    size_t count = 0;

    if (!directory_known(directory))
        return error_set(err, E_NOT_READY, "the registry was not seen yet");
    snapshot = directory_get(directory);
    tenants = ARENA_ARRAY(arena, struct guest_tenant, directory_tenant_count(snapshot) + 1);
    for (size_t i = 0;
         tenants != NULL && copied && (settings = directory_next(snapshot, &i)) != NULL;)
        copied = copy_tenant(settings, arena, &tenants[count++]);
    directory_put(snapshot);
    survey->tenants = tenants;
    survey->tenant_count = count;
    return tenants == NULL || !copied ? no_memory(err) : OK;
}

/* Before the directory is taken, which is of this version then or of a later one.  A record that is
 * not in force may name a shard of somebody's. */
static uint64_t version_of(const struct guest_sources *sources)
{
    struct registry_snapshot *records = registry_get(sources->registry);
    struct follower_health health = {.refused = 1};
    struct error unread = {0};

    /* One that vanished is in force as it was seen last, which may be older than what others saw.
     */
    if (sources->follower != NULL && records->missing_count == 0 &&
        registry_whole(sources->registry, &unread) == OK)
        health = follower_health(sources->follower);
    registry_snapshot_put(records);
    return health.refused > 0 ? 0 : health.version;
}

static enum code make_survey(void *context, struct arena *arena, struct guest_survey *survey,
                             struct error *err)
{
    const struct guest_sources *sources = context;
    uint64_t version = version_of(sources);
    enum code code = find_tenants(sources->directory, arena, survey, err);

    survey->version = version;
    return code ? code : find_authors(sources->registry, arena, survey, err);
}

static enum code open_shard(void *context, const char *shard, struct archive **archive,
                            struct error *err)
{
    const struct guest_sources *sources = context;

    return sources->delivery->open(sources->delivery->context, shard, archive, err);
}

struct guest_rules guest_rules_of(struct guest_sources *sources)
{
    return (struct guest_rules){sources, make_survey, open_shard};
}
