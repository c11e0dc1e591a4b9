/* Outgoing HTTP: one request after the other over a connection that is kept, each awaited here.
 * http and https alone, no redirect is followed, and no proxy is taken from the environment
 * unless that is asked for: a token goes to the host that was named, or nowhere.
 *
 * Thread:  one at a time, which waits.
 * Failure: E_CONFIG (URL or certificate), E_NOT_READY (no connection, so nothing was sent),
 *          E_TIMEOUT, E_CANCELLED, E_MEMORY, E_IO (the connection broke, or the answer was cut). An
 *          answer of any status is OK. */
#ifndef WEIR_NET_CLIENT_H
#define WEIR_NET_CLIENT_H

#include "base/error.h"

struct client;

struct client_options {
    const char *user_agent;      /* copied */
    const char *authority_file;  /* certificates to trust, PEM; NULL = the system's */
    uint64_t connect_ms_max;     /* 0 = libcurl's, 5 minutes */
    uint64_t stall_ms_max;       /* without a byte in either direction; whole seconds; 0 = any */
    bool proxy_from_environment; /* http_proxy and its like */
};

/* A body on its way out. */
struct client_source {
    size_t (*read)(void *context, char *into, size_t room); /* 0 = the end */
    /* Back to the first byte, for a connection that turned out to be closed; false: cannot. */
    bool (*restart)(void *context);
    void *context;
    uint64_t size;
};

struct client_request {
    const char *method, *url;
    const char *const *headers;         /* "Name: value", NULL-terminated; NULL = none */
    const struct client_source *source; /* NULL = no body */
    bool compressed;                    /* ask for a compressed answer; it is given plain */
};

/* Where an answer goes.  A code other than OK ends the request with it.  Each may be NULL. */
struct client_sink {
    /* Once, before the first piece; headers can be asked for. */
    enum code (*head)(void *context, unsigned status, struct error *err);
    enum code (*take)(void *context, struct bytes piece, struct error *err);
    /* Asked at least once a second. */
    bool (*stopped)(void *context);
    void *context;
};

/* *client is NULL on failure (E_MEMORY, E_CONFIG). */
MUST_USE enum code client_open(const struct client_options *options, struct client **client,
                               struct error *err);
void client_close(struct client *client); /* NULL is fine */

/* OK: an answer came whole. */
MUST_USE enum code client_run(struct client *client, const struct client_request *request,
                              const struct client_sink *sink, struct error *err);
/* Requests that go out together, each by a client of its own; connections are kept by the group,
 * whichever client used one.  Thread: one at a time, which waits. */
struct client_group;

struct client_errand {
    struct client *client;
    struct client_request request;
    struct client_sink sink;
    enum code code; /* as client_run() gives; set when all is over, like */
    struct error err;
};

MUST_USE enum code client_group_open(struct client_group **group, struct error *err);
/* After its clients.  NULL is fine. */
void client_group_close(struct client_group *group);
/* Until each has ended; what has not after ms_max did so with E_TIMEOUT. */
void client_group_run(struct client_group *group, struct client_errand *errands, size_t count,
                      uint64_t ms_max);

/* Of the last request, also when it failed. */
unsigned client_status(const struct client *client); /* 0: no answer began */
/* Of the answer's head, until the next client_run(). */
bool client_header(struct client *client, const char *name, struct bytes *value);
/* Of several with one name. */
bool client_header_at(struct client *client, const char *name, size_t index, struct bytes *value);
/* Retry-After in whole seconds; false: it was not there or is a date. */
bool client_retry_after(struct client *client, uint64_t *seconds);

/* http:// or https:// with a host, and without user, password, query and fragment.  E_CONFIG. */
MUST_USE enum code client_url_check(const char *url, struct error *err);
/* libcurl, begun once for the process; also net/fetcher.c asks.  E_MEMORY.  Any thread. */
MUST_USE enum code client_library_ready(struct error *err);
const char *client_library_version(void);

#endif
