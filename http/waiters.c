#include "http/waiters.h"

#include "http/exchange.h"
#include "http/server_state.h"

#include <assert.h>

void waiters_init(struct waiters *waiters)
{
    pthread_mutex_init(&waiters->lock, NULL);
}

void waiters_release(struct waiters *waiters)
{
    assert(waiters->count == 0);
    pthread_mutex_destroy(&waiters->lock);
}

/* Under the lock. */
static struct exchange *take(struct waiters *waiters)
{
    struct exchange *x = waiters->first;

    if (x == NULL)
        return NULL;
    waiters->first = x->wait_next;
    if (waiters->first == NULL)
        waiters->last = NULL;
    x->wait_next = NULL;
    waiters->count--;
    return x;
}

/* Under the lock. */
static void put(struct waiters *waiters, struct exchange *x, bool in_front)
{
    if (in_front) {
        x->wait_next = waiters->first;
        waiters->first = x;
        if (waiters->last == NULL)
            waiters->last = x;
    } else {
        if (waiters->last == NULL)
            waiters->first = x;
        else
            waiters->last->wait_next = x;
        waiters->last = x;
    }
    waiters->count++;
}

/* The first one tries, unless one does: two at once could pass each other.  Whoever tries sees what
 * ended meanwhile. */
static void wake(struct waiters *waiters)
{
    struct exchange *x = NULL;

    if (waiters->count == 0)
        return;
    pthread_mutex_lock(&waiters->lock);
    if (waiters->trying == NULL)
        waiters->trying = x = take(waiters);
    pthread_mutex_unlock(&waiters->lock);
    if (x != NULL)
        exchange_resume(x);
}

static bool is_over(const struct exchange *x)
{
    const struct http_server *server = x->server;

    return server->draining || (x->wait_since_ns != 0 && server_now(server) - x->wait_since_ns >=
                                                             (int64_t)WAIT_MS_MAX * 1000000);
}

bool waiters_admit(struct exchange *x)
{
    const struct http_server *server = x->server;

    if (is_over(x))
        return false;
    return x->wait_since_ns != 0 ||
           server->waiters.count < (server->limits.connections_max + 1) / 2;
}

/* What ended between its attempt and its place in the line found nobody to wake: both sides write
 * first (the line, the number of ends) and look then, so one of them sees the other. */
void waiters_add(struct exchange *x)
{
    struct http_server *server = x->server;
    struct waiters *waiters = &server->waiters;
    uint64_t ends_seen = x->wait_ends_seen;
    bool before = x->wait_since_ns != 0;

    if (!before)
        x->wait_since_ns = server_now(server);
    pthread_mutex_lock(&waiters->lock);
    if (waiters->trying == x)
        waiters->trying = NULL;
    put(waiters, x, before);
    pthread_mutex_unlock(&waiters->lock);
    if (waiters->ends != ends_seen)
        wake(waiters);
}

void waiters_tried(struct exchange *x)
{
    struct waiters *waiters = &x->server->waiters;

    pthread_mutex_lock(&waiters->lock);
    if (waiters->trying == x)
        waiters->trying = NULL;
    pthread_mutex_unlock(&waiters->lock);
    wake(waiters);
}

void waiters_end(struct http_server *server)
{
    server->waiters.ends++;
    wake(&server->waiters);
}

void waiters_sweep(struct http_server *server)
{
    struct waiters *waiters = &server->waiters;
    struct exchange *late = NULL, **end = &late;

    if (waiters->count == 0)
        return;
    pthread_mutex_lock(&waiters->lock);
    while (waiters->first != NULL && is_over(waiters->first)) {
        *end = take(waiters);
        end = &(*end)->wait_next;
    }
    pthread_mutex_unlock(&waiters->lock);
    while (late != NULL) {
        struct exchange *x = late;

        late = x->wait_next; /* once resumed it is its thread's */
        x->wait_next = NULL;
        exchange_resume(x);
    }
}
