/* Threads for work that may wait or take long: queries, catalog lists.  Jobs queue up to a bound.
 */
#ifndef WEIR_HANDLERS_WORKERS_H
#define WEIR_HANDLERS_WORKERS_H

#include "base/error.h"

struct workers;

struct job {
    void (*run)(struct job *job);
};

MUST_USE enum code workers_start(unsigned thread_count, size_t jobs_max, struct workers **workers,
                                 struct error *err);
/* What is queued is still run. NULL is fine. */
void workers_stop(struct workers *workers);
/* False when the queue is full. Any thread. */
MUST_USE bool workers_submit(struct workers *workers, struct job *job);
size_t workers_waiting(struct workers *workers);

#endif
