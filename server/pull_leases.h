/* Which of several nodes pulls what shares a limit: the one that has its lease.  Each lease is
 * wanted by one of the members that live, chosen by a hash of both, so that they share the work
 * without a word about it; when one comes or goes, those that it is chosen for change hands.
 *
 * Thread: pull_leased() by any; pull_leases_turn() by one. */
#ifndef WEIR_SERVER_PULL_LEASES_H
#define WEIR_SERVER_PULL_LEASES_H

#include "base/error.h"

struct pull_leases;
struct registry;
struct store;

MUST_USE enum code pull_leases_new(struct registry *registry, struct store *store,
                                   struct pull_leases **leases, struct error *err);
/* Gives all up.  NULL is fine. */
void pull_leases_free(struct pull_leases *leases);
/* Whether it is this node's.  The first question about a name only makes it known. */
bool pull_leased(struct pull_leases *leases, struct bytes name);
/* Wants and gives up, as the members that live are now. */
void pull_leases_turn(struct pull_leases *leases);

#endif
