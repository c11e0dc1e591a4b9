/* Condition variables whose times are those of the monotonic clock: a wall clock that is set does
 * not make anybody wait for hours.  Real waiting; what a simulator steps asks a struct clock. */
#ifndef WEIR_BASE_CONDITION_H
#define WEIR_BASE_CONDITION_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

void condition_init(pthread_cond_t *condition);
/* For pthread_cond_timedwait() on such a one: `ns` from now, at least 0. */
struct timespec condition_until(int64_t ns);

#endif
