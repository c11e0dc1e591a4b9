/* Each step looks at all that is known and does what is still to be done, in this order: a number,
 * noted, in use; the record mended; being alive told.  So it does not matter where the last one
 * failed, or the process ended.
 *
 * A record that is gone is put again as it was seen, by the member that it is of; by others only
 * where that is not there (keeper.h).  A record that names another incarnation is the other's: that
 * number is not used any more, and a new one is claimed.  So a registry that was emptied while this
 * node was away, and gave its number to another, stops nobody. */
#include "discovery/membership_inside.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/time_text.h"
#include "discovery/member_claim.h"
#include "discovery/member_number.h"

/* --- telling --- */

static bool was_overtaken(enum code code)
{
    return code == E_EXISTS || code == E_CONFLICT || code == E_NOT_FOUND;
}

/* Each failure once, until there is another or none. */
static void tell(struct membership *membership, const char *what, const struct error *err)
{
    if (was_overtaken(err->code) ||
        (err->code == membership->told.code && strcmp(err->text, membership->told.text) == 0))
        return;
    membership->told = *err;
    if (err->code != OK)
        log_error(err->code != E_NOT_READY ? LOG_ERROR
                  : membership->number     ? LOG_INFO
                                           : LOG_WARN,
                  what, err);
}

static void publish(struct membership *membership, const struct error *why,
                    const struct error *flaw)
{
    pthread_mutex_lock(&membership->lock);
    membership->health.number = membership->number;
    membership->health.active = why->code == OK;
    membership->health.why = *why;
    membership->health.flaw = *flaw;
    membership->health.state = membership->state;
    membership->health.waits = membership->waits;
    pthread_mutex_unlock(&membership->lock);
}

/* --- a number --- */

/* Of the number that there is; gives it up where the record is another's. */
static enum code check_number(struct membership *membership,
                              const struct registry_snapshot *records, struct arena *arena,
                              struct member_standing *standing, struct error *err)
{
    struct error ignored = {0}; /* what cannot be read takes no number away */
    enum code code = member_standing_read(records, membership->number,
                                          membership->rules.incarnation, arena, standing, &ignored);

    if (code == E_MEMORY)
        return error_set(err, E_MEMORY, "%s", ignored.text);
    if (standing->others) {
        log_event(LOG_ERROR,
                  "the registry has another data directory under this member's number: it takes a "
                  "new one",
                  LOG_UINT("member", membership->number),
                  LOG_TEXT("incarnation", standing->document.incarnation));
        membership->number = 0;
    }
    return OK;
}

/* OK: there is one, and *standing says of what kind. */
static enum code find_number(struct membership *membership, const struct registry_snapshot *records,
                             struct arena *arena, bool connected, struct member_standing *standing,
                             struct error *err)
{
    enum code code = OK;

    if (membership->number != 0)
        code = check_number(membership, records, arena, standing, err);
    if (code || membership->number != 0)
        return code;
    code = member_number_of(records, membership->rules.incarnation, &membership->number, err);
    if (code)
        return code;
    if (membership->number != 0)
        return member_standing_read(records, membership->number, membership->rules.incarnation,
                                    arena, standing, err);
    if (!connected)
        return error_set(err, E_NOT_READY,
                         "this node has no member number yet: the registry was not reached");
    *standing = (struct member_standing){.claimed = true};
    code = member_claim(membership->rules.registry, records, membership->rules.incarnation,
                        membership->rules.actions.meet ? MEMBER_JOINING : MEMBER_ACTIVE,
                        &membership->number, err);
    if (!code)
        log_event(LOG_INFO, "entered the registry as a member",
                  LOG_UINT("member", membership->number));
    return code;
}

/* --- what follows --- */

/* Who joins takes writes once its record says that it is active; others name it from its first
 * record on. */
static enum code end_joining(struct membership *membership, struct member_standing *standing,
                             struct error *err)
{
    enum code code;

    standing->document.state = MEMBER_ACTIVE;
    code = member_put(membership->rules.registry, membership->number, standing->record->version,
                      &standing->document, err);
    if (code) {
        standing->document.state = MEMBER_JOINING;
        error_context(err, "this node, member %u of its registry, cannot say there that it joined",
                      membership->number);
        err->code = E_NOT_READY;
        return E_NOT_READY;
    }
    standing->claimed = true; /* what is at hand is of before */
    membership->state = MEMBER_ACTIVE;
    log_event(LOG_INFO, "all other members know of this one: it takes writes",
              LOG_UINT("member", membership->number));
    return OK;
}

/* Whether the others let it write. */
static enum code meet(struct membership *membership, const struct registry_snapshot *records,
                      struct member_standing *standing, struct error *err)
{
    const struct membership_actions *actions = &membership->rules.actions;
    bool joins = standing->readable && standing->document.state == MEMBER_JOINING;
    enum code code = OK;

    if (actions->meet && standing->claimed)
        return error_set(err, E_NOT_READY, "this node joins as member %u of its registry",
                         membership->number);
    if (actions->meet)
        code = actions->meet(actions->context, records, membership->number, joins, err);
    return code || !joins ? code : end_joining(membership, standing, err);
}

/* One that starts and finds its record gone: who is new in that registry would not name it.  (One
 * that serves goes on, as all who know of it do.) */
static bool begins_anew(const struct membership *membership, const struct member_standing *standing,
                        bool connected)
{
    return membership->rules.actions.meet && connected && !membership->wrote &&
           !standing->claimed && (!standing->record || standing->record->missing) &&
           (!standing->readable || standing->document.state == MEMBER_ACTIVE);
}

/* What cannot be put is there, maybe, and gives no rights: nobody who came since could read it. */
static enum code miss_record(const struct membership *membership, struct error *err)
{
    if (membership->unmended.code == OK)
        return error_set(err, E_NOT_READY,
                         "this node's record, members/%u, is not in the registry, and others may "
                         "not know of it: it joins again",
                         membership->number);
    return error_set(err, E_NOT_READY,
                     "this node's record, members/%u, cannot be read in the registry, nor put "
                     "there, and others may not know of it: %s",
                     membership->number, membership->unmended.text);
}

/* Whether it may write, and as who. */
static enum code use_number(struct membership *membership, const struct registry_snapshot *records,
                            bool connected, struct member_standing *standing, struct error *err)
{
    const struct membership_actions *actions = &membership->rules.actions;
    enum code code;

    if (membership->noted != membership->number) {
        code = actions->note(actions->context, membership->number, err);
        if (code) {
            error_context(err, "noting the member number %u", membership->number);
            return code;
        }
        membership->noted = membership->number;
    }
    if (begins_anew(membership, standing, connected))
        return miss_record(membership, err);
    if (!standing->readable || standing->document.state == MEMBER_ACTIVE ||
        standing->document.state == MEMBER_JOINING)
        return meet(membership, records, standing, err);
    return error_set(err, E_NO_MEMBER,
                     "this node, member %u of its registry, is %s there: write to another one",
                     membership->number, member_state_name(standing->document.state));
}

/* Where others reach this node; .data is NULL while that is not known, or another process is this
 * member too: the two would change the record for ever. */
static struct bytes reached(struct membership *membership, const struct registry_snapshot *records)
{
    const char *address;

    if (!alive_own(&membership->alive, records))
        return (struct bytes){NULL, 0};

    pthread_mutex_lock(&membership->lock);
    address = membership->reached; /* which stays as it is */
    pthread_mutex_unlock(&membership->lock);
    return address ? bytes_of(address) : (struct bytes){NULL, 0};
}

/* The record as it should be: there, and naming whose it is and where.  What somebody else does to
 * it at the same time is seen next. */
static enum code mend(struct membership *membership, const struct registry_snapshot *records,
                      const struct member_standing *standing, struct error *err)
{
    const struct registry_record *record = standing->record;
    struct member_document document = standing->document;
    struct bytes address = reached(membership, records);
    bool whole = record && standing->readable && !record->missing && !standing->nameless;
    enum code code;

    if (standing->claimed || (whole && (!address.data || bytes_equal(document.address, address))))
        return OK;
    if (record && !standing->readable)
        return error_set(err, E_CONFIG,
                         "members/%u in the registry is not right; its text is to be {\"state\":"
                         "\"active\",\"incarnation\":\"%.*s\"}",
                         membership->number, BYTES_ARG(membership->rules.incarnation));
    if (!record)
        document = (struct member_document){.state = MEMBER_ACTIVE};
    if (begins_anew(membership, standing, true))
        document.state = MEMBER_JOINING;
    document.incarnation = membership->rules.incarnation;
    if (address.data)
        document.address = address;
    code = member_put(membership->rules.registry, membership->number,
                      record && !record->missing ? record->version : 0, &document, err);
    if (!code && !whole)
        log_event(LOG_INFO, "put this member's record into the registry again",
                  LOG_UINT("member", membership->number));
    return code;
}

/* --- leaving --- */

/* Nothing is taken any more.  What is acknowledged is delivered when the record says so, and not
 * before: from then on nobody names this member. */
static enum code leave(struct membership *membership, const struct member_standing *standing,
                       struct error *err)
{
    const struct membership_actions *actions = &membership->rules.actions;
    struct member_document document = standing->document;
    char at[TIMESTAMP_TEXT_SIZE];
    struct error why = {0};
    enum code code = actions->leave(actions->context, &why);

    if (code) {
        if (why.code != membership->waits.code || strcmp(why.text, membership->waits.text) != 0)
            log_event(LOG_INFO, "this member is to leave, and has something to deliver yet",
                      LOG_UINT("member", membership->number), LOG_CSTR("waits", why.text));
        membership->waits = why;
        return OK;
    }
    document.state = MEMBER_DRAINED;
    document.at = (struct bytes){at, timestamp_print(clock_wall_ns(clock_system()), at)};
    code = member_put(membership->rules.registry, membership->number, standing->record->version,
                      &document, err);
    if (!code)
        log_event(LOG_INFO, "this member has left: everything is delivered",
                  LOG_UINT("member", membership->number));
    return code;
}

/* --- others --- */

static bool is_stopping(struct membership *membership)
{
    bool stopping;

    pthread_mutex_lock(&membership->lock);
    stopping = membership->stopping;
    pthread_mutex_unlock(&membership->lock);
    return stopping;
}

/* True: there is somebody to look after.  Each put may wait for a registry that is gone again: the
 * first that fails is the last, and the next step goes on behind it. */
static bool keep(struct membership *membership, const struct registry_snapshot *records)
{
    int64_t now_ns = clock_monotonic_ns(clock_system());
    bool gone = keeper_look(&membership->keeper, records, membership->rules.incarnation, now_ns);
    struct member_document document;
    enum code code = OK;
    struct arena arena;
    unsigned number;

    arena_init(&arena, SIZE_MAX, NULL);
    while (gone && (!code || was_overtaken(code)) && !is_stopping(membership) &&
           keeper_next(&membership->keeper, records, now_ns, &arena, &number, &document)) {
        struct error ignored; /* it is tried again, and others do the same */

        code = member_put(membership->rules.registry, number, 0, &document, &ignored);
        if (!code)
            log_event(LOG_WARN, "put the record of another member into the registry again",
                      LOG_UINT("member", number), LOG_TEXT("incarnation", document.incarnation));
    }
    arena_release(&arena);
    return gone;
}

/* --- being alive --- */

/* Once it serves. */
static enum code live(struct membership *membership, struct error *err)
{
    const char *address;
    enum code code = OK;

    pthread_mutex_lock(&membership->lock);
    address = membership->address; /* which stays as it is */
    pthread_mutex_unlock(&membership->lock);
    if (!address)
        return OK;
    if (membership->alive.text.size == 0)
        code = alive_describe(&membership->alive, membership->rules.program, address, err);
    return code ? code : alive_hold(&membership->alive, membership->number, err);
}

/* True: there is another one. */
static bool look_around(struct membership *membership, const struct registry_snapshot *records)
{
    struct bytes other = alive_other(&membership->alive, records);

    pthread_mutex_lock(&membership->lock);
    membership->health.doubled = other.size > 0;
    snprintf(membership->health.other, sizeof(membership->health.other), "%.*s", BYTES_ARG(other));
    pthread_mutex_unlock(&membership->lock);
    return other.size > 0;
}

/* --- all of it --- */

/* `why` and `flaw`: .code is OK where all is well.  True: of two who claimed a number the other one
 * was faster. */
static bool settle(struct membership *membership, const struct registry_snapshot *records,
                   bool connected, struct error *why, struct error *flaw)
{
    const struct membership_actions *actions = &membership->rules.actions;
    struct member_standing standing = {.record = NULL};
    struct error failure = {0}; /* what became of it in the end is in `why` and `flaw` */
    struct arena arena;
    enum code code;

    arena_init(&arena, SIZE_MAX, NULL);
    code = find_number(membership, records, &arena, connected, &standing, &failure);
    if (!code && standing.readable) {
        membership->state = standing.document.state;
        actions->stand(actions->context, membership->state);
    }
    if (!code)
        code = use_number(membership, records, connected, &standing, &failure);
    if (code) {
        *why = failure;
        if (code != E_NO_MEMBER && code != E_MEMORY && membership->number == 0)
            why->code = E_NOT_READY; /* it will be tried again */
        actions->part(actions->context, why);
    } else {
        actions->join(actions->context);
        membership->wrote = true;
    }
    if (membership->number != 0 && membership->noted == membership->number) {
        if (connected) {
            membership->unmended = (struct error){.code = OK};
            if (mend(membership, records, &standing, &membership->unmended))
                *flaw = membership->unmended;
        }
        if (live(membership, &failure))
            *flaw = failure;
    }
    if (membership->state != MEMBER_DRAINING)
        membership->waits = (struct error){.code = OK};
    else if (connected && standing.readable && code == E_NO_MEMBER &&
             leave(membership, &standing, &failure))
        *flaw = failure;
    arena_release(&arena);
    return code == E_EXISTS;
}

bool membership_step(struct membership *membership)
{
    struct registry *registry = membership->rules.registry;
    bool connected = registry_health(registry).state == REGISTRY_CONNECTED, doubled, overtaken,
         gone;
    struct registry_snapshot *records = registry_get(registry);
    struct error why = {0}, flaw = {0};

    overtaken = settle(membership, records, connected, &why, &flaw);
    publish(membership, &why, &flaw);
    if (why.code && !overtaken)
        tell(membership, "this node takes no writes", &why);
    else if (!why.code)
        tell(membership, "the record of this member", &flaw);
    doubled = look_around(membership, records);
    gone = connected && keep(membership, records);
    registry_snapshot_put(records);
    return doubled || gone || flaw.code || membership->state == MEMBER_DRAINING ||
           (why.code && why.code != E_NO_MEMBER);
}
