#include "discovery/membership_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/condition.h"
#include "base/thread.h"

enum {
    AGAIN_S = 1,
    START_MS = 2000, /* in which a start becomes a member; it goes on in the thread */
    INCARNATION_BYTES_MAX = 64,
};

/* --- the thread --- */

static bool await(struct membership *membership, bool again)
{
    struct timespec until = condition_until(AGAIN_S * INT64_C(1000000000));
    bool stopping;

    pthread_mutex_lock(&membership->lock);
    while (!membership->asked && !membership->stopping) {
        if (!again)
            pthread_cond_wait(&membership->wake, &membership->lock);
        else if (pthread_cond_timedwait(&membership->wake, &membership->lock, &until) != 0)
            break;
    }
    membership->asked = false;
    stopping = membership->stopping;
    pthread_mutex_unlock(&membership->lock);
    return !stopping;
}

static void run(void *context)
{
    struct membership *membership = context;
    bool again = true;

    while (await(membership, again))
        again = membership_step(membership);
}

/* --- from outside --- */

enum code membership_new(struct membership **membership_made, struct error *err)
{
    struct membership *membership = calloc(1, sizeof(*membership));

    *membership_made = membership;
    if (!membership)
        return error_set(err, E_MEMORY, "no memory for the membership");
    membership->incarnation = BUF_INIT(INCARNATION_BYTES_MAX);
    pthread_mutex_init(&membership->lock, NULL);
    condition_init(&membership->wake);
    return OK;
}

void membership_free(struct membership *membership)
{
    if (!membership)
        return;
    buf_release(&membership->incarnation);
    alive_release(&membership->alive);
    keeper_release(&membership->keeper);
    free(membership->address);
    free(membership->reached);
    pthread_cond_destroy(&membership->wake);
    pthread_mutex_destroy(&membership->lock);
    free(membership);
}

void membership_changed(struct membership *membership)
{
    pthread_mutex_lock(&membership->lock);
    membership->asked = true;
    pthread_cond_signal(&membership->wake);
    pthread_mutex_unlock(&membership->lock);
}

/* A start with a registry that answers ends as a member, also where others start at once. */
static void enter(struct membership *membership)
{
    struct registry *registry = membership->rules.registry;
    int64_t until_ns = clock_monotonic_ns(clock_system()) + (int64_t)START_MS * 1000000;

    while (membership_step(membership) && membership->health.why.code == E_NOT_READY &&
           membership->number == 0 && registry_health(registry).state == REGISTRY_CONNECTED &&
           clock_monotonic_ns(clock_system()) < until_ns)
        ;
}

enum code membership_start(struct membership *membership, const struct membership_rules *rules,
                           struct error *err)
{
    enum code code;

    membership->rules = *rules;
    buf_put(&membership->incarnation, rules->incarnation);
    code = buf_finish(&membership->incarnation, err);
    if (code)
        return code;
    membership->rules.incarnation = buf_bytes(&membership->incarnation);
    membership->number = membership->noted = rules->number;
    alive_init(&membership->alive, rules->registry);
    enter(membership);
    return thread_start("membership", run, membership, &membership->thread, err);
}

enum code membership_serve(struct membership *membership, const char *address, const char *reached,
                           struct error *err)
{
    char *copy = strdup(address), *copy_reached = strdup(reached ? reached : "");

    if (!copy || !copy_reached) {
        free(copy);
        free(copy_reached);
        return error_set(err, E_MEMORY, "no memory for the membership");
    }
    pthread_mutex_lock(&membership->lock);
    membership->address = copy;
    membership->reached = copy_reached;
    pthread_mutex_unlock(&membership->lock);
    membership_changed(membership);
    return OK;
}

void membership_stop(struct membership *membership)
{
    if (!membership || !membership->thread)
        return;
    pthread_mutex_lock(&membership->lock);
    membership->stopping = true;
    pthread_cond_signal(&membership->wake);
    pthread_mutex_unlock(&membership->lock);
    registry_hurry(membership->rules.registry);
    thread_join(membership->thread);
    membership->thread = NULL;
}

struct membership_health membership_health(struct membership *membership)
{
    struct membership_health health;

    pthread_mutex_lock(&membership->lock);
    health = membership->health;
    pthread_mutex_unlock(&membership->lock);
    return health;
}
