#include "http/mhd.h"

#include "base/log.h"
#include "http/exchange.h"
#include "http/server_state.h"
#include "http/watch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    /* Half of it is the largest piece of a body; larger ones were not faster (guides/wire.md). */
    CONNECTION_BYTES = 160 * 1024,
    STREAM_BLOCK_BYTES = 32768,
    /* Of an answer, in the kernel: what a slow client has not taken waits in the stream's ring,
     * whose writer is told, and not in megabytes of socket buffers. */
    UNSENT_BYTES_MAX = 128 * 1024,
};

/* ---- Connections ---- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *in6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
    }
    return false;
}

static void client_open(struct http_server *server, struct MHD_Connection *connection,
                        void **context)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct client *client = calloc(1, sizeof(*client));
    int unsent = UNSENT_BYTES_MAX;

    *context = client; /* NULL: its requests are cut */
    if (client == NULL)
        return;
    client->fd = fd->connect_fd;
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    client->loopback = is_loopback(address->client_addr);
    client_phase(client, PHASE_FRESH, server_now(server));
    metric_move(server->meter.connections, 1);
    pthread_mutex_lock(&server->lock);
    client->next = server->clients;
    if (client->next != NULL)
        client->next->previous = client;
    server->clients = client;
    pthread_mutex_unlock(&server->lock);
}

/* The socket is still open here, so that the watch never shuts somebody else's.  Where the memory
 * of a connection ends among its headers or parameters, libmicrohttpd tells no completion. */
static void client_close(struct http_server *server, struct client *client)
{
    bool lingers;

    if (client->exchange != NULL)
        exchange_completed(client->exchange);
    lingers = client->linger;
    pthread_mutex_lock(&server->lock);
    if (client->next != NULL)
        client->next->previous = client->previous;
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        server->clients = client->next;
    if (lingers && !server->closing)
        leavers_add(&server->leavers, client->fd, server_now(server));
    pthread_mutex_unlock(&server->lock);
    metric_move(server->meter.connections, -1);
    free(client);
    if (lingers)
        watch_wake(server);
}

/* While draining, who connects is sent away without a word.  Not MHD_quiesce_daemon(), nor another
 * descriptor in the socket's place: threads that are at their share of connections take the socket
 * out of their epoll sets by themselves, and whoever finds it gone ends the process (0.9.75). */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t size)
{
    const struct http_server *server = cls;

    (void)address;
    (void)size;
    return server->draining ? MHD_NO : MHD_YES;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        client_open(server, connection, context);
    else if (*context != NULL)
        client_close(server, *context);
}

/* ---- Requests ---- */

/* The only place where the target is seen as it came.  Parameters are read by exchange.c.
 * libmicrohttpd would read them as well, after this: it keeps a record of each, and where its
 * memory for the connection ends, at some 2,000, it neither answers nor goes on.  So it gets to see
 * none: the text lies in its own buffer, and ends for it where they begin. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info->socket_context;
    char *parameters = strchr((char *)(uintptr_t)target, '?');
    struct exchange *x = NULL;

    if (client != NULL)
        x = exchange_new(cls, client, connection, bytes_of(target));
    if (parameters != NULL)
        memset(parameters, 0, strlen(parameters));
    return x;
}

struct header_list {
    struct header
        items[GATE_HEADERS_MAX + 1]; /* one more, for the gate to see that it is too much */
    size_t count;
};

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                      size_t name_size, const char *value, size_t value_size)
{
    struct header_list *list = cls;

    (void)kind;
    if (list->count == COUNT_OF(list->items))
        return MHD_NO;
    list->items[list->count++] = (struct header){
        {name,                       name_size                     },
        {value == NULL ? "" : value, value == NULL ? 0 : value_size},
    };
    return MHD_YES;
}

static ssize_t read_stream(void *cls, uint64_t position, char *data, size_t size)
{
    struct exchange *x = cls;
    ssize_t got = stream_take(x->stream, data, size);

    (void)position;
    if (got > 0)
        x->reply.sent += (uint64_t)got;
    if (got == STREAM_DONE)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (got == STREAM_BROKEN) {
        /* All that came before is with the kernel.  The library closes the connection when it next
         * looks at it, which without another event is when the watch does: idle_ms_max later. */
        exchange_cut(x);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    return got;
}

static struct MHD_Response *make_response(struct exchange *x)
{
    struct reply *reply = &x->reply;
    struct MHD_Response *response;

    /* No callback frees the stream: the exchange does, which can be gone before the response. */
    if (x->stream != NULL)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream,
                                                 x, NULL);
    if (reply->size == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    response = MHD_create_response_from_buffer_with_free_callback(reply->size, reply->body, free);
    if (response != NULL)
        reply->body = NULL;
    return response;
}

static enum MHD_Result queue_reply(struct exchange *x)
{
    struct reply *reply = &x->reply;
    struct MHD_Response *response = NULL;
    enum MHD_Result result = MHD_NO;
    const char *name, *value;

    if (!reply_seal(x))
        return MHD_NO;
    response = make_response(x);
    if (response == NULL)
        return MHD_NO;
    /* 0.9.75 sends the last chunk even to HEAD, where the client would take it for the next answer.
     * Without chunks (and with the close that this takes) nothing follows the head. */
    if (x->stream != NULL && x->head)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    for (size_t at = 0; reply_next_header(reply, &at, &name, &value);)
        if (MHD_add_response_header(response, name, value) != MHD_YES && value[0] != '\0')
            goto out;
    /* Before it is queued: libmicrohttpd may call back from within. */
    x->queued = true;
    if (x->stream == NULL && !x->head)
        reply->sent = reply->size;
    result = MHD_queue_response(x->connection, reply->status, response);
    x->queued = result == MHD_YES;

out:
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result obey(struct exchange *x, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_ANSWER:
        return queue_reply(x);
    case VERDICT_CUT:
        return MHD_NO;
    case VERDICT_GO_ON:
        break;
    }
    return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **context)
{
    struct exchange *x = *context;

    (void)cls;
    (void)url;
    if (x == NULL)
        return MHD_NO;
    if (x->step == STEP_HEAD) {
        struct header_list list;
        struct head head;

        list.count = 0; /* the items need no zeros */
        MHD_get_connection_values_n(connection, MHD_HEADER_KIND, collect_header, &list);
        head =
            (struct head){bytes_of(method), x->target, bytes_of(version), list.items, list.count};
        return obey(x, exchange_begin(x, &head));
    }
    if (x->step == STEP_WAIT)
        return obey(x, exchange_again(x));
    if (*upload_size > 0) {
        struct bytes piece = {upload, *upload_size};

        *upload_size = 0;
        return obey(x, exchange_body(x, piece));
    }
    return obey(x, exchange_finish(x));
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)connection;
    (void)why;
    if (*context != NULL)
        exchange_completed(*context);
    *context = NULL;
}

void mhd_suspend(struct exchange *x)
{
    MHD_suspend_connection(x->connection);
}

void mhd_resume(struct exchange *x)
{
    MHD_resume_connection(x->connection);
}

const char *mhd_reason(unsigned status)
{
    return MHD_get_reason_phrase_for(status);
}

const char *mhd_version(void)
{
    return MHD_get_version();
}

/* ---- The daemon ---- */

static void on_message(void *cls, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Mostly clients that went away: nothing that an operator must see. */
static void on_message(void *cls, const char *format, va_list arguments)
{
    char text[256];
    int size = vsnprintf(text, sizeof(text), format, arguments);

    (void)cls;
    if (size <= 0)
        return;
    if ((size_t)size >= sizeof(text))
        size = sizeof(text) - 1;
    while (size > 0 && text[size - 1] == '\n')
        size--;
    log_event(LOG_DEBUG, "libmicrohttpd", LOG_TEXT("text", ((struct bytes){text, (size_t)size})));
}

enum code mhd_start(struct http_server *server, unsigned threads, struct error *err)
{
    unsigned connections = (unsigned)server->limits.connections_max;
    unsigned idle_s = (unsigned)((server->limits.idle_ms_max + 999) / 1000);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET,                                   server->listen_fd,                             NULL},
        {MHD_OPTION_CONNECTION_LIMIT,                                connections < threads ? threads : connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT,                         CONNECTION_BYTES,                              NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT,                              idle_s,                                        NULL},
 /* A pool of one is refused: it is what there is without a pool. */
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads,                                       NULL},
        {MHD_OPTION_END,                                             0,                                             NULL},
    };
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* its threads inherit it: signals are main's */
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_TURBO |
            MHD_USE_ERROR_LOG,
        0, on_accept, server, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, on_message, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_URI_LOG_CALLBACK, on_target,
        server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_ARRAY, options,
        MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (server->daemon == NULL)
        return error_set(err, E_INTERNAL, "libmicrohttpd did not start");
    return OK;
}

void mhd_stop(struct http_server *server)
{
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    server->listen_fd = -1; /* it has closed it */
}
