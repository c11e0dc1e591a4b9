/* Many requests to remote APIs under way at once, on one thread, with their answers staged: a small
 * body in memory, a large one in a file that has no name, as it came over the network (gzip and
 * zstd are asked for, and not taken off).
 *
 * http and https alone, HTTP/1.1; no proxy of the environment, no cookies, no netrc; redirects are
 * not followed here (the caller sees 3xx and decides); each address is checked when it is dialled.
 * Connections are kept for who asks the same host again, until nobody did so for a minute or two.
 *
 * Thread:  all functions but fetcher_wake() by the fetcher's thread, whichever calls first. */
#ifndef WEIR_NET_FETCHER_H
#define WEIR_NET_FETCHER_H

#include "base/error.h"
#include "net/address_guard.h"
#include "net/staged.h"

struct fetcher;
struct fetch;

enum { FETCH_HEAD_BYTES_MAX = 64 << 10, FETCH_HEADERS_MAX = 256 };

struct fetcher_options {
    const struct address_rules *allowed; /* borrowed */
    const char *directory;               /* for staged bodies; not on a tmpfs if it can be helped */
    const char *authority_file;          /* certificates to trust, PEM; NULL = the system's */
    size_t memory_bytes_max;             /* of one body in memory; 64 KiB at least */
    size_t connections_max;
    unsigned kept_s; /* without a request, then a connection is closed; 0 = 60 */
};

struct fetch_request {
    const char *method, *url; /* copied, like all of it */
    /* "Name: value", NULL-terminated; NULL = none.  Those that are about the connection and the
     * body's size are not among them. */
    const char *const *headers;
    struct bytes body; /* empty = none */
    /* 0 = none (to connect: 5 minutes).  Of the name, TCP and TLS; from then on to the first line
     * of the answer; between two lines or pieces; all together. */
    int64_t connect_ns, first_byte_ns, idle_ns, total_ns;
    uint64_t body_bytes_max; /* as it comes */
    /* There is a connection, and the request has begun to go out: before done(), with its context,
     * and fetcher_run() returns then.  It begins and cancels nothing.  NULL: nobody wants to know.
     */
    void (*sent)(void *context);
};

struct fetch_header {
    struct bytes name, value; /* the name in lower case */
};

struct fetch_answer {
    /* OK: an answer came whole, of whatever status.  E_NOT_READY: no connection was made (the name
     * is unknown, nobody listens); E_ADDRESS: all addresses are refused; E_TLS; E_TIMEOUT: which of
     * the four is told; E_BODY_LARGE; E_IO: cut, reset, framing, a head above FETCH_HEAD_BYTES_MAX
     * or FETCH_HEADERS_MAX; E_CANCELLED; E_DISK_FULL; E_MEMORY. */
    enum code code;
    struct error err; /* without the query of the address and without what headers hold */
    unsigned status;  /* 0: none came */
    const struct fetch_header *headers; /* of the final answer, in its order */
    size_t header_count;
    struct staged *body;                       /* the taker's to free; NULL unless code is OK */
    int64_t began_ns, first_byte_ns, ended_ns; /* boot clock; 0 = no byte came */
    uint64_t bytes;                            /* of the body that came */
    bool sent; /* something was sent, or about to be: it may have counted at the host */
};

/* On the fetcher's thread, in fetcher_run() or fetcher_close().  `answer` is valid during the call,
 * which may begin and cancel others. */
typedef void fetch_done(void *context, struct fetch_answer *answer);

/* *fetcher is NULL on failure: E_MEMORY, E_IO. */
MUST_USE enum code fetcher_open(const struct fetcher_options *options, struct fetcher **fetcher,
                                struct error *err);
/* Begins at once; *fetch is there until done().  E_MEMORY, E_CONFIG (an address, method or header
 * that is none), E_BUSY: connections_max, E_CANCELLED: the fetcher closes. */
MUST_USE enum code fetcher_begin(struct fetcher *fetcher, const struct fetch_request *request,
                                 fetch_done *done, void *context, struct fetch **fetch,
                                 struct error *err);
/* done() with E_CANCELLED follows, in fetcher_run(). */
void fetcher_cancel(struct fetcher *fetcher, struct fetch *fetch);
/* Works until a fetch has gone out or ended, fetcher_wake() was called, or `until_ns` (boot clock)
 * has come. */
void fetcher_run(struct fetcher *fetcher, int64_t until_ns);
void fetcher_wake(struct fetcher *fetcher);              /* any thread */
size_t fetcher_under_way(const struct fetcher *fetcher); /* any thread */
/* What is under way is cancelled.  NULL is fine. */
void fetcher_close(struct fetcher *fetcher);

#endif
