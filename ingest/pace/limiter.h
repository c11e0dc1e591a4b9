/* How often a remote host may be asked: for each host and credential how many requests are under
 * way, how many began in each span, how many today, until when nobody may ask, and whether it is
 * down.  In no span of a rate's length do more begin than it says, wherever it begins, restarts
 * included: what began is noted before it does (limiter_notes).  It begins for the host when it
 * goes out, which may be long after a connection was asked for: until then it counts as if it went
 * out now (limiter_sent()); a note has the earlier time.
 *
 * Time comes in as arguments, by both clocks: spans and waits are of the boot clock, which never
 * jumps, so that a wall clock that is set moves none of them.  The wall clock alone tells which day
 * it is, and how old a note of another boot is; see limiter_recall() and limiter.c.
 *
 * Thread: the puller's alone. */
#ifndef WEIR_INGEST_PACE_LIMITER_H
#define WEIR_INGEST_PACE_LIMITER_H

#include "ingest/pace/moment.h"
#include "ingest/source/source.h"

struct limiter;
struct limiter_key; /* a host and a credential, counted */

enum { LIMITER_RATE_COUNT_MAX = 1000000 }; /* a rate of more is held as if it were of so many */

/* Where what began is kept over a restart; NULL: nowhere (simulator).  Called before
 * limiter_begin() changes anything; a failure refuses the request. */
struct limiter_notes {
    enum code (*note)(void *context, struct bytes key, const struct moment *now, uint32_t weight,
                      struct error *err);
    void *context;
};

/* `notes` is borrowed, and outlives it. */
MUST_USE enum code limiter_new(const struct limiter_notes *notes, struct limiter **limiter,
                               struct error *err);
void limiter_free(struct limiter *limiter); /* with all keys; NULL is fine */

/* A source says what it was told of the key, which is made when it is new: the strictest of all who
 * joined holds, and each rate of each.  `name` is the host and port and a hash of the credential:
 * no secret.  limiter_leave() takes the same back; what began is remembered for two days, so that
 * who takes a source away and puts it again gains nothing. */
MUST_USE enum code limiter_join(struct limiter *limiter, struct bytes name,
                                const struct source_limits *limits, const struct moment *now,
                                struct limiter_key **key, struct error *err);
void limiter_leave(struct limiter_key *key, const struct source_limits *limits);

/* What is known of before.  A request that began then, of this node's notes; `boot_ns` of a note of
 * another boot is INT64_MIN: then its age is what the wall clock says.  What lies ahead of now
 * began now.  In any order, before the first limiter_begin(). */
void limiter_recall(struct limiter_key *key, const struct moment *now, const struct moment *began,
                    uint32_t weight);
/* Nobody else asks, as this node has the lease: told again and again, by each who joined.  Where it
 * was not told for 20 s, or the lease was lost, somebody else may have asked until now: all rates
 * of up to `span_ns` are used up. */
void limiter_held(struct limiter_key *key, const struct moment *now, int64_t span_ns);
void limiter_lost(struct limiter_key *key);

/* False: such a request will never begin, as it counts more than a limit has. */
bool limiter_fits(const struct limiter_key *key, uint32_t weight);
/* When such a request may begin, by the boot clock: now->boot_ns or before = now; INT64_MAX: when
 * one that is under way has gone out or ended, or never (limiter_fits()).  Nothing is changed.
 * Exact, unless somebody joins, begins or waits meanwhile, or the wall clock is set and there is a
 * daily budget.
 */
int64_t limiter_when(const struct limiter_key *key, uint32_t weight, const struct moment *now);
/* What makes limiter_when() later than now: the latest of what does. */
enum limiter_reason {
    LIMITER_NOTHING,
    LIMITER_UNDER_WAY, /* as many as may be */
    LIMITER_RATE,      /* *rate is set */
    LIMITER_DAY,       /* the budget of a day */
    LIMITER_TOLD,      /* limiter_wait() */
};
enum limiter_reason limiter_reason(const struct limiter_key *key, uint32_t weight,
                                   const struct moment *now, struct source_rate *rate);
/* It begins: limiter_when() said now (asserted). */
MUST_USE enum code limiter_begin(struct limiter *limiter, struct limiter_key *key, uint32_t weight,
                                 const struct moment *now, struct error *err);
/* It goes out. */
void limiter_sent(struct limiter_key *key, uint32_t weight, const struct moment *now);
void limiter_end(struct limiter_key *key, const struct moment *began);
/* Before limiter_end(): it was not sent at all, and counts in no limit.  `began`, here and there,
 * as it was given to limiter_begin(). */
void limiter_unsent(struct limiter_key *key, uint32_t weight, const struct moment *began);
/* Nobody may ask before then; the latest holds. */
void limiter_wait(struct limiter_key *key, const struct moment *now, int64_t until_wall_ns);
/* By the wall clock; 0: nobody has to wait. */
int64_t limiter_waits_until(const struct limiter_key *key, const struct moment *now);

/* A host that is down is not asked by all who would: behind several requests in a row that failed
 * one at a time is to begin, and not before the wait that the last one's failure brought, which
 * grows with limiter_tries().  One failed that began then; `again`: it had before, which may be a
 * fault of its own, and says nothing of a host that was up. */
void limiter_failed(struct limiter_key *key, const struct moment *began, const struct moment *now,
                    bool again, int64_t wait_ns);
uint32_t limiter_tries(const struct limiter_key *key); /* in vain, since it is taken to be down */
void limiter_answered(struct limiter_key *key);        /* it is up */
/* Who asks of a host that is down is to begin then, boot; before now = it is up; INT64_MAX: when
 * the one that is under way has ended.  Whoever has a reason may begin all the same. */
int64_t limiter_try_when(const struct limiter_key *key);
void limiter_try_now(struct limiter_key *key); /* no wait before the next one */

#endif
