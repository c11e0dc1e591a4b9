/* Start and stop.  The order of the stop:
 *   1. draining: no new connections, idle ones are closed, answers close theirs;
 *   2. wait until no exchange is left, up to drain_ms;
 *   3. closing: no new exchanges; all are cancelled and their sockets shut; wait for the holders of
 *      parked requests to resume and for the writers of streams to end, however long;
 *   4. now nothing is suspended, and libmicrohttpd can be stopped. */
#include "http/server.h"

#include "base/condition.h"
#include "base/log.h"
#include "base/random.h"
#include "http/exchange.h"
#include "http/listen.h"
#include "http/mhd.h"
#include "http/router.h"
#include "http/server_state.h"
#include "http/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TELL_MS = 5000 };

static void check_options(const struct http_options *options)
{
    assert(options->listen != NULL);
    assert(options->limits != NULL);
    assert(options->clock != NULL);
    assert(options->metrics != NULL);
    router_check(options->routes, options->route_count);
    for (size_t i = 0; i < options->route_count; i++)
        assert(options->routes[i].scope == SCOPE_NONE || options->authorize != NULL);
}

static void server_free(struct http_server *server)
{
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    waiters_release(&server->waiters);
    meter_release(&server->meter);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

enum code http_server_start(const struct http_options *options, struct http_server **server,
                            struct error *err)
{
    struct http_server *made = calloc(1, sizeof(*made));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = options->threads;
    enum code code;

    *server = NULL;
    check_options(options);
    if (made == NULL)
        return error_set(err, E_MEMORY, "no memory for the HTTP server");
    if (threads == 0)
        threads = cores < 1 ? 1 : (unsigned)cores;
    made->options = *options;
    made->limits = *options->limits;
    made->options.limits = &made->limits;
    made->listen_fd = made->wake_fd = -1;
    random_secure(made->id_secret, sizeof(made->id_secret));
    pthread_mutex_init(&made->lock, NULL);
    waiters_init(&made->waiters);
    condition_init(&made->changed);

    code = meter_init(&made->meter, options->metrics, options->routes, options->route_count, err);
    if (code)
        goto out;
    code =
        listen_open(options->listen, &made->listen_fd, made->address, sizeof(made->address), err);
    if (code)
        goto out;
    code = watch_start(made, err);
    if (code)
        goto out;
    code = mhd_start(made, threads, err);

out:
    if (code) {
        watch_stop(made);
        server_free(made);
        return code;
    }
    *server = made;
    return OK;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

/* Under the lock: waits until no exchange is left; false when the time passed. */
static bool wait_for_none(struct http_server *server, int64_t timeout_ms)
{
    struct timespec until = condition_until(timeout_ms * 1000000);

    while (server->exchange_count > 0)
        if (pthread_cond_timedwait(&server->changed, &server->lock, &until) == ETIMEDOUT)
            return server->exchange_count == 0;
    return true;
}

static void close_all(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->closing = true;
    pthread_mutex_unlock(&server->lock);
    watch_cut_all(server);
    pthread_mutex_lock(&server->lock);
    while (!wait_for_none(server, TELL_MS))
        log_event(LOG_WARN, "the stop waits for requests that other threads hold",
                  LOG_UINT("requests", server->exchange_count));
    pthread_mutex_unlock(&server->lock);
}

void http_server_stop(struct http_server *server, int64_t drain_ms)
{
    if (server == NULL)
        return;
    server->draining = true;
    watch_wake(server);
    pthread_mutex_lock(&server->lock);
    wait_for_none(server, drain_ms);
    pthread_mutex_unlock(&server->lock);
    close_all(server);
    mhd_stop(server);
    watch_stop(server);
    server_free(server);
}
