/* Each turn of four zones' clocks from 2000 to 2030, against the C library. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ingest/rows/row_step.h"
#include "ingest/rows/row_time.h"
#include "tests/unit/ingest/rows/time_fixture.h"

enum { HOUR_S = 3600, AROUND_S = 6 * HOUR_S, STEP_S = 600 };

static const struct source_time_format iso = {.kind = SOURCE_TIME_ISO};
static const int64_t second_ns = 1000000000;

static struct tm local_of(time_t at)
{
    struct tm local;

    assert_non_null(localtime_r(&at, &local));
    return local;
}

static bool same_clock(const struct tm *a, const struct tm *b)
{
    return a->tm_mday == b->tm_mday && a->tm_hour == b->tm_hour && a->tm_min == b->tm_min &&
           a->tm_sec == b->tm_sec;
}

/* What the library says of the wall clock's text at that moment: the first moment that has it, and
 * the last. */
static void twins(time_t at, time_t *first, time_t *last)
{
    struct tm local = local_of(at);

    *first = *last = at;
    for (time_t other = at - 2 * HOUR_S; other <= at + 2 * HOUR_S; other += STEP_S) {
        struct tm there = local_of(other);

        if (!same_clock(&local, &there))
            continue;
        *first = other < *first ? other : *first;
        *last = other > *last ? other : *last;
    }
}

static int64_t parsed(const struct zone *zone, enum source_ambiguous ambiguous, const char *text,
                      enum code want)
{
    struct error err = {0};
    int64_t ns = 0;
    enum code code = row_time_parse(&iso, zone, ambiguous, bytes_of(text), NULL, &ns, NULL, &err);

    if (code != want)
        fail_msg("%s: %s", text, err.text);
    return ns / second_ns;
}

static void check_moment(const struct zone *zone, time_t at)
{
    struct tm local = local_of(at);
    char text[64], offset[16], whole[96];
    struct buf out = BUF_INIT(100);
    time_t first, last;

    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
    strftime(offset, sizeof(offset), "%z", &local);
    twins(at, &first, &last);
    assert_int_equal(parsed(zone, SOURCE_AMBIGUOUS_FIRST, text, OK), first);
    assert_int_equal(parsed(zone, SOURCE_AMBIGUOUS_SECOND, text, OK), last);
    (void)parsed(zone, SOURCE_AMBIGUOUS_FAIL, text, first == last ? OK : E_BAD_TIME);
    if (local.tm_gmtoff == 0)
        snprintf(whole, sizeof(whole), "%sZ", text);
    else
        snprintf(whole, sizeof(whole), "%s%.3s:%s", text, offset, offset + 3);
    assert_int_equal(row_time_print(&iso, zone, at * second_ns, &out, NULL), OK);
    if (!bytes_equal(buf_bytes(&out), bytes_of(whole)))
        fail_msg("got %.*s, want %s", (int)out.size, out.data, whole);
    assert_int_equal(parsed(NULL, SOURCE_AMBIGUOUS_FAIL, whole, OK), at);
    buf_release(&out);
}

/* Every text of the hours that were left out is refused. */
static void check_gap(const struct zone *zone, time_t turn)
{
    struct tm before = local_of(turn - 1), after = local_of(turn);

    for (long skipped = before.tm_gmtoff; skipped < after.tm_gmtoff; skipped += STEP_S) {
        time_t shown = turn + skipped;
        struct tm utc;
        char text[64];

        assert_non_null(gmtime_r(&shown, &utc));
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
        (void)parsed(zone, SOURCE_AMBIGUOUS_ORDER, text, E_BAD_TIME);
    }
}

/* The half hours of the day that the moment is in are as many as the library says. */
static void check_half_hours(const struct zone *zone, time_t at)
{
    static const struct span half_hour = {.ns = 1800 * (int64_t)1000000000};
    struct source_time time = {.zone = zone, .index_first = 1};
    struct tm local = local_of(at), next;
    struct row_base base = {0};
    time_t begin, end;
    long count;

    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_isdst = -1;
    next = local;
    next.tm_mday++;
    begin = mktime(&local);
    end = mktime(&next);
    count = (long)(end - begin) / 1800;
    assert_true(count == 46 || count == 48 || count == 50);
    base.ns = begin * second_ns;
    base.end_ns = row_step_day_end(zone, base.ns);
    assert_int_equal(base.end_ns, end * second_ns);
    for (long index = 0; index <= count + 1; index++) {
        char text[32];
        struct row_place place;
        enum code code;

        snprintf(text, sizeof(text), "%ld", index);
        code = row_step_index(&time, &base, &half_hour, bytes_of(text), &place, NULL);
        assert_int_equal(code, index < 1 || index > count ? E_BAD_TIME : OK);
        if (code == OK)
            assert_int_equal(place.ns, (begin + (index - 1) * 1800) * second_ns);
    }
}

static void test_every_turn(void **state)
{
    static const char *const names[] = {"Europe/London", "Europe/Paris", "Europe/Copenhagen",
                                        "America/New_York"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        time_t first = 946684800, end = 1924992000; /* 2000-01-01 to 2031-01-01 */
        unsigned turns = 0;
        struct arena arena;
        const struct zone *zone;

        arena_init(&arena, SIZE_MAX, NULL);
        zone = zone_of(names[i], &arena);
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (time_t at = first; at < end; at += HOUR_S) {
            if (local_of(at - HOUR_S).tm_gmtoff == local_of(at).tm_gmtoff)
                continue;
            turns++;
            for (time_t near = at - AROUND_S; near <= at + AROUND_S; near += STEP_S)
                check_moment(zone, near);
            check_gap(zone, at);
            for (int day = -1; day <= 1; day++)
                check_half_hours(zone, at + day * 24 * HOUR_S);
        }
        assert_int_equal(turns, 62);
        arena_release(&arena);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_turn)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
