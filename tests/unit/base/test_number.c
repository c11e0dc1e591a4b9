#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/random.h"

enum { SEED = 20261121, ROUNDS = 100000 };

static void test_i64_reads_exactly(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        int64_t value;
    } cases[] = {
        {"0",                                            OK,             0                  },
        {"-0",                                           OK,             0                  },
        {"7",                                            OK,             7                  },
        {"-12345678",                                    OK,             -12345678          },
        {"1700000000000000000",                          OK,             1700000000000000000},
        {"9223372036854775807",                          OK,             INT64_MAX          },
        {"-9223372036854775808",                         OK,             INT64_MIN          },
        {"000000000000000000000000000042",               OK,             42                 },
        {"-0000000000000000000000009223372036854775808", OK,             INT64_MIN          },
        {"9223372036854775808",                          E_NUMBER_RANGE, 0                  },
        {"-9223372036854775809",                         E_NUMBER_RANGE, 0                  },
        {"18446744073709551616",                         E_NUMBER_RANGE, 0                  },
        {"99999999999999999999",                         E_NUMBER_RANGE, 0                  },
        {"100000000000000000000",                        E_NUMBER_RANGE, 0                  },
        {"",                                             E_BAD_NUMBER,   0                  },
        {"-",                                            E_BAD_NUMBER,   0                  },
        {"+1",                                           E_BAD_NUMBER,   0                  },
        {"--1",                                          E_BAD_NUMBER,   0                  },
        {" 1",                                           E_BAD_NUMBER,   0                  },
        {"1 ",                                           E_BAD_NUMBER,   0                  },
        {"1.0",                                          E_BAD_NUMBER,   0                  },
        {"0x10",                                         E_BAD_NUMBER,   0                  },
        {"12345678x",                                    E_BAD_NUMBER,   0                  },
        {"1234:678",                                     E_BAD_NUMBER,   0                  },
        {"1234/678",                                     E_BAD_NUMBER,   0                  },
        {"99999999999999999999999x",                     E_BAD_NUMBER,   0                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 0;
        enum code code = number_parse_i64(bytes_of(cases[i].text), &value);

        if (code != cases[i].want || value != cases[i].value)
            fail_msg("%s: got %d and %lld", cases[i].text, code, (long long)value);
    }
}

static void test_u64_reads_exactly(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        uint64_t value;
    } cases[] = {
        {"18446744073709551615",    OK,             UINT64_MAX           },
        {"00018446744073709551615", OK,             UINT64_MAX           },
        {"10000000000000000000",    OK,             10000000000000000000u},
        {"0000000000000000000000",  OK,             0                    },
        {"18446744073709551616",    E_NUMBER_RANGE, 0                    },
        {"19999999999999999999",    E_NUMBER_RANGE, 0                    },
        {"20000000000000000000",    E_NUMBER_RANGE, 0                    },
        {"36893488147419103232",    E_NUMBER_RANGE, 0                    },
        {"184467440737095516150",   E_NUMBER_RANGE, 0                    },
        {"-1",                      E_BAD_NUMBER,   0                    },
        {"",                        E_BAD_NUMBER,   0                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t value = 0;
        enum code code = number_parse_u64(bytes_of(cases[i].text), &value);

        if (code != cases[i].want || value != cases[i].value)
            fail_msg("%s: got %d and %llu", cases[i].text, code, (unsigned long long)value);
    }
}

static void test_f64_reads_exactly(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        double value;
    } cases[] = {
        {"0",                                                       OK,             0                      },
        {"-0",                                                      OK,             -0.0                   },
        {"-0.0e5",                                                  OK,             -0.0                   },
        {"1",                                                       OK,             1                      },
        {"+1.5",                                                    OK,             1.5                    },
        {".5",                                                      OK,             0.5                    },
        {"5.",                                                      OK,             5                      },
        {"1e3",                                                     OK,             1000                   },
        {"1E+3",                                                    OK,             1000                   },
        {"1e-3",                                                    OK,             0.001                  },
        {"123456789012345678",                                      OK,             123456789012345678.0   },
        {"9007199254740993",                                        OK,             9007199254740992.0     }, /* 2^53 + 1: ties to even */
        {"9007199254740995",                                        OK,             9007199254740996.0     },
        {"9007199254740993.00000000000000000000000000000000000001", OK,             9007199254740994.0     },
        {"1.7976931348623157e308",                                  OK,             0x1.fffffffffffffp1023 },
        {"1.7976931348623158e308",                                  OK,             0x1.fffffffffffffp1023 },
        {"1.7976931348623159e308",                                  E_NUMBER_RANGE, 0                      },
        {"4.9406564584124654e-324",                                 OK,             0x1p-1074              },
        {"2.4703282292062327e-324",                                 OK,             0                      },
        {"2.4703282292062328e-324",                                 OK,             0x1p-1074              },
        {"2.2250738585072014e-308",                                 OK,             0x1p-1022              },
        {"2.2250738585072011e-308",                                 OK,             0x0.fffffffffffffp-1022},
        {"1e-99999999999999999999",                                 OK,             0                      },
        {"0e99999999999999999999",                                  OK,             0                      },
        {"1e99999999999999999999",                                  E_NUMBER_RANGE, 0                      },
        {"1e309",                                                   E_NUMBER_RANGE, 0                      },
        {"-1e309",                                                  E_NUMBER_RANGE, 0                      },
        {"0.00000000000000000000000000000000000000000001e44",       OK,             1                      },
        {"100000000000000000000000000000000000000000000e-44",       OK,             1                      },
        {"nan",                                                     E_NOT_FINITE,   0                      },
        {"NaN",                                                     E_NOT_FINITE,   0                      },
        {"-inf",                                                    E_NOT_FINITE,   0                      },
        {"+Infinity",                                               E_NOT_FINITE,   0                      },
        {"INF",                                                     E_NOT_FINITE,   0                      },
        {"infinit",                                                 E_BAD_NUMBER,   0                      },
        {"nan(1)",                                                  E_BAD_NUMBER,   0                      },
        {"",                                                        E_BAD_NUMBER,   0                      },
        {"-",                                                       E_BAD_NUMBER,   0                      },
        {".",                                                       E_BAD_NUMBER,   0                      },
        {"e5",                                                      E_BAD_NUMBER,   0                      },
        {"1e",                                                      E_BAD_NUMBER,   0                      },
        {"1e+",                                                     E_BAD_NUMBER,   0                      },
        {"1e5.0",                                                   E_BAD_NUMBER,   0                      },
        {"1.2.3",                                                   E_BAD_NUMBER,   0                      },
        {"1,5",                                                     E_BAD_NUMBER,   0                      },
        {"0x1p3",                                                   E_BAD_NUMBER,   0                      },
        {" 1",                                                      E_BAD_NUMBER,   0                      },
        {"1 ",                                                      E_BAD_NUMBER,   0                      },
        {"1f",                                                      E_BAD_NUMBER,   0                      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double value = 0;
        enum code code = number_parse_f64(bytes_of(cases[i].text), &value);

        if (code != cases[i].want || memcmp(&value, &cases[i].value, sizeof(value)) != 0)
            fail_msg("%s: got %d and %a", cases[i].text, code, value);
    }
}

/* A finite value of one of several shapes. */
static double any_value(struct random *random)
{
    uint64_t bits = random_next(random);
    double value;

    switch (random_below(random, 4)) {
    case 0:
        do {
            memcpy(&value, &bits, sizeof(value));
            bits = random_next(random);
        } while (!isfinite(value));
        return value;
    case 1:
        return (double)(bits % 10000000) / 1000;
    case 2: /* powers of two have their neighbours at unlike distances */
        return ldexp(bits & 1 ? 1 : -1, (int)(bits % 2098) - 1074);
    default:
        return ldexp((double)(int64_t)bits, -(int)random_below(random, 120));
    }
}

static void test_f64_reads_like_strtod(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, SEED);
    for (int i = 0; i < ROUNDS; i++) {
        char text[1200];
        double value = any_value(&random), got = 0, want;
        int precision = (int)random_below(&random, 40);
        int size = snprintf(text, sizeof(text), i % 2 == 0 ? "%.*e" : "%.*f", precision, value);
        enum code code;

        if (i % 7 == 0) /* a half between two neighbours, and whole: up to 800 digits */
            size = snprintf(text, sizeof(text), "%.780e", nextafter(value, 0) / 2 + value / 2);
        want = strtod(text, NULL);
        code = number_parse_f64((struct bytes){text, (size_t)size}, &got);
        if (isinf(want) ? code != E_NUMBER_RANGE
                        : code != OK || memcmp(&got, &want, sizeof(got)) != 0)
            fail_msg("%s: got %d and %a, want %a", text, code, got, want);
    }
}

static void test_f64_prints_the_known_texts(void **state)
{
    static const struct {
        double value;
        const char *want;
    } cases[] = {
        {0,                       "0"                       },
        {-0.0,                    "-0"                      },
        {1,                       "1"                       },
        {-1.5,                    "-1.5"                    },
        {0.1,                     "0.1"                     },
        {0.3,                     "0.3"                     },
        {0.1 + 0.2,               "0.30000000000000004"     },
        {1.0 / 3,                 "0.3333333333333333"      },
        {100,                     "100"                     },
        {123456.789,              "123456.789"              },
        {0.0001,                  "0.0001"                  },
        {0.00001,                 "1e-5"                    },
        {0.00012345678901234567,  "0.00012345678901234567"  },
        {1e15,                    "1000000000000000"        },
        {9007199254740993.0,      "9007199254740992"        },
        {1e16,                    "1e+16"                   },
        {123456789012345680.0,    "1.2345678901234568e+17"  },
        {1e22,                    "1e+22"                   },
        {1e23,                    "1e+23"                   },
        {1e300,                   "1e+300"                  },
        {-0x1.fffffffffffffp1023, "-1.7976931348623157e+308"},
        {0x1p-1022,               "2.2250738585072014e-308" },
        {0x1p-1074,               "5e-324"                  },
        {0x1p-44,                 "5.684341886080802e-14"   }, /* the nearest of 16 digits reads otherwise */
        {9.5367431640625e-07,     "9.5367431640625e-7"      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[NUMBER_TEXT_SIZE];
        struct bytes got = {text, number_print_f64(cases[i].value, text)};

        if (!bytes_equal(got, bytes_of(cases[i].want)))
            fail_msg("want %s, got %.*s", cases[i].want, BYTES_ARG(got));
    }
}

static int digit_count(struct bytes text)
{
    int count = 0, zeros = 0;

    for (size_t i = 0; i < text.size && text.data[i] != 'e'; i++) {
        char c = text.data[i];

        if (c < '0' || c > '9' || (c == '0' && count == 0))
            continue;
        zeros = c == '0' ? zeros + 1 : 0;
        count++;
    }
    return count - zeros;
}

static void test_f64_reads_back_and_is_as_short_as_printf_can(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, SEED + 1);
    for (int i = 0; i < ROUNDS; i++) {
        char text[NUMBER_TEXT_SIZE], other[NUMBER_TEXT_SIZE];
        double value = any_value(&random), back = 0;
        struct bytes got = {text, number_print_f64(value, text)};
        int digits = digit_count(got);

        assert_true(got.size <= 25);
        if (number_parse_f64(got, &back) != OK || memcmp(&back, &value, sizeof(back)) != 0)
            fail_msg("%a: %.*s reads back as %a", value, BYTES_ARG(got), back);
        if (digits < 2)
            continue;
        (void)snprintf(other, sizeof(other), "%.*e", digits - 2, value);
        if (strtod(other, NULL) == value)
            fail_msg("%.*s is longer than %s", BYTES_ARG(got), other);
    }
}

static void test_integers_print(void **state)
{
    static const struct {
        int64_t value;
        const char *want;
    } cases[] = {
        {0,         "0"                   },
        {9,         "9"                   },
        {10,        "10"                  },
        {99,        "99"                  },
        {100,       "100"                 },
        {-1,        "-1"                  },
        {12345,     "12345"               },
        {INT64_MAX, "9223372036854775807" },
        {-10,       "-10"                 },
        {1000,      "1000"                },
        {-99999,    "-99999"              },
        {INT64_MIN, "-9223372036854775808"},
    };
    char text[NUMBER_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = number_print_i64(cases[i].value, text);

        assert_true(bytes_equal((struct bytes){text, size}, bytes_of(cases[i].want)));
    }
    assert_int_equal(number_print_u64(UINT64_MAX, text), 20);
    assert_memory_equal(text, "18446744073709551615", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_i64_reads_exactly),
        cmocka_unit_test(test_u64_reads_exactly),
        cmocka_unit_test(test_f64_reads_exactly),
        cmocka_unit_test(test_f64_reads_like_strtod),
        cmocka_unit_test(test_f64_prints_the_known_texts),
        cmocka_unit_test(test_f64_reads_back_and_is_as_short_as_printf_can),
        cmocka_unit_test(test_integers_print),
    };

    printf("seed %d\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
