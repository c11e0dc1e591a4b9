/* Callers see stages only under the lock, so they are stepped under it; what is sent waits for
 * nothing. */
#include "discovery/zookeeper_holds.h"

#include "base/clock.h"

static int64_t boot_ns(void)
{
    return clock_boot_ns(clock_system());
}

static struct zookeeper_hold *hold_of(struct hold *hold)
{
    return (struct zookeeper_hold *)hold;
}

void zookeeper_holds_init(struct zookeeper_holds *holds)
{
    *holds = (struct zookeeper_holds){.proven_ns = INT64_MIN / 2};
    holds_init(&holds->wanted, sizeof(struct zookeeper_hold), NULL);
}

void zookeeper_holds_release(struct zookeeper_holds *holds)
{
    holds_release(&holds->wanted);
}

bool zookeeper_holds_have(struct zookeeper_holds *holds, enum registry_kind kind, struct bytes name,
                          uint64_t *epoch)
{
    int64_t proven = atomic_load(&holds->proven_ns);
    int64_t session = atomic_load(&holds->session_ns);
    const struct zookeeper_hold *hold;
    bool held;

    pthread_mutex_lock(&holds->wanted.lock);
    hold = hold_of(holds_find(&holds->wanted, kind, name));
    held = hold && hold->stage == HOLD_HELD;
    if (held && epoch)
        *epoch = hold->epoch;
    pthread_mutex_unlock(&holds->wanted.lock);
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
    pthread_mutex_lock(&holds->wanted.lock);
    for (struct hold *hold = holds->wanted.first; hold; hold = hold->next)
        zookeeper_hold_lost(hold_of(hold));
    pthread_mutex_unlock(&holds->wanted.lock);
}

void zookeeper_holds_home(struct zookeeper_holds *holds, enum registry_kind kind,
                          enum link_outcome outcome)
{
    pthread_mutex_lock(&holds->wanted.lock);
    for (struct hold *hold = holds->wanted.first; hold; hold = hold->next)
        if (hold->kind == kind)
            zookeeper_hold_home(hold_of(hold), outcome, boot_ns());
    pthread_mutex_unlock(&holds->wanted.lock);
}

const struct zookeeper_hold *zookeeper_holds_answer(struct zookeeper_holds *holds,
                                                    const struct link_event *event, int64_t session)
{
    struct hold *hold;
    bool ours = false;

    pthread_mutex_lock(&holds->wanted.lock);
    hold = holds->wanted.first;
    while (hold && hold->id != event->tag.id)
        hold = hold->next;
    if (hold)
        ours = zookeeper_hold_answer(hold_of(hold), event, session, boot_ns());
    pthread_mutex_unlock(&holds->wanted.lock);
    if (ours)
        zookeeper_holds_prove(holds, event->tag.sent_ns);
    return hold_of(hold);
}

static bool is_over(const struct hold *hold)
{
    return ((const struct zookeeper_hold *)hold)->stage == HOLD_OVER;
}

void zookeeper_holds_step(struct zookeeper_holds *holds, const struct zookeeper_turn *turn)
{
    pthread_mutex_lock(&holds->wanted.lock);
    for (struct hold *at = holds->wanted.first; at; at = at->next) {
        struct zookeeper_hold *hold = hold_of(at);

        if (turn->published)
            zookeeper_hold_check(hold, turn->nodes, turn->session);
        if (turn->connected && !zookeeper_hold_awaits(holds->wanted.first, at))
            zookeeper_hold_step(hold, turn->link, turn->address, turn->nodes, turn->session,
                                boot_ns());
        else if (!turn->link && at->released)
            hold->stage = HOLD_OVER;
    }
    pthread_mutex_unlock(&holds->wanted.lock);
    (void)holds_sweep(&holds->wanted, is_over);
}
