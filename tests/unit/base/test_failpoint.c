#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/failpoint.h"

/* Rules are read once a process, so each case has its own.  It passes the place three
 * times; bit n of the exit status says that pass n failed. */
static int status_with(const char *rules, bool quiet)
{
    pid_t child = fork();
    int status = 0, failures = 0;

    assert_true(child >= 0);
    if (child == 0) {
        if (quiet)
            (void)close(STDERR_FILENO);
        if (setenv("WEIR_FAILPOINTS", rules, 1) != 0)
            _exit(100);
        for (int pass = 0; pass < 3; pass++)
            failures |= failpoint("place") << pass;
        _exit(failures);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

#ifdef WEIR_FAILPOINTS
static void test_rules_choose_the_passes_that_fail(void **state)
{
    static const struct {
        const char *rules;
        int failures;
    } cases[] = {
        {"",                           0},
        {"other=fail",                 0},
        {"place=fail",                 7},
        {"place=fail@1",               1},
        {"place=fail@2",               2},
        {"place=fail@2+",              6},
        {"other=kill;place=fail@3",    4},
        {"place=fail@1;place=fail@3;", 5},
        {"place=wait:1",               0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int status = status_with(cases[i].rules, false);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != cases[i].failures)
            fail_msg("%s: status %d", cases[i].rules, status);
    }
}

static void test_kill_is_sigkill_at_that_pass(void **state)
{
    int status = status_with("place=kill@2", false);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = status_with("place=kill@4", false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_wait_takes_its_time(void **state)
{
    struct timespec begin, end;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    (void)status_with("place=wait:20@2", false);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec >= 20000000);
}

static void test_rules_without_sense_end_the_program(void **state)
{
    static const char *const rules[] = {
        "place",       "place=",       "place=explode", "=fail",
        "place=fail@", "place=fail:",  "place=fail@x",  "place=wait",
        "place=wait:", "place=kill:5", "place=fail@+",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        int status = status_with(rules[i], true);

        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("%s: status %d", rules[i], status);
    }
}
#else
static void test_nothing_fails_in_a_program_for_use(void **state)
{
    (void)state;
    assert_int_equal(status_with("place=fail", false), 0);
    assert_int_equal(status_with("no sense", false), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef WEIR_FAILPOINTS
        cmocka_unit_test(test_rules_choose_the_passes_that_fail),
        cmocka_unit_test(test_kill_is_sigkill_at_that_pass),
        cmocka_unit_test(test_wait_takes_its_time),
        cmocka_unit_test(test_rules_without_sense_end_the_program),
#else
        cmocka_unit_test(test_nothing_fails_in_a_program_for_use),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
