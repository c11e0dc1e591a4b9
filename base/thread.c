#include "base/thread.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 16 }; /* the kernel's limit, with the NUL */

struct thread {
    pthread_t id;
    char name[NAME_SIZE];
    void (*run)(void *context);
    void *context;
};

static _Thread_local struct thread *current;

static void *begin(void *argument)
{
    struct thread *thread = argument;

    current = thread;
    (void)pthread_setname_np(pthread_self(), thread->name); /* without a name it runs as well */
    thread->run(thread->context);
    return NULL;
}

/* Signals are blocked before the thread is there: it inherits that, so none can reach it
 * in between.  *thread is written before it runs, so that it can ask thread_is() at once. */
enum code thread_start(const char *name, void (*run)(void *context), void *context,
                       struct thread **thread, struct error *err)
{
    struct thread *made = calloc(1, sizeof(*made));
    sigset_t all, before;
    int number;

    assert(strlen(name) < NAME_SIZE);
    *thread = NULL;
    if (made == NULL)
        return error_set(err, E_MEMORY, "thread %s: out of memory", name);
    (void)snprintf(made->name, sizeof(made->name), "%s", name);
    made->run = run;
    made->context = context;
    *thread = made;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    number = pthread_create(&made->id, NULL, begin, made);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number == 0)
        return OK;
    *thread = NULL;
    free(made);
    return error_set_errno(err, number, "thread %s: start", name);
}

void thread_join(struct thread *thread)
{
    int number;

    if (thread == NULL)
        return;
    number = pthread_join(thread->id, NULL);
    assert(number == 0);
    free(thread);
}

bool thread_is(const struct thread *thread)
{
    return current == thread;
}
