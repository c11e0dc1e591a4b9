/* The node as a member of its registry: what discovery decides, the store does. */
#ifndef WEIR_SERVER_MEMBERSHIP_H
#define WEIR_SERVER_MEMBERSHIP_H

#include "discovery/membership.h"
#include "store/delivery/leaving.h"
#include "store/member.h"

struct directory;
struct roll;

/* Whoever holds it lets it live until the store is closed. */
struct member_hands {
    struct store *store;    /* set by store_enter() */
    struct roll *roll;      /* what others answer; borrowed; NULL: they are not asked */
    struct leaving leaving; /* .rules are set by store_enter() */
    _Atomic bool given_up;  /* its record says that it is lost; for delivery_rules */
};

/* `registry`, `directory`, `store`, which was opened with `joins` and is not serving yet, and
 * `rules`, which are filled in by now, as are hands->roll, are borrowed. */
MUST_USE enum code store_enter(struct membership *membership, struct registry *registry,
                               struct directory *directory, struct store *store,
                               const struct delivery_rules *rules, struct member_hands *hands,
                               struct error *err);

#endif
