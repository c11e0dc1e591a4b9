#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "base/thread.h"

struct seen {
    struct thread *thread;
    char name[16];
    bool is_own, is_main, term_blocked;
};

static void look(void *context)
{
    struct seen *seen = context;
    sigset_t blocked;

    seen->is_own = thread_is(seen->thread);
    seen->is_main = thread_is(NULL);
    (void)pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    sigemptyset(&blocked);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    seen->term_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGHUP);
}

static void test_thread_knows_itself_and_takes_no_signals(void **state)
{
    struct seen seen = {0};
    sigset_t blocked;

    (void)state;
    assert_int_equal(thread_start("fifteen-bytes-x", look, &seen, &seen.thread, NULL), OK);
    assert_false(thread_is(seen.thread));
    assert_true(thread_is(NULL));
    thread_join(seen.thread);
    assert_true(seen.is_own);
    assert_false(seen.is_main);
    assert_string_equal(seen.name, "fifteen-bytes-x");
    assert_true(seen.term_blocked);
    sigemptyset(&blocked);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM)); /* the maker keeps its own mask */
    thread_join(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread_knows_itself_and_takes_no_signals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
