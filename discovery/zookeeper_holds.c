/* Callers see stages only under the lock, so they are stepped under it; what is sent waits for
 * nothing. */
#include "discovery/zookeeper_holds.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static int64_t boot_ns(void)
{
    return clock_boot_ns(clock_system());
}

void zookeeper_holds_init(struct zookeeper_holds *holds)
{
    *holds = (struct zookeeper_holds){.proven_ns = INT64_MIN / 2};
    pthread_mutex_init(&holds->lock, NULL);
}

void zookeeper_holds_release(struct zookeeper_holds *holds)
{
    while (holds->first) {
        struct zookeeper_hold *hold = holds->first;

        holds->first = hold->next;
        zookeeper_hold_free(hold);
    }
    pthread_mutex_destroy(&holds->lock);
}

/* --- what callers want --- */

static struct zookeeper_hold *find(const struct zookeeper_holds *holds, enum registry_kind kind,
                                   struct bytes name)
{
    struct zookeeper_hold *hold = holds->first;

    while (hold &&
           (hold->released || hold->kind != kind || !bytes_equal(bytes_of(hold->name), name)))
        hold = hold->next;
    return hold;
}

enum code zookeeper_holds_want(struct zookeeper_holds *holds, enum registry_kind kind,
                               struct bytes name, struct bytes text, struct error *err)
{
    struct zookeeper_hold *made = calloc(1, sizeof(*made)), *hold;
    char *copy = malloc(text.size + 1);

    if (!made || !copy) {
        free(made);
        free(copy);
        return error_set(err, E_MEMORY, "no memory to hold %.*s", BYTES_ARG(name));
    }
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    made->kind = kind;
    made->text = (struct bytes){copy, text.size};
    snprintf(made->name, sizeof(made->name), "%.*s", BYTES_ARG(name));
    pthread_mutex_lock(&holds->lock);
    hold = find(holds, kind, name);
    if (hold) { /* the new text is for the next time */
        struct bytes before = hold->text;

        hold->text = made->text;
        made->text = before;
    } else {
        made->id = ++holds->ids;
        made->next = holds->first;
        holds->first = made;
        made = NULL;
    }
    pthread_mutex_unlock(&holds->lock);
    if (made)
        zookeeper_hold_free(made);
    return OK;
}

void zookeeper_holds_give_up(struct zookeeper_holds *holds, enum registry_kind kind,
                             struct bytes name)
{
    struct zookeeper_hold *hold;

    pthread_mutex_lock(&holds->lock);
    hold = find(holds, kind, name);
    if (hold)
        hold->released = true;
    pthread_mutex_unlock(&holds->lock);
}

bool zookeeper_holds_have(struct zookeeper_holds *holds, enum registry_kind kind, struct bytes name,
                          uint64_t *epoch)
{
    int64_t proven = atomic_load(&holds->proven_ns);
    int64_t session = atomic_load(&holds->session_ns);
    const struct zookeeper_hold *hold;
    bool held;

    pthread_mutex_lock(&holds->lock);
    hold = find(holds, kind, name);
    held = hold && hold->stage == HOLD_HELD;
    if (held && epoch)
        *epoch = hold->epoch;
    pthread_mutex_unlock(&holds->lock);
    return held && boot_ns() - proven < session / 3 * 2;
}

/* --- what comes and goes --- */

void zookeeper_holds_prove(struct zookeeper_holds *holds, int64_t sent_ns)
{
    if (sent_ns > atomic_load(&holds->proven_ns))
        atomic_store(&holds->proven_ns, sent_ns);
}

void zookeeper_holds_lost(struct zookeeper_holds *holds)
{
    pthread_mutex_lock(&holds->lock);
    for (struct zookeeper_hold *hold = holds->first; hold; hold = hold->next)
        zookeeper_hold_lost(hold);
    pthread_mutex_unlock(&holds->lock);
}

void zookeeper_holds_home(struct zookeeper_holds *holds, enum registry_kind kind,
                          enum link_outcome outcome)
{
    pthread_mutex_lock(&holds->lock);
    for (struct zookeeper_hold *hold = holds->first; hold; hold = hold->next)
        if (hold->kind == kind)
            zookeeper_hold_home(hold, outcome, boot_ns());
    pthread_mutex_unlock(&holds->lock);
}

const struct zookeeper_hold *zookeeper_holds_answer(struct zookeeper_holds *holds,
                                                    const struct link_event *event, int64_t session)
{
    struct zookeeper_hold *hold;
    bool ours = false;

    pthread_mutex_lock(&holds->lock);
    hold = holds->first;
    while (hold && hold->id != event->tag.id)
        hold = hold->next;
    if (hold)
        ours = zookeeper_hold_answer(hold, event, session, boot_ns());
    pthread_mutex_unlock(&holds->lock);
    if (ours)
        zookeeper_holds_prove(holds, event->tag.sent_ns);
    return hold;
}

void zookeeper_holds_step(struct zookeeper_holds *holds, const struct zookeeper_turn *turn)
{
    struct zookeeper_hold **at, *over = NULL;

    pthread_mutex_lock(&holds->lock);
    for (at = &holds->first; *at;) {
        struct zookeeper_hold *hold = *at;

        if (turn->published)
            zookeeper_hold_check(hold, turn->nodes, turn->session);
        if (turn->connected && !zookeeper_hold_awaits(holds->first, hold))
            zookeeper_hold_step(hold, turn->link, turn->address, turn->nodes, turn->session,
                                boot_ns());
        else if (!turn->link && hold->released)
            hold->stage = HOLD_OVER;
        if (hold->stage != HOLD_OVER) {
            at = &hold->next;
            continue;
        }
        *at = hold->next;
        hold->next = over;
        over = hold;
    }
    pthread_mutex_unlock(&holds->lock);
    while (over) {
        struct zookeeper_hold *hold = over;

        over = hold->next;
        zookeeper_hold_free(hold);
    }
}
