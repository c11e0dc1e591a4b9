#include "server/membership.h"

#include "server/version.h"

static enum code note(void *store, unsigned number, struct error *err)
{
    return store_member_note(store, number, err);
}

static void join(void *store)
{
    store_join(store);
}

static void part(void *store, const struct error *why)
{
    store_part(store, why);
}

enum code store_enter(struct membership *membership, struct registry *registry, struct store *store,
                      struct error *err)
{
    char incarnation[HASH128_TEXT_SIZE];
    const struct membership_rules rules = {
        .registry = registry,
        .incarnation = {incarnation, HASH128_TEXT_SIZE - 1},
        .number = store_member(store),
        .program = WEIR_VERSION,
        .actions = { note, join,                       part, store},
    };

    store_incarnation(store, incarnation);
    return membership_start(membership, &rules, err);
}
