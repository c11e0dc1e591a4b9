/* Requests to other members for rows, for names of measurements, for how a source goes, or to
 * erase, all of a question at once (docs/formats/peer.md).  Bounded: so many questions ask at a
 * time, others wait for their turn; each member within a time; each reply up to a size, its memory
 * taken from the budget of queries.
 *
 * Thread: any that may wait. */
#ifndef WEIR_HANDLERS_PEER_CALLS_H
#define WEIR_HANDLERS_PEER_CALLS_H

#include "base/arena.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/clock.h"
#include "handlers/peer_reply.h"
#include "model/matcher.h"

struct cluster_secret;
struct peer_calls;

enum {
    PEER_QUESTIONS_MAX = 32,         /* that ask at a time */
    PEER_REPLY_BYTES_MAX = 65 << 20, /* of one reply: what a member gives, and some more */
};

struct peer_call {
    struct peer_asked asked;
    const char *address; /* "host:port" */
    bool names;          /* which measurements it knows; else */
    struct bytes
        source;     /* how that one of the tenant goes, with so many fetches alone (0: without */
    size_t fetches; /* any, all else); .size 0: */
    /* what it is to erase, ingest is that of who asks (asked.as_of does not count); NULL: rows of
     * one measurement: */
    const struct tombstone *erases;
    struct bytes measurement;
    int64_t start, end;
    const struct matcher *matchers; /* of its series */
    uint32_t matcher_count;
    /* What came of it.  Where code is not OK, the member's words; else a reply whose pack is the
     * caller's. */
    enum code code;
    struct error err;
    struct peer_reply reply;
    struct bytes *measurements; /* of `names`; in the arena */
    size_t measurement_count;
    struct bytes told; /* of `source`: JSON, in the arena */
    int64_t ingest;    /* of `erases`: of the member's own deletion */
};

/* All that has come is in memory that the caller gives back, so long as its packs live. */
struct peer_memory {
    struct budget *budget; /* NULL = unbounded */
    size_t taken;
    size_t received; /* ever */
};

/* The secret and the clock are borrowed.  E_MEMORY. */
MUST_USE enum code peer_calls_new(struct cluster_secret *secret, struct clock *clock,
                                  struct peer_calls **calls, struct error *err);
void peer_calls_free(struct peer_calls *calls); /* nobody asks any more; NULL is fine */

/* Of whom, and how long is waited: for its turn and for the replies together. */
struct peer_terms {
    uint32_t own;      /* number of who asks */
    uint64_t ms_max;   /* that a question waits, for people, */
    const char *limit; /* and the name of that limit */
    int64_t until_ns;  /* monotonic: what is left of it */
    /* Looked at about once a second: it is not to be waited for any more; NULL: it is. */
    const _Atomic bool *stop;
};

/* What is needed until the end of the replies' use is in `arena`.  E_MEMORY, E_TIMEOUT: nobody was
 * asked at all; each call has a code of its own else. */
MUST_USE enum code peer_calls_run(struct peer_calls *calls, const struct peer_terms *terms,
                                  struct peer_call *call, size_t count, struct arena *arena,
                                  struct peer_memory *memory, struct error *err);

#endif
