/* Whole series in pieces are in test_answer_crew.c; here is what borders on others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/twin.c"

#include "query/pixels.h"

enum { POINTS = 4 };

struct line {
    struct limits limits;
    struct twin_clock clock;
    struct twin_sink sink;
    struct watch watch;
    struct query query;
};

static enum code no_time(void *context, const struct place *place, uint32_t row, int64_t *time,
                         bool *known, struct error *err)
{
    (void)context, (void)place, (void)row, (void)time, (void)known;
    return error_set(err, E_INTERNAL, "no row is of a place");
}

/* Rows at these times, of [0, 400), each with its time as value. */
static void add(struct line *line, struct pixels *pixels, const int64_t *times, uint32_t count)
{
    union cell cells[16];
    const struct rows_column column = {0, TYPE_I64, cells, NULL};
    const struct run run = {.time = times, .columns = &column, .column_count = 1, .end = count};

    for (uint32_t i = 0; i < count; i++)
        cells[i].i64 = times[i];
    pixels_init(pixels, &line->watch, &line->query, 1, no_time, NULL);
    assert_int_equal(pixels_begin(pixels, 0, 400, NULL), OK);
    if (count > 0)
        assert_int_equal(pixels_add(pixels, &run, NULL), OK);
    assert_int_equal(pixels_close(pixels, NULL), OK);
}

static void test_two_stretches_are_told_as_one(void **state)
{
    static const struct {
        const char *name;
        int64_t early[4], late[4];
        uint32_t early_count, late_count;
        int64_t told[8]; /* negative: a gap behind the time */
        uint32_t told_count;
    } cases[] = {
        {"few rows as they are",   {1, 2},       {101, 102},      2, 2, {1, 2, 101, 102},     4},
        {"more than points",       {1, 2, 3},    {101, 102, 103}, 3, 3, {1, 3, 101, 103},     4},
        {"the first has them all", {1, 2},       {0},             2, 0, {1, 2},               2},
        {"the second has them",    {0},          {101, 102},      0, 2, {101, 102},           2},
        {"a gap between",          {1, 2, 3},    {301, 302, 303}, 3, 3, {1, 3, -4, 301, 303}, 5},
        {"many, then few",         {1, 2, 3, 4}, {101},           4, 1, {1, 4, 101},          3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct line line = {
            .limits = {.query_memory_bytes_max = 1 << 20, .query_ms_max = 1000},
            .query = {.downsample = DOWNSAMPLE_MINMAX,   .points = POINTS    }
        };
        struct pixels early, late;
        struct datum value;
        int64_t time;

        twin_watch_init(&line.watch, &line.limits, &line.clock, &line.sink);
        add(&line, &early, cases[i].early, cases[i].early_count);
        add(&line, &late, cases[i].late, cases[i].late_count);
        pixels_merge(&early, &late);
        assert_int_equal(pixels_end(&early, NULL), OK);
        for (uint32_t j = 0; j < cases[i].told_count; j++) {
            int64_t want = cases[i].told[j];

            if (!pixels_next(&early, &time, &value) || time != (want < 0 ? -want : want) ||
                (value.type == TYPE_NONE) != (want < 0))
                fail_msg("%s: row %u", cases[i].name, j);
        }
        assert_false(pixels_next(&early, &time, &value));
        pixels_release(&early);
        pixels_release(&late);
        assert_int_equal(budget_used(&line.watch.memory), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_stretches_are_told_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
