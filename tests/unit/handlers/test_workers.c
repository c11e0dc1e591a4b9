#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>

#include "handlers/workers.h"

struct counted {
    struct job job; /* first */
    sem_t *begun, *go;
    _Atomic unsigned *runs;
};

static void count(struct job *job)
{
    struct counted *counted = (struct counted *)job;

    if (counted->begun != NULL)
        sem_post(counted->begun);
    if (counted->go != NULL)
        sem_wait(counted->go);
    ++*counted->runs;
}

static void test_every_job_that_was_taken_runs_once_also_at_the_end(void **state)
{
    struct counted jobs[200];
    _Atomic unsigned runs = 0;
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(3, 200, &workers, &err), OK);
    for (size_t i = 0; i < 200; i++) {
        jobs[i] = (struct counted){.job = {count}, .runs = &runs};
        assert_true(workers_submit(workers, &jobs[i].job));
    }
    workers_stop(workers);
    assert_int_equal(runs, 200);
}

static void test_a_full_queue_refuses_and_says_how_many_wait(void **state)
{
    struct counted held, waiting[2], surplus;
    _Atomic unsigned runs = 0;
    struct workers *workers;
    struct error err = {0};
    sem_t begun, go;

    (void)state;
    sem_init(&begun, 0, 0);
    sem_init(&go, 0, 0);
    assert_int_equal(workers_start(1, 2, &workers, &err), OK);
    held = (struct counted){{count}, &begun, &go, &runs};
    assert_true(workers_submit(workers, &held.job));
    sem_wait(&begun);
    for (size_t i = 0; i < 2; i++) {
        waiting[i] = (struct counted){.job = {count}, .runs = &runs};
        assert_true(workers_submit(workers, &waiting[i].job));
    }
    surplus = (struct counted){.job = {count}, .runs = &runs};
    assert_false(workers_submit(workers, &surplus.job));
    assert_int_equal(workers_waiting(workers), 2);
    sem_post(&go);
    workers_stop(workers);
    assert_int_equal(runs, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_that_was_taken_runs_once_also_at_the_end),
        cmocka_unit_test(test_a_full_queue_refuses_and_says_how_many_wait),
    };

    workers_stop(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
