/* One queue, looked through for the next job that may begin: some thousand at most, a few
 * microseconds, and only while threads are short.  A thread that finds none waits.  Spare threads
 * are made by whoever sees that a job may begin and no thread is free, and stay. */
#include "handlers/workers.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/condition.h"
#include "base/drain.h"
#include "base/log.h"
#include "base/thread.h"

enum {
    /* Jobs at work of one owner: with its clients all asleep there still are threads for others. */
    OWNER_SPARE_MAX = WORKERS_SPARE_MAX / 2,
    TIDY_AFTER_S = 10, /* who asks now and then keeps what is needed again */
};

struct owner {
    unsigned running;
    uint64_t served; /* when it was last given a thread, as a count of jobs */
};

struct workers {
    unsigned compute_max; /* jobs that compute at once */
    size_t jobs_max;
    struct drain drain; /* jobs */

    pthread_mutex_t lock; /* guards: */
    pthread_cond_t more;
    struct job *first, **end;
    size_t job_count;
    struct owner *owners; /* by ordinal */
    size_t owner_capacity;
    uint64_t served_count;
    unsigned running, computing;  /* jobs; those that wait for their client only run */
    unsigned reading;             /* jobs, and lent ones, that wait for a disk or a shard */
    unsigned idle, starting;      /* threads that wait for a job, and that are about to */
    struct job *lent;             /* jobs that idle threads are about to take, */
    unsigned lent_count, lending; /* and those of them that run, too */
    _Atomic unsigned busy, free;  /* busy(); idle - lent_count: read without the lock */
    bool untidy;                  /* jobs have run since memory was last given back */
    bool closed;
    unsigned thread_count, thread_max;
    struct thread *threads[];
};

/* Under the lock: threads that compute. */
static unsigned busy(const struct workers *workers)
{
    return workers->computing + workers->lending - workers->reading;
}

/* Under the lock.  A place of one that reads is given away once: whoever reads goes on at once when
 * the bytes have come, so that with more, all would compute. */
static bool has_place(const struct workers *workers)
{
    return workers->computing < workers->compute_max + workers->reading &&
           workers->computing < 2 * workers->compute_max;
}

/* Under the lock. */
static bool may_begin(const struct workers *workers, const struct job *job)
{
    const struct owner *owner = &workers->owners[job->owner];

    if (owner->running >= workers->compute_max + OWNER_SPARE_MAX)
        return false;
    return owner->running == 0 || has_place(workers);
}

static bool goes_before(const struct owner *a, const struct owner *b)
{
    return a->running != b->running ? a->running < b->running : a->served < b->served;
}

/* Under the lock: where the job that begins next hangs, or NULL. */
static struct job **find(struct workers *workers)
{
    struct job **found = NULL;

    for (struct job **at = &workers->first; *at != NULL; at = &(*at)->next)
        if (may_begin(workers, *at) &&
            (found == NULL ||
             goes_before(&workers->owners[(*at)->owner], &workers->owners[(*found)->owner])))
            found = at;
    return found;
}

/* Under the lock. */
static struct job *take(struct workers *workers, struct job **at)
{
    struct job *job = *at;
    struct owner *owner = &workers->owners[job->owner];

    *at = job->next;
    if (*at == NULL)
        workers->end = at;
    workers->job_count--;
    workers->running++;
    workers->computing++;
    owner->running++;
    owner->served = ++workers->served_count;
    return job;
}

/* Under the lock, when one of what they tell changed. */
static void publish(struct workers *workers)
{
    unsigned idle = workers->idle, taken = workers->lent_count;

    atomic_store_explicit(&workers->busy, busy(workers), memory_order_relaxed);
    atomic_store_explicit(&workers->free, idle > taken ? idle - taken : 0, memory_order_relaxed);
}

static void run_jobs(void *context);

/* Under the lock. */
static enum code add_thread(struct workers *workers, struct error *err)
{
    enum code code = thread_start("weir-query", run_jobs, workers,
                                  &workers->threads[workers->thread_count], err);

    workers->thread_count += code == OK;
    workers->starting += code == OK;
    return code;
}

/* Under the lock: wakes or makes a thread if there is a job for it. */
static void staff(struct workers *workers)
{
    struct error err = {0};

    if (workers->first == NULL || find(workers) == NULL)
        return;
    if (workers->idle > workers->lent_count) {
        pthread_cond_signal(&workers->more);
    } else if (workers->starting == 0 && workers->thread_count < workers->thread_max &&
               !workers->closed) { /* one that starts looks whether there is work for more */
        if (add_thread(workers, &err) != OK) /* those that are there will come to it */
            log_error(LOG_WARN, "no spare thread for queries", &err);
    }
}

/* Under the lock, which it gives up meanwhile. */
static void run_lent(struct workers *workers)
{
    struct job *job = workers->lent;

    workers->lent = job->next;
    workers->lent_count--;
    publish(workers);
    pthread_mutex_unlock(&workers->lock);
    job->run(job);
    pthread_mutex_lock(&workers->lock);
    workers->lending--;
    publish(workers);
}

/* Under the lock, which it gives up: until there may be a job.  The allocator keeps what queries
 * were made of, a heap for each thread; when none has come for a moment it goes to the machine. */
static void rest(struct workers *workers)
{
    struct timespec until;

    if (!workers->untidy || workers->running > 0) {
        pthread_cond_wait(&workers->more, &workers->lock);
        return;
    }
    workers->untidy = false; /* no other thread waits for the same */
    until = condition_until(TIDY_AFTER_S * INT64_C(1000000000));
    if (pthread_cond_timedwait(&workers->more, &workers->lock, &until) != ETIMEDOUT ||
        workers->running > 0 || workers->first != NULL || workers->lent != NULL ||
        workers->closed) {
        workers->untidy = true;
        return;
    }
    workers->idle--; /* nobody shall wait for it */
    publish(workers);
    pthread_mutex_unlock(&workers->lock);
    (void)malloc_trim(0);
    pthread_mutex_lock(&workers->lock);
    workers->idle++;
    publish(workers);
}

static void run_jobs(void *context)
{
    struct workers *workers = context;
    struct job **at;

    pthread_mutex_lock(&workers->lock);
    workers->starting--;
    for (;;) {
        struct job *job;
        uint32_t owner;

        if (workers->lent != NULL) {
            run_lent(workers);
            continue;
        }
        at = find(workers);
        if (at == NULL) {
            if (workers->closed && workers->first == NULL)
                goto out;
            workers->idle++;
            publish(workers);
            rest(workers);
            workers->idle--;
            publish(workers);
            continue;
        }
        job = take(workers, at);
        owner = job->owner;
        publish(workers);
        staff(workers); /* a wake-up can have been for two */
        pthread_mutex_unlock(&workers->lock);
        job->run(job);
        pthread_mutex_lock(&workers->lock);
        workers->running--;
        workers->computing--;
        workers->untidy = true;
        workers->owners[owner].running--;
        publish(workers);
        drain_out(&workers->drain, 1, workers->running + workers->job_count > 0);
        if (workers->closed)
            pthread_cond_broadcast(&workers->more);
    }

out:
    pthread_mutex_unlock(&workers->lock);
}

enum code workers_start(unsigned thread_count, size_t jobs_max, struct clock *clock,
                        struct workers **out, struct error *err)
{
    unsigned thread_max = thread_count + WORKERS_SPARE_MAX;
    struct workers *workers = calloc(1, sizeof(*workers) + thread_max * sizeof(struct thread *));
    enum code code = OK;

    *out = NULL;
    if (workers == NULL)
        return error_set(err, E_MEMORY, "no memory for worker threads");
    workers->compute_max = thread_count;
    workers->thread_max = thread_max;
    workers->jobs_max = jobs_max;
    workers->end = &workers->first;
    drain_init(&workers->drain, clock);
    pthread_mutex_init(&workers->lock, NULL);
    condition_init(&workers->more);
    pthread_mutex_lock(&workers->lock);
    while (code == OK && workers->thread_count < thread_count)
        code = add_thread(workers, err);
    pthread_mutex_unlock(&workers->lock);
    if (code) {
        workers_stop(workers);
        return code;
    }
    *out = workers;
    return OK;
}

void workers_stop(struct workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->closed = true; /* no threads are made from here on */
    pthread_cond_broadcast(&workers->more);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++)
        thread_join(workers->threads[i]);
    drain_release(&workers->drain);
    pthread_cond_destroy(&workers->more);
    pthread_mutex_destroy(&workers->lock);
    free(workers->owners);
    free(workers);
}

/* Under the lock. */
static bool know_owner(struct workers *workers, uint32_t owner)
{
    size_t capacity = (owner + 16) * (size_t)2;
    struct owner *grown;

    if (owner < workers->owner_capacity)
        return true;
    grown = realloc(workers->owners, capacity * sizeof(*grown));
    if (grown == NULL)
        return false;
    memset(grown + workers->owner_capacity, 0,
           (capacity - workers->owner_capacity) * sizeof(*grown));
    workers->owners = grown;
    workers->owner_capacity = capacity;
    return true;
}

bool workers_submit(struct workers *workers, struct job *job)
{
    bool taken;

    pthread_mutex_lock(&workers->lock);
    taken = !workers->closed && workers->job_count < workers->jobs_max &&
            know_owner(workers, job->owner);
    if (taken) {
        job->next = NULL;
        *workers->end = job;
        workers->end = &job->next;
        workers->job_count++;
        drain_begin(&workers->drain);
        staff(workers);
    }
    pthread_mutex_unlock(&workers->lock);
    return taken;
}

bool workers_lend(struct workers *workers, struct job *job)
{
    bool lent;

    pthread_mutex_lock(&workers->lock);
    lent = !workers->closed && workers->first == NULL && workers->idle > workers->lent_count &&
           busy(workers) < workers->compute_max;
    if (lent) {
        job->next = workers->lent;
        workers->lent = job;
        workers->lent_count++;
        workers->lending++;
        publish(workers);
        pthread_cond_signal(&workers->more);
    }
    pthread_mutex_unlock(&workers->lock);
    return lent;
}

bool workers_may_lend(const struct workers *workers)
{
    return atomic_load_explicit(&workers->free, memory_order_relaxed) > 0 &&
           atomic_load_explicit(&workers->busy, memory_order_relaxed) < workers->compute_max;
}

bool workers_are_short(const struct workers *workers)
{
    return atomic_load_explicit(&workers->busy, memory_order_relaxed) > workers->compute_max;
}

void workers_wait(void *context, bool waiting)
{
    struct workers *workers = context;

    pthread_mutex_lock(&workers->lock);
    if (waiting) {
        assert(workers->computing > 0);
        workers->computing--;
        staff(workers);
    } else { /* at once, if need be beside one too many: what it holds shall come free */
        workers->computing++;
    }
    publish(workers);
    pthread_mutex_unlock(&workers->lock);
}

void workers_read(void *context, bool waiting)
{
    struct workers *workers = context;

    pthread_mutex_lock(&workers->lock);
    if (waiting) {
        workers->reading++;
        if (has_place(workers)) /* others are at work, or will be: the queue is not walked */
            staff(workers);
    } else {
        workers->reading--;
    }
    publish(workers);
    pthread_mutex_unlock(&workers->lock);
}

size_t workers_waiting(struct workers *workers)
{
    size_t count;

    pthread_mutex_lock(&workers->lock);
    count = workers->job_count;
    pthread_mutex_unlock(&workers->lock);
    return count;
}

unsigned workers_seconds(struct workers *workers, uint64_t jobs)
{
    return drain_seconds(&workers->drain, jobs);
}
