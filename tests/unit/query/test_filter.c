#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "query/filter.h"

static void parse_ok(const char *text, struct arena *arena, struct filter *filter)
{
    struct error err = {0};

    if (filter_parse(bytes_of(text), arena, filter, &err))
        fail_msg("%s: %s", text, err.text);
}

static void test_conditions_are_read(void **state)
{
    static const struct {
        const char *text, *name, *value;
        enum value_kind kind;
        bool negated;
    } cases[] = {
        {"user>90",             "user", "90",        KIND_NUMBER, false},
        {" user >= 90.5 ",      "user", "90.5",      KIND_NUMBER, false},
        {"a b<=-1e3",           "a b",  "-1e3",      KIND_NUMBER, false},
        {"\"a>b\"!=1",          "a>b",  "1",         KIND_NUMBER, true },
        {"s=on",                "s",    "on",        KIND_STRING, false},
        {"s!=\"true\"",         "s",    "true",      KIND_STRING, true },
        {"s=\"a \\\"b\\\" c\"", "s",    "a \"b\" c", KIND_STRING, false},
        {"s=\"\"",              "s",    "",          KIND_STRING, false},
        {"s=a=b",               "s",    "a=b",       KIND_STRING, false},
        {"b=true",              "b",    "true",      KIND_BOOL,   false},
        {"b!=false",            "b",    "false",     KIND_BOOL,   true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct filter filter;
        struct arena arena;

        arena_init(&arena, 1 << 16, NULL);
        parse_ok(cases[i].text, &arena, &filter);
        if (!bytes_equal(filter.name, bytes_of(cases[i].name)) || filter.kind != cases[i].kind ||
            !bytes_equal(filter.text, bytes_of(cases[i].value)) ||
            filter.negated != cases[i].negated)
            fail_msg("%s: got \"%.*s\", \"%.*s\", %d", cases[i].text, BYTES_ARG(filter.name),
                     BYTES_ARG(filter.text), filter.kind);
        arena_release(&arena);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"",          "want a field" },
        {"user",      "want a field" },
        {">1",        "want a field" },
        {"user>",     "want a field" },
        {"user!1",    "want a field" },
        {"user==1",   "want a field" },
        {"on=~o.*",   "patterns are" },
        {"on='yes'",  "double quotes"},
        {"user=>1",   "want a field" },
        {"user>>1",   "want a field" },
        {"user<high", "with a number"},
        {"s>\"a\"",   "with a number"},
        {"b>=true",   "with a number"},
        {"s=\"a",     "closing quote"},
        {"\"s=1",     "closing quote"},
        {"s=\"a\"b",  "behind"       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct filter filter;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 16, NULL);
        if (filter_parse(bytes_of(cases[i].text), &arena, &filter, &err) != E_BAD_PARAMETER ||
            !strstr(err.text, cases[i].part))
            fail_msg("%s: got \"%s\"", cases[i].text, err.text);
        arena_release(&arena);
    }
}

#define F64(value)                                                                                 \
    {                                                                                              \
        .type = TYPE_F64, .cell.f64 = (value)                                                      \
    }
#define I64(value)                                                                                 \
    {                                                                                              \
        .type = TYPE_I64, .cell.i64 = (value)                                                      \
    }
#define U64(value)                                                                                 \
    {                                                                                              \
        .type = TYPE_U64, .cell.u64 = (value)                                                      \
    }

static void test_numbers_compare_exactly_whatever_their_types(void **state)
{
    /* values in ascending order, those of one line equal; and texts of the same numbers */
    static const struct {
        const char *text;
        struct datum values[3];
    } line[] = {
        {"-1e300",               {F64(-1e300)}                                 },
        {"-9223372036854775808", {F64(-0x1p63), I64(INT64_MIN)}                },
        {"-9223372036854775807", {I64(INT64_MIN + 1)}                          },
        {"-2.5",                 {F64(-2.5)}                                   },
        {"-2",                   {F64(-2), I64(-2)}                            },
        {"-0.0",                 {F64(-0.0), F64(0.0), I64(0)}                 },
        {"5e-324",               {F64(5e-324)}                                 },
        {"3.0",                  {F64(3), I64(3), U64(3)}                      },
        {"9007199254740992",     {F64(0x1p53), I64(1LL << 53), U64(1ULL << 53)}},
        {"9007199254740993",     {I64((1LL << 53) + 1), U64((1ULL << 53) + 1)} },
        {"9223372036854775807",  {I64(INT64_MAX), U64(INT64_MAX)}              },
        {"9223372036854775808",  {F64(0x1p63), U64(1ULL << 63)}                },
        {"18446744073709551615", {U64(UINT64_MAX)}                             },
        {"18446744073709551616", {F64(0x1p64)}                                 },
        {"1e300",                {F64(1e300)}                                  },
    };
    static const char *const ops[] = {">", ">=", "<", "<=", "=", "!="};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(line); i++) {
        for (size_t op = 0; op < COUNT_OF(ops); op++) {
            struct filter filter;
            struct arena arena;
            char text[64];

            arena_init(&arena, 1 << 16, NULL);
            (void)snprintf(text, sizeof(text), "v%s%s", ops[op], line[i].text);
            parse_ok(text, &arena, &filter);
            for (size_t j = 0; j < COUNT_OF(line); j++) {
                const bool want[] = {j > i, j >= i, j < i, j <= i, j == i, j != i};

                for (size_t k = 0; k < 3 && line[j].values[k].type != TYPE_NONE; k++)
                    if (filter_passes(&filter, &line[j].values[k]) != want[op])
                        fail_msg("%s: %s as %s: want %d", text, line[j].text,
                                 value_type_name(line[j].values[k].type), want[op]);
            }
            arena_release(&arena);
        }
    }
}

static void test_other_kinds_and_absent_values_pass_nothing(void **state)
{
    static const char *const texts[] = {"v=1", "v!=1", "v=on", "v!=on", "v=true", "v!=true"};
    static const struct datum values[] = {
        {.type = TYPE_NONE},
        F64(2), { .type = TYPE_BOOL,    .cell.u64 = 0}
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct filter filter;
        struct arena arena;

        arena_init(&arena, 1 << 16, NULL);
        parse_ok(texts[i], &arena, &filter);
        assert_int_equal(filter_passes(&filter, &values[0]), false);
        assert_int_equal(filter_passes(&filter, &values[1]), i == 1);
        assert_int_equal(filter_passes(&filter, &values[2]), i == 5);
        arena_release(&arena);
    }
}

static void test_rows_of_several_types(void **state)
{
    enum { ROWS = 1500 };
    static union cell reals[ROWS], integers[ROWS];
    static uint8_t is_real[ROWS], is_integer[ROWS], passes[ROWS], scratch[ROWS];
    const struct rows_column columns[] = {
        {0, TYPE_F64, reals,    NULL      },
        {1, TYPE_F64, reals,    is_real   },
        {1, TYPE_I64, integers, is_integer},
    };
    struct filter filter;
    struct arena arena;

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        reals[i].f64 = i + 0.5;
        integers[i].i64 = -i;
        is_real[i] = i % 3 == 0;
        is_integer[i] = i % 3 == 1;
    }
    arena_init(&arena, 1 << 16, NULL);
    parse_ok("v!=-100", &arena, &filter);
    filter.field = 1;
    memset(passes, 1, sizeof(passes));
    passes[9] = 0;
    filter_test(&filter, columns, COUNT_OF(columns), 7, ROWS, passes, scratch);
    for (int i = 7; i < ROWS; i++)
        assert_int_equal(passes[i - 7], i % 3 != 2 && i != 100 && i != 16);
    arena_release(&arena);
}

static void test_headers_judge(void **state)
{
    static const struct {
        const char *text;
        enum verdict whole, with_nulls; /* of [10, 20], 1 row in 8 absent */
    } cases[] = {
        {"v>20",    VERDICT_NONE, VERDICT_NONE},
        {"v>=20",   VERDICT_SOME, VERDICT_SOME},
        {"v>15",    VERDICT_SOME, VERDICT_SOME},
        {"v>=10",   VERDICT_ALL,  VERDICT_SOME},
        {"v>9",     VERDICT_ALL,  VERDICT_SOME},
        {"v<10",    VERDICT_NONE, VERDICT_NONE},
        {"v<=20",   VERDICT_ALL,  VERDICT_SOME},
        {"v=15",    VERDICT_SOME, VERDICT_SOME},
        {"v=15.5",  VERDICT_SOME, VERDICT_SOME},
        {"v=21",    VERDICT_NONE, VERDICT_NONE},
        {"v!=21",   VERDICT_ALL,  VERDICT_SOME},
        {"v!=15",   VERDICT_SOME, VERDICT_SOME},
        {"v=on",    VERDICT_NONE, VERDICT_NONE},
        {"v!=true", VERDICT_NONE, VERDICT_NONE},
    };
    static const struct column_summary summaries[] = {
        {.valid_count = 8, .min.f64 = 10, .max.f64 = 20},
        {.valid_count = 7,   .min.f64 = 10, .max.f64 = 20},
        {.valid_count = 1, .min.i64 = 15, .max.i64 = 15},
        {.valid_count = 8  },
    };
    const struct place_summary whole[] = {
        {0, TYPE_F64, &summaries[0]}
    };
    const struct place_summary partly[] = {
        {0, TYPE_F64, &summaries[1]}
    };
    const struct place_summary mixed[] = {
        {0, TYPE_F64,    &summaries[1]},
        {0, TYPE_I64,    &summaries[2]},
        {0, TYPE_STRING, &summaries[3]},
        {1, TYPE_F64,    &summaries[0]},
    };
    struct filter filter;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 16, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parse_ok(cases[i].text, &arena, &filter);
        if (filter_judge(&filter, whole, 1, 8) != cases[i].whole ||
            filter_judge(&filter, partly, 1, 8) != cases[i].with_nulls)
            fail_msg("%s: got %d, %d", cases[i].text, filter_judge(&filter, whole, 1, 8),
                     filter_judge(&filter, partly, 1, 8));
    }
    parse_ok("v>=10", &arena, &filter);
    assert_int_equal(filter_judge(&filter, mixed, COUNT_OF(mixed), 8), VERDICT_SOME);
    parse_ok("v=15.25", &arena, &filter);
    assert_int_equal(filter_judge(&filter, mixed + 1, 1, 8), VERDICT_NONE);
    parse_ok("v!=on", &arena, &filter);
    assert_int_equal(filter_judge(&filter, mixed, COUNT_OF(mixed), 8), VERDICT_SOME);
    filter.field = 2; /* no column has it */
    assert_int_equal(filter_judge(&filter, mixed, COUNT_OF(mixed), 8), VERDICT_NONE);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_are_read),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_numbers_compare_exactly_whatever_their_types),
        cmocka_unit_test(test_other_kinds_and_absent_values_pass_nothing),
        cmocka_unit_test(test_rows_of_several_types),
        cmocka_unit_test(test_headers_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
