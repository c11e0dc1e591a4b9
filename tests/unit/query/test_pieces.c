#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "query/pieces.h"

enum { PLACES = 40, PLACE_ROWS = 10 };

/* Groups of 1, 1 and 3 series; the last series has PLACES places, the others one. */
struct cutting {
    struct place places[5][PLACES];
    struct plan_places lists[5];
    struct group groups[3];
    struct summary_use use;
    struct plan plan;
    struct pieces_order order;
};

static void cutting_init(struct cutting *cutting)
{
    *cutting = (struct cutting){
        .groups = {{.series_end = 1},
                   {.series_first = 1, .series_end = 2},
                   {.series_first = 2, .series_end = 5}},
        .plan = {.view = (struct view *)cutting, /* is not asked */
                 .field_count = 2,
                   .series_count = 5,
                   .group_count = 3,
                   .start = 0,
                   .end = 1000},
        .order = {.group_end = 3,                     .start = 5,                                                      .end = 1000                       },
    };
    for (size_t s = 0; s < 5; s++) {
        for (size_t p = 0; p < PLACES; p++)
            cutting->places[s][p] = (struct place){.time_first = (int64_t)(10 * p),
                                                   .time_last = (int64_t)(10 * p + 9),
                                                   .row_count = PLACE_ROWS};
        cutting->lists[s] = (struct plan_places){cutting->places[s], s == 4 ? PLACES : 1};
    }
    cutting->plan.groups = cutting->groups;
    cutting->plan.places = cutting->lists;
    cutting->order.plan = &cutting->plan;
    cutting->order.use = &cutting->use;
}

/* Every series and time once, in order; how many there are. */
static size_t check(struct cutting *cutting, uint64_t values_min)
{
    size_t count = 0, group = 0, series = 0;
    int64_t time = cutting->order.start;
    struct pieces pieces;
    struct piece piece;

    assert_int_equal(pieces_init(&pieces, &cutting->order, values_min, NULL, NULL), OK);
    assert_int_equal(pieces.values, 2 * PLACE_ROWS * (4 + PLACES));
    for (; pieces_next(&pieces, &piece); count++) {
        const struct group *of = &cutting->groups[piece.group];
        int64_t end = piece.group == 0 ? cutting->order.end : cutting->plan.end;
        bool begins = piece.start == (piece.group == 0 ? cutting->order.start : 0);

        assert_int_equal(piece.group, group);
        assert_int_equal(piece.series_first, series);
        assert_true(piece.series_end > series && piece.series_end <= of->series_end);
        assert_int_equal(piece.start, time);
        assert_true(piece.end > piece.start);
        assert_int_equal(piece.first, series == of->series_first && begins);
        assert_true(piece.part || (begins && piece.end == end));
        assert_true(!piece.part || piece.series_end == series + 1);
        assert_true(!piece.part || !cutting->order.series_whole);
        time = piece.end;
        if (time == end) {
            series = piece.series_end;
            time = 0;
        }
        assert_int_equal(piece.last, series == of->series_end);
        group += piece.last;
    }
    assert_int_equal(group, 3);
    return count;
}

static int64_t down_to_hundred(const void *context, int64_t time)
{
    (void)context;
    return time / 100 * 100;
}

static void test_cuts(void **state)
{
    struct cutting cutting;

    (void)state;
    cutting_init(&cutting);
    /* 880 values: 56 a piece, or three places; two short series go together. */
    assert_int_equal(check(&cutting, 1), 2 + 1 + (PLACES + 2) / 3);
    assert_int_equal(check(&cutting, 400), 2 + 1 + PLACES / 10);
    assert_int_equal(check(&cutting, 4000), 3);
    cutting.order.align = down_to_hundred;
    assert_int_equal(check(&cutting, 1), 2 + 1 + 4);
    cutting.order.series_whole = true;
    assert_int_equal(check(&cutting, 1), 2 + 1);
}

static void test_nothing_is_no_piece(void **state)
{
    struct cutting cutting;
    struct pieces pieces;
    struct piece piece;

    (void)state;
    cutting_init(&cutting);
    cutting.order.group_first = 3;
    assert_int_equal(pieces_init(&pieces, &cutting.order, 1, NULL, NULL), OK);
    assert_int_equal(pieces.values, 0);
    assert_false(pieces_next(&pieces, &piece));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_nothing_is_no_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
