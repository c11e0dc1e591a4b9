/* What other members delivered of one tenant, as far as it is known here: guests, the packs that
 * their chains list.  Immutable and counted, as the lists of a holding are (store/holding.h): who
 * follows the chains (store/guests/guests.h) makes a new one, readers keep the one they took.
 *
 * Thread: any. */
#ifndef WEIR_STORE_GUEST_LIST_H
#define WEIR_STORE_GUEST_LIST_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "model/matcher.h"

struct pack;
struct pack_about;
struct pack_list;

/* Of one chain: a member and a shard. */
struct guest_chain {
    atomic_uint references;
    uint32_t member; /* its number, for people: a registry that was emptied gives it twice */
    struct hash128 incarnation; /* of the member: who it is */
    /* All that the member acknowledged of the tenant up to this is listed; INT64_MIN: it does not
     * say. */
    int64_t through;
    /* Where it stands, and the number of the first entry that it does not have; an empty name: it
     * is of no shard. */
    char shard[65];
    uint64_t next;
    /* The member told it when it was asked: no numbers of packs are compared with it. */
    bool told;
    bool whole;     /* all packs that are listed are in it */
    int64_t newest; /* the highest ingest time in it; 0 = nothing */
    int64_t floor;  /* versions that had lost by this ingest time were dropped; INT64_MIN: none */
    struct arena arena;                 /* what these are in: */
    const struct tombstone *tombstones; /* ascending by ingest, each once */
    const struct bytes *faults;         /* what is listed and cannot be read, for people */
    const struct pack_about *unread;    /* and what the chain says of such packs */
    size_t tombstone_count, fault_count, unread_count;
    size_t tombstone_capacity, fault_capacity, unread_capacity;
    size_t count;
    struct pack *packs[]; /* a reference each; ascending by number */
};

/* How far a member's chains are known. */
struct guest_member {
    uint32_t number;
    struct hash128 incarnation;
    bool active;           /* else it has told all that it will ever tell */
    bool unread;           /* a chain of it could not be read since the start */
    int64_t through;       /* the highest of its chains */
    char unread_shard[65]; /* where */
    char why[200];         /* it did not tell more when it was asked; empty: it was not asked */
};

/* What readers have of a chain, be it that another one makes it needless. */
struct guest_seen {
    struct hash128 incarnation;
    char shard[65];
    uint64_t next;
};

struct guest_list {
    atomic_uint references;
    int64_t newest, floor; /* of all chains */
    uint64_t mark;         /* another one where anything else here is */
    size_t tombstone_count;
    struct guest_member *members; /* owned */
    size_t member_count;
    struct guest_seen *seen; /* owned */
    size_t seen_count;
    size_t count;
    struct guest_part {
        struct guest_chain *chain; /* a reference */
        /* Of its packs those that are in no other part, nor our own; owned. */
        struct pack **packs;
        size_t count;
    } parts[];
};

/* With room for so many packs.  NULL when memory ran out. */
struct guest_chain *guest_chain_new(uint32_t member, const struct hash128 *incarnation,
                                    size_t capacity);
/* Takes over the reference, whatever comes of it, and takes up the deletions that the pack carries.
 * E_CORRUPT: they cannot be read; then nothing of it is taken. */
MUST_USE enum code guest_chain_add(struct guest_chain *chain, struct pack *pack, struct error *err);
/* Copied. */
MUST_USE enum code guest_chain_fault(struct guest_chain *chain, struct bytes text,
                                     struct error *err);
/* A pack that is listed and not open; copied. */
MUST_USE enum code guest_chain_lack(struct guest_chain *chain, const struct pack_about *about,
                                    struct error *err);
/* Before it is shared. */
void guest_chain_finish(struct guest_chain *chain);
struct guest_chain *guest_chain_ref(struct guest_chain *chain); /* NULL gives NULL */
void guest_chain_unref(struct guest_chain *chain);              /* NULL is fine */

/* Of these chains, of which it takes references, without those that another one of the same member
 * makes needless: all that they list is in what that one says it has.  A pack that another chain or
 * `own` (NULL: nothing) has counts once; it is known by incarnation and number.  Members are
 * copied. NULL when memory ran out. */
struct guest_list *guest_list_new(struct guest_chain *const *chains, size_t chain_count,
                                  const struct guest_member *members, size_t member_count,
                                  const struct pack_list *own);
/* As the list, with other members. */
struct guest_list *guest_list_renew(const struct guest_list *list,
                                    const struct guest_member *members, size_t member_count);
struct guest_list *guest_list_ref(struct guest_list *list); /* NULL gives NULL */
void guest_list_unref(struct guest_list *list);             /* NULL is fine */

#endif
