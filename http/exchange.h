/* One request and its answer, inside the server: the struct around struct request.
 *
 * Life: counted.  libmicrohttpd's side has a reference from the request line to the completion,
 * the writer of a stream has one until stream_end().  The last one to leave runs the handler's
 * cleanup(), writes the log line and frees.
 *
 * Thread: exchange_begin(), _body(), _finish() and _completed() run on the HTTP thread of the
 * connection.  While parked, the holder has the reply; whoever sees an atomic may be any thread. */
#ifndef WEIR_HTTP_EXCHANGE_H
#define WEIR_HTTP_EXCHANGE_H

#include "http/compress.h"
#include "http/gate.h"
#include "http/parameter.h"
#include "http/pipe.h"
#include "http/reply.h"

struct MHD_Connection;
struct http_server;
struct client;

enum { SWALLOW_BYTES_MAX = 262144, FORM_BYTES_MAX = 65536 };

struct reply {
    bool made, failed; /* failed: no memory for its head; the connection is cut */
    bool close;
    unsigned status;
    struct buf headers; /* "name\0value\0" ... */
    char *body;         /* malloc'ed, owned until it is queued */
    size_t size;
    uint64_t sent; /* body bytes given to the connection */
};

struct exchange {
    struct request request; /* the first member: see exchange_of() */
    struct http_server *server;
    struct MHD_Connection *connection;
    struct client *client; /* guarded by server->lock; NULL once completed */
    _Atomic int refs;

    enum { STEP_HEAD, STEP_WAIT, STEP_BODY, STEP_FINISH } step; /* WAIT: see waiters.h */
    bool parked;                                                /* HTTP thread only */
    bool queued;  /* the reply has been given to libmicrohttpd */
    bool head;    /* HEAD: only the head of the answer is wanted */
    bool parting; /* cut in mid-body with a reply to tell */
    bool form;    /* the body is collected for parameters */
    enum coding coding;
    const struct header *headers;
    size_t header_count;
    struct bytes method, target;
    struct parameter_list parameters;
    struct buf form_body;
    _Atomic uint64_t body_bytes;
    uint64_t swallowed;
    struct framing framing;

    struct exchange *wait_next;
    int64_t wait_since_ns;   /* monotonic; 0 = it has not waited */
    uint64_t wait_ends_seen; /* waiters->ends before its last attempt */

    struct reply reply;
    _Atomic(struct stream *) stream;
    _Atomic bool cancelled;
    _Atomic bool overdue; /* the watch found the request too slow */
    char id[72];
};

static inline struct exchange *exchange_of(const struct request *request)
{
    return (struct exchange *)request;
}

enum verdict {
    VERDICT_GO_ON,
    VERDICT_ANSWER, /* queue the reply now */
    VERDICT_CUT,    /* close; exchange_completed() may still say why */
};

/* At the request line; NULL = no memory, or the server is closing. */
struct exchange *exchange_new(struct http_server *server, struct client *client,
                              struct MHD_Connection *connection, struct bytes target);
enum verdict exchange_begin(struct exchange *exchange, const struct head *head);
/* After request_wait(): it tries again. */
enum verdict exchange_again(struct exchange *exchange);
enum verdict exchange_body(struct exchange *exchange, struct bytes piece);
enum verdict exchange_finish(struct exchange *exchange);
/* The connection is through with it, well or not; gives its reference back. */
void exchange_completed(struct exchange *exchange);

void exchange_ref(struct exchange *exchange);
void exchange_unref(struct exchange *exchange);

/* From the stream and from request.c. */
void exchange_suspend(struct exchange *exchange);
void exchange_resume(struct exchange *exchange);
/* Shuts the socket if it is still there.  Any thread. */
void exchange_cut(struct exchange *exchange);
/* The holder shall stop: the client left or the server closes.  Any thread; takes the stream's
 * lock, also under the server's (never the other way round). */
void exchange_cancel(struct exchange *exchange);

/* reply.c: appends what every answer carries; false = out of memory. Once, before it is sent. */
bool reply_seal(struct exchange *exchange);
/* Walks the headers: start with *at = 0. */
bool reply_next_header(const struct reply *reply, size_t *at, const char **name,
                       const char **value);

#endif
