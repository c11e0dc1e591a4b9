/* How fast something that fills up has been emptied lately, and so after how many seconds somebody
 * who found it full may come again: bytes of rows by sealing, ingest memory by committing, jobs by
 * working.  Only the time in which something waited counts: an idle hour makes nothing slow.
 *
 * Thread: any. */
#ifndef WEIR_BASE_DRAIN_H
#define WEIR_BASE_DRAIN_H

#include <pthread.h>

#include "base/bytes.h"
#include "base/clock.h"

enum { DRAIN_SECONDS_MAX = 60 };

struct drain {
    struct clock *clock;  /* borrowed */
    pthread_mutex_t lock; /* guards: */
    int64_t since_ns; /* since when what waits has waited for the next part to leave; 0 = none */
    double amount, busy_s; /* of the last seconds of waiting, older ones counting ever less */
};

void drain_init(struct drain *drain, struct clock *clock);
void drain_release(struct drain *drain);
/* Something waits from now on, if nothing did. */
void drain_begin(struct drain *drain);
/* `amount` has left; `more` = something still waits. */
void drain_out(struct drain *drain, uint64_t amount, bool more);
/* In how many seconds `waiting` will have left at the rate of late: 1 to DRAIN_SECONDS_MAX, rounded
 * up.  A silence that is longer than that says that the rate has gone, and is the answer. */
unsigned drain_seconds(struct drain *drain, uint64_t waiting);

#endif
