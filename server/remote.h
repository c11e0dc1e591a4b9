/* A command's connection to a server: the flags that all such commands take, one request at a
 * time with its retries, and what is said to people meanwhile.
 *
 * The token comes from a file or from WEIR_TOKEN, never from the command line, where ps and the
 * shell's history would show it, and it is in no message.
 *
 * Thread: the command's. */
#ifndef WEIR_SERVER_REMOTE_H
#define WEIR_SERVER_REMOTE_H

#include "base/random.h"
#include "net/client.h"
#include "server/arguments.h"
#include "server/progress.h"

enum {
    COMMAND_REFUSED = 3,       /* some lines were refused */
    COMMAND_INTERRUPTED = 130, /* SIGINT or SIGTERM, as shells count it */
};

struct remote {
    struct client *client;
    struct buf url;    /* of the server, without a slash at its end */
    struct buf bearer; /* the Authorization header, or empty */
    struct buf answer; /* of the last request: a problem, or what had no sink */
    uint64_t retry_ms;
    bool compressed; /* --gzip */
    bool quiet;
    struct progress progress;
    struct random random;
};

struct remote_line {
    const char *usage;          /* "usage: …", what it does, examples first */
    struct arguments *own;      /* the command's flags */
    struct argument_more *more; /* NULL = none */
};

/* Reads the command line and connects nothing yet.  False: the command ends at once with
 * *exit_code (--help, or something is wrong and was told). */
MUST_USE bool remote_open(const struct remote_line *line, int argc, char **argv,
                          struct remote *remote, int *exit_code);
void remote_close(struct remote *remote);

struct remote_request {
    const char *method;
    struct bytes target;      /* "/v1/points?precision=ns" */
    const char *content_type; /* NULL = no body */
    const char *encoding;     /* Content-Encoding; NULL = none */
    struct bytes body;
    struct bytes key;         /* Idempotency-Key; empty = none */
    const char *precondition; /* a whole header; NULL = none */
    bool question;            /* a POST that changes nothing */
};

/* Where the body of a 2xx goes.  NULL: into remote->answer. */
typedef enum code (*remote_take)(void *context, struct bytes piece, struct error *err);

/* OK is a 2xx, whole.  Tries again for as long as --retry-for says where that can help and harms
 * nothing: no answer has begun to go to `take`, and the request is a GET, a question or has a key.
 * E_INVALID_POINTS: remote->answer has the problem.  E_CANCELLED: a signal came.  E_BODY_LARGE:
 * 413. Else the text says it all. */
MUST_USE enum code remote_send(struct remote *remote, const struct remote_request *request,
                               remote_take take, void *context, struct error *err);

/* Appends "?name=value" or "&name=value", escaped. */
void remote_put_parameter(struct buf *target, const char *name, struct bytes value);
/* "weir: …" on stderr unless --quiet. */
void remote_say(struct remote *remote, const char *format, ...) PRINTF_LIKE(2, 3);
/* Says what the server warns of in its last answer: a name that nobody knows, for example. */
void remote_say_warnings(struct remote *remote);
/* Tells the error (not for a signal) and gives the exit code. */
int remote_fail(struct remote *remote, const struct error *err);

#endif
