#include "base/queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"

struct queue {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t arrived;
    size_t first, count, count_max; /* the ring: items[first .. first + count), wrapped */
    size_t waiting;                 /* takers that sleep */
    bool closed;
    void *items[];
};

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int number = pthread_condattr_init(&attributes);

    if (number != 0)
        return number;
    number = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (number == 0)
        number = pthread_cond_init(condition, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return number;
}

enum code queue_new(size_t count_max, struct queue **queue, struct error *err)
{
    struct queue *made;
    int number;

    assert(count_max > 0 && count_max < SIZE_MAX / 2 / sizeof(void *));
    *queue = NULL;
    made = calloc(1, sizeof(*made) + count_max * sizeof(made->items[0]));
    if (made == NULL)
        return error_set(err, E_MEMORY, "queue of %zu items: out of memory", count_max);
    made->count_max = count_max;
    number = init_condition(&made->arrived);
    if (number != 0) {
        free(made);
        return error_set_errno(err, number, "queue: condition");
    }
    number = pthread_mutex_init(&made->lock, NULL);
    if (number != 0) {
        (void)pthread_cond_destroy(&made->arrived);
        free(made);
        return error_set_errno(err, number, "queue: lock");
    }
    *queue = made;
    return OK;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    assert(queue->waiting == 0);
    (void)pthread_cond_destroy(&queue->arrived);
    (void)pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static void lock(struct queue *queue)
{
    int number = pthread_mutex_lock(&queue->lock);

    assert(number == 0);
}

static void unlock(struct queue *queue)
{
    int number = pthread_mutex_unlock(&queue->lock);

    assert(number == 0);
}

bool queue_send(struct queue *queue, void *item)
{
    bool sent, wake;

    lock(queue);
    sent = !queue->closed && queue->count < queue->count_max;
    wake = sent && queue->waiting > 0;
    if (sent) {
        size_t at = queue->first + queue->count;

        queue->items[at < queue->count_max ? at : at - queue->count_max] = item;
        queue->count++;
    }
    /* Under the lock: once the item can be taken, the queue may be freed by who takes it. */
    if (wake)
        (void)pthread_cond_signal(&queue->arrived);
    unlock(queue);
    return sent;
}

/* Sleeps until there is an item, the queue is closed, or the time is over. */
static void wait_for_item(struct queue *queue, int timeout_ms)
{
    struct timespec deadline = {0};
    int number = 0;

    if (timeout_ms > 0)
        deadline = condition_until(timeout_ms * INT64_C(1000000));
    queue->waiting++;
    while (queue->count == 0 && !queue->closed && timeout_ms != 0 && number != ETIMEDOUT) {
        if (timeout_ms < 0)
            number = pthread_cond_wait(&queue->arrived, &queue->lock);
        else
            number = pthread_cond_timedwait(&queue->arrived, &queue->lock, &deadline);
    }
    queue->waiting--;
}

size_t queue_take(struct queue *queue, void **items, size_t count_max, int timeout_ms)
{
    size_t taken = 0;

    assert(count_max > 0);
    lock(queue);
    wait_for_item(queue, timeout_ms);
    for (; taken < count_max && queue->count > 0; taken++) {
        items[taken] = queue->items[queue->first];
        queue->first = queue->first + 1 < queue->count_max ? queue->first + 1 : 0;
        queue->count--;
    }
    unlock(queue);
    return taken;
}

void queue_close(struct queue *queue)
{
    lock(queue);
    queue->closed = true;
    (void)pthread_cond_broadcast(&queue->arrived);
    unlock(queue);
}

bool queue_closed(struct queue *queue)
{
    bool closed;

    lock(queue);
    closed = queue->closed;
    unlock(queue);
    return closed;
}

size_t queue_count(struct queue *queue)
{
    size_t count;

    lock(queue);
    count = queue->count;
    unlock(queue);
    return count;
}
