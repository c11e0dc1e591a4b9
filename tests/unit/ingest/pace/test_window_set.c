#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pace/moment.h"
#include "ingest/pace/window_set.h"
#include "tests/unit/base/times.h"
#include "tests/unit/codec/seed.h"

#define SECOND MOMENT_SECOND
#define HOUR (3600 * SECOND)

static struct arena arena;
static struct source_window rules;
static struct window_set windows;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    rules = (struct source_window){.given = true, .until_ns = INT64_MAX};
    window_set_init(&windows, &rules);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    window_set_release(&windows);
    arena_release(&arena);
    return 0;
}

static struct span span_of(const char *text)
{
    struct span span = {0};
    struct error err = {0};

    assert_int_equal(span_parse(bytes_of(text), &span, &err), OK);
    return span;
}

static void done(const char *start, const char *end)
{
    struct error err = {0};

    assert_int_equal(window_set_done(&windows, time_of(start), time_of(end), &err), OK);
}

static void expect_window(const char *at, const char *start, const char *end)
{
    struct stretch_of_time window = {0};
    struct error err = {0};

    assert_int_equal(window_set_at(&windows, time_of(at), &window, &err), OK);
    if (window.start_ns != time_of(start) || window.end_ns != time_of(end)) {
        char text[2][TIMESTAMP_TEXT_SIZE];

        fail_msg("%s: got %.*s to %.*s", at, (int)timestamp_print(window.start_ns, text[0]),
                 text[0], (int)timestamp_print(window.end_ns, text[1]), text[1]);
    }
}

static void test_windows_are_of_the_calendar(void **state)
{
    (void)state;
    rules.from_ns = time_of("2023-01-01T00:00:00+01:00");
    rules.zone = zone_of("Europe/Paris", &arena);
    rules.step = span_of("P1D");
    expect_window("2023-01-01T00:00:00+01:00", "2023-01-01T00:00:00+01:00",
                  "2023-01-02T00:00:00+01:00");
    expect_window("2024-03-31T20:00:00Z", "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00");
    expect_window("2024-10-27T23:59:59+01:00", "2024-10-27T00:00:00+02:00",
                  "2024-10-28T00:00:00+01:00");
    rules.step = span_of("P1M");
    expect_window("2024-02-29T12:00:00Z", "2024-02-01T00:00:00+01:00", "2024-03-01T00:00:00+01:00");
    rules.step = span_of("P1W");
    expect_window("2023-03-27T00:00:00Z", "2023-03-26T00:00:00+01:00", "2023-04-02T00:00:00+02:00");
    rules.step = span_of("PT1H");
    expect_window("2099-06-01T12:34:56Z", "2099-06-01T12:00:00Z", "2099-06-01T13:00:00Z");
    rules.from_ns = time_of("2023-01-31T00:00:00+01:00");
    rules.step = span_of("P1M");
    expect_window("2023-02-28T12:00:00Z", "2023-02-28T00:00:00+01:00", "2023-03-31T00:00:00+02:00");
    rules.until_ns = time_of("2023-03-15T00:00:00Z");
    expect_window("2023-02-28T12:00:00Z", "2023-02-28T00:00:00+01:00", "2023-03-15T00:00:00Z");
}

static void test_a_day_that_a_zone_left_out_is_no_window(void **state)
{
    (void)state;
    rules.from_ns = time_of("2011-12-28T00:00:00-10:00");
    rules.zone = zone_of("Pacific/Apia", &arena);
    rules.step = span_of("P1D");
    expect_window("2011-12-29T12:00:00-10:00", "2011-12-29T00:00:00-10:00",
                  "2011-12-31T00:00:00+14:00");
    expect_window("2011-12-31T12:00:00+14:00", "2011-12-31T00:00:00+14:00",
                  "2012-01-01T00:00:00+14:00");
}

/* Each window begins where the one before ends, found from any of its moments. */
static void test_windows_meet(void **state)
{
    static const char *const steps[] = {"P1D", "P1M", "P1Y", "PT1H", "P1W", "P1DT12H", "P2M", "7s"};
    static const char *const zones[] = {"UTC", "Europe/London", "America/New_York", "Pacific/Apia",
                                        "Australia/Lord_Howe"};
    struct random random;

    (void)state;
    seed_random(&random);
    for (size_t i = 0; i < COUNT_OF(steps) * COUNT_OF(zones); i++) {
        rules.step = span_of(steps[i % COUNT_OF(steps)]);
        rules.zone = zone_of(zones[i / COUNT_OF(steps)], &arena);
        rules.from_ns = time_of("1999-12-31T02:30:00Z");
        for (int try = 0; try < 50; try++) {
            int64_t ns =
                rules.from_ns + (int64_t)random_below(&random, 40ULL * 365 * 86400) * SECOND;
            struct stretch_of_time window = {0}, next = {0}, last = {0};
            struct error err = {0};

            assert_int_equal(window_set_at(&windows, ns, &window, &err), OK);
            assert_true(window.start_ns <= ns && ns < window.end_ns);
            assert_int_equal(window_set_at(&windows, window.end_ns, &next, &err), OK);
            assert_int_equal(next.start_ns, window.end_ns);
            assert_int_equal(window_set_at(&windows, window.end_ns - 1, &last, &err), OK);
            assert_int_equal(last.start_ns, window.start_ns);
        }
    }
}

/* What is done and taken back, against a map with a bit a second. */
static void test_what_is_done_is_a_set(void **state)
{
    enum { MAP = 400 };
    bool map[MAP] = {false};
    struct random random;
    struct error err = {0};

    (void)state;
    seed_random(&random);
    rules.step.ns = SECOND;
    for (int i = 0; i < 20000; i++) {
        int64_t start = (int64_t)random_below(&random, MAP),
                size = (int64_t)random_below(&random, 30);
        int64_t end = start + size > MAP ? MAP : start + size;
        bool undo = random_chance(&random, 2);
        bool all = true;
        int64_t from = i % 2 == 0 ? 0 : start, contiguous = from;
        size_t stretches = 0;

        for (int64_t at = start; at < end; at++)
            all = all && map[at];
        assert_int_equal(window_set_has(&windows, start * SECOND, end * SECOND), all);
        assert_int_equal((undo ? window_set_undo : window_set_done)(&windows, start * SECOND,
                                                                    end * SECOND, &err),
                         OK);
        for (int64_t at = start; at < end; at++)
            map[at] = !undo;
        while (contiguous < MAP && map[contiguous])
            contiguous++;
        assert_int_equal(window_set_contiguous(&windows, from * SECOND), contiguous * SECOND);
        for (int64_t at = 0; at < MAP; at++)
            if (map[at] && (at == 0 || !map[at - 1])) {
                int64_t until = at;

                while (until < MAP && map[until])
                    until++;
                assert_true(stretches < windows.done_count);
                assert_int_equal(windows.done[stretches].start_ns, at * SECOND);
                assert_int_equal(windows.done[stretches++].end_ns, until * SECOND);
            }
        assert_int_equal(stretches, windows.done_count);
    }
}

static size_t live(const char *now, struct window_work *work, size_t room, int64_t *floor_ns)
{
    struct error err = {0};
    size_t count = 0;

    if (window_set_live(&windows, time_of(now), work, room, &count, floor_ns, &err) != OK)
        fail_msg("%s", err.text);
    return count;
}

static void expect_work(const struct window_work *work, const char *start, const char *end)
{
    assert_int_equal(work->window.start_ns, time_of(start));
    assert_int_equal(work->window.end_ns, time_of(end));
}

static void test_a_pull_asks_what_is_new_and_what_overlaps(void **state)
{
    struct window_work work[8];
    int64_t floor_ns;

    (void)state;
    rules.from_ns = time_of("2024-01-01T00:00:00Z");
    rules.step = span_of("P1D");
    assert_int_equal(live("2023-12-31T00:00:00Z", work, 8, &floor_ns), 0);
    assert_int_equal(live("2024-01-01T00:00:00.5Z", work, 8, &floor_ns), 0);
    assert_int_equal(live("2024-03-10T10:00:00.7Z", work, 8, &floor_ns), 1); /* nothing yet */
    expect_work(&work[0], "2024-03-10T00:00:00Z", "2024-03-10T10:00:00Z");
    assert_true(work[0].live);
    assert_int_equal(floor_ns, time_of("2024-03-10T00:00:00Z"));
    done("2024-03-10T00:00:00Z", "2024-03-10T10:00:00Z");
    assert_int_equal(live("2024-03-10T10:00:00Z", work, 8, &floor_ns), 0); /* nothing new */
    assert_int_equal(live("2024-03-10T09:00:00Z", work, 8, &floor_ns), 0); /* a clock set back */
    assert_int_equal(live("2024-03-10T11:00:00Z", work, 8, &floor_ns), 1);
    expect_work(&work[0], "2024-03-10T00:00:00Z", "2024-03-10T11:00:00Z");
    assert_int_equal(live("2024-03-12T00:00:00Z", work, 8, &floor_ns), 2); /* away for a day */
    expect_work(&work[0], "2024-03-11T00:00:00Z", "2024-03-12T00:00:00Z");
    expect_work(&work[1], "2024-03-10T00:00:00Z", "2024-03-11T00:00:00Z");
    assert_int_equal(live("2024-04-10T00:00:01Z", work, 2, &floor_ns), 32);
    expect_work(&work[1], "2024-04-09T00:00:00Z", "2024-04-10T00:00:00Z");
    assert_int_equal(live("2024-04-10T00:00:01Z", work, 0, &floor_ns), 32);
    rules.overlap = span_of("P2D");
    assert_int_equal(live("2024-03-10T10:00:00Z", work, 8, &floor_ns), 3);
    expect_work(&work[2], "2024-03-08T00:00:00Z", "2024-03-09T00:00:00Z");
    assert_int_equal(floor_ns, time_of("2024-03-08T00:00:00Z"));
    rules.lag = span_of("10h");
    assert_int_equal(live("2024-03-10T10:00:00Z", work, 8, &floor_ns), 2);
    expect_work(&work[0], "2024-03-09T00:00:00Z", "2024-03-10T00:00:00Z");
    rules.until_ns = time_of("2024-03-09T12:00:00Z");
    assert_int_equal(live("2024-03-30T10:00:00Z", work, 8, &floor_ns), 3);
    expect_work(&work[0], "2024-03-09T00:00:00Z", "2024-03-09T12:00:00Z");
    rules.overlap = span_of("P900Y");
    assert_int_equal(live("2024-03-30T10:00:00Z", work, 8, &floor_ns), 69);
}

static bool is_busy(void *context, int64_t start_ns)
{
    int *calls = context;

    ++*calls;
    return start_ns == time_of("2024-02-28T00:00:00Z");
}

static bool history(const char *before, const char *floor, struct window_work *work)
{
    struct error err = {0};
    bool found = false;
    int calls = 0;

    assert_int_equal(window_set_history(&windows, time_of(before),
                                        floor ? time_of(floor) : INT64_MIN, is_busy, &calls, work,
                                        &found, &err),
                     OK);
    assert_true(calls <= 2); /* not as many as there are windows */
    return found;
}

static void test_history_goes_back_over_what_is_done(void **state)
{
    struct window_work work;

    (void)state;
    rules.from_ns = time_of("2024-01-01T00:00:00Z");
    rules.step = span_of("P1D");
    assert_true(history("2024-03-01T00:00:00Z", NULL, &work));
    expect_work(&work, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
    assert_false(work.live);
    assert_true(history("2024-03-01T10:00:00Z", NULL, &work)); /* one that ends behind is none */
    expect_work(&work, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
    done("2024-02-29T00:00:00Z", "2024-04-01T00:00:00Z");
    assert_true(history("2024-03-01T00:00:00Z", NULL, &work)); /* the 28th is being asked */
    expect_work(&work, "2024-02-27T00:00:00Z", "2024-02-28T00:00:00Z");
    done("2024-01-05T12:00:00Z", "2024-03-01T00:00:00Z");
    assert_true(history("2024-03-01T00:00:00Z", NULL, &work)); /* half of it is not done */
    expect_work(&work, "2024-01-05T00:00:00Z", "2024-01-06T00:00:00Z");
    assert_true(history("2024-03-01T00:00:00Z", "2024-01-05T00:00:00Z", &work));
    assert_false(history("2024-03-01T00:00:00Z", "2024-01-05T00:00:01Z", &work));
    done("2024-01-01T00:00:00Z", "2024-01-06T00:00:00Z");
    assert_false(history("2024-03-01T00:00:00Z", NULL, &work));
    assert_int_equal(windows.done_count, 1);
}

static bool nobody(void *context, int64_t start_ns)
{
    (void)context;
    (void)start_ns;
    return false;
}

/* Ten million windows, from the newest to the first, take a stretch and no time. */
static void test_many_windows_are_one_stretch(void **state)
{
    int64_t before_ns, end_ns;
    struct error err = {0};
    bool found = true;

    (void)state;
    rules.from_ns = time_of("1990-01-01T00:00:00Z");
    rules.step = span_of("P1D");
    rules.zone = zone_of("Europe/London", &arena);
    end_ns = before_ns = time_of("2026-01-01T00:00:00Z");
    for (size_t count = 0; found; count++) {
        struct window_work work;

        assert_int_equal(
            window_set_history(&windows, end_ns, INT64_MIN, nobody, NULL, &work, &found, &err), OK);
        if (!found) {
            assert_int_equal(count, 13149); /* days */
            break;
        }
        assert_int_equal(work.window.end_ns, before_ns);
        before_ns = work.window.start_ns;
        assert_int_equal(window_set_done(&windows, work.window.start_ns, work.window.end_ns, &err),
                         OK);
        assert_int_equal(windows.done_count, 1);
    }
    assert_int_equal(window_set_contiguous(&windows, rules.from_ns), end_ns);
    rules.step = span_of("100s");
    assert_int_equal(
        window_set_undo(&windows, rules.from_ns + HOUR, rules.from_ns + HOUR + 1, &err), OK);
    for (int i = 0; i < 2; i++) {
        struct window_work work = {0};

        assert_int_equal(
            window_set_history(&windows, end_ns, INT64_MIN, nobody, NULL, &work, &found, &err), OK);
        assert_int_equal(found, i == 0);
        if (found)
            assert_int_equal(work.window.start_ns, rules.from_ns + HOUR);
        assert_int_equal(window_set_done(&windows, rules.from_ns, end_ns, &err), OK);
    }
}

static void test_a_window_is_halved_down_to_the_least(void **state)
{
    struct stretch_of_time window = {0, 16 * HOUR}, halves[2];
    int times = 0;

    (void)state;
    rules.step_min = span_of("1h");
    while (window_set_split(&windows, &window, halves)) {
        assert_int_equal(halves[0].start_ns, window.start_ns);
        assert_int_equal(halves[0].end_ns, halves[1].start_ns);
        assert_int_equal(halves[1].end_ns, window.end_ns);
        assert_int_equal(halves[0].end_ns % SECOND, 0);
        window = halves[times++ % 2];
    }
    assert_int_equal(times, 4);
    rules.step_min = span_of("1s");
    window = (struct stretch_of_time){0, 5 * SECOND};
    assert_true(window_set_split(&windows, &window, halves));
    assert_int_equal(halves[0].end_ns, 2 * SECOND);
    window = (struct stretch_of_time){0, SECOND};
    assert_false(window_set_split(&windows, &window, halves));
    rules.step_min.ns = 1;
    assert_false(window_set_split(&windows, &window, halves));
}

static void test_halves_of_dates_are_dates(void **state)
{
    struct stretch_of_time window = {time_of("2024-03-30T00:00:00+01:00"),
                                     time_of("2024-04-02T00:00:00+02:00")};
    struct stretch_of_time halves[2];

    (void)state;
    rules.step_min = span_of("1h");
    rules.zone = zone_of("Europe/Paris", &arena);
    rules.format.kind = SOURCE_TIME_DATE;
    assert_true(window_set_split(&windows, &window, halves));
    assert_int_equal(halves[0].end_ns, time_of("2024-03-31T00:00:00+01:00"));
    assert_false(window_set_split(&windows, &halves[0], halves));
    rules.format =
        (struct source_time_format){.kind = SOURCE_TIME_PATTERN, .pattern = BYTES("%Y%m%d")};
    assert_true(window_set_split(&windows, &window, halves));
    assert_int_equal(halves[0].end_ns, time_of("2024-03-31T00:00:00+01:00"));
    rules.format.pattern = BYTES("%Y-%m");
    assert_false(window_set_split(&windows, &window, halves));
    rules.format.pattern = BYTES("%Y%m%d%H%M");
    assert_true(window_set_split(&windows, &window, halves));
    assert_int_equal(halves[0].end_ns, time_of("2024-03-31T12:30:00+02:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_windows_are_of_the_calendar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_day_that_a_zone_left_out_is_no_window, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_windows_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_done_is_a_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pull_asks_what_is_new_and_what_overlaps, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_history_goes_back_over_what_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_windows_are_one_stretch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_window_is_halved_down_to_the_least, setup, teardown),
        cmocka_unit_test_setup_teardown(test_halves_of_dates_are_dates, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
