/* What the files of http/ share: the server and its connections. */
#ifndef WEIR_HTTP_SERVER_STATE_H
#define WEIR_HTTP_SERVER_STATE_H

#include "base/thread.h"
#include "http/leavers.h"
#include "http/meter.h"
#include "http/server.h"
#include "http/waiters.h"

#include <pthread.h>

struct MHD_Daemon;
struct exchange;

enum phase {
    PHASE_FRESH, /* accepted, nothing read */
    PHASE_HEAD,  /* a request line came */
    PHASE_WAIT,  /* its body is not asked for yet */
    PHASE_BODY,
    PHASE_ANSWER, /* the request is in: work and answer */
    PHASE_IDLE,   /* kept alive */
};

/* One TCP connection, from accept to close.  The HTTP thread of the connection owns it. */
struct client {
    struct client *next, *previous; /* guarded by server->lock */
    struct exchange *exchange;      /* guarded by server->lock */
    bool ended;                     /* guarded by server->lock: the client closed its side */
    int fd;                         /* open as long as the client is in the list */
    bool loopback;
    bool linger;              /* it was refused while it was still sending */
    _Atomic int phase;        /* written after since_ns, read before it: see client_phase() */
    _Atomic int64_t since_ns; /* when the phase began */
};

struct http_server {
    struct http_options options;
    struct limits limits;
    char address[80];
    int listen_fd;
    struct MHD_Daemon *daemon;
    struct meter meter;
    struct thread *watch;
    int wake_fd; /* eventfd: the watch looks at once */
    uint8_t id_secret[16];
    _Atomic uint64_t id_count;
    _Atomic bool draining; /* answers close their connections */
    _Atomic bool watch_stops;
    struct waiters waiters;

    pthread_mutex_t lock; /* guards what follows, and the marked fields of clients and exchanges */
    pthread_cond_t changed;
    struct client *clients;
    size_t exchange_count;
    bool closing; /* no new exchanges */
    struct leavers leavers;
};

static inline int64_t server_now(const struct http_server *server)
{
    return clock_monotonic_ns(server->options.clock);
}

/* A reader that sees the new phase sees its time too; the old phase with the new time only looks
 * younger than it is. */
static inline void client_phase(struct client *client, enum phase phase, int64_t now_ns)
{
    client->since_ns = now_ns;
    client->phase = phase;
}

#endif
