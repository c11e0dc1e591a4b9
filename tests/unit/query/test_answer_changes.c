#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define CHANGES RAW "&match=host=g&since="

static void test_what_became_of_rows_is_told_with_since_when(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {CHANGES "0",
         "{\"time\":10,\"change\":\"added\",\"known_from\":100,\"host\":\"g\",\"n\":1,\"s\":null,"
         "\"user\":1.5}\n"
         "{\"time\":20,\"change\":\"added\",\"known_from\":200,\"host\":\"g\",\"n\":2,\"s\":null,"
         "\"user\":2.25}\n"
         "{\"time\":30,\"change\":\"added\",\"known_from\":300,\"host\":\"g\",\"n\":3,\"s\":null,"
         "\"user\":null}\n" END("3")                                                             },
        {CHANGES "100",
         "{\"time\":20,\"change\":\"changed\",\"known_from\":200,\"host\":\"g\",\"n\":2,\"s\":null,"
         "\"user\":2.25}\n"
         "{\"time\":30,\"change\":\"changed\",\"known_from\":300,\"host\":\"g\",\"n\":3,\"s\":null,"
         "\"user\":null}\n" END("2")                                                             },
        {CHANGES "100&fields=user&order=desc",
         "{\"time\":30,\"change\":\"removed\",\"known_from\":300,\"host\":\"g\",\"user\":null}\n"
         "{\"time\":20,\"change\":\"changed\",\"known_from\":200,\"host\":\"g\",\"user\":2.25}"
         "\n" END("2")                                                                           },
        {CHANGES "100&fields=n",                                                   END("0")      },
        {CHANGES "300",                                                            END("0")      },
        {CHANGES "200&start=25",
         "{\"time\":30,\"change\":\"changed\",\"known_from\":300,\"host\":\"g\",\"n\":3,\"s\":null,"
         "\"user\":null}\n" END("1")                                                             },
        {CHANGES "200&end=30",                                                     END("0")      },
        {"measurement=cpu&epoch=ns&format=csv&match=host=g&fields=user&since=100",
         "time,change,known_from,host,user\n20,changed,200,g,2.25\n30,removed,300,g,\n"          },
        {"measurement=cpu&epoch=ns&match=host=g&fields=user&since=200",
         "{\"series\":[{\"measurement\":\"cpu\",\"tags\":{\"host\":\"g\"},\"columns\":[\"time\","
         "\"change\",\"known_from\",\"user\"],\"rows\":[[30,\"removed\",300,null]]}]," TAIL "}\n"},
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture.store.newest = 300;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    /* As of a moment in between: what came later is not known yet. */
    assert_int_equal(fixture_ask(&fixture, CHANGES "100&as_of=250&fields=user"), OK);
    assert_non_null(memmem(fixture.sink.body.data, fixture.sink.body.size, "\"rows\":1,", 9));
    fixture_release(&fixture);
}

/* A value that came back, one that was written again, one that lost to a later one at once. */
static void test_what_is_as_it_was_has_not_changed(void **state)
{
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "m", "t=a");
    fixture_put(&fixture, series, 1, 100, "f=1");
    fixture_put(&fixture, series, 1, 200, "f=2");
    fixture_put(&fixture, series, 1, 300, "f=1");
    fixture_put(&fixture, series, 2, 100, "f=5");
    fixture_put(&fixture, series, 2, 200, "f=5");
    fixture_put(&fixture, series, 3, 200, "f=7");
    fixture_put(&fixture, series, 3, 300, "f=null");
    fixture.store.newest = 300;
    fixture_expect(&fixture, "measurement=m&format=csv&epoch=ns&since=100",
                   "time,change,known_from,t,f\n");
    fixture_expect(&fixture, "measurement=m&format=csv&epoch=ns&since=200",
                   "time,change,known_from,t,f\n1,changed,300,a,1.0\n3,removed,300,a,\n");
    /* Since when it is so: of 1, not since it was so for the first time. */
    fixture_expect(&fixture, "measurement=m&format=csv&epoch=ns&since=50",
                   "time,change,known_from,t,f\n1,added,300,a,1.0\n2,added,100,a,5.0\n");
    fixture_release(&fixture);
}

/* Row 1 leaves the answer, 2 comes into it, 3 stays in it as it is, 4 was never in it and is
 * deleted, 5 was in it and is deleted, 6 left and came back, 7 is another in it by a field of its
 * own. */
static void test_a_condition_holds_at_both_moments(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {"&since=100&where=f>10",
         "1,removed,200,a,,\n2,added,200,a,12.0,\n5,removed,250,a,,\n7,changed,200,a,20.0,2.0\n"},
        {"&since=100&where=f>10&fields=f",
         "1,removed,200,a,\n2,added,200,a,12.0\n5,removed,250,a,\n"                             },
 /* The condition is on a field that is not told. */
        {"&since=100&where=f>10&fields=g",  "7,changed,200,a,2.0\n"                             },
        {"&since=100&where=f>10&where=g<2", "7,removed,200,a,,\n"                               },
        {"&since=200&where=f>10",           "5,removed,250,a,,\n6,added,300,a,11.0,\n"          },
        {"&since=300&where=f>10",           ""                                                  },
        {"&since=0&where=f>19",             "7,added,200,a,20.0,2.0\n"                          },
    };
    struct tombstone tombstone = {
        .ingest = 250, .selector.measurement = BYTES("m"), .start = 4, .end = 6};
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "m", "t=a");
    fixture_put(&fixture, series, 1, 100, "f=11");
    fixture_put(&fixture, series, 2, 100, "f=9");
    fixture_put(&fixture, series, 3, 100, "f=11");
    fixture_put(&fixture, series, 4, 100, "f=9");
    fixture_put(&fixture, series, 5, 100, "f=11");
    fixture_put(&fixture, series, 6, 100, "f=11");
    fixture_put(&fixture, series, 7, 100, "f=20 g=1");
    fixture_put(&fixture, series, 1, 200, "f=5");
    fixture_put(&fixture, series, 2, 200, "f=12");
    fixture_put(&fixture, series, 6, 200, "f=1");
    fixture_put(&fixture, series, 7, 200, "g=2");
    fixture_put(&fixture, series, 6, 300, "f=11");
    fixture.store.tombstones = &tombstone;
    fixture.store.tombstone_count = 1;
    fixture.store.newest = 300;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool one = strstr(cases[i].question, "fields=");
        char question[128], want[256];

        (void)snprintf(question, sizeof(question), "measurement=m&format=csv&epoch=ns%s",
                       cases[i].question);
        (void)snprintf(want, sizeof(want), "time,change,known_from,t,%s\n%s",
                       !one                                    ? "f,g"
                       : strstr(cases[i].question, "fields=f") ? "f"
                                                               : "g",
                       cases[i].want);
        fixture_expect(&fixture, question, want);
    }
    fixture_release(&fixture);
}

static void test_deleted_and_erased_rows_are_removed(void **state)
{
    static const struct {
        int64_t ingest;
        bool erase;
        const char *since, *want;
    } cases[] = {
        {250, false, "200", "2,removed,250,a,\n" },
        {250, true,  "200", "2,removed,250,a,\n" },
 /* It was gone then, too. */
        {250, false, "250", ""                   },
        {250, true,  "260", ""                   },
 /* Neither there then nor now. */
        {250, true,  "50",  "1,added,100,a,1.0\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tombstone tombstone = {.ingest = cases[i].ingest,
                                      .erase = cases[i].erase,
                                      .selector.measurement = BYTES("m"),
                                      .start = 2,
                                      .end = 3};
        struct fixture fixture;
        const struct series *series;
        char question[128], want[128];

        fixture_init(&fixture);
        series = fixture_series(&fixture, "m", "t=a");
        fixture_put(&fixture, series, 1, 100, "f=1");
        fixture_put(&fixture, series, 2, 100, "f=2");
        fixture.store.tombstones = &tombstone;
        fixture.store.tombstone_count = 1;
        fixture.store.newest = cases[i].ingest;
        (void)snprintf(question, sizeof(question), "measurement=m&format=csv&epoch=ns&since=%s",
                       cases[i].since);
        (void)snprintf(want, sizeof(want), "time,change,known_from,t,f\n%s", cases[i].want);
        fixture_expect(&fixture, question, want);
        fixture_release(&fixture);
    }
}

static void test_only_what_may_have_changed_is_read(void **state)
{
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "m", "t=a");
    for (int i = 0; i < 100; i++)
        fixture_put(&fixture, series, i, i < 99 ? 100 : 200, "f=1");
    fixture.store.newest = 200;
    assert_int_equal(fixture_ask(&fixture, "measurement=m&format=csv&since=100"), OK);
    assert_int_equal(fixture.store.places_read, 1);
    assert_int_equal(fixture_ask(&fixture, "measurement=m&format=csv&since=200"), OK);
    assert_int_equal(fixture.store.places_read, 0);
    fixture_release(&fixture);
}

/* In either order, the pages come to what the question comes to without them. */
static void test_pages_go_on_where_they_ended(void **state)
{
    static const char *const orders[] = {"asc", "desc"};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture.store.newest = 300;
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct buf whole = BUF_INIT(4096), pages = BUF_INIT(4096);
        char question[4608], next[4096] = "";
        int count = 0;

        (void)snprintf(question, sizeof(question),
                       "measurement=cpu&epoch=ns&format=csv&since=0&order=%s", orders[i]);
        assert_int_equal(fixture_ask(&fixture, question), OK);
        buf_put(&whole, buf_bytes(&fixture.sink.body));
        do {
            struct bytes body;
            const char *rows;

            (void)snprintf(question, sizeof(question),
                           "measurement=cpu&epoch=ns&format=csv&since=0&order=%s&limit=1%s%s",
                           orders[i], *next ? "&cursor=" : "", next);
            assert_int_equal(fixture_ask(&fixture, question), OK);
            body = buf_bytes(&fixture.sink.body);
            rows = memchr(body.data, '\n', body.size);
            buf_put(&pages, count++ == 0
                                ? body
                                : bytes_slice(body, (size_t)(rows + 1 - body.data), body.size));
            (void)snprintf(next, sizeof(next), "%s", fixture.sink.next);
        } while (*next);
        assert_int_equal(count, 4);
        assert_int_equal(pages.size, whole.size);
        assert_memory_equal(pages.data, whole.data, whole.size);
        buf_release(&pages);
        buf_release(&whole);
    }
    fixture_release(&fixture);
}

static void test_moments_that_cannot_be_told(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture.store.newest = 300;
    fixture.store.history_floor = 200;
    fixture_refuse(&fixture, CHANGES "199", E_BEFORE_HISTORY, "since", "the earliest is");
    assert_int_equal(fixture_ask(&fixture, CHANGES "200"), OK);
    assert_int_equal(fixture_ask(&fixture, CHANGES "0"), OK); /* there was nothing */
    fixture_refuse(&fixture, CHANGES "1", E_BEFORE_HISTORY, "since", "since=0");
    fixture_refuse(&fixture, CHANGES "1000001", E_AS_OF_FUTURE, "since", "later than now");
    assert_int_equal(fixture_ask(&fixture, CHANGES "1000000"), OK);
    /* Nothing was committed since, so there is nothing to tell. */
    fixture.store.newest = 150;
    fixture.store.history_floor = 500;
    assert_int_equal(fixture_ask(&fixture, CHANGES "150"), OK);
    fixture_refuse(&fixture, CHANGES "149", E_BEFORE_HISTORY, "since", "the earliest is");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_became_of_rows_is_told_with_since_when),
        cmocka_unit_test(test_what_is_as_it_was_has_not_changed),
        cmocka_unit_test(test_a_condition_holds_at_both_moments),
        cmocka_unit_test(test_deleted_and_erased_rows_are_removed),
        cmocka_unit_test(test_only_what_may_have_changed_is_read),
        cmocka_unit_test(test_pages_go_on_where_they_ended),
        cmocka_unit_test(test_moments_that_cannot_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
