/* Many closed-loop HTTP clients in one thread: each connection sends a request, reads its answer
 * and takes the next one.  With a pace requests come due at fixed times instead, and a request's
 * time counts from when it was due, however late it was sent. */
#ifndef WEIR_BENCH_DRIVE_H
#define WEIR_BENCH_DRIVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/text.h"

struct request {
    struct text bytes; /* head and body */
    uint64_t lines;
};

struct drive {
    struct sockaddr_in address;
    struct sockaddr_in other; /* every other connection goes there; port 0: none does */
    int connections;
    double seconds_max; /* no request begins later; 0: until there are no more */
    double pace;        /* bytes (or requests) a second; 0: as fast as answers come */
    bool pace_requests;

    /* Sets the next request, false when there are no more.  `own` is the connection's, to build it
     * in; the request may also be somewhere else, and then lives as long as the drive. */
    bool (*next)(void *state, struct request *own, const struct request **request);
    void *state;
};

/* What came of it. */
struct drive_result {
    double begun, seconds;     /* CLOCK_MONOTONIC; until the last answer */
    uint64_t requests, lines;  /* answered with 2xx */
    uint64_t bytes;            /* sent in those */
    uint64_t answer_bytes;     /* received in those */
    uint64_t answer_bytes_min; /* the smallest of those: an empty answer shows */
    uint64_t refused;          /* 429 and 503: the request was sent again 20 ms later */
    uint64_t failed;           /* other statuses and broken connections; not sent again */
    bool gone;                 /* the server no longer took connections */
    char first_failure[300];
    double p50_ms, p99_ms, max_ms,
        mean_ms; /* of the requests answered with 2xx, refusals included */
};

double drive_now(void);

void drive_run(const struct drive *drive, struct drive_result *result);

#endif
