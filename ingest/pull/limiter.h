/* How often a remote host may be asked: for each host and credential how many requests are under
 * way, how many began in each span, how many today, and until when nobody may ask.  In no span of a
 * rate's length do more begin than it says, wherever it begins, restarts included: what began is
 * noted before it does (limiter_notes).
 *
 * Thread: the puller's alone.  Time comes in as arguments. */
#ifndef WEIR_INGEST_PULL_LIMITER_H
#define WEIR_INGEST_PULL_LIMITER_H

#include "ingest/pull/source.h"

struct limiter;
struct limiter_key; /* a host and a credential, counted */

enum { LIMITER_RATE_COUNT_MAX = 100000 }; /* of one rate: each is remembered for its span */

/* Where what began is kept over a restart; NULL: nowhere (simulator).  Called before
 * limiter_begin() returns; a failure refuses the request. */
struct limiter_notes {
    enum code (*note)(void *context, struct bytes key, int64_t wall_ns, uint32_t weight,
                      struct error *err);
    void *context;
};

MUST_USE enum code limiter_new(const struct limiter_notes *notes, struct limiter **limiter,
                               struct error *err);
void limiter_free(struct limiter *limiter); /* NULL is fine */

/* The key's own reference; made when new.  `name` is the host and port and a hash of the
 * credential: no secret. */
MUST_USE enum code limiter_take_key(struct limiter *limiter, struct bytes name,
                                    struct limiter_key **key, struct error *err);
/* A source that shares the key says what it was told: the strictest of all holds (each rate of each
 * holds).  limiter_leave() takes it back and the reference. */
MUST_USE enum code limiter_join(struct limiter_key *key, const struct source_limits *limits,
                                struct error *err);
void limiter_leave(struct limiter *limiter, struct limiter_key *key,
                   const struct source_limits *limits);

/* What is known of before: a request that began then (of this node's notes); or everything that may
 * have been asked up to `wall_ns` by somebody else, in spans of up to `span_ns`. */
MUST_USE enum code limiter_recall(struct limiter_key *key, int64_t wall_ns, uint32_t weight,
                                  struct error *err);
void limiter_assume_used(struct limiter_key *key, int64_t wall_ns, int64_t span_ns);

/* When a request of that weight may begin: `wall_ns` or before = now; INT64_MAX: when one that is
 * under way has ended.  Nothing is changed. */
int64_t limiter_when(struct limiter_key *key, uint32_t weight, int64_t wall_ns);
/* It begins: limiter_when() said now (asserted). */
MUST_USE enum code limiter_begin(struct limiter *limiter, struct limiter_key *key, uint32_t weight,
                                 int64_t wall_ns, struct error *err);
void limiter_end(struct limiter_key *key);
/* It was not sent after all: takes back what it counts in rates. */
void limiter_unsent(struct limiter_key *key, uint32_t weight, int64_t began_wall_ns);
/* Nobody may ask before then; the latest holds. */
void limiter_wait(struct limiter_key *key, int64_t until_wall_ns);
int64_t limiter_waits_until(const struct limiter_key *key);

/* Wall time may jump: what lies ahead of now after a step back is as if it were now. */

#endif
