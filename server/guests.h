/* What the store asks when it reads what other members delivered: members by the registry, tenants
 * and their shards by discovery. */
#ifndef WEIR_SERVER_GUESTS_H
#define WEIR_SERVER_GUESTS_H

#include "store/guests/guest_rules.h"

struct delivery_rules;
struct directory;
struct follower;
struct registry;

struct guest_sources {
    struct directory *directory;
    struct registry *registry;
    struct follower *follower; /* that has the directory follow it; NULL: nobody knows how far */
    const struct delivery_rules *delivery; /* the way to shards */
};

/* `sources` is borrowed, with all in it. */
struct guest_rules guest_rules_of(struct guest_sources *sources);

#endif
