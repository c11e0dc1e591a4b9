/* A place among the questions of one tenant that are answered at once, of which there are
 * queries_max: queries and lists.  Thread: any, one at a time. */
#ifndef WEIR_HANDLERS_TURN_H
#define WEIR_HANDLERS_TURN_H

#include "base/error.h"

struct metric;
struct request;

struct turn {
    struct metric *running; /* NULL: no place is held */
};

/* E_QUERIES_MANY, with the time in which those that run will be through. */
MUST_USE enum code turn_take(struct turn *turn, const struct request *request, struct error *err);
/* Whether the tenant has no other under way. */
bool turn_is_alone(const struct turn *turn);
void turn_end(struct turn *turn); /* also where none is held */

#endif
