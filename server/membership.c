#include "server/membership.h"

#include "base/log.h"
#include "discovery/directory.h"
#include "discovery/roll.h"
#include "server/version.h"

static enum code note(void *hands, unsigned number, struct error *err)
{
    return store_member_note(((struct member_hands *)hands)->store, number, err);
}

static void join(void *hands)
{
    store_join(((struct member_hands *)hands)->store);
}

static void part(void *hands, const struct error *why)
{
    store_part(((struct member_hands *)hands)->store, why);
}

/* Others go on without what a lost member has not delivered, and may have said that something is
 * final: so it delivers nothing more, and has it all the same for whoever exports it. */
static void stand(void *context, enum member_state state)
{
    struct member_hands *hands = context;
    bool lost = state == MEMBER_LOST;

    if (lost && !hands->given_up)
        log_event(
            LOG_ERROR,
            "this member was forgotten while it was away: it takes and delivers nothing; what "
            "it has can be had by weir export, and put in elsewhere by weir import");
    hands->given_up = lost;
}

static enum code leave(void *hands, struct error *why)
{
    return leaving_step(&((struct member_hands *)hands)->leaving, why);
}

static enum code meet(void *hands, const struct registry_snapshot *records, unsigned number,
                      bool joins, struct error *why)
{
    return roll_confirm(((struct member_hands *)hands)->roll, records, number, joins, why);
}

static bool lives(void *directory, const struct tenant *tenant)
{
    struct directory_snapshot *snapshot = directory_get(directory);
    bool found = !directory_known(directory) || directory_tenant(snapshot, tenant->name) != NULL;

    directory_put(snapshot);
    return found;
}

enum code store_enter(struct membership *membership, struct registry *registry,
                      struct directory *directory, struct store *store,
                      const struct delivery_rules *rules, struct member_hands *hands,
                      struct error *err)
{
    char incarnation[HASH128_TEXT_SIZE];
    const struct membership_rules membership_rules = {
        .registry = registry,
        .incarnation = {incarnation,                        HASH128_TEXT_SIZE - 1},
        .number = store_member(store),
        .program = WEIR_VERSION,
        .actions = { note, join, part, stand, leave, hands->roll != NULL ? meet : NULL, hands},
    };

    hands->store = store;
    hands->leaving =
        (struct leaving){.store = store, .rules = rules, .lives = lives, .context = directory};
    store_incarnation(store, incarnation);
    return membership_start(membership, &membership_rules, err);
}
