/* Where rows that a deletion erased may still be among what other members delivered, as far as it
 * is known here: at a shard, and in what is kept of it on this machine.
 *
 * A member that carried the deletion out lists packs that stand for it (pack_settled()), and says
 * that all up to it is listed.  So its shard and this machine have none of the rows any more when
 * its chain says so and no pack of it is older and of these times; and, of packs that were
 * replaced, when the last answer under way has let go of what was brought of them.
 *
 * A member that was asked has a deletion of its own, later than the one it was asked for.  Packs
 * that it rewrote in between stand for the first, and not for its own: by that it is gone.
 *
 * Thread: any; no waiting. */
#ifndef WEIR_STORE_GUESTS_UNERASED_H
#define WEIR_STORE_GUESTS_UNERASED_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

struct guests;
struct tenant;
struct tombstone;

/* The deletion that a member wrote itself when it was asked to erase the same. */
struct member_deletion {
    struct hash128 incarnation; /* of the member */
    int64_t ingest;
};

/* All are borrowed. */
struct unerased_question {
    const struct tenant *tenant;
    const struct tombstone *tombstone;
    const struct member_deletion *own; /* of members that were asked; for others the above counts */
    size_t own_count;
};

struct unerased {
    uint32_t member; /* its number; 0: of nobody in particular */
    bool active;     /* it has not left: it will replace what it delivered itself */
    const char *why; /* for people: "packs of it at shard north may have ..." */
};

/* One for each member, in the arena; those chains are looked at at once.  `guests` NULL: none.
 * E_MEMORY. */
MUST_USE enum code guests_unerased(struct guests *guests, const struct unerased_question *question,
                                   struct arena *arena, struct unerased **list, size_t *count,
                                   struct error *err);

#endif
