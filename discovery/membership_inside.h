/* The inside of a membership: membership.c (its thread, and what it is told and asked) and
 * membership_step.c (what is done at each look), and nobody else. */
#ifndef WEIR_DISCOVERY_MEMBERSHIP_INSIDE_H
#define WEIR_DISCOVERY_MEMBERSHIP_INSIDE_H

#include <pthread.h>

#include "discovery/alive.h"
#include "discovery/keeper.h"
#include "discovery/membership.h"

struct membership {
    struct membership_rules rules;
    struct buf incarnation; /* rules.incarnation is of it */
    struct thread *thread;
    /* The thread's; before it runs, the starter's. */
    unsigned number, noted;
    struct alive alive;
    struct keeper keeper;
    bool wrote;            /* it may write, or might once since the start */
    struct error told;     /* the last failure in the log */
    struct error unmended; /* why the record could not be put right; .code is OK where it was */
    enum member_state state;
    struct error waits; /* as health has them */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool asked, stopping;            /* guarded by lock, as are these */
    struct membership_health health; /* of what is in force */
    char *address, *reached;         /* NULL: it does not serve yet; likewise to other members */
};

/* Of the thread, and before it runs of the starter.  True: there is something to do that no change
 * of the registry will tell of. */
bool membership_step(struct membership *membership);

#endif
