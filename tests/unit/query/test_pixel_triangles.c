/* What lttb keeps; random series are in test_answer_pixels.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#define ASK "measurement=m&epoch=ns&format=csv&downsample=lttb&points="

static void put(struct fixture *fixture, const char *const *fields, size_t count)
{
    const struct series *series = fixture_series(fixture, "m", "");

    for (size_t i = 0; i < count; i++)
        fixture_put(fixture, series, (int64_t)i * 10, 100, fields[i]);
}

static void test_ends_and_spikes_are_kept(void **state)
{
    static const char *const rows[] = {"v=1", "v=1",  "v=1", "v=9", "v=1",
                                       "v=1", "v=-5", "v=1", "v=1", "v=2"};
    static const struct {
        const char *points, *want;
    } cases[] = {
        {"1", "time,v\n0,1.0\n30,9.0\n90,2.0\n"         }, /* the ends, and one between */
        {"3", "time,v\n0,1.0\n30,9.0\n90,2.0\n"         },
        {"4", "time,v\n0,1.0\n30,9.0\n60,-5.0\n90,2.0\n"},
    };
    struct fixture fixture;
    char question[128];

    (void)state;
    fixture_init(&fixture);
    put(&fixture, rows, COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(question, sizeof(question), ASK "%s", cases[i].points);
        fixture_expect(&fixture, question, cases[i].want);
    }
    fixture_release(&fixture);
}

static void test_of_equal_triangles_the_earliest_counts(void **state)
{
    static const char *const rows[] = {"v=1i", "v=1i", "v=1i", "v=1i", "v=1i"};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    put(&fixture, rows, COUNT_OF(rows));
    fixture_expect(&fixture, ASK "3", "time,v\n0,1\n10,1\n40,1\n");
    fixture_release(&fixture);
}

static void test_nothing_overflows(void **state)
{
    static const char *const rows[] = {"v=1.7e308", "v=-1.7e308", "v=1.7e308", "v=1.7e308",
                                       "v=1.7e308", "v=1.7e308",  "v=0",       "v=1.7e308"};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    put(&fixture, rows, COUNT_OF(rows));
    fixture_expect(&fixture, ASK "4",
                   "time,v\n0,1.7e+308\n10,-1.7e+308\n40,1.7e+308\n70,1.7e+308\n");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_and_spikes_are_kept),
        cmocka_unit_test(test_of_equal_triangles_the_earliest_counts),
        cmocka_unit_test(test_nothing_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
