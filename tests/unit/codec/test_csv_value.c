#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/number.h"
#include "codec/csv_value.h"

/* "1.5", "2i", "3u", "true", "text", or the slug of what was refused. */
static void print(const struct csv_value_rules *rules, struct bytes text, const char *readable_end,
                  char *out, size_t size)
{
    enum value_type type = TYPE_NONE;
    union cell cell = {.u64 = 0};
    struct error why = {0};
    enum code code = csv_value(rules, text, readable_end, &type, &cell, &why);
    char number[NUMBER_TEXT_SIZE];

    if (code != OK)
        snprintf(out, size, "%s", code_row(code)->slug);
    else if (type == TYPE_F64)
        snprintf(out, size, "%.*s", (int)number_print_f64(cell.f64, number), number);
    else if (type == TYPE_I64)
        snprintf(out, size, "%ldi", (long)cell.i64);
    else if (type == TYPE_U64)
        snprintf(out, size, "%luu", (unsigned long)cell.u64);
    else if (type == TYPE_BOOL)
        snprintf(out, size, "%s", cell.u64 ? "true" : "false");
    else
        snprintf(out, size, "text");
}

static const struct value_case {
    enum value_type type;
    char decimal;
    const char *text, *want;
} cases[] = {
    {TYPE_NONE,   '.', "1",                    "1i"                    },
    {TYPE_NONE,   '.', "0",                    "0i"                    },
    {TYPE_NONE,   '.', "-5",                   "-5i"                   },
    {TYPE_NONE,   '.', "-0",                   "0i"                    },
    {TYPE_NONE,   '.', "9223372036854775807",  "9223372036854775807i"  },
    {TYPE_NONE,   '.', "-9223372036854775808", "-9223372036854775808i" },
    {TYPE_NONE,   '.', "9223372036854775808",  "9223372036854775808u"  },
    {TYPE_NONE,   '.', "18446744073709551615", "18446744073709551615u" },
    {TYPE_NONE,   '.', "18446744073709551616", "number_out_of_range"   },
    {TYPE_NONE,   '.', "-9223372036854775809", "number_out_of_range"   },
    {TYPE_NONE,   '.', "1.5",                  "1.5"                   },
    {TYPE_NONE,   '.', "-0.0",                 "-0"                    },
    {TYPE_NONE,   '.', "0.1",                  "0.1"                   },
    {TYPE_NONE,   '.', "74.93588199999998",    "74.93588199999998"     },
    {TYPE_NONE,   '.', "123456789012.345",     "123456789012.345"      },
    {TYPE_NONE,   '.', ".5",                   "0.5"                   },
    {TYPE_NONE,   '.', "5.",                   "5"                     },
    {TYPE_NONE,   '.', "1e3",                  "1000"                  },
    {TYPE_NONE,   '.', "1.5E-3",               "0.0015"                },
    {TYPE_NONE,   '.', "1e999",                "number_out_of_range"   },
    {TYPE_NONE,   '.', "true",                 "true"                  },
    {TYPE_NONE,   '.', "False",                "false"                 },
    {TYPE_NONE,   '.', "TRUE",                 "true"                  },
    {TYPE_NONE,   '.', "t",                    "text"                  },
    {TYPE_NONE,   '.', "rain",                 "text"                  },
    {TYPE_NONE,   '.', "007",                  "text"                  },
    {TYPE_NONE,   '.', "-01",                  "text"                  },
    {TYPE_NONE,   '.', "00.5",                 "text"                  },
    {TYPE_NONE,   '.', "+5",                   "text"                  },
    {TYPE_NONE,   '.', "-",                    "text"                  },
    {TYPE_NONE,   '.', ".",                    "text"                  },
    {TYPE_NONE,   '.', "1e",                   "text"                  },
    {TYPE_NONE,   '.', "1,5",                  "text"                  },
    {TYPE_NONE,   '.', "12 km",                "text"                  },
    {TYPE_NONE,   '.', "2024-02-29",           "text"                  },
    {TYPE_NONE,   '.', "0x10",                 "text"                  },
    {TYPE_NONE,   '.', "NaN",                  "not_finite"            },
    {TYPE_NONE,   '.', "-inf",                 "not_finite"            },
    {TYPE_NONE,   '.', "Infinity",             "not_finite"            },
    {TYPE_NONE,   ',', "1,5",                  "1.5"                   },
    {TYPE_NONE,   ',', "-1,25e1",              "-12.5"                 },
    {TYPE_NONE,   ',', "0,30000000000000004",  "0.30000000000000004"   },
    {TYPE_NONE,   ',', "1.5",                  "text"                  },
    {TYPE_NONE,   ',', "7",                    "7i"                    },
    {TYPE_F64,    '.', "7",                    "7"                     },
    {TYPE_F64,    '.', "007",                  "7"                     },
    {TYPE_F64,    '.', "-0",                   "-0"                    },
    {TYPE_F64,    '.', "9007199254740993",     "9007199254740992"      },
    {TYPE_F64,    '.', "18446744073709551616", "1.8446744073709552e+19"},
    {TYPE_F64,    '.', "abc",                  "bad_number"            },
    {TYPE_F64,    '.', "nan",                  "not_finite"            },
    {TYPE_F64,    ',', "1.5",                  "bad_number"            },
    {TYPE_I64,    '.', "007",                  "7i"                    },
    {TYPE_I64,    '.', "1.0",                  "bad_number"            },
    {TYPE_I64,    '.', "9223372036854775808",  "number_out_of_range"   },
    {TYPE_U64,    '.', "7",                    "7u"                    },
    {TYPE_U64,    '.', "-7",                   "bad_number"            },
    {TYPE_BOOL,   '.', "1",                    "true"                  },
    {TYPE_BOOL,   '.', "0",                    "false"                 },
    {TYPE_BOOL,   '.', "TRUE",                 "true"                  },
    {TYPE_BOOL,   '.', "2",                    "bad_syntax"            },
    {TYPE_STRING, '.', "12",                   "text"                  },
    {TYPE_STRING, '.', "",                     "text"                  },
};

/* By the fast way, which reads ahead, and by the slow one. */
static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int fast = 0; fast < 2; fast++) {
            struct csv_value_rules rules = {cases[i].type, cases[i].decimal};
            char buffer[200], got[64];
            size_t size = strlen(cases[i].text);

            memset(buffer, ',', sizeof(buffer));
            memcpy(buffer, cases[i].text, size);
            buffer[size] = fast ? ',' : '9';
            print(&rules, (struct bytes){buffer, size}, fast ? buffer + sizeof(buffer) : NULL, got,
                  sizeof(got));
            if (strcmp(got, cases[i].want) != 0)
                fail_msg("%s as %s, fast %d: got %s, want %s", cases[i].text,
                         value_type_name(cases[i].type), fast, got, cases[i].want);
        }
}

/* Any short text: the two ways agree to the bit. */
static void test_the_fast_way_is_the_slow_way(void **state)
{
    static const char alphabet[] = "0123456789.-e";
    uint64_t x = 88172645463325252U;

    (void)state;
    for (int round = 0; round < 300000; round++) {
        struct csv_value_rules rules = {round % 3 == 0 ? TYPE_F64 : TYPE_NONE, '.'};
        char buffer[128], fast[64], slow[64];
        size_t size;

        memset(buffer, ',', sizeof(buffer));
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        size = 1 + x % 20;
        for (size_t i = 0; i < size; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            buffer[i] = alphabet[x % (x >> 40 & 1 ? 10 : sizeof(alphabet) - 1)];
        }
        print(&rules, (struct bytes){buffer, size}, buffer + sizeof(buffer), fast, sizeof(fast));
        print(&rules, (struct bytes){buffer, size}, NULL, slow, sizeof(slow));
        if (strcmp(fast, slow) != 0)
            fail_msg("%.*s: fast %s, slow %s", (int)size, buffer, fast, slow);
    }
}

static void test_integers_widen_when_exact(void **state)
{
    union cell cell = {.i64 = INT64_C(1) << 53};

    (void)state;
    assert_true(csv_value_widen(&cell));
    assert_true(cell.f64 == 9007199254740992.0);
    cell.i64 = (INT64_C(1) << 53) + 1;
    assert_false(csv_value_widen(&cell));
    assert_int_equal(cell.i64, (INT64_C(1) << 53) + 1);
    cell.i64 = 0;
    assert_true(csv_value_widen(&cell));
    assert_int_equal(cell.u64, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_the_fast_way_is_the_slow_way),
        cmocka_unit_test(test_integers_widen_when_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
