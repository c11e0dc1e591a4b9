/* What a question needs of members that live (docs/formats/peer.md): their rows that no shard lists
 * yet are asked for before anything is read, and are in the question's view then; who did not say
 * all is named in `partial`.  docs/decisions/0047-members-are-asked.md
 *
 * Thread: query workers, which wait. */
#ifndef WEIR_HANDLERS_PEERS_H
#define WEIR_HANDLERS_PEERS_H

#include "handlers/peer_calls.h"
#include "query/query.h"

struct guests;
struct metrics;
struct peers;
struct registry;
struct roll;

/* All are borrowed. */
struct peers_parts {
    struct store *store;
    struct registry *registry;
    struct roll *roll; /* of its members' pulses */
    struct guests *guests;
    struct cluster_secret *secret;
    struct clock *clock;
    struct metrics *metrics;
    const struct limits *limits;
};

MUST_USE enum code peers_new(const struct peers_parts *parts, struct peers **peers,
                             struct error *err);
void peers_free(struct peers *peers); /* nobody asks any more; NULL is fine */
/* Whether a question would have to ask somebody: then it is none for a thread that must not wait.
 * Any thread; NULL: false. */
bool peers_are_there(struct peers *peers);

/* Of one question. */
struct asking {
    struct peers *peers;
    struct peer_memory memory;                /* of replies; the budget as query_environment's */
    void (*wait)(void *waiter, bool waiting); /* as query_environment's */
    void *waiter;
};

/* The environment's view is opened with it, where there are `peers`. */
void asking_init(struct asking *asking, struct peers *peers, struct query_environment *environment);
/* For query_environment.open_view, with a struct asking. */
MUST_USE enum code peers_open_view(void *asking, const struct tenant *tenant, int64_t as_of,
                                   const struct query_range *ranges, size_t count,
                                   struct view **view, struct error *err);
/* Which measurements members that live know of the tenant, in `arena`, in any order and several
 * times; *all is false where one of them did not say. */
MUST_USE enum code peers_names(struct asking *asking, const struct tenant *tenant,
                               struct arena *arena, struct bytes **names, size_t *count, bool *all,
                               struct error *err);
/* How a source of the tenant goes, or its last fetches where `fetches` is not 0, as the member says
 * that pulls it: JSON, in `arena`.  False: none of those that can be asked says so. */
bool peers_source(struct asking *asking, const struct tenant *tenant, struct bytes source,
                  size_t fetches, struct arena *arena, struct bytes *told);
/* After the last view. */
void asking_release(struct asking *asking);

#endif
