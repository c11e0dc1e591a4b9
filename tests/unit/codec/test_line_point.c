#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/line_point.h"

static void test_a_line_ends_at_the_newline_outside_of_strings(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        bool whole;
    } cases[] = {
        {"",                        0,  false},
        {"\n",                      0,  true },
        {"m f=1\nm f=2\n",          5,  true },
        {"m f=1",                   5,  false},
        {"m f=\"a\nb\" 7\nx",       11, true },
        {"m f=\"a\\\"\nb\" 7\nx",   13, true },
        {"m f=\"a\\\\\"\nb\" 7\nx", 9,  true },
        {"m f=\"a\nb",              8,  false},
        {"m\"x f=1\ny\"",           7,  true },
        {"m,t=\"x f=1\ny\"",        10, true },
        {"m f\"=1\ny\"",            6,  true },
        {"m f=1,g=\"\n\" 7\n",      13, true },
        {"m f=1 \"\ny\"",           7,  true },
        {"# \"\nm",                 3,  true },
        {"m\\ x f=\"\n\"\n",        10, true },
        {"  m f=\"\n\"\n",          9,  true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size;
        bool whole = line_find_end(bytes_of(cases[i].text), &size);

        if (whole != cases[i].whole || size != cases[i].size)
            fail_msg("%s: %d, %zu", cases[i].text, whole, size);
    }
}

static void test_the_series_ends_at_the_first_unescaped_space(void **state)
{
    (void)state;
    assert_int_equal(3, line_series_size(BYTES("cpu f=1")));
    assert_int_equal(10, line_series_size(BYTES("c\\ u,a=\\ b f=1")));
    assert_int_equal(3, line_series_size(BYTES("cpu")));
    assert_int_equal(2, line_series_size(BYTES("c\\")));
}

static void test_scalars(void **state)
{
    static const struct {
        const char *text;
        enum code code;
        enum value_type type;
        uint64_t bits;
    } cases[] = {
        {"1",                     OK,             TYPE_F64,  0x3ff0000000000000},
        {"-0",                    OK,             TYPE_F64,  0x8000000000000000},
        {"1i",                    OK,             TYPE_I64,  1                 },
        {"-1i",                   OK,             TYPE_I64,  UINT64_MAX        },
        {"18446744073709551615u", OK,             TYPE_U64,  UINT64_MAX        },
        {"t",                     OK,             TYPE_BOOL, 1                 },
        {"FALSE",                 OK,             TYPE_BOOL, 0                 },
        {"tRUE",                  E_BAD_NUMBER,   TYPE_F64,  0                 },
        {"i",                     E_BAD_NUMBER,   TYPE_I64,  0                 },
        {"1.5i",                  E_BAD_NUMBER,   TYPE_I64,  0                 },
        {"inf",                   E_NOT_FINITE,   TYPE_F64,  0                 },
        {"1e400",                 E_NUMBER_RANGE, TYPE_F64,  0                 },
        {"",                      E_BAD_NUMBER,   TYPE_F64,  0                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        union cell cell = {.u64 = 0};
        enum value_type type;
        enum code code = line_parse_scalar(bytes_of(cases[i].text), &type, &cell);

        if (code != cases[i].code || type != cases[i].type ||
            (code == OK && cell.u64 != cases[i].bits))
            fail_msg("%s: %d", cases[i].text, (int)code);
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        enum time_unit unit;
        enum code code;
        int64_t time;
    } cases[] = {
        {"1700000000",           TIME_S,       OK,           1700000000000000000 },
        {"-9223372036854775806", TIME_NS,      OK,           -9223372036854775806},
        {"-9223372036854775807", TIME_NS,      E_TIME_RANGE, 0                   },
        {"9223372036854775807",  TIME_NS,      E_TIME_RANGE, 0                   },
        {"9223372036854775808",  TIME_NS,      E_TIME_RANGE, 0                   },
        {"9223372036854776",     TIME_US,      E_TIME_RANGE, 0                   },
        {"1e9",                  TIME_NS,      E_BAD_TIME,   0                   },
        {"+1",                   TIME_NS,      E_BAD_TIME,   0                   },
        {"28333333",             TIME_MINUTES, OK,           1699999980000000000 },
        {"472222",               TIME_HOURS,   OK,           1699999200000000000 },
        {"2562048",              TIME_HOURS,   E_TIME_RANGE, 0                   },
        {"-4999999999",          TIME_GUESSED, OK,           -4999999999000000000},
        {"5000000000",           TIME_GUESSED, OK,           5000000000000000    },
        {"1700000000000000001",  TIME_GUESSED, OK,           1700000000000000001 },
        {"9223372036854775807",  TIME_GUESSED, E_TIME_RANGE, 0                   },
        {"now",                  TIME_GUESSED, E_BAD_TIME,   0                   },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t time = 0;
        enum code code = line_parse_time(bytes_of(cases[i].text), cases[i].unit, &time);

        if (code != cases[i].code || time != cases[i].time)
            fail_msg("%s: %d", cases[i].text, (int)code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_ends_at_the_newline_outside_of_strings),
        cmocka_unit_test(test_the_series_ends_at_the_first_unescaped_space),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
