#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <time.h>

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
    assert_int_equal(workers_start(3, 200, clock_system(), &workers, &err), OK);
    for (size_t i = 0; i < 200; i++) {
        jobs[i] = (struct counted){.job = {.run = count}, .runs = &runs};
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
    assert_int_equal(workers_start(1, 2, clock_system(), &workers, &err), OK);
    held = (struct counted){
        {count, 0, NULL},
        &begun, &go, &runs
    };
    assert_true(workers_submit(workers, &held.job));
    sem_wait(&begun);
    for (size_t i = 0; i < 2; i++) {
        waiting[i] = (struct counted){.job = {.run = count}, .runs = &runs};
        assert_true(workers_submit(workers, &waiting[i].job));
    }
    surplus = (struct counted){.job = {.run = count}, .runs = &runs};
    assert_false(workers_submit(workers, &surplus.job));
    assert_int_equal(workers_waiting(workers), 2);
    sem_post(&go);
    workers_stop(workers);
    assert_int_equal(runs, 3);
}

/* A job that tells its name when it begins and stays until it may go; it may wait for a client. */
struct placed {
    struct job job; /* first */
    struct workers *workers;
    sem_t begun, go;
    bool waits;
};

static void stay(struct job *job)
{
    struct placed *placed = (struct placed *)job;

    if (placed->waits)
        workers_wait(placed->workers, true);
    sem_post(&placed->begun);
    sem_wait(&placed->go);
    if (placed->waits)
        workers_wait(placed->workers, false);
}

static void place(struct workers *workers, struct placed *placed, uint32_t owner, bool waits)
{
    *placed = (struct placed){
        .job = {stay, owner, NULL},
          .workers = workers, .waits = waits
    };
    sem_init(&placed->begun, 0, 0);
    sem_init(&placed->go, 0, 0);
    assert_true(workers_submit(workers, &placed->job));
}

static bool begins(struct placed *placed)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    return sem_timedwait(&placed->begun, &until) == 0;
}

static void test_jobs_whose_clients_are_slow_leave_their_places(void **state)
{
    enum { SLOW = WORKERS_SPARE_MAX / 2 + 1 }; /* all that one owner may have */
    static struct placed slow[SLOW + 1], quick;
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(1, 100, clock_system(), &workers, &err), OK);
    for (size_t i = 0; i < SLOW; i++) {
        place(workers, &slow[i], 7, true);
        assert_true(begins(&slow[i]));
    }
    place(workers, &slow[SLOW], 7, true); /* one more has to wait, ... */
    place(workers, &quick, 3, false);     /* ... but not for another owner */
    assert_true(begins(&quick));
    assert_int_equal(workers_waiting(workers), 1);
    sem_post(&slow[0].go);
    sem_post(&quick.go);
    assert_true(begins(&slow[SLOW]));
    for (size_t i = 1; i <= SLOW; i++)
        sem_post(&slow[i].go);
    workers_stop(workers);
}

static void test_an_owner_without_a_job_at_work_need_not_wait(void **state)
{
    static struct placed long_ones[3], other;
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(2, 100, clock_system(), &workers, &err), OK);
    for (size_t i = 0; i < 3; i++)
        place(workers, &long_ones[i], 0, false);
    assert_true(begins(&long_ones[0]));
    assert_true(begins(&long_ones[1]));
    place(workers, &other, 40, false);
    assert_true(begins(&other));
    assert_int_equal(workers_waiting(workers), 1); /* the third long one */
    sem_post(&long_ones[0].go);
    sem_post(&other.go);
    assert_true(begins(&long_ones[2]));
    sem_post(&long_ones[1].go);
    sem_post(&long_ones[2].go);
    workers_stop(workers);
}

static void test_owners_take_turns(void **state)
{
    static struct placed first, many[4], other[2];
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(1, 100, clock_system(), &workers, &err), OK);
    place(workers, &first, 1, false);
    assert_true(begins(&first));
    for (size_t i = 0; i < 4; i++)
        place(workers, &many[i], 1, false);
    place(workers, &other[0], 2, false);
    assert_true(begins(&other[0])); /* it had none at work */
    place(workers, &other[1], 2, false);
    sem_post(&first.go);
    sem_post(&other[0].go);
    assert_true(begins(&many[0])); /* the longer unserved, and then each in turn */
    sem_post(&many[0].go);
    assert_true(begins(&other[1]));
    sem_post(&other[1].go);
    for (size_t i = 1; i < 4; i++)
        sem_post(&many[i].go);
    workers_stop(workers);
}

/* Threads take a moment until they are idle. */
static bool lends(struct workers *workers, struct placed *placed)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    *placed = (struct placed){.job = {.run = stay}, .workers = workers};
    sem_init(&placed->begun, 0, 0);
    sem_init(&placed->go, 0, 0);
    for (int i = 0; i < 20000 && !workers_may_lend(workers); i++)
        nanosleep(&moment, NULL);
    return workers_lend(workers, &placed->job);
}

/* Each placed job is used once: a thread that was told to go may not have read it yet. */
static void test_an_idle_thread_is_lent_and_wanted_back(void **state)
{
    static struct placed first, second, third, loan, last;
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(2, 100, clock_system(), &workers, &err), OK);
    place(workers, &first, 1, false);
    assert_true(begins(&first));
    assert_true(lends(workers, &loan));
    assert_true(begins(&loan));
    assert_false(workers_may_lend(workers));
    assert_false(workers_lend(workers, &third.job)); /* both compute */
    assert_false(workers_are_short(workers));
    place(workers, &second, 1, false); /* need not wait for the loan */
    assert_true(begins(&second));
    assert_true(workers_are_short(workers));
    place(workers, &third, 1, false);
    assert_int_equal(workers_waiting(workers), 1);
    sem_post(&loan.go);
    sem_post(&first.go);
    assert_true(begins(&third));
    sem_post(&second.go);
    sem_post(&third.go);
    assert_true(lends(workers, &last));
    sem_post(&last.go);
    workers_stop(workers); /* what was lent still runs */
    assert_true(begins(&last));
}

/* A query and the thread it was lent both read: two others are computed meanwhile, and no third. */
static void test_what_reads_gives_its_place_away_once(void **state)
{
    static struct placed first, loan, others[4];
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(2, 100, clock_system(), &workers, &err), OK);
    place(workers, &first, 1, false);
    assert_true(begins(&first));
    assert_true(lends(workers, &loan));
    assert_true(begins(&loan));
    place(workers, &others[0], 1, false); /* a loan takes nobody's turn */
    assert_true(begins(&others[0]));
    assert_true(workers_are_short(workers));
    workers_read(workers, true);
    assert_false(workers_are_short(workers));
    place(workers, &others[1], 1, false);
    assert_true(begins(&others[1]));
    place(workers, &others[2], 1, false);
    assert_int_equal(workers_waiting(workers), 1);
    workers_read(workers, true);
    assert_true(begins(&others[2])); /* four, of twice two */
    place(workers, &others[3], 1, false);
    workers_read(workers, true);
    assert_int_equal(workers_waiting(workers), 1);
    for (int i = 0; i < 3; i++)
        workers_read(workers, false);
    assert_true(workers_are_short(workers));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        sem_post(&others[i].go);
    sem_post(&loan.go);
    sem_post(&first.go);
    workers_stop(workers);
}

/* Jobs that read again and again, briefly. */
struct brief {
    struct job job; /* first */
    struct workers *workers;
    _Atomic int *at_work, *most;
};

static void read_often(struct job *job)
{
    struct brief *brief = (struct brief *)job;
    int now = atomic_fetch_add(brief->at_work, 1) + 1, most = atomic_load(brief->most);

    while (now > most && !atomic_compare_exchange_weak(brief->most, &most, now)) {
    }
    for (int i = 0; i < 50; i++) {
        const struct timespec moment = {.tv_nsec = 100000};

        workers_read(brief->workers, true);
        nanosleep(&moment, NULL);
        workers_read(brief->workers, false);
    }
    atomic_fetch_sub(brief->at_work, 1);
}

static void test_readers_never_are_more_than_twice_the_places(void **state)
{
    enum { THREADS = 2, JOBS = 40 };
    static struct brief jobs[JOBS];
    static _Atomic int at_work, most;
    struct workers *workers;
    struct error err = {0};

    (void)state;
    assert_int_equal(workers_start(THREADS, 100, clock_system(), &workers, &err), OK);
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (struct brief){
            .job = {read_often, 1, NULL},
              .workers = workers, .at_work = &at_work, .most = &most
        };
        assert_true(workers_submit(workers, &jobs[i].job));
    }
    workers_stop(workers);
    assert_int_equal(atomic_load(&at_work), 0);
    assert_in_range(atomic_load(&most), THREADS, 2 * THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_that_was_taken_runs_once_also_at_the_end),
        cmocka_unit_test(test_a_full_queue_refuses_and_says_how_many_wait),
        cmocka_unit_test(test_jobs_whose_clients_are_slow_leave_their_places),
        cmocka_unit_test(test_an_owner_without_a_job_at_work_need_not_wait),
        cmocka_unit_test(test_owners_take_turns),
        cmocka_unit_test(test_an_idle_thread_is_lent_and_wanted_back),
        cmocka_unit_test(test_what_reads_gives_its_place_away_once),
        cmocka_unit_test(test_readers_never_are_more_than_twice_the_places),
    };

    workers_stop(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
