#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_clocks_run_forward(void **state)
{
    struct clock *clock = clock_system();
    int64_t monotonic_ns = clock_monotonic_ns(clock), boot_ns = clock_boot_ns(clock);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now_ns = clock_monotonic_ns(clock);

        assert_true(now_ns >= monotonic_ns);
        monotonic_ns = now_ns;
    }
    assert_true(clock_boot_ns(clock) > boot_ns);
    assert_true(clock_wall_ns(clock) > INT64_C(1700000000) * 1000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clocks_run_forward)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
