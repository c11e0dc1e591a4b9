#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include "tests/unit/query/feed.h"

static void test_calls_have_names_and_arguments(void **state)
{
    static const struct {
        const char *text, *name;
        uint32_t fraction;
        int64_t unit_ns;
    } cases[] = {
        {"mean",              "mean",       FRACTION_WHOLE / 2, 1000000000   },
        {"median",            "median",     50000000,           1000000000   },
        {"p5",                "p5",         5000000,            1000000000   },
        {"p05",               "p05",        5000000,            1000000000   },
        {"p99.9",             "p99.9",      99900000,           1000000000   },
        {"p0.000001",         "p0.000001",  1,                  1000000000   },
        {"p99.999999",        "p99.999999", 99999999,           1000000000   },
        {"rate",              "rate",       FRACTION_WHOLE / 2, 1000000000   },
        {"rate(1m)",          "rate",       FRACTION_WHOLE / 2, 60000000000  },
        {"derivative(1h30m)", "derivative", FRACTION_WHOLE / 2, 5400000000000},
        {"integral(1ns)",     "integral",   FRACTION_WHOLE / 2, 1            },
    };
    static const char *const wrong[] = {
        "",        "Mean",      "mean ",  "mean()",    "mean(1m)", "median(1m)",    "p",
        "p0",      "p0.0",      "p100",   "p99.",      "p.5",      "p5.1234567",    "p-5",
        "p5a",     "p5.5.5",    "p 5",    "rate(",     "rate()",   "rate(5)",       "rate(0s)",
        "rate(x)", "rate(1m))", "rate1m", "rate (1m)", "rates",    "integral(1mo)",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct aggregate_call call = call_of(cases[i].text);

        if (!bytes_equal(call.name, bytes_of(cases[i].name)) ||
            call.fraction != cases[i].fraction || call.unit_ns != cases[i].unit_ns)
            fail_msg("%s: %.*s, %u, %lld", cases[i].text, BYTES_ARG(call.name), call.fraction,
                     (long long)call.unit_ns);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct aggregate_call call;

        if (aggregate_call_parse(bytes_of(wrong[i]), &call))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void test_absent_cells_do_not_count(void **state)
{
    static const int64_t time[] = {1, 2, 3};
    const union cell cells[] = {{.f64 = 100}, {.f64 = 2}, {.f64 = -100}};
    const uint8_t present[] = {0, 1, 0};
    struct rows_column column = {0, TYPE_F64, cells, present};

    (void)state;
    for (size_t i = 0; i < aggregate_row_count; i++) {
        struct datum datum;
        struct feed feed;

        feed_init(&feed, aggregate_rows[i].name, 1 << 16);
        datum = feed_answer(&feed);
        assert_true(datum.type == TYPE_NONE || datum.cell.u64 == 0); /* count of nothing is 0 */
        assert_true(feed_rows(&feed, &column, time, 0, 3));
        datum = feed_answer(&feed);
        assert_true(datum.type == TYPE_NONE || /* of one value there is none */
                    (datum.type == TYPE_U64 ? datum.cell.u64 == 1 : datum.cell.f64 == 2));
        feed_release(&feed);
    }
}

static void test_those_that_carry_are_known(void **state)
{
    const struct aggregate_call calls[] = {call_of("mean"), call_of("rate")};

    (void)state;
    assert_true(aggregates_carry(calls, 2));
    assert_false(aggregates_carry(calls, 1));
    assert_false(aggregates_carry(calls, 0));
}

enum { SERIES = 4, ROWS = 600, PIECES_MAX = 64 };

struct rows_of_one {
    int64_t time[ROWS];
    union cell cells[ROWS];
    uint8_t present[ROWS];
    struct rows_column column;
};

static void make_series(struct rows_of_one *rows, struct random *random)
{
    static const enum value_type types[] = {TYPE_F64, TYPE_I64, TYPE_U64};
    int64_t time = 0;

    rows->column = (struct rows_column){0, types[random_below(random, 3)], rows->cells,
                                        random_below(random, 2) ? rows->present : NULL};
    for (uint32_t i = 0; i < ROWS; i++) {
        time += 1 + (int64_t)random_below(random, 1000);
        rows->time[i] = time;
        rows->present[i] = random_below(random, 3) > 0;
        rows->cells[i].u64 = random_below(random, 300);
        if (rows->column.type == TYPE_I64)
            rows->cells[i].i64 -= 150;
        if (rows->column.type == TYPE_F64)
            rows->cells[i].f64 = (double)rows->cells[i].i64 / 8 - 15;
    }
}

/* The same to the last digit, but for what is rounded on the way. */
static bool agree(const struct datum *a, const struct datum *b)
{
    if (datum_equal(a, b))
        return true;
    return a->type == TYPE_F64 && b->type == TYPE_F64 &&
           fabs(a->cell.f64 - b->cell.f64) <= 1e-13 * fabs(a->cell.f64);
}

/* Cut anywhere (between series, where the value before matters), put together in any order of
 * neighbours: all at once. */
static void test_merged_pieces_are_the_whole(void **state)
{
    static struct rows_of_one series[SERIES];
    static struct feed pieces[PIECES_MAX];
    struct random random;

    (void)state;
    random_seed(&random, 4);
    for (size_t round = 0; round < 40 * aggregate_row_count; round++) {
        const char *name = aggregate_rows[round % aggregate_row_count].name;
        bool carries = part_rows[call_of(name).row->part].carries;
        struct datum whole_answer, answer;
        struct feed whole;
        size_t count = 0;

        feed_init(&whole, name, 1 << 22);
        for (size_t s = 0; s < SERIES; s++) {
            make_series(&series[s], &random);
            feed_series(&whole);
            assert_true(feed_rows(&whole, &series[s].column, series[s].time, 0, ROWS));
            for (uint32_t at = 0; at < ROWS;) {
                uint32_t end = at + 1 + (uint32_t)random_below(&random, ROWS);

                end = carries || end > ROWS || count > PIECES_MAX - 2 * SERIES ? ROWS : end;
                feed_init(&pieces[count], name, 1 << 22);
                assert_true(
                    feed_rows(&pieces[count++], &series[s].column, series[s].time, at, end));
                at = end;
            }
        }
        while (count > 1) {
            size_t at = random_below(&random, count - 1);

            feed_merge(&pieces[at], &pieces[at + 1]);
            feed_release(&pieces[at + 1]);
            memmove(&pieces[at + 1], &pieces[at + 2], (count - at - 2) * sizeof(pieces[0]));
            count--;
        }
        whole_answer = feed_answer(&whole);
        answer = feed_answer(&pieces[0]);
        if (!agree(&whole_answer, &answer))
            fail_msg("%s: %.17g instead of %.17g", name, answer.cell.f64, whole_answer.cell.f64);
        feed_release(&whole);
        feed_release(&pieces[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_have_names_and_arguments),
        cmocka_unit_test(test_absent_cells_do_not_count),
        cmocka_unit_test(test_those_that_carry_are_known),
        cmocka_unit_test(test_merged_pieces_are_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
