#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define FILL RAW "&every=10ns&fields=v&agg="

/* host=a: v 1 at 10, 4 at 41; host=b: s at 20 alone and v at 30, 2^63 - 1 at 32. */
static void make_holes(struct fixture *fixture)
{
    const struct series *a = fixture_series(fixture, "cpu", "host=a");
    const struct series *b = fixture_series(fixture, "cpu", "host=b");

    fixture_put(fixture, a, 10, 100, "v=1");
    fixture_put(fixture, a, 41, 100, "v=4");
    fixture_put(fixture, b, 20, 100, "s=\"x\"");
    fixture_put(fixture, b, 30, 100, "v=3i");
    fixture_put(fixture, b, 52, 100, "v=9223372036854775807i s=\"y\"");
}

static void test_what_stands_in_a_hole(void **state)
{
    static const struct {
        const char *name, *question, *want;
    } cases[] = {
        {"none: nothing",                  FILL "mean&match=host=a&fill=none",
         "{\"time\":10,\"mean_v\":1.0}\n{\"time\":40,\"mean_v\":4.0}"
         "\n" END("2")                                                                                             },
        {"null, and a count of zero",      FILL "count,mean&match=host=a&fill=null",
         "{\"time\":10,\"count_v\":1,\"mean_v\":1.0}\n{\"time\":20,\"count_v\":0,\"mean_v\":null}\n"
         "{\"time\":30,\"count_v\":0,\"mean_v\":null}\n{\"time\":40,\"count_v\":1,\"mean_v\":4.0}"
         "\n" END("4")                                                                                             },
        {"previous, of its own type",      FILL "last&match=host=b&fill=previous",
         "{\"time\":30,\"last_v\":3}\n{\"time\":40,\"last_v\":3}\n"
         "{\"time\":50,\"last_v\":9223372036854775807}\n" END("3")                                                 },
        {"previous: nothing before",       FILL "max&match=host=a&fill=previous&start=0&end=21",
         "{\"time\":0,\"max_v\":null}\n{\"time\":10,\"max_v\":1.0}\n{\"time\":20,\"max_v\":1.0}"
         "\n" END("3")                                                                                             },
        {"linear, by time",                FILL "sum,count&match=host=a&fill=linear",
         "{\"time\":10,\"sum_v\":1.0,\"count_v\":1}\n{\"time\":20,\"sum_v\":2.0,\"count_v\":0}\n"
         "{\"time\":30,\"sum_v\":3.0,\"count_v\":0}\n{\"time\":40,\"sum_v\":4.0,\"count_v\":1}"
         "\n" END("4")                                                                                             },
        {"linear: not beyond the ends",    FILL "sum&match=host=a&fill=linear&start=5&end=60",
         "{\"time\":0,\"sum_v\":null}\n{\"time\":10,\"sum_v\":1.0}\n{\"time\":20,\"sum_v\":2.0}\n"
         "{\"time\":30,\"sum_v\":3.0}\n{\"time\":40,\"sum_v\":4.0}\n{\"time\":50,\"sum_v\":null}"
         "\n" END("6")                                                                                             },
        {"nothing outside the range",      FILL "sum&match=host=a&fill=linear&start=0&end=40",
         "{\"time\":0,\"sum_v\":null}\n{\"time\":10,\"sum_v\":1.0}\n{\"time\":20,\"sum_v\":null}\n"
         "{\"time\":30,\"sum_v\":null}\n" END("4")                                                                 },
        {"a number",                       FILL "sum&match=host=a&fill=-1&start=20",
         "{\"time\":20,\"sum_v\":-1}\n{\"time\":30,\"sum_v\":-1}\n{\"time\":40,\"sum_v\":4.0}"
         "\n" END("3")                                                                                             },
        {"linear integers, in f64",        FILL "max&match=host=b&fill=linear",
         "{\"time\":30,\"max_v\":3}\n{\"time\":40,\"max_v\":4.611686018427388e+18}\n"
         "{\"time\":50,\"max_v\":9223372036854775807}\n" END("3")                                                  },
        {"texts: previous, not linear",    RAW "&every=10ns&agg=last&match=host=b&fill=previous",
         "{\"time\":20,\"last_s\":\"x\",\"last_v\":null}\n{\"time\":30,\"last_s\":\"x\",\"last_v\":"
         "3}\n"
         "{\"time\":40,\"last_s\":\"x\",\"last_v\":3}\n"
         "{\"time\":50,\"last_s\":\"y\",\"last_v\":9223372036854775807}\n" END("4")                                },
        {"columns by themselves",          RAW "&every=10ns&agg=last&match=host=b&fill=linear&order=desc",
         "{\"time\":50,\"last_s\":\"y\",\"last_v\":9223372036854775807}\n"
         "{\"time\":40,\"last_s\":null,\"last_v\":4.611686018427388e+18}\n"
         "{\"time\":30,\"last_s\":null,\"last_v\":3}\n"
         "{\"time\":20,\"last_s\":\"x\",\"last_v\":null}\n" END("4")                                               },
        {"a group without rows is silent", FILL "count&fill=0&start=100&end=200",                          END("0")},
        {"each group has its own ends",    FILL "sum&fill=previous&group_by=host",
         "{\"time\":10,\"host\":\"a\",\"sum_v\":1.0}\n{\"time\":20,\"host\":\"a\",\"sum_v\":1.0}\n"
         "{\"time\":30,\"host\":\"a\",\"sum_v\":1.0}\n{\"time\":40,\"host\":\"a\",\"sum_v\":4.0}\n"
         "{\"time\":30,\"host\":\"b\",\"sum_v\":3}\n{\"time\":40,\"host\":\"b\",\"sum_v\":3}\n"
         "{\"time\":50,\"host\":\"b\",\"sum_v\":9223372036854775807}\n" END("7")                                   },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_holes(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

static void test_halves_of_an_infinite_difference(void **state)
{
    struct fixture fixture;
    const struct series *a;

    (void)state;
    fixture_init(&fixture);
    a = fixture_series(&fixture, "cpu", "");
    fixture_put(&fixture, a, 0, 100, "v=-1.5e308");
    fixture_put(&fixture, a, 40, 100, "v=1.5e308");
    fixture_expect(&fixture, FILL "last&fill=linear&start=10&end=40", END("0"));
    fixture_expect(&fixture, FILL "last&fill=linear&order=desc",
                   "{\"time\":40,\"last_v\":1.5e+308}\n{\"time\":30,\"last_v\":7.5e+307}\n"
                   "{\"time\":20,\"last_v\":0.0}\n{\"time\":10,\"last_v\":-7.5e+307}\n"
                   "{\"time\":0,\"last_v\":-1.5e+308}\n" END("5"));
    fixture_release(&fixture);
}

/* What the groups limit counts: windows that rows made, and those of holes. */
static void test_holes_count_as_windows(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_holes(&fixture);
    fixture.limits.query_groups_max = 100;
    assert_int_equal(fixture_ask(&fixture, FILL "sum&match=host=a&fill=null&start=0&end=1000"), OK);
    fixture_refuse(&fixture, FILL "sum&match=host=a&fill=null&start=0&end=1001", E_QUERY_GROUPS, "",
                   "query_groups_max");
    assert_int_equal(fixture_ask(&fixture, FILL "sum,max&match=host=a&fill=null&start=0&end=500"),
                     OK);
    fixture_refuse(&fixture, FILL "sum,max&match=host=a&fill=null&start=0&end=501", E_QUERY_GROUPS,
                   "", "query_groups_max");
    /* All of time, forward from its first window. */
    fixture_refuse(&fixture, FILL "sum&fill=null&start=-9223372036854775808&end=now",
                   E_QUERY_GROUPS, "", "query_groups_max");
    fixture_release(&fixture);
}

/* The rows of an answer, without its last line. */
static struct bytes rows_of(const struct fixture *fixture)
{
    struct bytes body = buf_bytes(&fixture->sink.body);
    const char *end = memmem(body.data, body.size, "{\"_end\"", 7);

    assert_non_null(end);
    return (struct bytes){body.data, (size_t)(end - body.data)};
}

/* The cursor of the next page into `cursor`; false: that was the last. */
static bool next_of(const struct fixture *fixture, char *cursor, size_t room)
{
    struct bytes body = buf_bytes(&fixture->sink.body);
    const char *next = memmem(body.data, body.size, "\"next\":\"", 8), *end;

    if (!next)
        return false;
    next += 8;
    end = memchr(next, '"', (size_t)(body.data + body.size - next));
    assert_non_null(end);
    assert_in_range(end - next, 1, room - 1);
    memcpy(cursor, next, (size_t)(end - next));
    cursor[end - next] = '\0';
    return true;
}

static void test_pages_of_any_size_make_the_whole_answer(void **state)
{
    static const char *const fills[] = {"none", "null", "previous", "linear", "7"};
    static const char *const ranges[] = {"", "&start=0&end=75", "&start=17", "&end=55"};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_holes(&fixture);
    for (size_t i = 0; i < COUNT_OF(fills) * COUNT_OF(ranges) * 2 * 4; i++) {
        struct buf whole = BUF_INIT(1 << 16), pages = BUF_INIT(1 << 16);
        char question[400], page[1000], cursor[400] = "";
        size_t limit = 1 + i % 4;

        (void)snprintf(question, sizeof(question),
                       RAW "&every=10ns&agg=last,count&group_by=host&fill=%s%s&order=%s",
                       fills[i / 8 % COUNT_OF(fills)], ranges[i / 8 / COUNT_OF(fills)],
                       i / 4 % 2 ? "desc" : "asc");
        assert_int_equal(fixture_ask(&fixture, question), OK);
        buf_put(&whole, rows_of(&fixture));
        do {
            (void)snprintf(page, sizeof(page), "%s&limit=%zu%s%s", question, limit,
                           cursor[0] ? "&cursor=" : "", cursor);
            if (fixture_ask(&fixture, page))
                fail_msg("%s: %s", page, fixture.err.text);
            buf_put(&pages, rows_of(&fixture));
        } while (next_of(&fixture, cursor, sizeof(cursor)));
        if (!bytes_equal(buf_bytes(&whole), buf_bytes(&pages)))
            fail_msg("%s by %zu:\n%.*s---\n%.*s", question, limit, BYTES_ARG(buf_bytes(&whole)),
                     BYTES_ARG(buf_bytes(&pages)));
        buf_release(&whole);
        buf_release(&pages);
    }
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_stands_in_a_hole),
        cmocka_unit_test(test_halves_of_an_infinite_difference),
        cmocka_unit_test(test_holes_count_as_windows),
        cmocka_unit_test(test_pages_of_any_size_make_the_whole_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
