#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "http/parameter.h"

#include <stdio.h>

static void test_query_strings_are_decoded_in_order(void **state)
{
    static const struct {
        const char *text, *want; /* name=value; for each */
    } cases[] = {
        {"",                 ""                   },
        {"a=1",              "a=1;"               },
        {"a=1&a=2&b=",       "a=1;a=2;b=;"        },
        {"a",                "a=;"                },
        {"&&a=1&",           "a=1;"               },
        {"a=b=c",            "a=b=c;"             },
        {"a=x+y%20z%2B",     "a=x y z+;"          },
        {"%61%3d=%26",       "a==&;"              },
        {"a=%c3%bc\xc3\xbc", "a=\xc3\xbc\xc3\xbc;"},
        {"=1",               "=1;"                },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct parameter_list list = {0};
        struct error err = {0};
        struct arena arena;
        char got[256] = "";
        size_t size = 0;

        arena_init(&arena, 1 << 20, NULL);
        assert_int_equal(parameters_parse(bytes_of(cases[i].text), &arena, &list, &err), OK);
        for (size_t k = 0; k < list.count; k++)
            size += (size_t)snprintf(got + size, sizeof(got) - size, "%.*s=%.*s;",
                                     BYTES_ARG(list.items[k].name), BYTES_ARG(list.items[k].value));
        assert_string_equal(got, cases[i].want);
        arena_release(&arena);
    }
}

static void test_broken_escapes_and_nul_are_refused(void **state)
{
    static const char *const cases[] = {"a=%", "a=%4", "a=%zz", "%", "a=%00", "a=1&b=%0"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct parameter_list list = {0};
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        if (parameters_parse(bytes_of(cases[i]), &arena, &list, &err) != E_BAD_REQUEST)
            fail_msg("%s: passed", cases[i]);
        arena_release(&arena);
    }
}

static void test_a_plus_stays_in_a_path(void **state)
{
    struct bytes decoded = {NULL, 0};
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(percent_decode(BYTES("a+b%2Fc"), false, &arena, &decoded, &err), OK);
    assert_true(bytes_equal(decoded, BYTES("a+b/c")));
    arena_release(&arena);
}

static void test_more_than_the_maximum_is_refused(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct parameter_list list = {0};
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    for (int i = 0; i < PARAMETERS_MAX; i++)
        buf_put_text(&text, "a=1&");
    assert_int_equal(parameters_parse(buf_bytes(&text), &arena, &list, &err), OK);
    assert_int_equal(list.count, PARAMETERS_MAX);
    list = (struct parameter_list){0};
    buf_put_text(&text, "a=1");
    assert_int_equal(parameters_parse(buf_bytes(&text), &arena, &list, &err), E_BAD_REQUEST);
    buf_release(&text);
    arena_release(&arena);
}

static void test_no_memory_is_told(void **state)
{
    struct parameter_list list = {0};
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 0, NULL);
    assert_int_equal(parameters_parse(BYTES("a=1"), &arena, &list, &err), E_MEMORY);
    arena_release(&arena);
}

static void test_an_unknown_name_is_told_with_the_nearest(void **state)
{
    static const char *const known[] = {"start", "end", NULL};
    struct parameter items[] = {
        {BYTES("end"),   BYTES("1")},
        {BYTES("strat"), BYTES("2")}
    };
    struct parameter_list list = {items, 2, 2};
    struct error err = {0};

    (void)state;
    assert_int_equal(parameters_check(&list, known, &err), E_UNKNOWN_PARAMETER);
    assert_string_equal(err.pointer, "strat");
    assert_string_equal(err.text, "parameter 'strat' is not known here; did you mean 'start'?");
    items[1].name = BYTES("from");
    assert_int_equal(parameters_check(&list, known, &err), E_UNKNOWN_PARAMETER);
    assert_string_equal(err.text, "parameter 'from' is not known here; there are start, end");
    items[1].name = BYTES("start");
    assert_int_equal(parameters_check(&list, known, &err), OK);
    assert_int_equal(parameters_check(&list, NULL, &err), E_UNKNOWN_PARAMETER);
    assert_string_equal(err.text, "parameter 'end' is not known here");
    items[0].name = BYTES("{\"measurement\":\"m\"}"); /* as curl -d sends it */
    assert_int_equal(parameters_check(&list, known, &err), E_UNKNOWN_PARAMETER);
    assert_non_null(strstr(err.text, "Content-Type: application/json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_strings_are_decoded_in_order),
        cmocka_unit_test(test_broken_escapes_and_nul_are_refused),
        cmocka_unit_test(test_a_plus_stays_in_a_path),
        cmocka_unit_test(test_more_than_the_maximum_is_refused),
        cmocka_unit_test(test_no_memory_is_told),
        cmocka_unit_test(test_an_unknown_name_is_told_with_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
