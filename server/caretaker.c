#include "server/caretaker.h"

#include <stdio.h>

#include "discovery/member_document.h"
#include "discovery/registry.h"
#include "store/delivery/delivery_rules.h"

enum { LEASE_SIZE = sizeof("chain-") + HASH128_TEXT_SIZE };

static struct bytes lease_of(const struct hash128 *incarnation, char text[LEASE_SIZE])
{
    char hex[HASH128_TEXT_SIZE];

    hash128_print(incarnation, hex);
    (void)snprintf(text, LEASE_SIZE, "chain-%s", hex);
    return bytes_of(text);
}

/* What a record says of the data directory of this incarnation. */
enum word { WORD_NONE, WORD_LEFT, WORD_STAYS };

static enum word word_of(const struct registry_record *record, struct bytes incarnation)
{
    struct member_document document;
    struct error ignored;
    struct arena arena;
    enum word word = WORD_STAYS; /* of one that cannot be read nobody knows whose it is */

    arena_init(&arena, SIZE_MAX, NULL);
    if (member_document_parse(record->text, &arena, &document, &ignored) == OK) {
        if (!bytes_equal(document.incarnation, incarnation))
            word = WORD_NONE;
        else if (!record->missing && !member_state_owes(document.state))
            word = WORD_LEFT;
    }
    arena_release(&arena);
    return word;
}

/* Each record that names it says that it has left, and no process holds the place of one. */
static bool has_left(const struct registry_snapshot *records, struct bytes incarnation)
{
    bool left = false;
    size_t first, end;

    registry_range(records, REGISTRY_MEMBERS, &first, &end);
    for (size_t i = first; i < end; i++) {
        const struct registry_record *record = &records->records[i];
        enum word word = word_of(record, incarnation);

        if (word == WORD_NONE)
            continue;
        if (word == WORD_STAYS || registry_find(records, REGISTRY_ALIVE, record->name) != NULL)
            return false;
        left = true;
    }
    return left;
}

static bool is_gone(void *context, const struct hash128 *incarnation)
{
    const struct caretaker_sources *sources = context;
    struct registry_snapshot *records;
    char hex[HASH128_TEXT_SIZE];
    bool gone;

    if (registry_health(sources->registry).state != REGISTRY_CONNECTED)
        return false;
    records = registry_get(sources->registry);
    hash128_print(incarnation, hex);
    gone = has_left(records, bytes_of(hex));
    registry_snapshot_put(records);
    return gone;
}

static enum code want_lease(void *context, const struct hash128 *incarnation, bool wanted,
                            struct error *err)
{
    const struct caretaker_sources *sources = context;
    char lease[LEASE_SIZE];
    struct bytes name = lease_of(incarnation, lease);

    if (wanted)
        return registry_hold(sources->registry, REGISTRY_LEASES, name, BYTES("{}"), err);
    registry_release(sources->registry, REGISTRY_LEASES, name);
    return OK;
}

static bool holds_lease(void *context, const struct hash128 *incarnation)
{
    const struct caretaker_sources *sources = context;
    char lease[LEASE_SIZE];

    return registry_held(sources->registry, REGISTRY_LEASES, lease_of(incarnation, lease), NULL);
}

static enum code open_shard(void *context, const char *shard, struct archive **archive,
                            struct error *err)
{
    const struct caretaker_sources *sources = context;

    return sources->delivery->open(sources->delivery->context, shard, archive, err);
}

struct caretaker_rules caretaker_rules_of(struct caretaker_sources *sources)
{
    return (struct caretaker_rules){sources, is_gone, want_lease, holds_lease, open_shard};
}
