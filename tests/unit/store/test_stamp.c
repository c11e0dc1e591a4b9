#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "store/stamp.h"

static const int64_t second = 1000000000, start = INT64_C(1700000000) * 1000000000;

struct hand_clock {
    struct clock base;
    int64_t wall, boot;
};

static int64_t wall(struct clock *clock)
{
    return ((struct hand_clock *)clock)->wall;
}

static int64_t boot(struct clock *clock)
{
    return ((struct hand_clock *)clock)->boot;
}

static struct hand_clock hand_clock(void)
{
    return (struct hand_clock){
        .base = {.wall_ns = wall, .monotonic_ns = boot, .boot_ns = boot},
        .wall = start,
        .boot = 5 * second,
    };
}

static void pass(struct hand_clock *clock, int64_t ns)
{
    clock->wall += ns;
    clock->boot += ns;
}

static void test_stamps_ascend_and_carry_the_member(void **state)
{
    struct hand_clock clock = hand_clock();
    struct stamp stamp;
    int64_t last;

    (void)state;
    stamp_init(&stamp, &clock.base, 7, false, 0);
    last = stamp_next(&stamp);
    assert_true(last >= start - STAMP_STEP && last <= start + STAMP_STEP);
    for (int i = 0; i < 1000; i++) {
        int64_t next;

        pass(&clock, i % 3 == 0 ? 700 : 0);
        next = stamp_next(&stamp);
        assert_true(next > last);
        assert_int_equal(next % STAMP_STEP, 7);
        last = next;
    }
    stamp_raise(&stamp, last + 12345);
    assert_true(stamp_next(&stamp) > last + 12345);
}

static void test_a_clock_that_jumped_is_told_until_it_is_right(void **state)
{
    static const struct {
        const char *name;
        int64_t jump_s;
        bool accept;
        enum code want;
    } cases[] = {
        {"as it was",                  0,           false, OK          },
        {"a minute on",                60,          false, OK          },
        {"more than a minute on",      61,          false, E_CLOCK_SKEW},
        {"a minute back",              -60,         false, OK          },
        {"more than a minute back",    -61,         false, E_CLOCK_SKEW},
        {"ten years on",               315360000,   false, E_CLOCK_SKEW},
        {"to 1970",                    -1700000000, false, E_CLOCK_SKEW},
        {"ten years on, and accepted", 315360000,   true,  OK          },
        {"an hour back, and accepted", -3600,       true,  OK          },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct hand_clock clock = hand_clock();
        struct stamp stamp;
        struct error err = {0};
        enum code code;

        stamp_init(&stamp, &clock.base, 0, cases[i].accept, start);
        clock.wall += cases[i].jump_s * second;
        code = stamp_check(&stamp, &err);
        if (code != cases[i].want)
            fail_msg("%s: got %d (%s)", cases[i].name, (int)code, err.text);
        clock.wall = start;
        assert_int_equal(stamp_check(&stamp, &err), OK);
    }
}

static void test_slow_corrections_are_followed(void **state)
{
    struct hand_clock clock = hand_clock();
    struct stamp stamp;

    (void)state;
    stamp_init(&stamp, &clock.base, 0, false, start);
    for (int i = 0; i < 100; i++) {
        pass(&clock, 10 * second);
        clock.wall += 5 * second;
        assert_int_equal(stamp_check(&stamp, NULL), OK);
    }
}

/* Neither a commit whose submissions were checked before the jump nor a reader may take a clock of
 * tomorrow for the truth: every later write would wait until then. */
static void test_a_jump_after_the_check_poisons_no_stamp(void **state)
{
    struct hand_clock clock = hand_clock();
    struct stamp stamp;
    int64_t jump = 86400 * second, now;

    (void)state;
    stamp_init(&stamp, &clock.base, 0, false, start);
    assert_int_equal(stamp_check(&stamp, NULL), OK);
    clock.wall += jump;
    assert_true(stamp_next(&stamp) < start + second);
    now = stamp_now(&stamp);
    assert_true(now < start + second);
    stamp_raise(&stamp, now);
    clock.wall -= jump;
    assert_int_equal(stamp_check(&stamp, NULL), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamps_ascend_and_carry_the_member),
        cmocka_unit_test(test_a_clock_that_jumped_is_told_until_it_is_right),
        cmocka_unit_test(test_slow_corrections_are_followed),
        cmocka_unit_test(test_a_jump_after_the_check_poisons_no_stamp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
