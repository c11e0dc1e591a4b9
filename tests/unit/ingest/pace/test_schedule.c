#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/zone.h"
#include "ingest/pace/moment.h"
#include "ingest/pace/schedule.h"
#include "tests/unit/base/times.h"

#define MINUTE (60 * MOMENT_SECOND)
#define HOUR (60 * MINUTE)

static int64_t next(const struct source_schedule *schedule, uint64_t place, const char *last,
                    const char *now)
{
    return schedule_next(schedule, place, last ? time_of(last) : INT64_MIN, 0, time_of(now));
}

static void test_a_pull_is_every_so_long_after_the_last_began(void **state)
{
    const struct source_schedule schedule = {.every_ns = 6 * HOUR, .jitter_ns = 10 * MINUTE};

    (void)state;
    assert_int_equal(next(&schedule, 7, "2024-01-01T10:00:00Z", "2024-01-01T10:01:00Z"),
                     time_of("2024-01-01T16:00:00Z"));
    /* What is new is at once; what is late at its own place within the jitter, which is that of
     * what was new, from its second pull on. */
    for (uint64_t place = 0; place < 1000; place++) {
        uint64_t spread = place * (uint64_t)MINUTE;
        int64_t late = next(&schedule, spread, "2024-01-01T01:00:00Z", "2024-01-01T10:00:00Z");

        assert_true(late >= time_of("2024-01-01T10:00:00Z") &&
                    late <= time_of("2024-01-01T10:10:00Z"));
        assert_int_equal(time_of("2024-01-01T10:00:00Z") + schedule_spread(&schedule, spread),
                         late);
        assert_int_equal(next(&schedule, spread, NULL, "2024-01-01T10:00:00Z"),
                         time_of("2024-01-01T10:00:00Z"));
    }
    assert_int_equal(schedule_spread(&schedule, (uint64_t)(3 * MINUTE)), 3 * MINUTE);
}

static void test_a_time_of_the_day_is_that_of_its_zone(void **state)
{
    static const struct {
        const char *last, *now, *want;
        int64_t days;
    } cases[] = {
        {NULL,                        "2024-01-01T10:00:00+01:00", "2024-01-02T02:30:00+01:00", 1},
        {NULL,                        "2024-01-01T01:00:00+01:00", "2024-01-01T02:30:00+01:00", 1},
        {NULL,                        "2024-01-01T01:00:00+01:00", "2024-01-01T02:30:00+01:00", 7},
        {"2024-01-02T02:30:00+01:00", "2024-01-02T02:30:01+01:00", "2024-01-03T02:30:00+01:00", 1},
        {"2024-01-02T15:00:00+01:00", "2024-01-02T15:00:00+01:00", "2024-01-03T02:30:00+01:00", 1},
        {"2024-01-02T02:29:00+01:00", "2024-01-02T02:29:00+01:00", "2024-01-02T02:30:00+01:00", 1},
        {"2024-01-02T02:30:00+01:00", "2024-01-02T02:30:01+01:00", "2024-01-09T02:30:00+01:00", 7},
        {"2024-03-30T03:00:00+01:00", "2024-03-30T03:00:00+01:00", "2024-03-31T01:00:00Z",
         1                                                                                       }, /* none */
        {"2024-03-31T03:00:00+02:00", "2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00", 1},
        {"2024-10-26T03:00:00+02:00", "2024-10-26T03:00:00+02:00", "2024-10-27T02:30:00+02:00",
         1                                                                                       }, /* two */
        {"2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00", 1},
        {"2024-01-02T02:30:00+01:00", "2024-01-05T10:00:00+01:00", "2024-01-05T10:00:00+01:00",
         1                                                                                       }, /* late */
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct source_schedule schedule = {.every_ns = cases[i].days * MOMENT_DAY,
                                                 .daily = true,
                                                 .at_s = 2 * 3600 + 1800,
                                                 .zone = zone_of("Europe/Paris", &arena)};
        int64_t got = next(&schedule, 5, cases[i].last, cases[i].now);

        if (got != time_of(cases[i].want))
            fail_msg("%zu: got %lld s too late", i,
                     (long long)((got - time_of(cases[i].want)) / MOMENT_SECOND));
    }
    arena_release(&arena);
}

static void test_its_place_in_the_jitter_stays_each_day(void **state)
{
    const struct source_schedule schedule = {
        .every_ns = MOMENT_DAY, .jitter_ns = 20 * MINUTE, .daily = true, .at_s = 6 * 3600};
    uint64_t place = (uint64_t)(13 * MINUTE);

    (void)state;
    assert_int_equal(schedule_spread(&schedule, place), 0);
    assert_int_equal(next(&schedule, place, NULL, "2024-01-01T06:10:00Z"),
                     time_of("2024-01-01T06:13:00Z"));
    assert_int_equal(next(&schedule, place, "2024-01-01T06:13:00Z", "2024-01-01T06:13:00Z"),
                     time_of("2024-01-02T06:13:00Z"));
    assert_int_equal(next(&schedule, place, "2024-01-01T06:13:01Z", "2024-01-01T06:14:00Z"),
                     time_of("2024-01-02T06:13:00Z"));
}

static void test_not_before_an_answer_expires(void **state)
{
    struct source_schedule schedule = {.every_ns = HOUR, .jitter_ns = 6 * MINUTE};
    int64_t last = time_of("2024-01-01T10:00:00Z"), expires = time_of("2024-01-01T11:30:00Z");
    uint64_t place = (uint64_t)(4 * MINUTE);

    (void)state;
    assert_int_equal(schedule_next(&schedule, place, last, expires, last), last + HOUR);
    schedule.respect_expires = true;
    assert_int_equal(schedule_next(&schedule, place, last, expires, last), expires + 4 * MINUTE);
    assert_int_equal(schedule_next(&schedule, place, last, last, last), last + HOUR);
    assert_int_equal(schedule_next(&schedule, place, last, 0, last), last + HOUR);
    assert_int_equal(schedule_next(&schedule, place, INT64_MAX - 5, 0, last), INT64_MAX);
}

static void test_places_are_spread_and_stay(void **state)
{
    (void)state;
    assert_true(schedule_place(BYTES("a"), BYTES("b")) == schedule_place(BYTES("a"), BYTES("b")));
    assert_true(schedule_place(BYTES("a"), BYTES("b")) != schedule_place(BYTES("ab"), BYTES("")));
    assert_true(schedule_place(BYTES("a"), BYTES("b")) != schedule_place(BYTES("a"), BYTES("c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pull_is_every_so_long_after_the_last_began),
        cmocka_unit_test(test_a_time_of_the_day_is_that_of_its_zone),
        cmocka_unit_test(test_its_place_in_the_jitter_stays_each_day),
        cmocka_unit_test(test_not_before_an_answer_expires),
        cmocka_unit_test(test_places_are_spread_and_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
