#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/drain.h"

struct hand_clock {
    struct clock clock;
    int64_t now_ns;
};

static const int64_t second = 1000000000;

static int64_t now(struct clock *clock)
{
    return ((struct hand_clock *)clock)->now_ns;
}

static struct hand_clock hand = {
    {now, now, now},
    1000000000
};

static void pass(struct drain *drain, int64_t ns, uint64_t amount, bool more)
{
    hand.now_ns += ns;
    drain_out(drain, amount, more);
}

static void test_what_waits_leaves_at_the_rate_of_late(void **state)
{
    static const struct {
        const char *name;
        uint64_t waiting;
        unsigned want;
    } cases[] = {
        {"nothing waits",         0,          1 },
        {"less than a second",    99,         1 },
        {"a second to the point", 100,        1 },
        {"rounded up",            101,        2 },
        {"seconds",               1000,       10},
        {"the most",              6000,       60},
        {"no more than that",     6001,       60},
        {"far more",              UINT64_MAX, 60},
    };
    struct drain drain;

    (void)state;
    drain_init(&drain, &hand.clock);
    drain_begin(&drain);
    pass(&drain, second, 100, false);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (drain_seconds(&drain, cases[i].waiting) != cases[i].want)
            fail_msg("%s: %u", cases[i].name, drain_seconds(&drain, cases[i].waiting));
    drain_release(&drain);
}

static void test_idle_time_makes_nothing_slow(void **state)
{
    struct drain drain;

    (void)state;
    drain_init(&drain, &hand.clock);
    drain_begin(&drain);
    pass(&drain, second, 100, false);
    hand.now_ns += 3600 * second;
    assert_int_equal(drain_seconds(&drain, 500), 5);
    drain_begin(&drain);
    pass(&drain, second, 100, false);
    assert_int_equal(drain_seconds(&drain, 500), 5);
    drain_release(&drain);
}

static void test_what_never_drained_is_tried_soon_and_then_later_the_longer_it_hangs(void **state)
{
    struct drain drain;

    (void)state;
    drain_init(&drain, &hand.clock);
    assert_int_equal(drain_seconds(&drain, 1u << 30), 1);
    drain_begin(&drain);
    hand.now_ns += 7 * second;
    drain_begin(&drain); /* it waits already: the time goes on */
    assert_int_equal(drain_seconds(&drain, 1u << 30), 7);
    hand.now_ns += 1000 * second;
    assert_int_equal(drain_seconds(&drain, 1), 60);
    drain_release(&drain);
}

static void test_a_new_rate_replaces_the_old_one(void **state)
{
    struct drain drain;

    (void)state;
    drain_init(&drain, &hand.clock);
    drain_begin(&drain);
    for (int i = 0; i < 60; i++)
        pass(&drain, second, 1000, true);
    assert_int_equal(drain_seconds(&drain, 10000), 10);
    for (int i = 0; i < 60; i++)
        pass(&drain, second, 500, true);
    assert_in_range(drain_seconds(&drain, 10000), 20, 21);
    pass(&drain, second, 500, false);
    drain_release(&drain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_leaves_at_the_rate_of_late),
        cmocka_unit_test(test_idle_time_makes_nothing_slow),
        cmocka_unit_test(test_what_never_drained_is_tried_soon_and_then_later_the_longer_it_hangs),
        cmocka_unit_test(test_a_new_rate_replaces_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
