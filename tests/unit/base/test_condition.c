#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/condition.h"

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* On one of the wall clock a monotonic time is decades ago. */
static void test_waits_as_long_as_was_asked(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    int64_t began_ns = now_ns();
    struct timespec until = condition_until(30000000);

    (void)state;
    condition_init(&condition);
    pthread_mutex_lock(&lock);
    while (pthread_cond_timedwait(&condition, &lock, &until) != ETIMEDOUT)
        continue;
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&condition);
    assert_true(now_ns() - began_ns >= 30000000);
}

static void test_times_carry_into_seconds(void **state)
{
    static const int64_t spans[] = {0, 1, 999999999, 1000000000, 1000000001, 86400000000001};

    (void)state;
    for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
        int64_t before_ns = now_ns();
        struct timespec until = condition_until(spans[i]);
        int64_t until_ns = (int64_t)until.tv_sec * 1000000000 + until.tv_nsec;

        assert_in_range(until.tv_nsec, 0, 999999999);
        assert_true(until_ns >= before_ns + spans[i]);
        assert_true(until_ns <= now_ns() + spans[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_as_long_as_was_asked),
        cmocka_unit_test(test_times_carry_into_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
