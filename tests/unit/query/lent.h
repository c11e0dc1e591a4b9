/* One thread that helps queries of tests, and the same questions' way without it. */
#ifndef WEIR_TESTS_UNIT_QUERY_LENT_H
#define WEIR_TESTS_UNIT_QUERY_LENT_H

#include <pthread.h>

#include "base/thread.h"
#include "query/helpers.h"

struct lent {
    struct helpers helpers; /* first */
    bool refuses;           /* pieces are made, but nobody helps with them */
    struct thread *thread;
    pthread_mutex_t lock; /* guards: */
    pthread_cond_t more;
    struct help *help; /* to be run */
    bool closed;
    uint32_t lent_count;
};

static void lent_run(void *context)
{
    struct lent *lent = context;

    pthread_mutex_lock(&lent->lock);
    while (!lent->closed) {
        struct help *help = lent->help;

        if (help == NULL) {
            pthread_cond_wait(&lent->more, &lent->lock);
            continue;
        }
        pthread_mutex_unlock(&lent->lock);
        help->run(help);
        pthread_mutex_lock(&lent->lock);
        if (lent->help == help) /* else another one came: at most one waits */
            lent->help = NULL;
    }
    pthread_mutex_unlock(&lent->lock);
}

static bool lent_lend(struct helpers *helpers, struct help *help)
{
    struct lent *lent = (struct lent *)helpers;
    bool taken;

    pthread_mutex_lock(&lent->lock);
    taken = !lent->refuses && lent->help == NULL;
    if (taken) {
        lent->help = help;
        lent->lent_count++;
        pthread_cond_signal(&lent->more);
    }
    pthread_mutex_unlock(&lent->lock);
    return taken;
}

static bool lent_wanted(struct helpers *helpers)
{
    (void)helpers;
    return false;
}

static void lent_init(struct lent *lent, bool refuses)
{
    *lent = (struct lent){
        .helpers = {.most = 1, .values_min = 1, .lend = lent_lend, .wanted = lent_wanted},
        .refuses = refuses,
    };
    pthread_mutex_init(&lent->lock, NULL);
    pthread_cond_init(&lent->more, NULL);
    assert_int_equal(thread_start("lent", lent_run, lent, &lent->thread, NULL), OK);
}

static void lent_release(struct lent *lent)
{
    pthread_mutex_lock(&lent->lock);
    lent->closed = true;
    pthread_cond_signal(&lent->more);
    pthread_mutex_unlock(&lent->lock);
    thread_join(lent->thread);
    pthread_cond_destroy(&lent->more);
    pthread_mutex_destroy(&lent->lock);
}

#endif
