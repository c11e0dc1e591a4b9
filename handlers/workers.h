/* Threads for work that may wait or take long: queries, catalog lists.  Jobs queue up to a bound;
 * owners take turns: next is the one with the fewest jobs at work, then the one that was served
 * longest ago.
 *
 * A thread that would be idle can be lent to a job at work; nobody's turn comes later for it.
 *
 * `threads` jobs are computed at once.  One that waits for its client does not count; of those that
 * wait for a disk or a shard, so many give up their places until they go on; and an owner with no
 * job at work need not wait for those of others: for these there are up to WORKERS_SPARE_MAX more
 * threads, made when they are needed. */
#ifndef WEIR_HANDLERS_WORKERS_H
#define WEIR_HANDLERS_WORKERS_H

#include "base/clock.h"
#include "base/error.h"

enum { WORKERS_SPARE_MAX = 64 };

struct workers;

struct job {
    void (*run)(struct job *job); /* the job may be gone when it returns */
    uint32_t owner;               /* a tenant's ordinal */
    struct job *next;             /* the workers' */
};

MUST_USE enum code workers_start(unsigned thread_count, size_t jobs_max, struct clock *clock,
                                 struct workers **workers, struct error *err);
/* What is queued is still run. NULL is fine. */
void workers_stop(struct workers *workers);
/* False when the queue is full. Any thread. */
MUST_USE bool workers_submit(struct workers *workers, struct job *job);
/* Runs the job at once on a thread that has nothing to do, which stays one of `threads`; its owner
 * does not matter.  False: there is none, or jobs wait. */
MUST_USE bool workers_lend(struct workers *workers, struct job *job);
/* A guess of what workers_lend() would say, for a few nanoseconds. */
bool workers_may_lend(const struct workers *workers);
/* Whether more is computed than there are `threads`: who was lent one should give it back. */
bool workers_are_short(const struct workers *workers);
/* From within a job: it begins to wait for its client, or goes on.  Of a struct workers: others
 * call it through a pointer, as the next. */
void workers_wait(void *workers, bool waiting);
/* From within a job, or one that was lent a thread: it begins to wait for a disk or a shard, or
 * goes on. */
void workers_read(void *workers, bool waiting);
size_t workers_waiting(struct workers *workers); /* jobs in the queue */
/* In how many seconds `jobs` will be through at the rate of late. */
unsigned workers_seconds(struct workers *workers, uint64_t jobs);

#endif
