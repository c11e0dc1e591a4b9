/* A real server on a free port of the loopback with routes made for tests, and a raw client. */
#ifndef WEIR_TESTS_UNIT_HTTP_SERVED_H
#define WEIR_TESTS_UNIT_HTTP_SERVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/queue.h"
#include "base/thread.h"
#include "http/problem.h"
#include "http/reply.h"
#include "http/server.h"
#include "tests/unit/base/turned_clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 3, ANSWER_BYTES_MAX = 4 << 20, PATIENCE_MS = 10000 };

struct served {
    struct http_server *server;
    struct metrics *metrics;
    struct limits limits;
    struct turned_clock clock; /* the server's */
    struct queue *parked;      /* requests that wait for a worker */
    struct thread *workers[WORKERS];
    uint16_t port;
    _Atomic unsigned started, cleaned; /* start() and cleanup() calls */
    _Atomic unsigned cancelled_seen;   /* workers that were told the client left */
    _Atomic int last_write;            /* what the last stream_write() gave */
    _Atomic uint64_t last_written;
    _Atomic bool hold; /* workers keep what they have taken until it is false or cancelled */
    _Atomic unsigned held;
    _Atomic int room;       /* how many of /scarce may be under way */
    _Atomic unsigned order; /* of those that were let in */
};

struct answer {
    int status;
    char *text; /* head and body as they came, NUL-terminated */
    size_t size;
    const char *body; /* without chunk frames */
    size_t body_size;
    bool whole; /* the body's end was seen */
};

/* ---- Handlers ---- */

static inline struct served *served_of(const struct request *request)
{
    return request->app;
}

static inline uint64_t number_parameter(const struct request *request, const char *name)
{
    struct bytes text = {"0", 1};
    char copy[32];

    if (!request_parameter(request, name, &text))
        return 0;
    snprintf(copy, sizeof(copy), "%.*s", BYTES_ARG(text));
    return strtoull(copy, NULL, 10);
}

static void count_start(struct request *request)
{
    uint64_t *count = calloc(1, sizeof(*count));

    served_of(request)->started++;
    request->state = count;
}

static void count_piece(struct request *request, struct bytes piece)
{
    *(uint64_t *)request->state += piece.size;
}

static void count_finish(struct request *request)
{
    char text[64];

    snprintf(text, sizeof(text), "%" PRIu64 " bytes\n", *(uint64_t *)request->state);
    reply_bytes(request, 200, "text/plain", bytes_of(text));
}

static void count_cleanup(struct request *request)
{
    free(request->state);
    request->state = NULL;
    served_of(request)->cleaned++;
}

static void ping_finish(struct request *request)
{
    reply_bytes(request, 200, "text/plain", BYTES("pong\n"));
}

/* Every parameter as name=value lines, and the variable. */
static void echo_finish(struct request *request)
{
    struct buf body = BUF_INIT(1 << 20);

    if (request->variable.size > 0)
        buf_printf(&body, "variable=%.*s\n", BYTES_ARG(request->variable));
    for (size_t i = 0; i < request->parameter_count; i++)
        buf_printf(&body, "%.*s=%.*s\n", BYTES_ARG(request->parameters[i].name),
                   BYTES_ARG(request->parameters[i].value));
    buf_printf(&body, "forwarded=%d loopback=%d\n", request->forwarded, request->loopback);
    reply_buf_take(request, 200, "text/plain", &body);
}

static void refuse(struct request *request, enum code code)
{
    struct error err = {0};

    error_set(&err, code, "refused as the test wants it");
    reply_problem(request, &err);
}

static void refuse_start(struct request *request)
{
    count_start(request);
    refuse(request, E_BUSY);
}

static void refuse_piece(struct request *request, struct bytes piece)
{
    (void)piece;
    refuse(request, E_SYNTAX);
}

/* ?bytes=N: a body of N letters. */
static void big_finish(struct request *request)
{
    struct buf body = BUF_INIT(64 << 20);
    size_t size = number_parameter(request, "bytes");
    char *to = buf_extend(&body, size);

    for (size_t i = 0; to != NULL && i < size; i++)
        to[i] = (char)('a' + i / 7 % 26);
    reply_header(request, "ETag", BYTES("\"big\""));
    reply_buf_take(request, 200, "text/plain; charset=utf-8", &body);
}

static void empty_finish(struct request *request)
{
    reply_empty(request, 204);
}

static void odd_finish(struct request *request)
{
    reply_header(request, "X-Odd", BYTES("a\r\nSet-Cookie: b"));
    reply_header(request, "Cache-Control", BYTES("no-cache"));
    reply_header(request, "Vary", BYTES("Accept"));
    reply_bytes(request, 200, "text/plain", BYTES("odd\n"));
}

static void problem_finish(struct request *request)
{
    struct error err = {0};

    error_set(&err, (enum code)number_parameter(request, "code"), "a \"quoted\" text");
    err.line = 7;
    err.retry_s = (unsigned)number_parameter(request, "retry");
    error_point(&err, BYTES("start"));
    reply_problem_with(request, &err, BYTES(",\"errors\":[]"));
}

static void park_finish(struct request *request)
{
    struct served *served = served_of(request);
    struct queue *parked = served->parked;

    request_park(request);
    if (!queue_send(parked, request))
        abort();
}

static const char letters[] =
    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst\n";

/* ?bytes=N&piece=N&cut=1 */
static void stream_out(struct served *served, struct request *request)
{
    uint64_t bytes = number_parameter(request, "bytes");
    uint64_t cut = number_parameter(request, "cut");
    struct error err = {0};
    struct stream *stream = NULL;
    enum code code = reply_stream(request, 200, "text/plain", &stream, &err);

    if (code) {
        reply_problem(request, &err);
        request_resume(request);
        return;
    }
    request_resume(request);
    while (!code && stream_written(stream) < bytes) {
        uint64_t left = bytes - stream_written(stream);
        size_t size = left < sizeof(letters) - 1 ? left : sizeof(letters) - 1;

        code = stream_write(stream, (struct bytes){letters, size}, &err);
    }
    while (!code && served->hold && !request_cancelled(request))
        usleep(1000);
    if (request_cancelled(request))
        served->cancelled_seen++;
    served->last_write = (int)code;
    served->last_written = stream_written(stream);
    stream_end(stream, code == OK && cut == 0);
}

static void worker(void *context)
{
    struct served *served = context;
    void *item;

    while (queue_take(served->parked, &item, 1, -1) == 1) {
        struct request *request = item;

        if (bytes_equal(request->path, BYTES("/stream"))) {
            stream_out(served, request);
            continue;
        }
        served->held++;
        while (served->hold && !request_cancelled(request))
            usleep(1000);
        if (request_cancelled(request))
            served->cancelled_seen++;
        served->held--;
        reply_bytes(request, 200, "text/plain", request->id);
        request_resume(request);
    }
}

/* Whoever finds no room waits for it; the answer says as which one it was let in. */
static void scarce_again(struct request *request)
{
    struct served *served = served_of(request);
    uint64_t *state = request->state;

    if (--served->room >= 0) {
        *state = ++served->order;
        return;
    }
    served->room++;
    if (request_may_wait(request))
        request_wait(request);
    else
        refuse(request, E_BUSY);
}

static void scarce_start(struct request *request)
{
    count_start(request);
    scarce_again(request);
}

static void scarce_piece(struct request *request, struct bytes piece)
{
    (void)request;
    (void)piece;
}

static void scarce_cleanup(struct request *request)
{
    if (*(uint64_t *)request->state > 0)
        served_of(request)->room++;
    count_cleanup(request);
}

static const struct handler scarce_handler = {.start = scarce_start,
                                              .piece = scarce_piece,
                                              .finish = count_finish,
                                              .cleanup = scarce_cleanup,
                                              .again = scarce_again};
static const struct handler ping_handler = {.finish = ping_finish};
static const struct handler count_handler = {
    .start = count_start, .piece = count_piece, .finish = count_finish, .cleanup = count_cleanup};
static const struct handler echo_handler = {.finish = echo_finish};
static const struct handler refuse_start_handler = {
    .start = refuse_start, .piece = count_piece, .finish = count_finish, .cleanup = count_cleanup};
static const struct handler refuse_piece_handler = {
    .start = count_start, .piece = refuse_piece, .finish = count_finish, .cleanup = count_cleanup};
static const struct handler big_handler = {.finish = big_finish};
static const struct handler empty_handler = {.finish = empty_finish};
static const struct handler odd_handler = {.finish = odd_finish};
static const struct handler problem_handler = {.finish = problem_finish};
static const struct handler park_handler = {
    .start = count_start, .piece = count_piece, .finish = park_finish, .cleanup = count_cleanup};

static const char *const echo_parameters[] = {"start", "end", "measurement", NULL};
static const char *const big_parameters[] = {"bytes", NULL};
static const char *const stream_parameters[] = {"bytes", "cut", NULL};
static const char *const problem_parameters[] = {"code", "retry", NULL};

static const struct route test_routes[] = {
    {METHOD_GET,    "/ping",          SCOPE_NONE, &ping_handler,         NULL,               false},
    {METHOD_POST,   "/count",         SCOPE_NONE, &count_handler,        NULL,               false},
    {METHOD_PUT,    "/count",         SCOPE_NONE, &count_handler,        NULL,               false},
    {METHOD_GET,    "/echo",          SCOPE_NONE, &echo_handler,         echo_parameters,    false},
    {METHOD_POST,   "/echo",          SCOPE_NONE, &echo_handler,         echo_parameters,    true },
    {METHOD_GET,    "/things/{name}", SCOPE_NONE, &echo_handler,         NULL,               false},
    {METHOD_DELETE, "/things/{name}", SCOPE_NONE, &empty_handler,        NULL,               false},
    {METHOD_GET,    "/things/known",  SCOPE_NONE, &ping_handler,         NULL,               false},
    {METHOD_POST,   "/refuse_start",  SCOPE_NONE, &refuse_start_handler, NULL,               false},
    {METHOD_POST,   "/refuse_piece",  SCOPE_NONE, &refuse_piece_handler, NULL,               false},
    {METHOD_GET,    "/big",           SCOPE_NONE, &big_handler,          big_parameters,     false},
    {METHOD_GET,    "/empty",         SCOPE_NONE, &empty_handler,        NULL,               false},
    {METHOD_GET,    "/odd",           SCOPE_NONE, &odd_handler,          NULL,               false},
    {METHOD_GET,    "/problem",       SCOPE_NONE, &problem_handler,      problem_parameters, false},
    {METHOD_GET,    "/park",          SCOPE_NONE, &park_handler,         NULL,               false},
    {METHOD_POST,   "/park",          SCOPE_NONE, &park_handler,         NULL,               false},
    {METHOD_GET,    "/stream",        SCOPE_NONE, &park_handler,         stream_parameters,  false},
    {METHOD_POST,   "/scarce",        SCOPE_NONE, &scarce_handler,       NULL,               false},
    {METHOD_GET,    "/secret",        SCOPE_READ, &ping_handler,         NULL,               false},
};

static unsigned teapot_status(enum code code)
{
    return code == E_NOT_FOUND ? 418 : problem_status(code);
}

static void teapot_print(struct request *request, const struct error *err, struct bytes extra,
                         struct buf *body)
{
    reply_header(request, "X-Teapot", bytes_of(code_row(err->code)->slug));
    buf_printf(body, "{\"tea\":true%.*s}", BYTES_ARG(extra));
}

static const struct refusal_shape test_shapes[] = {
    {"/teapot/", teapot_status, teapot_print},
    {"/kettle",  teapot_status, teapot_print},
};

static bool test_authorize(struct request *request, enum scope scope)
{
    (void)scope;
    if (bytes_equal(request->authorization, BYTES("Bearer right"))) {
        request->tenant = BYTES("tests");
        return true;
    }
    refuse(request, E_UNAUTHORIZED);
    return false;
}

/* ---- The server ---- */

/* The limits can be changed before served_start(). */
static inline void served_init(struct served *served)
{
    memset(served, 0, sizeof(*served));
    limits_init(&served->limits);
    turned_clock_init(&served->clock);
    signal(SIGPIPE, SIG_IGN);
    log_setup(LOG_ERROR, LOG_LOGFMT);
}

static inline void served_start(struct served *served)
{
    struct error err = {0};
    struct http_options options = {
        .listen = "127.0.0.1:0",
        .threads = 2,
        .limits = &served->limits,
        .routes = test_routes,
        .route_count = COUNT_OF(test_routes),
        .shapes = test_shapes,
        .shape_count = COUNT_OF(test_shapes),
        .app = served,
        .authorize = test_authorize,
        .clock = &served->clock.clock,
    };

    assert_int_equal(metrics_new(&served->metrics, &err), OK);
    assert_int_equal(queue_new(100000, &served->parked, &err), OK);
    options.metrics = served->metrics;
    if (http_server_start(&options, &served->server, &err) != OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(thread_start("worker", worker, served, &served->workers[i], &err), OK);
    served->port =
        (uint16_t)strtoul(strrchr(http_server_address(served->server), ':') + 1, NULL, 10);
}

static inline void served_stop(struct served *served, int64_t drain_ms)
{
    if (served->server != NULL)
        http_server_stop(served->server, drain_ms);
    served->server = NULL;
    queue_close(served->parked);
    for (size_t i = 0; i < WORKERS; i++)
        thread_join(served->workers[i]);
    queue_free(served->parked);
    metrics_free(served->metrics);
}

/* One server for all tests of a program, with the usual limits. */
static inline int served_open(void **state)
{
    static struct served served;

    served_init(&served);
    served_start(&served);
    *state = &served;
    return 0;
}

static inline int served_close(void **state)
{
    served_stop(*state, 1000);
    return 0;
}

/* Fails where a request was begun that has never been cleaned up. */
static inline int served_close_clean(void **state)
{
    struct served *served = *state;

    http_server_stop(served->server, 1000);
    served->server = NULL;
    assert_int_equal(served->started, served->cleaned);
    served_stop(served, 0);
    return 0;
}

/* ---- The client ---- */

static inline int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int dial(const struct served *served)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(served->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* False when the other side does not take it any more. */
static inline bool say(int fd, struct bytes text)
{
    while (text.size > 0) {
        ssize_t sent = send(fd, text.data, text.size, MSG_NOSIGNAL);

        if (sent < 0)
            return false;
        text = bytes_slice(text, (size_t)sent, text.size);
    }
    return true;
}

/* One more piece into the answer; false at the end or when patience is over. */
static inline bool hear_more(int fd, struct answer *answer)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    ssize_t got;

    if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
        return false;
    got = recv(fd, answer->text + answer->size, ANSWER_BYTES_MAX - 1 - answer->size, 0);
    if (got <= 0)
        return false;
    answer->size += (size_t)got;
    answer->text[answer->size] = '\0';
    return true;
}

/* The value of a header of the answer, or NULL; valid until the next call. */
static inline const char *answer_header(const struct answer *answer, const char *name)
{
    static _Thread_local char value[4096];
    const char *end = strstr(answer->text, "\r\n\r\n");
    const char *line = strstr(answer->text, "\r\n");

    while (line != NULL && line < end) {
        size_t size = strlen(name);

        line += 2;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            const char *first = line + size + 1 + strspn(line + size + 1, " ");

            snprintf(value, sizeof(value), "%.*s", (int)strcspn(first, "\r\n"), first);
            return value;
        }
        line = strstr(line, "\r\n");
    }
    return NULL;
}

/* Takes chunk frames out, in place; true when the last chunk was seen. */
static inline bool unchunk(char *body, size_t size, size_t *plain)
{
    size_t at = 0;

    *plain = 0;
    while (at < size) {
        char *end;
        size_t length = strtoul(body + at, &end, 16);
        size_t data = (size_t)(end - body) + 2;

        if (end == body + at || data > size)
            return false;
        if (length == 0)
            return true;
        if (length > size - data) {
            memmove(body + *plain, body + data, size - data);
            *plain += size - data;
            return false;
        }
        memmove(body + *plain, body + data, length);
        *plain += length;
        at = data + length + 2;
    }
    return false;
}

/* Has the whole answer come?  Chunked ones are told by the frame of the last chunk. */
static inline bool is_whole(const struct answer *answer, bool head_only)
{
    const char *end = strstr(answer->text, "\r\n\r\n");
    const char *length;

    if (end == NULL)
        return false;
    if (strncmp(answer->text, "HTTP/1.1 100", 12) == 0)
        return true;
    if (head_only || strncmp(answer->text + 9, "204", 3) == 0 ||
        strncmp(answer->text + 9, "304", 3) == 0)
        return true;
    length = answer_header(answer, "Content-Length");
    if (length != NULL)
        return answer->size >= (size_t)(end + 4 - answer->text) + strtoul(length, NULL, 10);
    return answer->size >= 5 && memcmp(answer->text + answer->size - 5, "0\r\n\r\n", 5) == 0;
}

/* Reads one answer; frees with answer_release(). status 0 = none came. */
static inline struct answer hear(int fd, bool head_only)
{
    struct answer answer = {.text = malloc(ANSWER_BYTES_MAX)};
    const char *end;

    assert_non_null(answer.text);
    answer.text[0] = '\0';
    while (!is_whole(&answer, head_only) && hear_more(fd, &answer))
        continue;
    end = strstr(answer.text, "\r\n\r\n");
    if (end == NULL)
        return answer;
    answer.status = atoi(answer.text + 9);
    answer.whole = is_whole(&answer, head_only);
    answer.body = end + 4;
    answer.body_size = answer.size - (size_t)(end + 4 - answer.text);
    if (answer_header(&answer, "Transfer-Encoding") != NULL && !head_only)
        answer.whole = unchunk((char *)(uintptr_t)answer.body, answer.body_size, &answer.body_size);
    return answer;
}

static inline void answer_release(struct answer *answer)
{
    free(answer->text);
    answer->text = NULL;
}

/* True when nothing but the end comes now. */
static inline bool closed(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&poll_fd, 1, PATIENCE_MS) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

static inline struct answer ask(const struct served *served, const char *text)
{
    int fd = dial(served);
    struct answer answer;

    assert_true(say(fd, bytes_of(text)));
    answer = hear(fd, strncmp(text, "HEAD", 4) == 0);
    close(fd);
    return answer;
}

/* Waits for what another thread does soon. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        int64_t give_up_ms = now_ms() + PATIENCE_MS;                                               \
        while (!(condition)) {                                                                     \
            if (now_ms() > give_up_ms)                                                             \
                fail_msg("never true: %s", #condition);                                            \
            usleep(1000);                                                                          \
        }                                                                                          \
    } while (0)

#endif
