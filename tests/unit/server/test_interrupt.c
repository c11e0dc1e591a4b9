#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/interrupt.h"

static void test_the_first_signal_is_noted_and_ends_a_sleep(void **state)
{
    int64_t from;

    (void)state;
    interrupt_watch();
    assert_false(interrupt_came());
    assert_true(interrupt_sleep(1));
    (void)raise(SIGINT);
    assert_true(interrupt_came());
    from = clock_monotonic_ns(clock_system());
    assert_false(interrupt_sleep(60000));
    assert_true(clock_monotonic_ns(clock_system()) - from < INT64_C(10000000000));
}

static void test_the_second_signal_ends_the_process(void **state)
{
    pid_t pid = fork();
    int status = 0;

    (void)state;
    if (pid == 0) {
        interrupt_watch();
        (void)raise(SIGTERM);
        (void)raise(SIGTERM);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void test_a_reader_that_left_ends_it_as_the_signal_would(void **state)
{
    pid_t pid = fork();
    int status = 0;

    (void)state;
    if (pid == 0) {
        interrupt_watch();
        (void)raise(SIGPIPE); /* is ignored */
        interrupt_die_of_pipe();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_signal_is_noted_and_ends_a_sleep),
        cmocka_unit_test(test_the_second_signal_ends_the_process),
        cmocka_unit_test(test_a_reader_that_left_ends_it_as_the_signal_would),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
