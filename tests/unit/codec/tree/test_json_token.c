#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/tree/json_token.h"

static void test_strings(void **state)
{
    static const struct {
        const char *text;
        size_t room;
        enum json_run want;
        size_t end;
        bool escapes;
    } cases[] = {
        {"\"",                                10, JSON_RUN_WHOLE,   0,  false},
        {"abc\"d",                            10, JSON_RUN_WHOLE,   3,  false},
        {"a long text, longer than a word\"", 99, JSON_RUN_WHOLE,   31, false},
        {"a\\\"b\"",                          10, JSON_RUN_WHOLE,   4,  true },
        {"a\\\\\"",                           10, JSON_RUN_WHOLE,   3,  true },
        {"abc",                               10, JSON_RUN_CUT,     3,  false},
        {"abc\\",                             10, JSON_RUN_CUT,     4,  true },
        {"abc\"",                             3,  JSON_RUN_WHOLE,   3,  false},
        {"abc\"",                             2,  JSON_RUN_LONG,    2,  false},
        {"ab\\\"c",                           3,  JSON_RUN_LONG,    3,  true },
        {"ab\tc",                             9,  JSON_RUN_CONTROL, 2,  false},
        {"12345678\x1f\"",                    99, JSON_RUN_CONTROL, 8,  false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json_string string = {0};
        const char *at = cases[i].text;
        enum json_run run =
            json_run_string(&string, &at, at + strlen(cases[i].text), cases[i].room);

        if (run != cases[i].want || (size_t)(at - cases[i].text) != cases[i].end ||
            string.escapes != cases[i].escapes)
            fail_msg("%s: %d at %zu", cases[i].text, run, (size_t)(at - cases[i].text));
    }
}

static void test_high_bytes_are_seen(void **state)
{
    struct json_string string = {0};
    const char text[] = "abcdefgh\xc3\xa4\"", *at = text;

    (void)state;
    assert_int_equal(json_run_string(&string, &at, text + 8, 99), JSON_RUN_CUT);
    assert_true(string.high == 0);
    assert_int_equal(json_run_string(&string, &at, text + sizeof(text) - 1, 99), JSON_RUN_WHOLE);
    assert_true(string.high != 0);
}

static void test_numbers_and_words(void **state)
{
    static const struct {
        const char *text;
        size_t room;
        enum json_run number, word;
        size_t end; /* of both, where they are what they run through */
    } cases[] = {
        {"12,",   9, JSON_RUN_WHOLE, JSON_RUN_WHOLE, 2},
        {"12",    9, JSON_RUN_CUT,   JSON_RUN_CUT,   2},
        {"123,",  3, JSON_RUN_WHOLE, JSON_RUN_WHOLE, 3},
        {"1234,", 3, JSON_RUN_LONG,  JSON_RUN_LONG,  3},
    };
    const char *at = "-1.5E+3]", *first = at;

    (void)state;
    assert_int_equal(json_run_number(&at, first + 8, 99), JSON_RUN_WHOLE);
    assert_int_equal(at - first, 7);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *end = cases[i].text + strlen(cases[i].text);

        at = cases[i].text;
        assert_int_equal(json_run_number(&at, end, cases[i].room), cases[i].number);
        assert_int_equal(at - cases[i].text, cases[i].end);
        at = cases[i].text;
        assert_int_equal(json_run_word(&at, end, cases[i].room), cases[i].word);
        assert_int_equal(at - cases[i].text, cases[i].end);
    }
}

static void test_faults_of_numbers(void **state)
{
    static const struct {
        const char *text;
        size_t where; /* SIZE_MAX: there is none */
    } cases[] = {
        {"0",     SIZE_MAX},
        {"-0",    SIZE_MAX},
        {"10",    SIZE_MAX},
        {"1.50",  SIZE_MAX},
        {"-1e5",  SIZE_MAX},
        {"1E-05", SIZE_MAX},
        {"0.0",   SIZE_MAX},
        {"0e0",   SIZE_MAX},
        {"",      0       },
        {"-",     1       },
        {"00",    1       },
        {"-01",   2       },
        {".5",    0       },
        {"1.",    2       },
        {"1e",    2       },
        {"1e-",   3       },
        {"1-2",   1       },
        {"--1",   1       },
        {"1.5.5", 3       },
        {"1e5e5", 3       },
        {"1.e5",  2       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t where = SIZE_MAX;
        const char *what = json_number_fault(bytes_of(cases[i].text), &where);

        if ((what == NULL) != (cases[i].where == SIZE_MAX) ||
            (what != NULL && where != cases[i].where))
            fail_msg("%s: %s at %zu", cases[i].text, what == NULL ? "fine" : what, where);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_high_bytes_are_seen),
        cmocka_unit_test(test_numbers_and_words),
        cmocka_unit_test(test_faults_of_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
