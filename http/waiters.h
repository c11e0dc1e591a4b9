/* Requests whose start() found that others hold what they need: their connections are suspended, no
 * body is read, and they stand in a line.  Whenever a request ends, the first of the line tries
 * again; one for which there is enough lets the next one try.  Who has stood for WAIT_MS_MAX tries
 * a last time.
 *
 * Memory:  nothing but what their connections hold anyway.
 * Bounded: half of the connections may wait, so that the others are free for reads and for small
 *          requests.
 * Thread:  any; the fields of an exchange that begin with wait_ are its HTTP thread's but for
 *          wait_next, which the lock guards. */
#ifndef WEIR_HTTP_WAITERS_H
#define WEIR_HTTP_WAITERS_H

#include <pthread.h>

#include "base/bytes.h"

struct exchange;
struct http_server;

/* 500 connections that send half a MB each at once were all committed after 3 s on two cores. */
enum { WAIT_MS_MAX = 5000 };

struct waiters {
    pthread_mutex_t lock; /* guards: */
    struct exchange *first, *last;
    const struct exchange *trying; /* was woken and has not tried yet */
    _Atomic size_t count;          /* written under the lock */
    _Atomic uint64_t ends;         /* of requests, and so of what they held */
};

void waiters_init(struct waiters *waiters);
void waiters_release(struct waiters *waiters);
/* Whether it may wait (still): there is room in the line, its time is not over, the server goes on.
 */
bool waiters_admit(struct exchange *exchange);
/* The suspended exchange goes to its place: the end, or the front when it has waited before. */
void waiters_add(struct exchange *exchange);
/* A woken one has got what it needs, or was refused, or its connection broke: the next one tries.
 */
void waiters_tried(struct exchange *exchange);
/* A request has ended: what it held may do for the first. */
void waiters_end(struct http_server *server);
/* Those whose time is over try a last time; all of them when the server stops. */
void waiters_sweep(struct http_server *server);

#endif
