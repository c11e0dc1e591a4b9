/* The routes of the program on a real server, over a real store in a directory of its own. */
#ifndef WEIR_TESTS_UNIT_HANDLERS_SERVING_H
#define WEIR_TESTS_UNIT_HANDLERS_SERVING_H

#include "tests/unit/ingest/ground.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handlers/app.h"
#include "handlers/live.h"
#include "http/server.h"
#include "tests/unit/base/turned_clock.h"

struct serving {
    struct ground ground;
    struct app app;
    struct http_server *http;
    struct turned_clock clock; /* its */
    uint16_t port;
    char answer[1 << 20]; /* the last one, head and body as they came */
};

static inline void serving_init(struct serving *serving)
{
    memset(serving, 0, sizeof(*serving));
    ground_init(&serving->ground);
    turned_clock_init(&serving->clock);
    signal(SIGPIPE, SIG_IGN);
}

/* `tenants`: the text of a tenants file, or NULL for open mode. */
static inline void serving_start(struct serving *serving, const char *tenants)
{
    struct ground *ground = &serving->ground;
    struct app *app = &serving->app;
    struct http_options options = {
        .listen = "127.0.0.1:0",
        .threads = 2,
        .limits = &ground->limits,
        .routes = app_routes,
        .route_count = app_route_count,
        .shapes = app_shapes,
        .shape_count = app_shape_count,
        .app = app,
        .authorize = app_authorize,
        .conclude = app_conclude,
        .clock = &serving->clock.clock,
    };
    struct error err = {0};
    char path[96];

    ground_open(ground);
    snprintf(path, sizeof(path), "%s/tenants.yaml", ground->directory);
    if (tenants != NULL) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(tenants, file);
        fclose(file);
    }
    app->store = ground->store;
    app->catalog = ground->catalog;
    app->clock = clock_system();
    app->metrics = ground->metrics;
    app->intake = ground->environment;
    app->version = "0.0.1";
    app->limits = &ground->limits;
    app->query_memory.bytes_max = ground->limits.queries_bytes_max;
    options.metrics = ground->metrics;
    if (directory_open(tenants == NULL ? NULL : path, &ground->limits, &app->directory, &err) !=
            OK ||
        workers_start(2, 100, clock_system(), &app->workers, &err) != OK ||
        live_start(app, &ground->limits, &app->live, &err) != OK ||
        http_server_start(&options, &serving->http, &err) != OK)
        fail_msg("%s", err.text);
    lending_init(&app->lending, app->workers, 1, app->metrics);
    app->at_once_values_max = 65536;
    serving->port =
        (uint16_t)strtoul(strrchr(http_server_address(serving->http), ':') + 1, NULL, 10);
}

static inline void serving_stop(struct serving *serving)
{
    live_close(serving->app.live);
    http_server_stop(serving->http, 5000);
    workers_stop(serving->app.workers);
    live_stop(serving->app.live);
    directory_close(serving->app.directory);
    ground_close(&serving->ground);
    ground_remove(&serving->ground);
}

/* Sends "METHOD target" with header lines (each ended by \r\n) and a body (NULL = none). */
static inline int ask_begin(struct serving *serving, const char *what, const char *headers,
                            const char *body)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(serving->port)};
    struct buf text = BUF_INIT(1 << 20);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t sent = 0;
    ssize_t got;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    buf_printf(&text, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", what, headers);
    if (body != NULL)
        buf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
    buf_printf(&text, "\r\n%s", body == NULL ? "" : body);
    while (sent < text.size && (got = write(fd, text.data + sent, text.size - sent)) > 0)
        sent += (size_t)got;
    buf_release(&text);
    return fd;
}

/* The status of the answer, which is kept. */
static inline int ask_end(struct serving *serving, int fd, const char *what)
{
    size_t size = 0;
    int status = 0;
    ssize_t got;

    while ((got = read(fd, serving->answer + size, sizeof(serving->answer) - 1 - size)) > 0)
        size += (size_t)got;
    serving->answer[size] = '\0';
    close(fd);
    if (sscanf(serving->answer, "HTTP/1.1 %d", &status) != 1)
        fail_msg("%s: no answer", what);
    return status;
}

static inline int ask(struct serving *serving, const char *what, const char *headers,
                      const char *body)
{
    return ask_end(serving, ask_begin(serving, what, headers, body), what);
}

/* Fails the test unless the answer has the status and holds the text. */
static inline void expect(struct serving *serving, const char *what, const char *body, int status,
                          const char *text)
{
    int got = ask(serving, what, "", body);

    if (got != status || strstr(serving->answer, text) == NULL)
        fail_msg("%s: want %d with %s, got:\n%s", what, status, text, serving->answer);
}

#endif
