/* The inside of a question that asks members: peers.c (what its view takes of them) and
 * peer_hearing.c (asking them), and nobody else. */
#ifndef WEIR_HANDLERS_PEERS_INSIDE_H
#define WEIR_HANDLERS_PEERS_INSIDE_H

#include <pthread.h>

#include "base/hash.h"
#include "base/metric.h"
#include "handlers/peer_manners.h"
#include "handlers/peer_roster.h"
#include "handlers/peers.h"

struct peers {
    struct peers_parts parts;
    struct hash128 own; /* the store's incarnation */
    struct peer_calls *calls;
    struct peer_manners *manners;
    struct metric *asked, *failed, *bytes;
    pthread_mutex_t lock;    /* guards: */
    int64_t unseen_until_ns; /* a shard did not tell in time: nobody waits for one before this */
};

/* A question, while it opens its view. */
struct opening {
    struct asking *asking;
    struct peers *peers;
    const struct tenant *tenant;
    const struct query_range *ranges;
    size_t range_count;
    struct arena arena;
    struct peer_roster roster;
    bool ahead;              /* S is ours to choose: above all that anybody acknowledged before */
    bool again;              /* they are asked for the second time */
    int64_t until_ns;        /* monotonic: so long they are waited for */
    struct peer_call *calls; /* range_count each of those that are asked */
    size_t call_count;
};

/* For the opening: the roster, and until when it is waited for.  Its arena is the caller's to
 * release, also after a failure. */
MUST_USE enum code opening_begin(struct opening *opening, struct error *err);
int64_t opening_now(const struct opening *opening); /* monotonic */
/* While it waits another job may have its worker's place. */
void opening_wait(const struct opening *opening, bool waiting);
/* The view anew, at this S; NULL after a failure. */
MUST_USE enum code opening_view(const struct opening *opening, int64_t as_of, struct view **view,
                                struct error *err);
/* All that the view needs something of are asked what they have up to S, which is where it is to
 * be: `view` may be another one then. */
MUST_USE enum code opening_hear(struct opening *opening, struct view **view, struct error *err);
/* Each that can be asked is asked what `like` says; *all is false where one cannot. */
MUST_USE enum code opening_hear_each(struct opening *opening, const struct peer_call *like,
                                     bool *all, struct error *err);

#endif
