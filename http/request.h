/* One HTTP request, from its headers to the end of its answer.  Owned by the HTTP server;
 * handlers borrow it from start() to cleanup().
 *
 * Thread: the HTTP thread of its connection; while parked, the one thread that will resume it. */
#ifndef WEIR_HTTP_REQUEST_H
#define WEIR_HTTP_REQUEST_H

#include "base/arena.h"
#include "http/route.h"

struct reply;

struct parameter {
    struct bytes name, value; /* percent-decoded */
};

struct request {
    const struct route *route;
    void *app;                          /* what http_server_start() was given */
    struct bytes path;                  /* raw, without the query */
    struct bytes variable;              /* the {name} segment, decoded */
    const struct parameter *parameters; /* in order, also repeated ones */
    size_t parameter_count;
    struct bytes id; /* X-Request-Id: the client's when it is [A-Za-z0-9_.-]{1,64}, else ours */
    struct bytes content_type, content_encoding, authorization, accept, if_none_match,
        idempotency_key;
    bool forwarded;          /* carries Forwarded, X-Forwarded-* or Via */
    bool loopback;           /* the peer's address is 127/8 or ::1 */
    uint64_t content_length; /* UINT64_MAX when chunked */
    struct arena arena;      /* of this request; small things only, at most 1 MiB; no budget */
    int64_t started_ns;      /* monotonic */
    void *state;             /* the handler's own */
    void *session;           /* what authorize() found of the client; released by conclude() */
    /* Set by the handler, for the access log and metrics. */
    struct bytes tenant;
    uint64_t points;
};

/* First value of a query parameter; false when absent. */
bool request_parameter(const struct request *request, const char *name, struct bytes *value);
/* Any request header, {NULL, 0} when absent. */
struct bytes request_header(const struct request *request, const char *name);

/* From start() and again(): what the request needs is held by others.  The body is not read, and
 * again() runs when one of them has ended, in the order of coming.  False when it has waited for
 * long enough, or too many wait: then reply. */
bool request_may_wait(struct request *request);
/* Whether others wait already: who needs much goes behind them without an attempt. */
bool request_others_wait(const struct request *request);
/* Do not touch the request afterwards. */
void request_wait(struct request *request);

/* From finish(): the answer will come from another thread.  Publish everything that thread needs
 * BEFORE this call, hand the request over AFTER it, and do not touch the request afterwards. */
void request_park(struct request *request);
/* By the thread that has replied to a parked request (reply_*() first).  The request may be gone
 * when this returns, unless reply_stream() was the reply: then it stays until stream_end(). */
void request_resume(struct request *request);
/* True when the client has left (it closed the connection, or its sending side) or the server gives
 * up on it; long work asks now and then; known within half a second.  Any thread that holds the
 * parked or streaming request.  A parked request must be replied to and resumed all the same. */
bool request_cancelled(const struct request *request);

#endif
