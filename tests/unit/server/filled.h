/* A data directory that a server of this program filled and left: for the commands that work
 * without one.  LMDB wants an index opened once in a process. */
#ifndef WEIR_TESTS_UNIT_SERVER_FILLED_H
#define WEIR_TESTS_UNIT_SERVER_FILLED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/app.h"
#include "tests/unit/server/serving.h"

#define FLUSH "POST /v1/admin/flush HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static char answer[64 * 1024]; /* the last one */

/* Serves the data, which begins empty where there is none, for as long as the requests take: all of
 * them are answered well. */
static inline void serve(const char *data, const char *const *requests, size_t count)
{
    struct settings settings = {.data = data, .listen = "127.0.0.1:0", .drain_ms = 2000};
    struct server *server;
    struct error err = {0};

    limits_init(&settings.limits);
    assert_int_equal(server_start(&settings, &server, &err), OK);
    for (size_t i = 0; i < count; i++)
        assert_in_range(ask(server_address(server), requests[i], answer, sizeof(answer)), 200, 204);
    server_stop(server);
}

/* The data, and names beside it that are free. */
struct ground {
    char directory[64], data[80], backup[80], fresh[80];
};

static inline void ground_init(struct ground *ground, const char *const *requests, size_t count)
{
    snprintf(ground->directory, sizeof(ground->directory), "/tmp/weir-command-XXXXXX");
    directory_make(ground->directory);
    snprintf(ground->data, sizeof(ground->data), "%s/data", ground->directory);
    snprintf(ground->backup, sizeof(ground->backup), "%s/backup", ground->directory);
    snprintf(ground->fresh, sizeof(ground->fresh), "%s/fresh", ground->directory);
    serve(ground->data, requests, count);
}

static inline void ground_release(struct ground *ground)
{
    directory_remove(ground->directory);
}

#endif
