/* The node as a member of its registry: what discovery decides, the store does. */
#ifndef WEIR_SERVER_MEMBERSHIP_H
#define WEIR_SERVER_MEMBERSHIP_H

#include "discovery/membership.h"
#include "store/member.h"

/* `registry` and `store`, which was opened with `joins` and is not serving yet, are borrowed. */
MUST_USE enum code store_enter(struct membership *membership, struct registry *registry,
                               struct store *store, struct error *err);

#endif
