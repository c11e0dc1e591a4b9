/* What the store asks when it goes on with what members left: who has gone for good and whose lease
 * it is, by the registry; the way to shards. */
#ifndef WEIR_SERVER_CARETAKER_H
#define WEIR_SERVER_CARETAKER_H

#include "store/guests/caretaker.h"

struct delivery_rules;
struct registry;

struct caretaker_sources {
    struct registry *registry;
    const struct delivery_rules *delivery; /* the way to shards */
};

/* `sources` is borrowed, with all in it. */
struct caretaker_rules caretaker_rules_of(struct caretaker_sources *sources);

#endif
