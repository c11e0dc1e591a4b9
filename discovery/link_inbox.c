#include "discovery/link_inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"

void link_inbox_init(struct link_inbox *inbox)
{
    *inbox = (struct link_inbox){.last = &inbox->first};
    pthread_mutex_init(&inbox->lock, NULL);
    condition_init(&inbox->filled);
}

void link_inbox_release(struct link_inbox *inbox)
{
    while (inbox->first) {
        struct link_event *event = inbox->first;

        inbox->first = event->next;
        link_event_free(event);
    }
    pthread_cond_destroy(&inbox->filled);
    pthread_mutex_destroy(&inbox->lock);
}

/* There is room for as many as were asked for: each request has one answer, each watch one event,
 * and the owner has only so many of both. */
void link_inbox_put(struct link_inbox *inbox, struct link_event *event)
{
    pthread_mutex_lock(&inbox->lock);
    if (event) {
        event->next = NULL;
        *inbox->last = event;
        inbox->last = &event->next;
    } else {
        inbox->lost = true;
    }
    pthread_cond_signal(&inbox->filled);
    pthread_mutex_unlock(&inbox->lock);
}

void link_inbox_poke(struct link_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->poked = true;
    pthread_cond_signal(&inbox->filled);
    pthread_mutex_unlock(&inbox->lock);
}

struct link_event *link_inbox_take(struct link_inbox *inbox, int64_t until_ns, bool *lost)
{
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    struct link_event *first;

    pthread_mutex_lock(&inbox->lock);
    while (!inbox->first && !inbox->poked && !inbox->lost)
        if (pthread_cond_timedwait(&inbox->filled, &inbox->lock, &until) == ETIMEDOUT)
            break;
    first = inbox->first;
    inbox->first = NULL;
    inbox->last = &inbox->first;
    *lost = inbox->lost;
    inbox->poked = inbox->lost = false;
    pthread_mutex_unlock(&inbox->lock);
    return first;
}

void link_event_free(struct link_event *event)
{
    if (!event)
        return;
    for (size_t i = 0; i < event->name_count; i++)
        free(event->names[i]);
    free(event->names);
    free((char *)event->text.data);
    free(event);
}
