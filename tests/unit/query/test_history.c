#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#define ASK "measurement=cpu&versions=all&epoch=ns&format=csv"
#define HEAD "time,known_from,known_to,on,v\n"

static void test_what_was_known_when(void **state)
{
    static const struct {
        const char *name;
        struct {
            int64_t ingest;
            const char *fields;
        } rows[4];
        int64_t deleted;
        const char *want;
    } cases[] = {
        {"one version holds still",             {{100, "v=1 on=true"}},          0,   HEAD "5,100,,true,1.0\n"                            },
        {"a correction ends what it corrects",
         {{100, "v=1"}, {200, "v=2"}},
         0,                                                                           HEAD "5,100,200,,1.0\n5,200,,,2.0\n"                },
        {"an equal neighbour is shown once",
         {{100, "v=1"}, {200, "v=1"}, {300, "v=2"}},
         0,                                                                           HEAD "5,100,300,,1.0\n5,300,,,2.0\n"                },
        {"a cell that is not touched holds on",
         {{100, "v=1 on=true"}, {200, "v=2"}},
         0,                                                                           HEAD "5,100,200,true,1.0\n5,200,,true,2.0\n"        },
        {"another type is another value",
         {{100, "v=1"}, {200, "v=1i"}},
         0,                                                                           HEAD "5,100,200,,1.0\n5,200,,,1\n"                  },
        {"a retraction ends it",                {{100, "v=1"}, {200, "v=null"}}, 0,   HEAD "5,100,200,,1.0\n"                             },
        {"a deletion leaves a gap",
         {{100, "v=1"}, {300, "v=1"}},
         200,                                                                         HEAD "5,100,200,,1.0\n5,300,,,1.0\n"                },
        {"what came later is not deleted",      {{300, "v=1"}},                  200, HEAD "5,300,,,1.0\n"                                },
        {"back and forth",
         {{100, "v=1"}, {200, "v=2"}, {300, "v=1"}},
         0,                                                                           HEAD "5,100,200,,1.0\n5,200,300,,2.0\n5,300,,,1.0\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tombstone tombstone = {.ingest = cases[i].deleted,
                                      .selector.measurement = BYTES("cpu"),
                                      .start = 0,
                                      .end = 10};
        const struct series *series;
        struct fixture fixture;

        fixture_init(&fixture);
        series = fixture_series(&fixture, "cpu", "");
        fixture_put(&fixture, series, 99, FIXTURE_NOW + 1, "on=true v=1"); /* both are known */
        for (size_t row = 0; row < COUNT_OF(cases[i].rows) && cases[i].rows[row].ingest; row++)
            fixture_put(&fixture, series, 5, cases[i].rows[row].ingest, cases[i].rows[row].fields);
        fixture.store.tombstones = &tombstone;
        fixture.store.tombstone_count = cases[i].deleted > 0;
        fixture_expect(&fixture, ASK, cases[i].want);
        fixture_release(&fixture);
    }
}

static void test_an_older_revision_changes_nothing(void **state)
{
    struct fixture fixture;
    uint32_t late;

    (void)state;
    fixture_init(&fixture);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 5, 100, "v=1");
    late = fixture_put(&fixture, fixture_series(&fixture, "cpu", ""), 5, 200, "v=2");
    fixture.store.rows[late].revision = 50;
    fixture_expect(&fixture, ASK, "time,known_from,known_to,v\n5,100,,1.0\n");
    fixture_release(&fixture);
}

static void test_nothing_below_the_floor_is_told(void **state)
{
    struct fixture fixture;
    const struct series *series;

    (void)state;
    fixture_init(&fixture);
    series = fixture_series(&fixture, "cpu", "");
    fixture_put(&fixture, series, 5, 100, "v=1");
    fixture_put(&fixture, series, 5, 200, "v=2");
    fixture_put(&fixture, series, 5, 300, "v=3");
    fixture.environment.history_ns = FIXTURE_NOW - 200;
    fixture_expect(&fixture, ASK, "time,known_from,known_to,v\n5,200,300,2.0\n5,300,,3.0\n");
    fixture.environment.history_ns = FIXTURE_NOW - 199;
    fixture_expect(&fixture, ASK,
                   "time,known_from,known_to,v\n5,100,200,1.0\n5,200,300,2.0\n5,300,,3.0\n");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_known_when),
        cmocka_unit_test(test_an_older_revision_changes_nothing),
        cmocka_unit_test(test_nothing_below_the_floor_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
