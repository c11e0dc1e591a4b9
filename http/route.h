/* The route table: const rows, matched exactly; one {name} segment may stand in a path. */
#ifndef WEIR_HTTP_ROUTE_H
#define WEIR_HTTP_ROUTE_H

#include "base/buf.h"

struct request;

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_COUNT }; /* HEAD is GET */

enum scope {
    SCOPE_NONE = 0, /* open to all: health, version */
    SCOPE_READ = 1,
    SCOPE_WRITE = 2,
    SCOPE_ADMIN = 4,    /* of the tenant's own */
    SCOPE_OPERATOR = 8, /* of the node, and so of all tenants */
    SCOPE_PEER = 16,    /* of another member, which no token has */
    SCOPE_ANY = SCOPE_READ | SCOPE_WRITE | SCOPE_ADMIN | SCOPE_OPERATOR, /* one of them is enough */
};

/* What a handler does at each step of a request.  All run on an HTTP thread and never wait.
 * Each may reply (http/reply.h); `finish` must reply or park (http/request.h). */
struct handler {
    /* Headers are in, the body is not.  Replying here refuses the body.  NULL = nothing to do. */
    void (*start)(struct request *request);
    /* A piece of the body, as it arrives.  NULL = the route takes no body: one is refused (400). */
    void (*piece)(struct request *request, struct bytes piece);
    void (*finish)(struct request *request);
    /* The request is over, whatever happened: release request->state.  On whichever thread was the
     * last to have it.  Runs also when start() never did; then state is NULL.  May be NULL. */
    void (*cleanup)(struct request *request);
    /* In place of start(), after request_wait(): may reply, or wait again.  NULL = it never does.
     */
    void (*again)(struct request *request);
};

struct route {
    enum method method;
    const char *path;
    enum scope scope;
    const struct handler *handler;
    const char *const *parameters; /* query parameters it knows, NULL-terminated; others are 400
                                      unknown_parameter with the nearest name; NULL = none */
    bool form_allowed; /* POST with application/x-www-form-urlencoded: parameters from the body */
};

/* How a refusal looks to clients that were written for another server and know no problems (RFC
 * 9457): that of a handler, and any that comes before one (401, 404, 405, 413 and so on). */
struct refusal_shape {
    const char *path; /* this one, or all below it when it ends in '/' */
    unsigned (*status)(enum code code);
    /* Prints the JSON body; may add headers.  `extra` as in reply_problem_with(). */
    void (*print)(struct request *request, const struct error *err, struct bytes extra,
                  struct buf *body);
};

#endif
