#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "ingest/pace/past.h"
#include "ingest/source/source.h"
#include "tests/unit/codec/seed.h"

#define SECOND MOMENT_SECOND

static struct moment at(int64_t ns)
{
    return (struct moment){20000 * MOMENT_DAY + ns, 5 * SECOND + ns};
}

static void add(struct past *past, struct moment began, uint32_t weight)
{
    const struct past_note note = {began, 0, weight};
    struct error err = {0};

    assert_int_equal(past_add(past, &note, &began, &err), OK);
}

/* Of the last so many ns, as the notes say, and as it was. */
static uint64_t weight_since(const struct past *past, struct moment now, int64_t span_ns)
{
    uint64_t weight = 0;

    for (size_t i = 0; i < past->count; i++)
        if (now.boot_ns - past->notes[i].last.boot_ns < span_ns)
            weight += past->notes[i].weight;
    return weight;
}

enum { REQUESTS_MAX = 200000 };

static int64_t began_ns[REQUESTS_MAX];

/* In no span are there fewer than there were, nor more than in one that is a thirty-second longer;
 * however often it is thinned, and however long it goes on. */
static void test_what_counts_in_a_span_is_told_from_the_safe_side(void **state)
{
    static const int64_t spans[] = {SECOND, 10 * SECOND, 60 * SECOND, 3600 * SECOND,
                                    2 * MOMENT_DAY};
    struct past past = {0};
    struct random random;
    int64_t ns = 0;

    (void)state;
    seed_random(&random);
    for (int i = 0; i < REQUESTS_MAX; i++) {
        ns += (int64_t)random_below(&random, 4) == 0 ? (int64_t)random_below(&random, 8 * SECOND)
                                                     : SECOND / 50;
        began_ns[i] = ns;
        add(&past, at(ns), 1);
        if (i % 997 != 0)
            continue;
        if (i % 2 == 0) {
            const struct moment now = at(ns);

            past_thin(&past, &now);
        }
        for (size_t s = 0; s < COUNT_OF(spans); s++) {
            uint64_t had = weight_since(&past, at(ns), spans[s]), were = 0, nearly = 0;

            for (int j = i; j >= 0 && ns - began_ns[j] <= spans[s] + spans[s] / 31 + SECOND / 100;
                 j--, nearly++)
                were += ns - began_ns[j] < spans[s];
            if (had < were || had > nearly)
                fail_msg("%d: of the last %lld s %llu are known, there were %llu, or %llu", i,
                         (long long)(spans[s] / SECOND), (unsigned long long)had,
                         (unsigned long long)were, (unsigned long long)nearly);
        }
        assert_in_range(past.capacity, 1, 2048);
    }
    past_release(&past);
}

/* A budget of the day that begins has nothing of the day before. */
static void test_days_are_kept_apart(void **state)
{
    struct past past = {0};
    struct moment now = at(MOMENT_DAY + 3600 * SECOND);

    (void)state;
    add(&past, at(MOMENT_DAY - SECOND), 7);
    add(&past, at(MOMENT_DAY), 1);
    add(&past, at(MOMENT_DAY + SECOND), 1);
    past_thin(&past, &now);
    assert_int_equal(past.count, 2);
    assert_int_equal(past.notes[0].weight, 7);
    assert_int_equal(past.notes[1].weight, 2);
    past_release(&past);
}

static void test_a_wall_clock_that_was_set_and_another_boot_keep_apart(void **state)
{
    struct past past = {0};
    struct moment now = at(7200 * SECOND), back = at(3601 * SECOND), other = at(3603 * SECOND);

    (void)state;
    back.wall_ns -= 10 * SECOND;
    other.boot_ns = INT64_MIN;
    add(&past, at(3600 * SECOND), 1);
    add(&past, back, 1);
    add(&past, other, 1);
    past_thin(&past, &now);
    assert_int_equal(past.count, 3);
    past_release(&past);
}

static void test_what_is_older_than_any_limit_goes(void **state)
{
    struct past past = {0};
    struct moment now = at(SOURCE_RATE_SPAN_MAX_NS + 3600 * SECOND), other = at(SECOND);

    (void)state;
    other.boot_ns = INT64_MIN;
    add(&past, at(0), 1);
    add(&past, other, 1);
    past_thin(&past, &now);
    assert_int_equal(past.count, 1);
    assert_int_equal(past.notes[0].last.boot_ns, INT64_MIN);
    now.wall_ns += SECOND;
    past_thin(&past, &now);
    assert_int_equal(past.count, 0);
    past_release(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_counts_in_a_span_is_told_from_the_safe_side),
        cmocka_unit_test(test_days_are_kept_apart),
        cmocka_unit_test(test_a_wall_clock_that_was_set_and_another_boot_keep_apart),
        cmocka_unit_test(test_what_is_older_than_any_limit_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
