/* The routes of the program with a registry of files, open to whoever asks here. */
#ifndef WEIR_TESTS_UNIT_HANDLERS_REGISTRY_GROUND_H
#define WEIR_TESTS_UNIT_HANDLERS_REGISTRY_GROUND_H

#include "tests/unit/handlers/serving.h"

#include "discovery/registry_files.h"

static struct serving serving;

static inline int registry_ground_open(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    char place[96];

    (void)state;
    serving_init(&serving);
    serving_start(&serving, NULL);
    snprintf(place, sizeof(place), "%s/registry", serving.ground.directory);
    return registry_files_open(place, &rules, &serving.app.registry, NULL) == OK ? 0 : -1;
}

static inline int registry_ground_close(void **state)
{
    struct registry *registry = serving.app.registry;

    (void)state;
    http_server_stop(serving.http, 5000);
    workers_stop(serving.app.workers);
    serving.http = NULL;
    serving.app.workers = NULL;
    registry_close(registry);
    serving.app.registry = NULL;
    serving_stop(&serving);
    return 0;
}

/* A request with header lines, each ended by \r\n. */
static inline void expect_with(const char *what, const char *headers, const char *body, int status,
                               const char *text)
{
    int got = ask(&serving, what, headers, body);

    if (got != status || strstr(serving.answer, text) == NULL)
        fail_msg("%s: want %d with %s, got:\n%s", what, status, text, serving.answer);
    if (strstr(serving.answer, "canary") != NULL)
        fail_msg("%s tells a secret:\n%s", what, serving.answer);
}

#endif
