/* What is erased through one node is to be gone from all: members that live are asked to erase it
 * (docs/formats/peer.md), and of what members have at shards, those that have left among them, it
 * is waited for until no pack may have some of it (store/guests/unerased.h).
 * docs/decisions/0049-erased-everywhere.md
 *
 * Thread: jobs of workers of its own, which wait; those that members ask for have others than those
 * of clients, so that two nodes that ask each other do not wait for ever. */
#ifndef WEIR_HANDLERS_ERASERS_H
#define WEIR_HANDLERS_ERASERS_H

#include <pthread.h>

#include "base/buf.h"
#include "handlers/workers.h"
#include "model/matcher.h"

struct cluster_secret;
struct erasers;
struct guests;
struct limits;
struct registry;
struct request;
struct store;
struct tenant;

/* All are borrowed. */
struct erasers_parts {
    struct store *store;
    struct registry *registry;
    struct guests *guests;         /* NULL: nobody follows other members */
    struct cluster_secret *secret; /* NULL: members cannot be asked */
    struct clock *clock;
    const struct limits *limits;
};

MUST_USE enum code erasers_new(const struct erasers_parts *parts, struct erasers **erasers,
                               struct error *err);
/* Who waits, now or later, waits no more: E_DRAINING.  NULL is fine. */
void erasers_stop(struct erasers *erasers);
void erasers_free(struct erasers *erasers); /* nobody asks any more; NULL is fine */
/* Whether there is anybody but this node.  NULL: false. */
bool erasers_are_there(struct erasers *erasers);

/* One erasure, in memory of who waits for it. */
struct erasing {
    struct job job; /* first */
    struct erasers *erasers;
    const struct tenant *tenant;
    const struct tombstone *tombstone; /* with the ingest time that the client's got */
    const struct request *request;     /* who leaves is not waited for; NULL: nobody does */
    bool asked;      /* by a member, who asks all others: what members that live have at shards is
                        waited for, and nothing else */
    int64_t came_ns; /* monotonic; where it is asked: the request did then */
    /* Once.  E_UNERASED: `unfinished` has for reply_problem_with() who has not done it. */
    void (*done)(struct erasing *erasing, enum code code, const struct error *err,
                 struct bytes unfinished);
    int64_t until_ns;     /* these are its own */
    pthread_mutex_t lock; /* guards: */
    pthread_cond_t more;
    bool own_done; /* this node's part */
    struct error own;
};

/* The members above are set.  The time that it may take begins, or did when it came.  False: too
 * many wait; then done() is not called. */
MUST_USE bool erasing_begin(struct erasing *erasing);
/* This node has carried it out, or could not; done() waits for it. */
void erasing_own(struct erasing *erasing, enum code code, const struct error *err);

#endif
