/* Named threads with an owner check, so that a function bound to a thread can begin with
 * assert(thread_is(...)). */
#ifndef WEIR_BASE_THREAD_H
#define WEIR_BASE_THREAD_H

#include "base/error.h"

struct thread;

/* `name` is at most 15 bytes (shown by top -H).  All signals are blocked in it. */
MUST_USE enum code thread_start(const char *name, void (*run)(void *context), void *context,
                                struct thread **thread, struct error *err);
void thread_join(struct thread *thread); /* frees it; NULL is fine */
/* NULL stands for the threads that thread_start() did not make: main and those of libraries. */
bool thread_is(const struct thread *thread);

#endif
