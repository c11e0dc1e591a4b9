#include "discovery/zookeeper_puts.h"

#include <assert.h>

#include "base/clock.h"

static int64_t monotonic_ns(void)
{
    return clock_monotonic_ns(clock_system());
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void zookeeper_puts_init(struct zookeeper_puts *puts)
{
    *puts = (struct zookeeper_puts){.ids = 0};
    pthread_mutex_init(&puts->lock, NULL);
    pthread_cond_init(&puts->answered, NULL);
}

void zookeeper_puts_release(struct zookeeper_puts *puts)
{
    assert(!puts->taken && !puts->fresh);
    pthread_cond_destroy(&puts->answered);
    pthread_mutex_destroy(&puts->lock);
}

enum code zookeeper_puts_put(struct zookeeper_puts *puts, struct link_inbox *inbox,
                             struct zookeeper_put *put, int wait_ms, struct error *err)
{
    put->deadline_ns = monotonic_ns() + (int64_t)wait_ms * 1000000;
    pthread_mutex_lock(&puts->lock);
    put->id = ++puts->ids;
    put->next = puts->fresh;
    puts->fresh = put;
    pthread_mutex_unlock(&puts->lock);
    link_inbox_poke(inbox);
    pthread_mutex_lock(&puts->lock);
    while (!put->done) /* by its deadline it is */
        pthread_cond_wait(&puts->answered, &puts->lock);
    pthread_mutex_unlock(&puts->lock);
    if (put->code)
        *err = put->err;
    return put->code;
}

void zookeeper_puts_take(struct zookeeper_puts *puts)
{
    pthread_mutex_lock(&puts->lock);
    while (puts->fresh) {
        struct zookeeper_put *put = puts->fresh;

        puts->fresh = put->next;
        put->next = puts->taken;
        puts->taken = put;
    }
    pthread_mutex_unlock(&puts->lock);
}

void zookeeper_puts_step(struct zookeeper_puts *puts, struct zookeeper_link *link,
                         const struct zookeeper_address *address)
{
    for (struct zookeeper_put *put = puts->taken; put; put = put->next)
        zookeeper_put_step(put, link, address);
}

void zookeeper_puts_lost(struct zookeeper_puts *puts)
{
    for (struct zookeeper_put *put = puts->taken; put; put = put->next)
        zookeeper_put_lost(put);
}

void zookeeper_puts_home(struct zookeeper_puts *puts, enum registry_kind kind,
                         enum link_outcome outcome, const struct zookeeper_address *address)
{
    for (struct zookeeper_put *put = puts->taken; put; put = put->next)
        if (put->kind == kind)
            zookeeper_put_home(put, outcome, address);
}

const struct zookeeper_put *zookeeper_puts_answer(struct zookeeper_puts *puts,
                                                  const struct link_event *event,
                                                  struct zookeeper_link *link,
                                                  const struct zookeeper_address *address)
{
    struct zookeeper_put *put = puts->taken;

    while (put && put->id != event->tag.id)
        put = put->next;
    if (put)
        zookeeper_put_answer(put, event, link, address);
    return put;
}

void zookeeper_puts_finish(struct zookeeper_puts *puts, bool published, int64_t end_ns,
                           const char *state)
{
    struct zookeeper_put **at = &puts->taken;
    bool any = false;

    while (*at) {
        struct zookeeper_put *put = *at;

        if (!put->decided && !(put->stage == PUT_WRITTEN && published)) {
            if (monotonic_ns() < least(put->deadline_ns, end_ns)) {
                at = &put->next;
                continue;
            }
            zookeeper_put_end(put, state);
        }
        *at = put->next;
        pthread_mutex_lock(&puts->lock); /* from here on it is its caller's */
        put->done = any = true;
        pthread_mutex_unlock(&puts->lock);
    }
    if (any)
        pthread_cond_broadcast(&puts->answered);
}

int64_t zookeeper_puts_due(const struct zookeeper_puts *puts, int64_t end_ns)
{
    int64_t due_ns = INT64_MAX;

    for (const struct zookeeper_put *put = puts->taken; put; put = put->next)
        due_ns = least(due_ns, least(put->deadline_ns, end_ns));
    return due_ns;
}
