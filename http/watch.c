#include "http/watch.h"

#include "http/exchange.h"
#include "http/server_state.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TICK_MS_MAX = 500, /* a client that left is noticed within it */
    TICK_MS_LEAST = 10,
    DRAIN_TICK_MS = 50,
    BODY_BYTES_PER_SECOND = 1000,
    CROWDED_IDLE_MS = 1000, /* that a connection may do nothing while others wait for its place */
};

/* The connections that one sweep polls; valid under the lock. */
struct sweep {
    struct pollfd *polls;
    struct client **clients; /* of the same index */
    size_t count, capacity;
    bool crowded; /* nearly all connections are taken */
};

static bool sweep_grow(struct sweep *sweep)
{
    size_t capacity = sweep->capacity == 0 ? 64 : sweep->capacity * 2;
    struct pollfd *polls = realloc(sweep->polls, capacity * sizeof(*polls));
    struct client **clients;

    if (polls == NULL)
        return false;
    sweep->polls = polls;
    clients = realloc(sweep->clients, capacity * sizeof(struct client *));
    if (clients == NULL)
        return false;
    sweep->clients = clients;
    sweep->capacity = capacity;
    return true;
}

static void sweep_add(struct sweep *sweep, struct client *client)
{
    if (sweep->count == sweep->capacity && !sweep_grow(sweep)) {
        log_event(LOG_WARN, "no memory to look for clients that left",
                  LOG_UINT("found", sweep->count));
        return;
    }
    sweep->polls[sweep->count] = (struct pollfd){.fd = client->fd, .events = POLLRDHUP};
    sweep->clients[sweep->count++] = client;
}

static int64_t ns_of(uint64_t ms)
{
    return (int64_t)ms * 1000000;
}

/* Is the body too late, or coming with less than 1 KB/s after a time of grace? */
static bool body_slow(const struct limits *limits, int64_t age_ns, uint64_t bytes)
{
    int64_t counted_ns = age_ns - ns_of(limits->header_ms_max);

    if (age_ns > ns_of(limits->body_ms_max))
        return true;
    return counted_ns > 0 &&
           bytes < (uint64_t)(counted_ns / 1000000) * BODY_BYTES_PER_SECOND / 1000;
}

/* Has the phase lasted too long? */
static bool is_late(const struct http_server *server, const struct client *client, int64_t now_ns,
                    bool crowded)
{
    const struct limits *limits = &server->limits;
    int64_t age_ns = now_ns - client->since_ns;
    bool in_the_way = server->draining || (crowded && age_ns > ns_of(CROWDED_IDLE_MS));

    switch ((enum phase)client->phase) {
    case PHASE_FRESH:
        return in_the_way || age_ns > ns_of(limits->header_ms_max);
    case PHASE_IDLE: /* a head that drips in after it keeps libmicrohttpd's own time-out at bay */
        return in_the_way || age_ns > ns_of(limits->idle_ms_max + limits->header_ms_max);
    case PHASE_HEAD:
        return age_ns > ns_of(limits->header_ms_max);
    case PHASE_BODY:
        return client->exchange != NULL && body_slow(limits, age_ns, client->exchange->body_bytes);
    case PHASE_WAIT: /* waiters_sweep() */
    case PHASE_ANSWER:
        break;
    }
    return false;
}

/* Under the lock: one connection against its deadlines.  The phase can go on meanwhile; then an
 * answer is on its way, and shutting what we read only ends the connection after it. */
static void check(struct http_server *server, struct client *client, int64_t now_ns,
                  struct sweep *sweep)
{
    struct exchange *x = client->exchange;

    if (is_late(server, client, now_ns, sweep->crowded)) {
        /* The HTTP thread sees the end of what it reads, and answers 408 from there. */
        if (x != NULL)
            x->overdue = true;
        shutdown(client->fd, SHUT_RD);
    } else if (x != NULL && !x->cancelled && !client->ended) {
        sweep_add(sweep, client);
    }
}

/* Under the lock: the client has closed its side.  A request that is in is cancelled; one that is
 * not yet will never be: libmicrohttpd can have missed the end, when it came together with the last
 * bytes, as its edge-triggered epoll tells both at once.  Shutting our side tells it again. */
static void gone(struct client *client)
{
    client->ended = true;
    if (client->phase == PHASE_ANSWER)
        exchange_cancel(client->exchange);
    else
        shutdown(client->fd, SHUT_RD);
}

/* Looks at all connections. */
static void look(struct http_server *server, struct sweep *sweep)
{
    int64_t now_ns = server_now(server);
    uint64_t count = 0;

    sweep->count = 0;
    pthread_mutex_lock(&server->lock);
    for (struct client *client = server->clients; client != NULL; client = client->next, count++)
        check(server, client, now_ns, sweep);
    /* libmicrohttpd's threads have a share each, and one can be full before all are. */
    sweep->crowded = count >= server->limits.connections_max * 9 / 10;
    if (sweep->count > 0 && poll(sweep->polls, sweep->count, 0) > 0)
        for (size_t i = 0; i < sweep->count; i++)
            if (sweep->polls[i].revents != 0)
                gone(sweep->clients[i]);
    leavers_sweep(&server->leavers, now_ns);
    pthread_mutex_unlock(&server->lock);
}

/* A quarter of the shortest limit, so that none is passed by more than that. */
static int tick_ms(const struct http_server *server)
{
    const struct limits *limits = &server->limits;
    uint64_t least = limits->header_ms_max;

    if (limits->body_ms_max < least)
        least = limits->body_ms_max;
    if (limits->idle_ms_max < least)
        least = limits->idle_ms_max;
    least /= 4;
    if (server->draining && least > DRAIN_TICK_MS)
        least = DRAIN_TICK_MS;
    if (least > TICK_MS_MAX)
        least = TICK_MS_MAX;
    return least < TICK_MS_LEAST ? TICK_MS_LEAST : (int)least;
}

/* Waits for the next tick; meanwhile lingering connections are emptied as fast as they fill. */
static void rest(struct http_server *server)
{
    int64_t end_ns = server_now(server) + ns_of((uint64_t)tick_ms(server));
    struct pollfd polls[1 + LEAVERS_MAX];
    uint64_t woken;

    for (;;) {
        int64_t now_ns = server_now(server);
        size_t count;

        if (now_ns >= end_ns || server->watch_stops)
            return;
        pthread_mutex_lock(&server->lock);
        count = leavers_poll(&server->leavers, polls + 1);
        pthread_mutex_unlock(&server->lock);
        polls[0] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
        if (poll(polls, 1 + count, (int)((end_ns - now_ns) / 1000000) + 1) <= 0)
            continue;
        if (polls[0].revents != 0 && read(server->wake_fd, &woken, sizeof(woken)) > 0 &&
            server->draining)
            return;
        pthread_mutex_lock(&server->lock);
        leavers_sweep(&server->leavers, server_now(server));
        pthread_mutex_unlock(&server->lock);
    }
}

static void run(void *context)
{
    struct http_server *server = context;
    struct sweep sweep = {0};

    while (!server->watch_stops) {
        look(server, &sweep);
        waiters_sweep(server);
        rest(server);
    }
    free(sweep.polls);
    free(sweep.clients);
}

enum code watch_start(struct http_server *server, struct error *err)
{
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->wake_fd < 0)
        return error_set_errno(err, errno, "eventfd");
    return thread_start("http-watch", run, server, &server->watch, err);
}

void watch_wake(struct http_server *server)
{
    uint64_t one = 1;

    (void)!write(server->wake_fd, &one, sizeof(one)); /* a full counter wakes as well */
}

void watch_stop(struct http_server *server)
{
    server->watch_stops = true;
    if (server->watch != NULL) {
        watch_wake(server);
        thread_join(server->watch);
    }
    server->watch = NULL;
    if (server->wake_fd >= 0)
        close(server->wake_fd);
    server->wake_fd = -1;
    leavers_release(&server->leavers);
}

void watch_cut_all(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (struct client *client = server->clients; client != NULL; client = client->next) {
        shutdown(client->fd, SHUT_RDWR);
        if (client->exchange != NULL)
            exchange_cancel(client->exchange);
    }
    pthread_mutex_unlock(&server->lock);
}
