/* Many requests to remote APIs under way at once, on one thread, with their answers staged: a small
 * body in memory, a large one in a file that has no name, as it came over the network.  The only
 * other file that knows libcurl is net/client.c; both are built on net/curl_*.
 *
 * http and https alone; no proxy of the environment; redirects are not followed here (the caller
 * sees 3xx and decides); each address is checked when it is dialled.
 *
 * Thread:  all functions but fetcher_wake() and staged_* by the fetcher's thread (whoever calls
 *          fetcher_run()).  A staged body may be read by any one thread after done(). */
#ifndef WEIR_NET_FETCHER_H
#define WEIR_NET_FETCHER_H

#include "base/error.h"
#include "net/address_guard.h"

struct fetcher;
struct fetch;

struct fetcher_options {
    const struct address_rules *allowed; /* borrowed */
    const char *directory;               /* for staged bodies; not on a tmpfs if it can be helped */
    size_t memory_bytes_max;             /* of one body in memory: 64 KiB */
    size_t connections_max;
};

struct fetch_request {
    const char *method, *url;           /* copied, like all of it */
    const char *const *headers;         /* "Name: value", NULL-terminated */
    struct bytes body;                  /* empty = none */
    int64_t connect_ns, first_byte_ns, idle_ns, total_ns;
    uint64_t body_bytes_max;            /* as it comes */
};

/* A body that came, to be read from its beginning as often as wanted. */
struct staged;
uint64_t staged_size(const struct staged *staged);
/* Hands it over in pieces of at most 256 KiB; a code other than OK ends it. */
MUST_USE enum code staged_read(struct staged *staged,
                               enum code (*take)(void *context, struct bytes piece,
                                                 struct error *err),
                               void *context, struct error *err);
void staged_free(struct staged *staged); /* NULL is fine */

struct fetch_header {
    struct bytes name, value; /* the name in lower case */
};

struct fetch_answer {
    /* OK: an answer came whole, of whatever status.  E_NOT_READY: no connection was made (the name
     * is unknown, nobody listens); E_ADDRESS: the address is refused; E_TIMEOUT: which of the four is
     * told; E_BODY_LARGE; E_TLS or what fits: the certificate; E_IO: cut, reset, framing; E_CANCELLED;
     * E_DISK_FULL; E_MEMORY. */
    enum code code;
    struct error err;   /* without the query of the address and without what headers hold */
    unsigned status;    /* 0: none came */
    const struct fetch_header *headers;
    size_t header_count;
    struct staged *body; /* the taker's; NULL unless code is OK */
    int64_t began_ns, first_byte_ns, ended_ns; /* boot clock */
    uint64_t bytes;      /* that came */
    bool sent;           /* something was sent: it may have counted at the host */
};

/* On the fetcher's thread, in fetcher_run().  `answer` is valid during the call. */
typedef void fetch_done(void *context, struct fetch_answer *answer);

MUST_USE enum code fetcher_open(const struct fetcher_options *options, struct fetcher **fetcher,
                                struct error *err);
/* Begins at once.  E_MEMORY, E_CONFIG (an address that is none), E_BUSY: connections_max. */
MUST_USE enum code fetcher_begin(struct fetcher *fetcher, const struct fetch_request *request,
                                 fetch_done *done, void *context, struct fetch **fetch,
                                 struct error *err);
void fetcher_cancel(struct fetcher *fetcher, struct fetch *fetch); /* done() with E_CANCELLED follows */
/* Works until something happened or was due, fetcher_wake() was called, or `until_ns` (boot clock)
 * has come. */
void fetcher_run(struct fetcher *fetcher, int64_t until_ns);
void fetcher_wake(struct fetcher *fetcher); /* any thread */
size_t fetcher_under_way(const struct fetcher *fetcher);
/* What is under way is cancelled.  NULL is fine. */
void fetcher_close(struct fetcher *fetcher);

#endif
