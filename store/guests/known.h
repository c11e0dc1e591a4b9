/* All that is known here of one tenant's chains, also of those that readers do not need: a picture
 * of one moment, for who goes on with chains (store/guests/caretaker.h).
 *
 * Thread: any. */
#ifndef WEIR_STORE_GUESTS_KNOWN_H
#define WEIR_STORE_GUESTS_KNOWN_H

#include "store/delivery/delivery_rules.h"
#include "store/guests/guest_rules.h"

struct guest_chain;
struct guests;
struct tenant;
struct tombstone_list;

struct known_chain {
    uint32_t member;
    struct hash128 incarnation;
    char shard[SHARD_NAME_SIZE];
    struct guest_chain *chain; /* a reference; NULL: it was not read yet */
    bool closed;               /* its author has left, and all that it listed is known */
    int64_t looked_ns; /* monotonic: what was listed by then is known; INT64_MIN: nobody can tell */
};

struct known {
    const struct tenant *tenant;
    struct guest_author *authors; /* owned; other members */
    size_t author_count;
    struct known_chain *chains; /* owned */
    size_t chain_count;
    struct tombstone_list *own; /* deletions that this node acknowledged; a reference, or NULL */
    int64_t own_through;        /* all of them up to this ingest time */
    bool in_force; /* all that the registry names of tenants is: no chain is unknown here */
};

/* Tenants are known by ordinals below this. */
uint32_t known_end(struct guests *guests);
/* NULL in .tenant: none has it.  What there is, is to be released, also after a failure.  False:
 * memory. */
MUST_USE bool known_take(struct guests *guests, uint32_t ordinal, struct known *known);
void known_release(struct known *known);
/* NULL: it is not among them. */
const struct guest_author *known_author(const struct known *known,
                                        const struct hash128 *incarnation);

#endif
