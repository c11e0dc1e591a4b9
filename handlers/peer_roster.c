#include "handlers/peer_roster.h"

#include <string.h>

#include "base/hash.h"
#include "discovery/member_document.h"
#include "discovery/member_number.h"
#include "discovery/registry.h"
#include "handlers/peer_manners.h"
#include "model/series.h"

struct reading {
    struct peer_manners *manners;
    const struct hash128 *own;
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

static const char *why_not(const struct reading *reading, const struct peer *peer,
                           size_t asked_count)
{
    if (peer->address == NULL || peer->address[0] == '\0')
        return "it has told no address to ask it at";
    if (reading->connected && !peer->alive)
        return "it is not alive";
    if (reading->manners == NULL)
        return NULL;
    if (asked_count == PEERS_MAX)
        return "too many members are to be asked";
    if (peer_manners_rests(reading->manners, peer->asked.member, reading->tenant->ordinal))
        return "it did not answer a moment ago";
    return NULL;
}

/* The one that was named before under another number; NULL: none. */
static struct peer *find_peer(const struct peer_roster *roster, const struct hash128 *incarnation)
{
    for (size_t i = 0; i < roster->count; i++)
        if (hash128_equal(&roster->list[i].asked.incarnation, incarnation))
            return &roster->list[i];
    return NULL;
}

/* Of two records of one it goes by the number under which it lives; cut off from the registry
 * nobody knows for certain. */
static bool is_better(const struct peer *peer, const struct peer *than)
{
    if ((peer->why == NULL) != (than->why == NULL))
        return peer->why == NULL;
    return peer->alive && !than->alive;
}

static void enter(struct peer_roster *roster, const struct peer *peer)
{
    struct peer *same = find_peer(roster, &peer->asked.incarnation);

    if (same != NULL && !is_better(peer, same))
        return;
    if (same == NULL)
        same = &roster->list[roster->count++];
    else
        roster->asked_count -= same->why == NULL;
    *same = *peer;
    roster->asked_count += peer->why == NULL;
}

/* A record that is not right names nobody here: who follows chains does. */
static void take_record(const struct reading *reading, const struct registry_record *record,
                        struct peer_roster *roster)
{
    struct peer peer = {.owing = true};
    struct member_document document;
    unsigned number = member_number(record->name);

    if (number == 0 || member_document_parse(record->text, reading->arena, &document, NULL) != OK ||
        !member_state_owes(document.state) ||
        !hash128_parse(document.incarnation, &peer.asked.incarnation) ||
        hash128_equal(&peer.asked.incarnation, reading->own))
        return;
    peer.asked.member = number;
    peer.asked.tenant = reading->tenant->name;
    peer.address = address_copy(reading->arena, document.address);
    peer.alive = registry_find(reading->snapshot, REGISTRY_ALIVE, record->name) != NULL;
    peer.why = why_not(reading, &peer, roster->asked_count);
    enter(roster, &peer);
}

enum code peer_roster_read(struct registry *registry, struct peer_manners *manners,
                           const struct hash128 *own, const struct tenant *tenant,
                           struct arena *arena, struct peer_roster *roster, struct error *err)
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
