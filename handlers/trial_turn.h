/* A place among the pages of sources that are tried at once: of one tenant tenant_trials_max, of
 * all trials_max.  Each keeps a thread for as long as a remote API takes.  Thread: any. */
#ifndef WEIR_HANDLERS_TRIAL_TURN_H
#define WEIR_HANDLERS_TRIAL_TURN_H

#include "base/error.h"

struct metric;
struct request;

struct trial_turn {
    struct metric *running; /* of the tenant */
};

/* E_TRIALS_MANY of the tenant, E_BUSY of the node. */
MUST_USE enum code trial_turn_take(struct trial_turn *turn, const struct request *request,
                                   struct error *err);
void trial_turn_end(struct trial_turn *turn, const struct request *request); /* of one taken */

#endif
