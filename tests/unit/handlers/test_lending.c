#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>

#include "handlers/lending.h"

struct hand {
    struct help help; /* first */
    sem_t helped;
};

static void lend_a_hand(struct help *help)
{
    sem_post(&((struct hand *)help)->helped);
}

static void test_idle_workers_help_and_are_counted(void **state)
{
    struct hand hand = {.help = {lend_a_hand}};
    struct metrics *metrics;
    struct workers *workers;
    struct lending lending;

    (void)state;
    sem_init(&hand.helped, 0, 0);
    assert_int_equal(metrics_new(&metrics, NULL), OK);
    assert_int_equal(workers_start(2, 10, clock_system(), &workers, NULL), OK);
    lending_init(&lending, workers, 3, metrics);
    assert_int_equal(lending.helpers.most, 3);
    while (!lending.helpers.lend(&lending.helpers, &hand.help)) /* until a thread is idle */
        ;
    sem_wait(&hand.helped);
    assert_false(lending.helpers.wanted(&lending.helpers));
    lending_note(&lending, 0);
    lending_note(&lending, 5);
    assert_int_equal(metric_value(lending.helped), 1);
    workers_stop(workers);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_workers_help_and_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
