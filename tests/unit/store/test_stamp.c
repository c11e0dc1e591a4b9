#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/random.h"
#include "store/stamp.h"

enum { SEED = 1 };

static const int64_t second = 1000000000;
static const int64_t start = 1700000000 * INT64_C(1000000000);

struct test_clock {
    struct clock clock; /* first */
    int64_t wall, boot;
};

static int64_t test_wall(struct clock *clock)
{
    return ((struct test_clock *)clock)->wall;
}

static int64_t test_boot(struct clock *clock)
{
    return ((struct test_clock *)clock)->boot;
}

static void clock_init(struct test_clock *clock)
{
    *clock = (struct test_clock){
        {test_wall, test_boot, test_boot},
        start, second
    };
}

static void pass(struct test_clock *clock, int64_t ns)
{
    clock->wall += ns;
    clock->boot += ns;
}

static void test_stamps_ascend_and_carry_their_member(void **state)
{
    static const uint16_t members[] = {0, 1, 17, 1022, 1023};
    struct random random;

    (void)state;
    random_seed(&random, SEED);
    for (size_t m = 0; m < COUNT_OF(members); m++) {
        struct test_clock clock;
        struct stamp stamp;
        int64_t last = start + 12345;

        clock_init(&clock);
        stamp_init(&stamp, &clock.clock, members[m], false, last);
        for (int i = 0; i < 20000; i++) {
            int64_t got, floor;

            if (random_chance(&random, 3)) /* slow corrections, both ways */
                pass(&clock, (int64_t)random_below(&random, 5000) - 1000);
            if (random_chance(&random, 50)) {
                floor = stamp_now(&stamp);
                assert_true(floor >= last);
                stamp_raise(&stamp, floor);
                last = floor;
            }
            got = stamp_next(&stamp);
            if (got <= last || got % STAMP_STEP != members[m])
                fail_msg("%lld after %lld", (long long)got, (long long)last);
            last = got;
        }
    }
}

/* Two members that answer at the same time never give the same stamp. */
static void test_members_do_not_meet(void **state)
{
    struct test_clock clock;
    struct stamp one, two;

    (void)state;
    clock_init(&clock);
    stamp_init(&one, &clock.clock, 1, false, 0);
    stamp_init(&two, &clock.clock, 2, false, 0);
    for (int i = 0; i < 1000; i++) {
        int64_t a = stamp_next(&one), b = stamp_next(&two);

        assert_true(a != b);
        assert_int_equal(a / STAMP_STEP, b / STAMP_STEP);
    }
}

static void test_stamps_are_close_to_the_wall_clock(void **state)
{
    struct test_clock clock;
    struct stamp stamp;

    (void)state;
    clock_init(&clock);
    stamp_init(&stamp, &clock.clock, 5, false, 0);
    for (int i = 0; i < 100; i++) {
        int64_t got = stamp_next(&stamp);

        assert_true(got > clock.wall - STAMP_STEP && got < clock.wall + STAMP_STEP);
        pass(&clock, second / 7);
    }
    assert_int_equal(stamp_now(&stamp), clock.wall);
    stamp_raise(&stamp, clock.wall + 100); /* a reader's S, as great as a stamp can be */
    assert_int_equal(stamp_now(&stamp), clock.wall + 100);
    assert_true(stamp_next(&stamp) > clock.wall + 100);
    stamp_raise(&stamp, 5); /* never lowers */
    assert_true(stamp_next(&stamp) > clock.wall + 100);
}

/* A member from the future does not take our times along. */
static void test_stamps_go_above_those_of_others_that_are_not_far(void **state)
{
    static const int64_t ahead_ns_max = 60 * INT64_C(1000000000);

    (void)state;
    for (int more = -1; more <= 1; more++) {
        struct test_clock clock;
        struct stamp stamp;
        int64_t theirs;

        clock_init(&clock);
        stamp_init(&stamp, &clock.clock, 5, false, 0);
        theirs = clock.wall + ahead_ns_max + more;
        assert_int_equal(stamp_is_far(&stamp, theirs), more > 0);
        stamp_raise_above(&stamp, theirs);
        assert_int_equal(stamp_now(&stamp), more > 0 ? clock.wall : theirs);
        stamp_raise_above(&stamp, INT64_MIN); /* nothing is known of it */
        assert_int_equal(stamp_now(&stamp), more > 0 ? clock.wall : theirs);
    }
}

static void test_a_clock_that_jumped_is_told_until_it_is_back(void **state)
{
    static const struct {
        const char *name;
        int64_t jump_seconds;
        bool accept;
        enum code want;
        const char *text;
    } cases[] = {
        {"no jump",            0,      false, OK,           ""                  },
        {"a minute on",        60,     false, OK,           ""                  },
        {"more than a minute", 61,     false, E_CLOCK_SKEW, "jumped by 61 s"    },
        {"a year on",          31e6,   false, E_CLOCK_SKEW, "jumped by 31000000"},
        {"a minute back",      -59,    false, OK,           ""                  },
        {"more, back",         -61,    false, E_CLOCK_SKEW, "--accept-clock"    },
        {"a year, accepted",   31e6,   true,  OK,           ""                  },
        {"back, accepted",     -86400, true,  OK,           ""                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_clock clock;
        struct stamp stamp;
        struct error err = {0};
        int64_t before, after;

        clock_init(&clock);
        stamp_init(&stamp, &clock.clock, 0, cases[i].accept, 0);
        before = stamp_next(&stamp);
        clock.wall += cases[i].jump_seconds * second;
        for (int again = 0; again < 2; again++)
            if (stamp_check(&stamp, &err) != cases[i].want ||
                (cases[i].want && strstr(err.text, cases[i].text) == NULL))
                fail_msg("%s: %s", cases[i].name, err.text);
        after = stamp_next(&stamp);
        assert_true(after > before);
        if (cases[i].want && after > start + 2 * second)
            fail_msg("%s: a clock that is not trusted made a stamp", cases[i].name);
        if (cases[i].want) {
            clock.wall -= cases[i].jump_seconds * second;
            assert_int_equal(stamp_check(&stamp, &err), OK);
        }
    }
}

static void test_slow_corrections_add_up_to_anything(void **state)
{
    struct test_clock clock;
    struct stamp stamp;

    (void)state;
    clock_init(&clock);
    stamp_init(&stamp, &clock.clock, 0, false, 0);
    for (int i = 0; i < 100; i++) {
        pass(&clock, second);
        clock.wall += 50 * second;
        assert_int_equal(stamp_check(&stamp, NULL), OK);
    }
    assert_true(stamp_next(&stamp) > start + 5000 * second);
}

/* After a restart, the clock must not stand far below what is stored. */
/* Also with --accept-clock: above the last time there is no other. */
static void test_the_end_of_time_is_told(void **state)
{
    static const int64_t end = INT64_MAX - 86400 * INT64_C(1000000000);
    static const struct {
        int64_t wall, last;
        enum code want;
    } cases[] = {
        {end - 1,   0,         OK          },
        {end,       0,         E_CLOCK_SKEW},
        {INT64_MAX, 0,         E_CLOCK_SKEW},
        {end - 1,   end - 1,   OK          },
        {start,     end,       E_CLOCK_SKEW},
        {start,     INT64_MAX, E_CLOCK_SKEW},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_clock clock;
        struct stamp stamp;
        struct error err = {0};

        clock_init(&clock);
        clock.wall = cases[i].wall;
        stamp_init(&stamp, &clock.clock, 3, true, cases[i].last);
        if (stamp_check(&stamp, &err) != cases[i].want)
            fail_msg("case %zu: %s", i, err.text);
        if (cases[i].want == OK)
            assert_true(stamp_next(&stamp) > cases[i].last);
        else
            assert_non_null(strstr(err.text, "2262-04-10"));
    }
}

static void test_a_clock_below_the_newest_stamp_is_told(void **state)
{
    struct test_clock clock;
    struct stamp stamp;
    struct error err = {0};

    (void)state;
    clock_init(&clock);
    stamp_init(&stamp, &clock.clock, 0, false, start + 3600 * second);
    assert_int_equal(stamp_check(&stamp, &err), E_CLOCK_SKEW);
    assert_non_null(strstr(err.text, "3600 s below the newest stored ingest time"));
    assert_int_equal(stamp_ahead(&stamp), 3600 * second);
    pass(&clock, 3539 * second);
    assert_int_equal(stamp_ahead(&stamp), 61 * second);
    pass(&clock, 2 * second);
    assert_int_equal(stamp_ahead(&stamp), 0);
    assert_int_equal(stamp_check(&stamp, &err), OK);
    assert_true(stamp_next(&stamp) > start + 3600 * second);
    stamp_init(&stamp, &clock.clock, 0, true, start + 9999 * second);
    assert_int_equal(stamp_check(&stamp, &err), OK);
    assert_true(stamp_next(&stamp) > start + 9999 * second);
    assert_true(stamp_ahead(&stamp) > 6000 * second);
}

/* Of two whose clocks differ the one that is ahead stops, at the moment at which its clock jumps,
 * and goes on when it is back. */
static void test_a_clock_ahead_of_others_stamps_nothing(void **state)
{
    const int64_t skew = 250000000;
    struct test_clock clock;
    struct stamp stamp;
    struct error err = {0};
    int64_t given;

    (void)state;
    clock_init(&clock);
    stamp_init(&stamp, &clock.clock, 3, false, 0);
    clock.wall += 10 * second;
    assert_int_equal(stamp_check(&stamp, NULL), OK); /* nobody was asked */
    stamp_compare(&stamp, clock.wall - clock.boot, 10 * second);
    assert_int_equal(stamp_check(&stamp, &err), E_CLOCK_SKEW);
    assert_non_null(strstr(err.text, "10000 ms ahead of those of other members, and 250 ms pass"));
    assert_int_equal(stamp_wall(&stamp), clock.wall - 10 * second); /* for readers: as the others */
    stamp_alone(&stamp); /* the others are gone: it is wrong all the same */
    assert_int_equal(stamp_check(&stamp, NULL), E_CLOCK_SKEW);
    clock.wall -= 10 * second;
    assert_int_equal(stamp_check(&stamp, NULL), OK);
    given = stamp_next(&stamp);
    assert_true(given <= clock.wall + skew);

    stamp_compare(&stamp, clock.wall - clock.boot, 0); /* they agree */
    pass(&clock, second);
    clock.wall += skew;
    assert_int_equal(stamp_check(&stamp, NULL), OK);
    clock.wall += 1;
    assert_int_equal(stamp_check(&stamp, NULL), E_CLOCK_SKEW);
    assert_true(stamp_next(&stamp) < clock.wall); /* of one that was checked before */
    clock.wall -= 1;
    stamp_alone(&stamp);
    clock.wall += 1;
    assert_int_equal(stamp_check(&stamp, NULL), OK);

    stamp_compare(&stamp, clock.wall - clock.boot, -5 * second); /* behind: others stop */
    assert_int_equal(stamp_check(&stamp, NULL), OK);
    stamp_init(&stamp, &clock.clock, 3, true, 0); /* --accept-clock */
    stamp_compare(&stamp, clock.wall - clock.boot, 10 * second);
    assert_int_equal(stamp_check(&stamp, NULL), OK);
    assert_int_equal(stamp_wall(&stamp), clock.wall);
}

/* Who reads goes above what the clock that is furthest ahead has others give, and not further than
 * clocks may be apart. */
static void test_readers_are_above_all_clocks(void **state)
{
    static const struct {
        int64_t behind, want;
    } cases[] = {
        {-5000000,  250000000},
        {0,         250000000},
        {1,         250000001},
        {249999999, 499999999},
        {250000000, 500000000},
        {250000001, 500000000},
    };
    struct test_clock clock;
    struct stamp stamp;

    (void)state;
    clock_init(&clock);
    stamp_init(&stamp, &clock.clock, 3, false, 0);
    assert_int_equal(stamp_above_others(&stamp), clock.wall + 250000000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        stamp_follow(&stamp, cases[i].behind);
        assert_int_equal(stamp_above_others(&stamp), clock.wall + cases[i].want);
    }
    stamp_raise(&stamp, clock.wall + second);
    assert_int_equal(stamp_above_others(&stamp), clock.wall + second);
}

/* It would give stamps below those that the others gave a minute ago. */
static void test_a_clock_far_behind_others_stamps_nothing(void **state)
{
    static const struct {
        int64_t lead_ns;
        enum code want;
    } cases[] = {
        {-59 * INT64_C(1000000000),     OK          },
        {-60 * INT64_C(1000000000),     OK          },
        {-60 * INT64_C(1000000000) - 1, E_CLOCK_SKEW},
        {-90 * INT64_C(1000000000),     E_CLOCK_SKEW},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct test_clock clock;
        struct stamp stamp;
        struct error err = {0};

        clock_init(&clock);
        stamp_init(&stamp, &clock.clock, 3, false, 0);
        stamp_compare(&stamp, clock.wall - clock.boot, cases[i].lead_ns);
        if (stamp_check(&stamp, &err) != cases[i].want)
            fail_msg("%lld: %s", (long long)cases[i].lead_ns, err.text);
        stamp_alone(&stamp);
        if (stamp_check(&stamp, &err) != cases[i].want)
            fail_msg("%lld, and alone: %s", (long long)cases[i].lead_ns, err.text);
        stamp_forget(&stamp); /* nobody can say so any more */
        assert_int_equal(stamp_check(&stamp, NULL), OK);
        stamp_init(&stamp, &clock.clock, 3, true, 0);
        stamp_compare(&stamp, clock.wall - clock.boot, cases[i].lead_ns);
        assert_int_equal(stamp_check(&stamp, NULL), OK);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamps_ascend_and_carry_their_member),
        cmocka_unit_test(test_members_do_not_meet),
        cmocka_unit_test(test_stamps_are_close_to_the_wall_clock),
        cmocka_unit_test(test_stamps_go_above_those_of_others_that_are_not_far),
        cmocka_unit_test(test_a_clock_that_jumped_is_told_until_it_is_back),
        cmocka_unit_test(test_slow_corrections_add_up_to_anything),
        cmocka_unit_test(test_a_clock_below_the_newest_stamp_is_told),
        cmocka_unit_test(test_the_end_of_time_is_told),
        cmocka_unit_test(test_a_clock_ahead_of_others_stamps_nothing),
        cmocka_unit_test(test_readers_are_above_all_clocks),
        cmocka_unit_test(test_a_clock_far_behind_others_stamps_nothing),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
