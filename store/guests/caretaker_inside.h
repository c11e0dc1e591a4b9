/* The inside of the caretaker, shared by caretaker.c (who, when, threads), care.c (a turn of a
 * chain), care_plan.c (what is to be done), care_pack.c (new packs), care_pass.c (packs that
 * cannot be rewritten), care_send.c (documents and entries) and care_leave.c (documents that go),
 * and nobody else. */
#ifndef WEIR_STORE_GUESTS_CARETAKER_INSIDE_H
#define WEIR_STORE_GUESTS_CARETAKER_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/random.h"
#include "base/thread.h"
#include "store/delivery/delivery_rules.h"
#include "store/guests/caretaker.h"
#include "store/guests/follow.h"
#include "store/guests/guest_file.h"
#include "store/guests/known.h"
#include "store/new_pack.h"
#include "store/packs/compaction.h"

/* A member that has left. */
struct departed {
    struct departed *next;
    struct hash128 incarnation;
    bool named;            /* of this step: there is a chain of it */
    bool wanted;           /* its lease is */
    bool ready;            /* of this step: this node goes on with it */
    int64_t gone_since_ns; /* monotonic; INT64_MAX: it is not */
};

/* A shard, its archive opened when something is to be done there. */
struct care_shard {
    struct care_shard *next;
    char name[SHARD_NAME_SIZE];
    struct archive *archive; /* NULL: to be opened */
    int64_t rest_ns, rest_until_ns;
    enum code trouble; /* that was told; OK: none */
    struct metric *packs, *documents, *failures;
};

/* A pack that the chain does not name: its documents go. */
struct leaver {
    uint64_t number;
    uint32_t parts;
    int64_t due_ns; /* monotonic */
    bool fenced;    /* this node inserted an entry since it was seen: nobody can list it any more */
};

/* A pack that could not be rewritten. */
struct passed {
    uint64_t number;
    int64_t due_ns, rest_ns; /* monotonic; it is passed over until then, and was for so long */
    enum code told;          /* OK: nothing yet */
};

/* A chain of a member that has left. */
struct care {
    struct care *next;
    struct caretaker *caretaker;
    const struct tenant *tenant;
    struct care_shard *shard;
    struct hash128 incarnation;
    uint32_t member;
    struct follow follow;
    struct leaver *leavers; /* owned; ascending by number */
    size_t leaver_count;
    int64_t
        look_due_ns; /* documents that the chain does not name are looked for then; 0: at once */
    struct passed *passed; /* owned */
    size_t passed_count;
    struct hash128 idle; /* nothing was to be done when all was as this tells; zeros: look */
    int64_t rest_until_ns;
    enum code trouble; /* that was told; OK: none */
};

struct caretaker {
    struct store *store;
    struct guests *guests;
    const struct caretaker_rules *rules;
    struct thread *thread;
    bool rests; /* there is a thread: it works a part of the time alone */
    _Atomic bool stop;
    pthread_mutex_t lock; /* with: */
    pthread_cond_t more;  /* it is time to stop */
    int64_t rested_ns;    /* monotonic: it has worked since then */
    int64_t worked_since_ns;
    struct random random;
    struct departed *departed;
    struct care_shard *shards;
    struct care *cares;
};

/* What is to be done with a chain. */
struct care_plan {
    struct compaction compaction; /* no packs: nothing */
    struct tombstone *tombstones; /* owned; those that are applied */
    size_t tombstone_count;
    int64_t settled, floor, time_floor;
    struct guest_chain *chain; /* a reference: what the packs are borrowed from */
};

/* care_plan.c.  What readers of this node have of the chain is what is looked at; E_MEMORY. */
MUST_USE enum code care_plan(struct care *care, const struct known *known, struct care_plan *plan,
                             struct error *err);
void care_plan_release(struct care_plan *plan);

/* care_pack.c: what comes in place of the plan's packs, in `made`, whose files are removed by
 * care_packs_remove(). */
enum { CARE_PACKS_MAX = 2 }; /* a current pack and its history */
struct care_made {
    struct new_pack *packs; /* owned */
    size_t count;
};
MUST_USE enum code care_packs_make(struct care *care, const struct care_plan *plan,
                                   struct care_made *made, struct error *err);
void care_packs_remove(struct care *care, struct care_made *made);
/* Files of a process that ended in between. */
void care_packs_sweep(struct store *store);

/* care_pass.c.  A plan that begins with this pack could not be carried out.  OK: the pack is passed
 * over for a while, and that was told; else the code, as it is not the pack's. */
MUST_USE enum code care_pass_over(struct care *care, uint64_t number, enum code code,
                                  struct error *err);
/* Those that are passed over now, of .passed_count; how many. */
size_t care_passed(const struct care *care, uint64_t *numbers);
void care_pass_end(struct care *care, uint64_t number); /* it was rewritten */

/* care_send.c.  All documents of the packs. */
MUST_USE enum code care_send(struct care *care, const struct care_made *made,
                             struct chain_pack *listed, struct error *err);
/* The chain's next entry; all of it was followed.  E_EXISTS: somebody else was faster. */
MUST_USE enum code care_list(struct care *care, const struct chain_pack *adds, size_t add_count,
                             const struct chain_removed *removes, size_t remove_count,
                             struct error *err);

/* care_leave.c.  The pack's documents are to go: in ten minutes. */
MUST_USE enum code care_leaver_add(struct care *care, uint64_t number, uint32_t parts, bool fenced,
                                   struct error *err);
void care_fence(struct care *care); /* an entry of ours was inserted behind all that was followed */
/* Deletes what is due. */
MUST_USE enum code care_see_off(struct care *care, bool *did, struct error *err);
/* Looks for documents that the chain does not name, once a day. */
MUST_USE enum code care_look(struct care *care, bool *did, struct error *err);

/* care.c.  E_DRAINING: to stop; E_BUSY: it is not this node's any more.  Before each call that
 * changes something. */
MUST_USE enum code care_may(const struct care *care, struct error *err);
/* Opens the archive of its shard. */
MUST_USE enum code care_open(struct care *care, struct error *err);
/* Reads all of the chain. */
MUST_USE enum code care_follow(struct care *care, struct error *err);
MUST_USE enum code care_turn(struct care *care, const struct known *known, bool *did,
                             struct error *err);
/* It is another node's: what was known of it is no more. */
void care_forget(struct care *care);
void care_free(struct care *care);

/* caretaker.c: a pause in proportion to the work since the last one. */
MUST_USE enum code caretaker_pace(void *caretaker, struct error *err);

#endif
