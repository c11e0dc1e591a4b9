#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define CSV "measurement=cpu&format=csv"

/* a: a block of four rows, one of two, and two rows in the head; b: a block of two. */
static void make_places(struct fixture *fixture)
{
    const struct series *a = fixture_series(fixture, "cpu", "host=a");
    const struct series *b = fixture_series(fixture, "cpu", "host=b");
    uint32_t first = fixture_row(fixture, a, 10, 100, "v=1"), second;

    (void)fixture_row(fixture, a, 20, 100, "v=2");
    (void)fixture_row(fixture, a, 30, 100, "v=3");
    (void)fixture_row(fixture, a, 40, 100, "v=4");
    twin_place(&fixture->store, first, first + 4)->block = true;
    second = fixture_row(fixture, a, 50, 100, "v=5");
    (void)fixture_row(fixture, a, 60, 100, "v=6");
    twin_place(&fixture->store, second, second + 2)->block = true;
    first = fixture_row(fixture, b, 10, 100, "v=7");
    (void)fixture_row(fixture, b, 20, 100, "v=8");
    twin_place(&fixture->store, first, first + 2)->block = true;
    (void)fixture_put(fixture, a, 70, 100, "v=9");
    (void)fixture_put(fixture, a, 80, 100, "v=10");
}

/* At limit - 1, limit and limit + 1 of what surely is read; refused before anything is. */
static void test_limits_hold_before_work(void **state)
{
    static const struct {
        const char *question;
        size_t limit;
        uint64_t cost; /* at which it just passes */
        enum code code;
        const char *text;
    } cases[] = {
        {CSV,                                                                                 offsetof(struct limits, query_rows_max),   10,  E_QUERY_ROWS,   "at least 10 rows"  },
        {CSV,                                                                                 offsetof(struct limits, query_bytes_max),  800, E_QUERY_BYTES,  "at least 800 bytes"},
        {CSV "&match=host=a&end=50",                                                          offsetof(struct limits, query_rows_max),   4,   E_QUERY_ROWS,
         "query_rows_max"                                                                                                                                                         },
        {CSV "&match=host=a&end=50",                                                          offsetof(struct limits, query_bytes_max),  400, E_QUERY_BYTES,
         "query_bytes_max"                                                                                                                                                        },
        {CSV "&as_of=500&versions=all&match=host=b",                                          offsetof(struct limits, query_rows_max),   2,
         E_QUERY_ROWS,                                                                                                                                        "query_rows_max"    },
        {CSV "&agg=median&every=10ns",                                                        offsetof(struct limits, query_rows_max),   10,  E_QUERY_ROWS,
         "query_rows_max"                                                                                                                                                         },
        {CSV "&agg=sum&every=10ns&group_by=host&fill=null&start=0&end=100",
         offsetof(struct limits,                                                                                      query_groups_max), 20,  E_QUERY_GROUPS, "at least 20 values"},
        {CSV "&agg=sum,max&every=1d&tz=Europe/Paris&fill=0&start=0&end=1970-01-11T00:00:00Z",
         offsetof(struct limits,                                                                                      query_groups_max), 22,  E_QUERY_GROUPS, "at least 22 values"},
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_places(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t *limit = (uint64_t *)(void *)((char *)&fixture.limits + cases[i].limit);

        for (int over = -1; over <= 1; over++) {
            limits_init(&fixture.limits);
            *limit = cases[i].cost - (uint64_t)over;
            if (over <= 0) {
                if (fixture_ask(&fixture, cases[i].question))
                    fail_msg("%s, %d: %s", cases[i].question, over, fixture.err.text);
                continue;
            }
            fixture_refuse(&fixture, cases[i].question, cases[i].code, "", cases[i].text);
            assert_int_equal(fixture.store.places_read, 0);
            assert_int_equal(fixture.store.headers_read, 0);
        }
    }
    fixture_release(&fixture);
}

/* Six hosts share a block, of which a deletion empties one, and another has a row behind the range;
 * a seventh has one of its own.  So five groups of ten windows, or as many as pass a condition. */
static void test_filled_groups_are_counted_before_one_is_told(void **state)
{
    static const struct {
        const char *more;
        uint64_t values;
        uint32_t places_read; /* when it is refused */
    } cases[] = {
        {"",               50, 5}, /* with g, which surely has rows, the fifth; f is not looked at */
        {"&where=v>4",     20, 8},
        {"&fields=v",      50, 8},
        {"&top=2,sum_v",   25, 8}, /* each is ranked by a value */
        {"&match=host!=a", 40, 4},
    };
    static const struct {
        const char *host, *value;
        int64_t time;
    } shared[] = {
        {"host=a", "v=1", 10 },
        {"host=b", "v=2", 11 },
        {"host=c", "v=3", 12 },
        {"host=d", "v=4", 13 },
        {"host=e", "v=5", 14 },
        {"host=f", "v=6", 150},
    };
    static const struct matcher host_b = {BYTES("host"), MATCH_EQUAL, BYTES("b")};
    struct tombstone tombstone = {
        .ingest = 300, .selector = {BYTES("cpu"), &host_b, 1},
             .start = 0, .end = 100
    };
    struct fixture fixture;
    uint32_t first = UINT32_MAX;

    (void)state;
    fixture_init(&fixture);
    for (uint32_t i = 0; i < COUNT_OF(shared); i++) {
        uint32_t row = fixture_row(&fixture, fixture_series(&fixture, "cpu", shared[i].host),
                                   shared[i].time, 100, shared[i].value);

        first = row < first ? row : first;
    }
    twin_place(&fixture.store, first, first + COUNT_OF(shared))->shared = true;
    fixture.store.places[0].block = true;
    (void)fixture_put(&fixture, fixture_series(&fixture, "cpu", "host=g"), 50, 100, "v=7");
    fixture.store.tombstones = &tombstone;
    fixture.store.tombstone_count = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int over = -1; over <= 1; over++) {
            char question[256], text[64];

            (void)snprintf(question, sizeof(question),
                           CSV "&agg=sum&every=10ns&group_by=host&fill=null&start=0&end=100%s",
                           cases[i].more);
            (void)snprintf(text, sizeof(text), "at least %d values", (int)cases[i].values);
            limits_init(&fixture.limits);
            fixture.limits.query_groups_max = cases[i].values - (uint64_t)over;
            if (over <= 0) {
                if (fixture_ask(&fixture, question))
                    fail_msg("%s, %d: %s", question, over, fixture.err.text);
                continue;
            }
            fixture_refuse(&fixture, question, E_QUERY_GROUPS, "", text);
            assert_int_equal(fixture.sink.begun, 0);
            if (fixture.store.places_read != cases[i].places_read)
                fail_msg("%s: %u places were read", question, fixture.store.places_read);
        }
    }
    fixture_release(&fixture);
}

/* What a header may answer for, what a page may leave unread, and what stands beside the range is
 * not held against the limits; they still hold while it is read. */
static void test_what_is_not_sure_may_begin(void **state)
{
    static const struct {
        const char *question;
        enum code want;
    } cases[] = {
        {CSV "&agg=sum&match=host=b",                            OK          },
        {CSV "&where=v>100&match=host=b",                        OK          },
        {CSV "&match=host=b&limit=1",                            OK          },
        {CSV "&match=host=b&limit=2",                            E_QUERY_ROWS},
        {CSV "&match=host=b&start=15",                           OK          },
        {CSV "&match=host=b&top=1,v",                            E_QUERY_ROWS},
        {CSV "&match=host=b&downsample=lttb&points=1&fields=v",  E_QUERY_ROWS},
        {CSV "&agg=sum&every=10ns&match=host=b&start=0&end=100", E_QUERY_ROWS},
        {CSV "&match=host=b&start=500",                          OK          },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_places(&fixture);
    fixture.limits.query_rows_max = 1;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (fixture_ask(&fixture, cases[i].question) != cases[i].want)
            fail_msg("%s: %s", cases[i].question, fixture.err.text);
    /* bytes, too, while they are read */
    fixture.limits.query_rows_max = 1000;
    fixture.limits.query_bytes_max = 399;
    fixture_refuse(&fixture, CSV "&match=host=a&limit=1", E_QUERY_BYTES, "", "query_bytes_max");
    fixture.limits.query_bytes_max = 400;
    assert_int_equal(fixture_ask(&fixture, CSV "&match=host=a&limit=1"), OK);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_hold_before_work),
        cmocka_unit_test(test_filled_groups_are_counted_before_one_is_told),
        cmocka_unit_test(test_what_is_not_sure_may_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
