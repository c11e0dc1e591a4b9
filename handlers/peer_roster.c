#include "handlers/peer_roster.h"

#include <string.h>

#include "discovery/member_document.h"
#include "discovery/member_number.h"
#include "discovery/registry.h"
#include "handlers/peer_manners.h"
#include "model/series.h"

struct reading {
    struct peer_manners *manners;
    unsigned own;
    const struct tenant *tenant;
    struct arena *arena;
    const struct registry_snapshot *snapshot;
    bool connected;
};

static const char *address_copy(struct arena *arena, struct bytes address)
{
    char *text = arena_alloc(arena, address.size + 1);

    if (text == NULL)
        return NULL;
    if (address.size > 0)
        memcpy(text, address.data, address.size);
    text[address.size] = '\0';
    return text;
}

static const char *why_not(const struct reading *reading, const struct registry_record *record,
                           const struct peer *peer, size_t asked_count)
{
    if (peer->address == NULL || peer->address[0] == '\0')
        return "it has told no address to ask it at";
    if (reading->connected &&
        registry_find(reading->snapshot, REGISTRY_ALIVE, record->name) == NULL)
        return "it is not alive";
    if (reading->manners == NULL)
        return NULL;
    if (asked_count == PEERS_MAX)
        return "too many members are to be asked";
    if (peer_manners_rests(reading->manners, peer->asked.member, reading->tenant->ordinal))
        return "it did not answer a moment ago";
    return NULL;
}

/* A record that is not right names nobody here: who follows chains does. */
static void take_record(const struct reading *reading, const struct registry_record *record,
                        struct peer_roster *roster)
{
    struct peer *peer = &roster->list[roster->count];
    struct member_document document;
    unsigned number = member_number(record->name);

    *peer = (struct peer){.owing = true};
    if (number == 0 || number == reading->own ||
        member_document_parse(record->text, reading->arena, &document, NULL) != OK ||
        !member_state_owes(document.state) ||
        !hash128_parse(document.incarnation, &peer->asked.incarnation))
        return;
    peer->asked.member = number;
    peer->asked.tenant = reading->tenant->name;
    peer->address = address_copy(reading->arena, document.address);
    peer->why = why_not(reading, record, peer, roster->asked_count);
    roster->asked_count += peer->why == NULL;
    roster->count++;
}

enum code peer_roster_read(struct registry *registry, struct peer_manners *manners, unsigned own,
                           const struct tenant *tenant, struct arena *arena,
                           struct peer_roster *roster, struct error *err)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    const struct reading reading = {
        .manners = manners,
        .own = own,
        .tenant = tenant,
        .arena = arena,
        .snapshot = snapshot,
        .connected = registry_health(registry).state == REGISTRY_CONNECTED,
    };
    size_t first, end;

    registry_range(snapshot, REGISTRY_MEMBERS, &first, &end);
    *roster = (struct peer_roster){.list = ARENA_ARRAY(arena, struct peer, end - first + 1)};
    for (size_t i = first; roster->list != NULL && i < end; i++)
        take_record(&reading, &snapshot->records[i], roster);
    registry_snapshot_put(snapshot);
    return roster->list == NULL ? error_set(err, E_MEMORY, "no memory to ask other members") : OK;
}

bool peer_roster_has_any(struct registry *registry, unsigned own)
{
    struct registry_snapshot *snapshot = registry_get(registry);
    size_t first, end;
    bool any = false;

    registry_range(snapshot, REGISTRY_MEMBERS, &first, &end);
    for (size_t i = first; !any && i < end; i++)
        any = own == 0 || member_number(snapshot->records[i].name) != own;
    registry_snapshot_put(snapshot);
    return any;
}
