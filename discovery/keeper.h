/* Records of other members that were seen in the registry, by this process or an earlier one, and
 * are gone from it: they are put again.  Whoever makes a directory anew, or empties it, takes no
 * member away by that: one that nobody knows of is named in no answer, and its number may be given
 * to another data directory.  Then it gets a new one, which its node finds when it is back.
 *
 * A member that is there puts its own record, and knows best: of those that may have rows it is
 * given some time.  One that has left for good says so at once, before its node is back and takes
 * itself for active.
 *
 * Thread: the membership's. */
#ifndef WEIR_DISCOVERY_KEEPER_H
#define WEIR_DISCOVERY_KEEPER_H

#include "discovery/member_document.h"
#include "discovery/registry.h"

struct keeper_member;

struct keeper {
    struct keeper_member *members;
    size_t count, capacity;
    size_t resume; /* who comes first: one whose record cannot be put keeps no other waiting */
};

void keeper_release(struct keeper *keeper); /* {.count = 0} is fine */

/* Takes in what the registry has, of all members but the one of this incarnation.  `now_ns` is of a
 * clock that does not jump.  True: a record is gone, and is to be looked after again soon. */
bool keeper_look(struct keeper *keeper, const struct registry_snapshot *records, struct bytes own,
                 int64_t now_ns);
/* A member whose record is to be put now, under *number, which nobody has by these records; the
 * same one again only after a while.  The document points into the keeper and the arena.  False:
 * none.
 */
bool keeper_next(struct keeper *keeper, const struct registry_snapshot *records, int64_t now_ns,
                 struct arena *arena, unsigned *number, struct member_document *document);

#endif
