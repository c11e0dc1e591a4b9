/* Waits for answers of the store, which come from its threads: waiting_done() is their callback. */
#ifndef WEIR_TESTS_UNIT_STORE_WAITING_H
#define WEIR_TESTS_UNIT_STORE_WAITING_H

#include <pthread.h>
#include <stdio.h>

#include "base/error.h"

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned done;
    enum code code; /* of the last answer */
    char text[400]; /* of the last failure */
};

static inline void waiting_init(struct waiting *waiting)
{
    *waiting = (struct waiting){0};
    pthread_mutex_init(&waiting->lock, NULL);
    pthread_cond_init(&waiting->more, NULL);
}

static inline void waiting_done(void *context, enum code code, const struct error *err)
{
    struct waiting *waiting = context;

    pthread_mutex_lock(&waiting->lock);
    waiting->done++;
    waiting->code = code;
    if (code)
        snprintf(waiting->text, sizeof(waiting->text), "%s", err->text);
    pthread_cond_signal(&waiting->more);
    pthread_mutex_unlock(&waiting->lock);
}

/* Until so many have come since waiting_init(); what the last of them said. */
static inline enum code waiting_for(struct waiting *waiting, unsigned count)
{
    enum code code;

    pthread_mutex_lock(&waiting->lock);
    while (waiting->done < count)
        pthread_cond_wait(&waiting->more, &waiting->lock);
    code = waiting->code;
    pthread_mutex_unlock(&waiting->lock);
    return code;
}

#endif
