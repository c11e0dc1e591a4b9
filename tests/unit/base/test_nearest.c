#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/nearest.h"

static void test_distance_counts_letters(void **state)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        {"",       "",        0},
        {"a",      "",        1},
        {"start",  "start",   0},
        {"Start",  "sTART",   0},
        {"strat",  "start",   1},
        {"stat",   "start",   1},
        {"starts", "start",   1},
        {"stark",  "start",   1},
        {"ca",     "abc",     3},
        {"end",    "start",   5},
        {"kitten", "sitting", 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t got = nearest_distance(bytes_of(cases[i].a), bytes_of(cases[i].b));
        size_t back = nearest_distance(bytes_of(cases[i].b), bytes_of(cases[i].a));

        if (got != cases[i].want || back != got)
            fail_msg("%s and %s: %zu and %zu, not %zu", cases[i].a, cases[i].b, got, back,
                     cases[i].want);
    }
}

static void test_names_above_64_bytes_are_far_from_all(void **state)
{
    char name[65];

    (void)state;
    memset(name, 'a', sizeof(name));
    assert_int_equal(nearest_distance((struct bytes){name, 64}, (struct bytes){name, 64}), 0);
    assert_true(nearest_distance((struct bytes){name, 65}, BYTES("a")) == SIZE_MAX);
    assert_true(nearest_distance(BYTES("a"), (struct bytes){name, 65}) == SIZE_MAX);
}

static void test_the_nearest_name_is_what_was_meant(void **state)
{
    static const char *const names[] = {"start", "end", "measurement", "fields", "limit", NULL};
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"strat",        "start"      },
        {"measurment",   "measurement"},
        {"messurements", "measurement"},
        {"field",        "fields"     },
        {"ends",         "end"        },
        {"en",           "end"        },
        {"LIMIT",        "limit"      },
        {"token",        NULL         },
        {"x",            NULL         },
        {"measure",      NULL         },
        {"",             NULL         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = nearest_name(bytes_of(cases[i].name), names);

        if ((got == NULL) != (cases[i].want == NULL) ||
            (got != NULL && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: got %s", cases[i].name, got == NULL ? "none" : got);
    }
    assert_null(nearest_name(BYTES("a"), NULL));
}

static void test_names_that_are_met_one_by_one(void **state)
{
    static const char *const names[] = {"wand", "wund", "winds", "a much longer name",
                                        "hand", NULL};
    struct nearest nearest;

    (void)state;
    nearest_begin(&nearest, BYTES("wnd"));
    assert_int_equal(nearest.best.size, 0);
    for (size_t i = 0; names[i]; i++)
        nearest_look(&nearest, bytes_of(names[i]));
    assert_true(bytes_equal(nearest.best, BYTES("wand"))); /* and not "wund", as near as it is */
    assert_int_equal(nearest.distance, 1);
    assert_int_equal(nearest.compared, 3); /* two are too long to be near */
    nearest_look(&nearest, BYTES("WND"));
    assert_true(bytes_equal(nearest.best, BYTES("WND")));
    assert_int_equal(nearest.distance, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance_counts_letters),
        cmocka_unit_test(test_names_above_64_bytes_are_far_from_all),
        cmocka_unit_test(test_the_nearest_name_is_what_was_meant),
        cmocka_unit_test(test_names_that_are_met_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
