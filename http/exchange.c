/* The course of a request:
 *
 *   request line   exchange_new()       counted; the deadline of the head runs
 *   head           exchange_begin()     gate, route, token, parameters, body rule, start()
 *   wait           exchange_again()    only where start() found too little of something: waiters.h
 *   body           exchange_body()      piece(), or collected as a form, or swallowed
 *   end of it      exchange_finish()    finish(): replies, or parks; after resume it comes again
 *   answer         mhd.c                queues the reply
 *   completed      exchange_completed() answered or broken; cleanup() when nobody holds it
 *
 * A refusal while the body is still coming: a short body is swallowed and the connection lives on.
 * A long one, one of unknown length, or one the client would only send after 100 Continue is not
 * awaited: from start() the answer is queued at once, which ends the connection.  In mid-body
 * libmicrohttpd takes no answer; then the connection is cut, and exchange_completed() writes the
 * answer to the socket itself (parting.c).  The same way tells a slow client 408. */
#include "http/exchange.h"

#include "base/hash.h"
#include "base/log.h"
#include "http/mhd.h"
#include "http/parting.h"
#include "http/router.h"
#include "http/server_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { ARENA_BYTES_MAX = 1 << 20, ALLOW_BYTES_MAX = 128 };

/* ---- Life ---- */

/* A number that went up would tell each client how much all the others ask. */
static void make_id(struct exchange *x)
{
    struct http_server *server = x->server;
    unsigned char told[sizeof(server->id_secret) + sizeof(uint64_t)];
    uint64_t count = ++server->id_count;
    char text[HASH128_TEXT_SIZE];
    struct hash128 hash;

    memcpy(told, server->id_secret, sizeof(server->id_secret));
    memcpy(told + sizeof(server->id_secret), &count, sizeof(count));
    hash = hash128((struct bytes){(const char *)told, sizeof(told)});
    hash128_print(&hash, text);
    x->request.id =
        (struct bytes){x->id, (size_t)snprintf(x->id, sizeof(x->id), "%.8s-%.8s", text, text + 8)};
}

struct exchange *exchange_new(struct http_server *server, struct client *client,
                              struct MHD_Connection *connection, struct bytes target)
{
    struct exchange *x = calloc(1, sizeof(*x));
    bool closing;

    if (x == NULL)
        return NULL;
    arena_init(&x->request.arena, ARENA_BYTES_MAX, NULL);
    x->target = arena_copy(&x->request.arena, target);
    if (x->target.data == NULL) {
        free(x);
        return NULL;
    }
    x->server = server;
    x->connection = connection;
    x->refs = 1;
    x->form_body = BUF_INIT(FORM_BYTES_MAX);
    x->request.app = server->options.app;
    x->request.started_ns = server_now(server);
    make_id(x);
    pthread_mutex_lock(&server->lock);
    closing = server->closing;
    if (!closing) {
        server->exchange_count++;
        client->exchange = x;
        x->client = client;
        client_phase(client, PHASE_HEAD, x->request.started_ns);
    }
    pthread_mutex_unlock(&server->lock);
    if (closing) {
        arena_release(&x->request.arena);
        free(x);
        return NULL;
    }
    x->request.loopback = client->loopback;
    return x;
}

void exchange_ref(struct exchange *x)
{
    x->refs++;
}

/* One line a request: what went wrong on our side is worth being seen. */
static void log_request(const struct exchange *x, unsigned status, int64_t duration_ns)
{
    log_event(status >= 500 ? LOG_INFO : LOG_DEBUG, "request", LOG_TEXT("id", x->request.id),
              LOG_TEXT("method", x->method), LOG_TEXT("path", x->request.path),
              LOG_UINT("status", status), LOG_REAL("ms", (double)duration_ns / 1e6),
              LOG_UINT("bytes_in", x->body_bytes), LOG_UINT("bytes_out", x->reply.sent),
              LOG_TEXT("tenant", x->request.tenant), LOG_UINT("points", x->request.points));
}

static void end(struct exchange *x)
{
    struct http_server *server = x->server;
    unsigned status = x->queued ? x->reply.status : 0;
    int64_t duration_ns = server_now(server) - x->request.started_ns;

    meter_request(&server->meter, x->request.route, status, duration_ns, x->body_bytes,
                  x->reply.sent);
    log_request(x, status, duration_ns);
    if (x->request.route != NULL && x->request.route->handler->cleanup != NULL)
        x->request.route->handler->cleanup(&x->request);
    if (x->request.session != NULL && x->server->options.conclude != NULL)
        x->server->options.conclude(&x->request);
    stream_free(x->stream);
    buf_release(&x->form_body);
    buf_release(&x->reply.headers);
    free(x->reply.body);
    arena_release(&x->request.arena);
    free(x);
    waiters_end(server);
    pthread_mutex_lock(&server->lock);
    server->exchange_count--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void exchange_unref(struct exchange *x)
{
    if (--x->refs == 0)
        end(x);
}

void exchange_suspend(struct exchange *x)
{
    mhd_suspend(x);
}

void exchange_resume(struct exchange *x)
{
    mhd_resume(x);
}

void exchange_cut(struct exchange *x)
{
    pthread_mutex_lock(&x->server->lock);
    if (x->client != NULL)
        shutdown(x->client->fd, SHUT_RDWR);
    pthread_mutex_unlock(&x->server->lock);
}

void exchange_cancel(struct exchange *x)
{
    struct stream *stream;

    x->cancelled = true;
    stream = x->stream;
    if (stream != NULL)
        stream_abandon(stream, true);
}

/* ---- The head ---- */

static struct bytes trim(struct bytes text)
{
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* libmicrohttpd's memory goes when the connection does, which can be before a stream's writer is
 * through: all that the request keeps is copied. */
static enum code copy_headers(struct exchange *x, const struct head *head, struct error *err)
{
    struct arena *arena = &x->request.arena;
    struct header *copies = ARENA_ARRAY(arena, struct header, head->header_count + 1);

    if (copies == NULL)
        return error_set(err, E_MEMORY, "no memory for the request's headers");
    for (size_t i = 0; i < head->header_count; i++) {
        copies[i].name = arena_copy(arena, head->headers[i].name);
        copies[i].value = arena_copy(arena, trim(head->headers[i].value));
        if (copies[i].name.data == NULL || copies[i].value.data == NULL)
            return error_set(err, E_MEMORY, "no memory for the request's headers");
    }
    x->headers = copies;
    x->header_count = head->header_count;
    return OK;
}

static bool proxy_header(struct bytes name)
{
    return header_is(name, "forwarded") || header_is(name, "via") ||
           (name.size > 12 && strncasecmp(name.data, "x-forwarded-", 12) == 0);
}

/* A client's id goes into logs and headers. */
static bool good_id(struct bytes id)
{
    for (size_t i = 0; i < id.size; i++) {
        char c = id.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return id.size > 0 && id.size <= 64;
}

static void read_headers(struct exchange *x)
{
    static const struct {
        const char *name;
        size_t offset;
    } wanted[] = {
        {"content-type",     offsetof(struct request, content_type)    },
        {"content-encoding", offsetof(struct request, content_encoding)},
        {"authorization",    offsetof(struct request, authorization)   },
        {"accept",           offsetof(struct request, accept)          },
        {"if-none-match",    offsetof(struct request, if_none_match)   },
        {"idempotency-key",  offsetof(struct request, idempotency_key) },
    };
    const struct header *found;

    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        found = header_find(x->headers, x->header_count, wanted[i].name);
        if (found != NULL)
            *(struct bytes *)((char *)&x->request + wanted[i].offset) = found->value;
    }
    found = header_find(x->headers, x->header_count, "x-request-id");
    if (found != NULL && good_id(found->value))
        x->request.id = found->value;
    found = header_find(x->headers, x->header_count, "accept-encoding");
    if (found != NULL)
        x->coding = coding_choose(found->value);
    for (size_t i = 0; i < x->header_count; i++)
        x->request.forwarded |= proxy_header(x->headers[i].name);
}

static enum code find_route(struct exchange *x, struct error *err)
{
    struct http_server *server = x->server;
    struct buf allow = BUF_INIT(ALLOW_BYTES_MAX);
    struct bytes variable = {NULL, 0};
    enum code code = router_find(server->options.routes, server->options.route_count, x->method,
                                 x->request.path, &x->request.route, &variable, &allow, err);

    if (code == E_METHOD)
        reply_header(&x->request, "Allow", buf_bytes(&allow));
    if (!code && variable.size > 0)
        code = percent_decode(variable, false, &x->request.arena, &x->request.variable, err);
    buf_release(&allow);
    return code;
}

static enum code read_parameters(struct exchange *x, struct bytes text, struct error *err)
{
    enum code code = parameters_parse(text, &x->request.arena, &x->parameters, err);

    x->request.parameters = x->parameters.items;
    x->request.parameter_count = x->parameters.count;
    return code;
}

static enum code check_parameters(const struct exchange *x, struct error *err)
{
    return parameters_check(&x->parameters, x->request.route->parameters, err);
}

static bool is_form(struct bytes content_type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *end;

    if (content_type.size == 0)
        return false;
    end = memchr(content_type.data, ';', content_type.size);
    if (end != NULL)
        content_type.size = (size_t)(end - content_type.data);
    return header_is(trim(content_type), form);
}

static enum code check_body(struct exchange *x, const struct framing *framing, struct error *err)
{
    const struct route *route = x->request.route;

    if (!framing->has_body)
        return OK;
    x->form = route->form_allowed && is_form(x->request.content_type);
    if (!x->form && route->handler->piece == NULL) {
        if (!route->form_allowed)
            return error_set(err, E_BAD_REQUEST, "%s takes no body", route->path);
        reply_header(&x->request, "Accept-Post", BYTES("application/x-www-form-urlencoded"));
        return error_set(err, E_UNSUPPORTED_TYPE,
                         "%s takes a body of application/x-www-form-urlencoded", route->path);
    }
    if (framing->content_length != UINT64_MAX &&
        framing->content_length > (x->form ? FORM_BYTES_MAX : x->server->limits.body_bytes_max))
        return error_set(err, E_BODY_LARGE,
                         "the body has %" PRIu64 " bytes, at most %" PRIu64 " are taken here",
                         framing->content_length,
                         x->form ? (uint64_t)FORM_BYTES_MAX : x->server->limits.body_bytes_max);
    return OK;
}

/* Everything between a sound head and the handler's start(): replies when it refuses. */
static void admit(struct exchange *x)
{
    struct http_server *server = x->server;
    const char *query = memchr(x->target.data, '?', x->target.size);
    struct bytes text = {NULL, 0};
    struct error err = {0};

    if (query != NULL)
        text = bytes_slice(x->target, x->request.path.size + 1, x->target.size);
    /* A token may stand among the parameters; what is wrong with them is told to who has one. */
    if (find_route(x, &err) != OK || read_parameters(x, text, &err) != OK) {
        reply_problem(&x->request, &err);
        return;
    }
    if (x->request.route->scope != SCOPE_NONE &&
        !server->options.authorize(&x->request, x->request.route->scope)) {
        assert(x->reply.made);
        return;
    }
    if (check_parameters(x, &err) != OK || check_body(x, &x->framing, &err) != OK) {
        reply_problem(&x->request, &err);
        return;
    }
    if (x->request.route->handler->start != NULL)
        x->request.route->handler->start(&x->request);
}

static void set_phase(struct exchange *x, enum phase phase)
{
    client_phase(x->client, phase, server_now(x->server)); /* the HTTP thread alone clears client */
}

/* After start(): is the body read? */
static enum verdict started(struct exchange *x)
{
    const struct framing *framing = &x->framing;

    if (x->reply.made && framing->has_body &&
        (framing->expects || framing->content_length > SWALLOW_BYTES_MAX)) {
        x->client->linger = x->reply.close = true;
        return VERDICT_ANSWER;
    }
    return VERDICT_GO_ON;
}

enum verdict exchange_begin(struct exchange *x, const struct head *head)
{
    struct error err = {0};
    const char *query = memchr(x->target.data, '?', x->target.size);
    enum code code;

    x->method = arena_copy(&x->request.arena, head->method);
    x->head = bytes_equal(head->method, BYTES("HEAD"));
    x->request.path = bytes_slice(
        x->target, 0, query == NULL ? x->target.size : (size_t)(query - x->target.data));
    code = gate_check(head, &x->framing, &err);
    if (!code)
        code = copy_headers(x, head, &err);
    if (code) {
        /* Where the next request begins is not known any more. */
        x->client->linger = x->reply.close = true;
        reply_problem(&x->request, &err);
        return VERDICT_ANSWER;
    }
    x->request.content_length = x->framing.content_length;
    read_headers(x);
    x->step = STEP_BODY;
    set_phase(x, x->framing.has_body ? PHASE_BODY : PHASE_ANSWER);
    x->wait_ends_seen = x->server->waiters.ends;
    admit(x);
    return started(x);
}

enum verdict exchange_again(struct exchange *x)
{
    assert(x->step == STEP_WAIT);
    metric_move(x->server->meter.waiting, -1);
    x->step = STEP_BODY;
    set_phase(x, x->framing.has_body ? PHASE_BODY : PHASE_ANSWER);
    x->wait_ends_seen = x->server->waiters.ends;
    x->request.route->handler->again(&x->request);
    if (x->step == STEP_WAIT)
        return VERDICT_GO_ON; /* in the line again */
    waiters_tried(x);
    return started(x);
}

/* ---- The body ---- */

/* A refused body is read on if little of it is left, so that the connection can be kept. */
static enum verdict swallow(struct exchange *x, uint64_t size)
{
    uint64_t length = x->request.content_length;

    x->swallowed += size;
    if (x->swallowed > SWALLOW_BYTES_MAX ||
        (length != UINT64_MAX && length - x->body_bytes > SWALLOW_BYTES_MAX)) {
        x->parting = true;
        return VERDICT_CUT;
    }
    return VERDICT_GO_ON;
}

enum verdict exchange_body(struct exchange *x, struct bytes piece)
{
    uint64_t bytes_max = x->form ? FORM_BYTES_MAX : x->server->limits.body_bytes_max;
    struct error err = {0};

    x->body_bytes += piece.size;
    if (x->overdue)
        return VERDICT_CUT;
    if (x->reply.made)
        return swallow(x, piece.size);
    if (x->body_bytes > bytes_max) {
        error_set(&err, E_BODY_LARGE, "the body has more than the %" PRIu64 " bytes taken here",
                  bytes_max);
        reply_problem(&x->request, &err);
    } else if (x->form) {
        buf_put(&x->form_body, piece);
    } else {
        x->request.route->handler->piece(&x->request, piece);
    }
    return x->reply.made ? swallow(x, 0) : VERDICT_GO_ON;
}

/* ---- The end of the request ---- */

static void finish(struct exchange *x)
{
    struct error err = {0};

    if (x->form && (buf_finish(&x->form_body, &err) != OK ||
                    read_parameters(x, buf_bytes(&x->form_body), &err) != OK ||
                    check_parameters(x, &err) != OK))
        reply_problem(&x->request, &err);
    else
        x->request.route->handler->finish(&x->request);
}

enum verdict exchange_finish(struct exchange *x)
{
    if (x->parked) { /* resumed */
        x->parked = false;
        metric_move(x->server->meter.parked, -1);
        assert(x->reply.made);
        return VERDICT_ANSWER;
    }
    if (x->reply.made)
        return VERDICT_ANSWER;
    if (x->cancelled)
        return VERDICT_CUT;
    set_phase(x, PHASE_ANSWER);
    x->step = STEP_FINISH;
    finish(x);
    if (x->parked)
        return VERDICT_GO_ON; /* it belongs to the holder now */
    assert(x->reply.made);
    return VERDICT_ANSWER;
}

/* The connection ends before it had an answer, and we know why: say it. */
static void part(struct exchange *x)
{
    struct error err = {0};

    if (!x->reply.made) {
        error_set(&err, E_SLOW_CLIENT, "the request did not come in time: %" PRIu64 " body bytes",
                  x->body_bytes);
        reply_problem(&x->request, &err);
    }
    x->reply.close = true;
    if (reply_seal(x) && parting_send(x, x->client->fd)) {
        x->queued = true;
        x->client->linger = true;
    }
}

void exchange_completed(struct exchange *x)
{
    struct http_server *server = x->server;
    struct client *client = x->client;
    struct stream *stream;

    if (!x->queued && (x->parting || x->overdue))
        part(x);
    if (x->parked) /* resumed, but the connection broke before it was asked again */
        metric_move(server->meter.parked, -1);
    if (x->step == STEP_WAIT) {
        metric_move(server->meter.waiting, -1);
        waiters_tried(x);
    }
    client_phase(client, PHASE_IDLE, server_now(server));
    pthread_mutex_lock(&server->lock);
    client->exchange = NULL;
    x->client = NULL;
    pthread_mutex_unlock(&server->lock);
    stream = x->stream;
    if (stream != NULL) { /* its writer may be at work still, or waiting for a row */
        x->cancelled = true;
        stream_abandon(stream, false);
    }
    exchange_unref(x);
}
