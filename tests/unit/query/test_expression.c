#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "query/expression.h"

/* Fields by name: a=6, b=-4, c has no value, "d e"=0.5, s is a text. */
static const struct bytes field_names[] = {BYTES("a"),   BYTES("b"), BYTES("c"),
                                           BYTES("d e"), BYTES("s"), BYTES("x1.y_z")};

static void bind(struct expression *expression)
{
    for (uint32_t i = 0; i < expression->step_count; i++) {
        struct expression_step *step = &expression->steps[i];
        uint32_t field = 0;

        if (step->op != EXPRESSION_FIELD)
            continue;
        while (!bytes_equal(field_names[field], expression->names[step->field])) {
            field++;
            assert_true(field < COUNT_OF(field_names));
        }
        step->field = field;
    }
}

/* Both ways of evaluating give this; NAN: no value. */
static void expect(const char *text, double want)
{
    struct expression_stack stack;
    const struct text *none = NULL;
    const union cell a[] = {{.f64 = 0}, {.i64 = 6}}, b[] = {{.f64 = 0}, {.f64 = -4}};
    const union cell d[] = {{.f64 = 0}, {.f64 = 0.5}}, s[] = {{.text = none}, {.text = none}};
    const union cell a_real[] = {{.f64 = 0}, {.f64 = 99}}, x[] = {{.u64 = 0}, {.u64 = UINT64_MAX}};
    const uint8_t absent[] = {1, 0}, there[] = {0, 1};
    const struct rows_column columns[] = {
        {0, TYPE_F64,    a_real, absent},
        {0, TYPE_I64,    a,      there },
        {1, TYPE_F64,    b,      NULL  },
        {2, TYPE_F64,    b,      absent},
        {3, TYPE_F64,    d,      NULL  },
        {4, TYPE_STRING, s,      NULL  },
        {5, TYPE_U64,    x,      NULL  },
    };
    const struct datum values[] = {
        {.type = TYPE_I64,  .cell.i64 = 6 },
        {.type = TYPE_F64,  .cell.f64 = -4},
        {.type = TYPE_NONE},
        {.type = TYPE_F64,  .cell.f64 = 0.5              },
        {.type = TYPE_STRING                },
        {.type = TYPE_U64,                 .cell.u64 = UINT64_MAX},
    };
    struct expression expression;
    struct error err = {0};
    struct arena arena;
    union cell cell;
    uint8_t present;
    struct datum datum;

    arena_init(&arena, 1 << 20, NULL);
    if (expression_parse(bytes_of(text), &arena, &expression, &err))
        fail_msg("%s: %s", text, err.text);
    bind(&expression);
    assert_true(expression_stack_init(&stack, expression.depth, &arena));
    expression_evaluate(&expression, columns, COUNT_OF(columns), 1, 2, &stack, &cell, &present);
    expression_evaluate_row(&expression, values, &datum);
    if (present != !isnan(want) || (present && cell.f64 != want))
        fail_msg("%s: got %d, %.17g, want %.17g", text, present, cell.f64, want);
    if ((datum.type == TYPE_F64) != !isnan(want) || (present && datum.cell.f64 != want))
        fail_msg("%s: as one row: got %d, %.17g, want %.17g", text, datum.type, datum.cell.f64,
                 want);
    arena_release(&arena);
}

static void test_arithmetic(void **state)
{
    (void)state;
    expect("a", 6);
    expect(" a * b ", -24);
    expect("a+b*a", -18);
    expect("(a+b)*a", 12);
    expect("a-b-a", 4);
    expect("a/b/a", -0.25);
    expect("-a", -6);
    expect("--a", 6);
    expect("a*-b", 24);
    expect("-(a+b)", -2);
    expect("a-1", 5);
    expect("1.5e1+a", 21);
    expect("a+.5", 6.5);
    expect("a+5.", 11);
    expect("2e0*a", 12);
    expect("\"d e\"*2", 1);
    expect("x1.y_z*1", 0x1p64);
    expect("c+a", NAN);
    expect("a*c", NAN);
    expect("s+a", NAN);
    expect("a/0", NAN);
    expect("a/(b+4)", NAN);
    expect("a*1e308*1e308", NAN);
    expect("1/(a/0)", 0); /* the result is what counts */
}

static void test_faults_name_the_byte(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"",        "ends where"                 },
        {"a+",      "ends where a number"        },
        {"(a",      "ends where an operator or a"},
        {"a)",      "at byte 2"                  },
        {"a b",     "at byte 3"                  },
        {"a b",     "+ - * /"                    },
        {"a+*b",    "at byte 3"                  },
        {"a%b",     "at byte 2"                  },
        {"3",       "names no field"             },
        {"2*(1+1)", "names no field"             },
        {"\"a",     "closing quote"              },
        {"1e999*a", "range of f64"               },
        {"2a",      "at byte 1"                  },
        {"1.2.3*a", "at byte 1"                  },
        {".",       "at byte 1"                  },
        {"()",      "at byte 2"                  },
        {"a==b",    "at byte 2"                  },
        {"+a",      "at byte 1"                  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct expression expression;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        if (expression_parse(bytes_of(cases[i].text), &arena, &expression, &err) !=
                E_BAD_PARAMETER ||
            !strstr(err.text, cases[i].part))
            fail_msg("%s: got \"%s\"", cases[i].text, err.text);
        arena_release(&arena);
    }
}

/* `before` so many times, `middle`, and `after` as often. */
static enum code parse_nested(const char *before, const char *middle, const char *after, int count)
{
    char text[4096] = "";
    struct expression expression;
    struct error err = {0};
    struct arena arena;
    enum code code;

    for (int i = 0; i < count; i++)
        (void)strcat(text, before);
    (void)strcat(text, middle);
    for (int i = 0; i < count; i++)
        (void)strcat(text, after);
    arena_init(&arena, 1 << 20, NULL);
    code = expression_parse(bytes_of(text), &arena, &expression, &err);
    assert_true(code == OK || code == E_BAD_PARAMETER);
    if (code == OK) { /* and the stack suffices */
        struct datum value = {.type = TYPE_F64, .cell.f64 = 1}, result;

        bind(&expression);
        expression_evaluate_row(&expression, &value, &result);
        assert_int_equal(result.type, TYPE_F64);
    }
    arena_release(&arena);
    return code;
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_nested("(", "a", ")", EXPRESSION_DEPTH_MAX - 1), OK);
    assert_int_equal(parse_nested("(", "a", ")", EXPRESSION_DEPTH_MAX), OK);
    assert_int_equal(parse_nested("(", "a", ")", EXPRESSION_DEPTH_MAX + 1), E_BAD_PARAMETER);
    assert_int_equal(parse_nested("-", "a", "", EXPRESSION_DEPTH_MAX), OK);
    assert_int_equal(parse_nested("-", "a", "", EXPRESSION_DEPTH_MAX + 1), E_BAD_PARAMETER);
    assert_int_equal(parse_nested("a+a*(", "a+a*a", ")", EXPRESSION_DEPTH_MAX), OK);
    /* an operand and an operation each */
    assert_int_equal(parse_nested("a+", "a", "", EXPRESSION_STEPS_MAX / 2 - 1), OK);
    assert_int_equal(parse_nested("a+", "-a", "", EXPRESSION_STEPS_MAX / 2 - 1), OK);
    assert_int_equal(parse_nested("a+", "--a", "", EXPRESSION_STEPS_MAX / 2 - 1), E_BAD_PARAMETER);
}

static void test_many_rows_go_in_pieces(void **state)
{
    enum { ROWS = 3 * EXPRESSION_ROWS + 7 };
    static union cell cells[ROWS + 2], got[ROWS];
    struct expression_stack stack;
    static uint8_t present[ROWS];
    const struct rows_column column = {0, TYPE_I64, cells, NULL};
    struct expression expression;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (int i = 0; i < ROWS + 2; i++)
        cells[i].i64 = i;
    assert_int_equal(expression_parse(BYTES("a*a-1"), &arena, &expression, NULL), OK);
    assert_int_equal(expression.depth, 2);
    assert_true(expression_stack_init(&stack, expression.depth, &arena));
    expression_evaluate(&expression, &column, 1, 2, ROWS + 2, &stack, got, present);
    for (int i = 0; i < ROWS; i++) {
        assert_true(present[i]);
        assert_true(got[i].f64 == (i + 2.0) * (i + 2.0) - 1);
    }
    arena_release(&arena);
}

/* What parsing takes does not grow with the text times its names. */
static void test_a_long_text_of_quoted_names_needs_little_memory(void **state)
{
    enum { NAMES = 120, TEXT_SIZE = 60000 };
    static char text[TEXT_SIZE];
    struct expression expression;
    struct error err = {0};
    struct arena arena;

    (void)state;
    memset(text, ' ', sizeof(text));
    for (size_t i = 0; i < NAMES; i++)
        memcpy(text + 4 * i, i > 0 ? "+\"a\"" : " \"a\"", 4);
    arena_init(&arena, 1 << 16, NULL);
    if (expression_parse((struct bytes){text, sizeof(text)}, &arena, &expression, &err))
        fail_msg("%s", err.text);
    assert_int_equal(expression.step_count, 2 * NAMES - 1);
    arena_release(&arena);
}

static void test_names(void **state)
{
    static const struct {
        const char *text, *name;
        size_t size;
    } cases[] = {
        {"abc=1",          "abc",       3},
        {"_a.b9-c",        "_a.b9",     5},
        {"9a",             "",          0},
        {"",               "",          0},
        {"\"a b\"=",       "a b",       5},
        {"\"a\\\"b\\\\\"", "a\"b\\",    8},
        {"\xc3\xa4x y",    "\xc3\xa4x", 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena;
        struct bytes name;
        size_t size = 99;

        arena_init(&arena, 1 << 16, NULL);
        assert_int_equal(name_read(bytes_of(cases[i].text), &arena, &name, &size, NULL), OK);
        if (size != cases[i].size || !bytes_equal(name, bytes_of(cases[i].name)))
            fail_msg("%s: got %zu, \"%.*s\"", cases[i].text, size, BYTES_ARG(name));
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_faults_name_the_byte),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many_rows_go_in_pieces),
        cmocka_unit_test(test_a_long_text_of_quoted_names_needs_little_memory),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
