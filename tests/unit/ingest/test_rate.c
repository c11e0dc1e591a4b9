#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/rate.h"

struct hand_clock {
    struct clock clock;
    int64_t now_ns;
};

static int64_t now(struct clock *clock)
{
    return ((struct hand_clock *)clock)->now_ns;
}

static struct hand_clock hand_clock(void)
{
    return (struct hand_clock){
        {now, now, now},
        1000000000
    };
}

static const struct tenant a = {.ordinal = 0}, b = {.ordinal = 40};

static void test_a_second_s_worth_passes_and_then_no_more(void **state)
{
    struct hand_clock clock = hand_clock();
    struct rate *rate;
    struct error err = {0};

    (void)state;
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rate_take(rate, &a, 100, 1, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), E_RATE_LIMIT);
    assert_non_null(strstr(err.text, "100 points a second"));
    assert_int_equal(rate_take(rate, &b, 100, 1, &err), OK); /* another tenant's own */
    clock.now_ns += 10000000;                                /* one point's time */
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), E_RATE_LIMIT);
    rate_free(rate);
}

static void test_a_large_request_passes_and_leaves_a_debt(void **state)
{
    struct hand_clock clock = hand_clock();
    struct rate *rate;
    struct error err = {0};

    (void)state;
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 1000, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), E_RATE_LIMIT);
    assert_int_equal(err.retry_s, 10); /* 900 points are owed, and one is wanted */
    clock.now_ns += 8900000000;
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), E_RATE_LIMIT);
    assert_int_equal(err.retry_s, 1);
    clock.now_ns += 200000000;
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), OK);
    rate_free(rate);
}

static void test_zero_points_ask_and_take_nothing(void **state)
{
    struct hand_clock clock = hand_clock();
    struct rate *rate;
    struct error err = {0};

    (void)state;
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rate_take(rate, &a, 100, 0, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 99, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 0, &err), OK); /* one is left */
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 0, &err), E_RATE_LIMIT);
    assert_int_equal(rate_take(rate, &b, 100, 0, &err), OK);
    clock.now_ns += 10000000;
    assert_int_equal(rate_take(rate, &a, 100, 0, &err), OK);
    assert_int_equal(rate_take(rate, &a, 100, 1, &err), OK);
    rate_free(rate);
}

static void test_zero_is_no_limit(void **state)
{
    struct hand_clock clock = hand_clock();
    struct rate *rate;
    struct error err = {0};

    (void)state;
    assert_int_equal(rate_new(&clock.clock, &rate, &err), OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(rate_take(rate, &a, 0, UINT64_C(1) << 60, &err), OK);
    rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_second_s_worth_passes_and_then_no_more),
        cmocka_unit_test(test_a_large_request_passes_and_leaves_a_debt),
        cmocka_unit_test(test_zero_points_ask_and_take_nothing),
        cmocka_unit_test(test_zero_is_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
