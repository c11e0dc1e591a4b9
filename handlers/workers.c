#include "handlers/workers.h"

#include <stdlib.h>

#include "base/queue.h"
#include "base/thread.h"

struct workers {
    struct queue *queue;
    unsigned thread_count;
    struct thread *threads[];
};

static void workers_run(void *context)
{
    struct workers *workers = context;
    void *item;

    while (queue_take(workers->queue, &item, 1, -1) > 0) {
        struct job *job = item;

        job->run(job);
    }
}

enum code workers_start(unsigned thread_count, size_t jobs_max, struct workers **out,
                        struct error *err)
{
    struct workers *workers = calloc(1, sizeof(*workers) + thread_count * sizeof(struct thread *));
    enum code code;

    *out = NULL;
    if (workers == NULL)
        return error_set(err, E_MEMORY, "no memory for worker threads");
    code = queue_new(jobs_max, &workers->queue, err);
    while (code == OK && workers->thread_count < thread_count) {
        code = thread_start("weir-query", workers_run, workers,
                            &workers->threads[workers->thread_count], err);
        workers->thread_count += code == OK;
    }
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
    if (workers->queue != NULL)
        queue_close(workers->queue);
    for (unsigned i = 0; i < workers->thread_count; i++)
        thread_join(workers->threads[i]);
    queue_free(workers->queue);
    free(workers);
}

bool workers_submit(struct workers *workers, struct job *job)
{
    return queue_send(workers->queue, job);
}

size_t workers_waiting(struct workers *workers)
{
    return queue_count(workers->queue);
}
