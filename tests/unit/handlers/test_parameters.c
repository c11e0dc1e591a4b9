#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "handlers/app.h"

static void test_a_number_is_whole_and_in_its_range(void **state)
{
    static const struct {
        const char *text; /* NULL = absent */
        enum code want;
        uint64_t value;
    } cases[] = {
        {NULL,                   OK,              7 },
        {"1",                    OK,              1 },
        {"10",                   OK,              10},
        {"0",                    E_BAD_PARAMETER, 0 },
        {"11",                   E_BAD_PARAMETER, 0 },
        {"",                     E_BAD_PARAMETER, 0 },
        {"-1",                   E_BAD_PARAMETER, 0 },
        {"1.5",                  E_BAD_PARAMETER, 0 },
        {"99999999999999999999", E_BAD_PARAMETER, 0 },
        {"ten",                  E_BAD_PARAMETER, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct parameter item = {.name = BYTES("limit")};
        struct request request = {.parameters = &item, .parameter_count = 1};
        struct error err = {0};
        uint64_t value = 0;
        enum code code;

        if (cases[i].text == NULL)
            request.parameter_count = 0;
        else
            item.value = bytes_of(cases[i].text);
        code = parameter_number(&request, "limit", 1, 10, 7, &value, &err);
        if (code != cases[i].want || (code == OK && value != cases[i].value))
            fail_msg("case %zu: %d, %s", i, code, err.text);
        if (code)
            assert_string_equal(err.pointer, "limit");
    }
}

static void test_only_what_may_be_repeated_stands_twice(void **state)
{
    struct parameter items[] = {
        {BYTES("match"), BYTES("a=b")},
        {BYTES("start"), BYTES("1")  },
        {BYTES("match"), BYTES("c=d")},
        {BYTES("start"), BYTES("2")  },
    };
    struct request request = {.parameters = items, .parameter_count = 3};
    struct error err = {0};

    (void)state;
    assert_int_equal(parameters_once(&request, "match", &err), OK);
    assert_int_equal(parameters_once(&request, NULL, &err), E_BAD_PARAMETER);
    assert_string_equal(err.pointer, "match");
    request.parameter_count = 4;
    assert_int_equal(parameters_once(&request, "match", &err), E_BAD_PARAMETER);
    assert_string_equal(err.pointer, "start");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_is_whole_and_in_its_range),
        cmocka_unit_test(test_only_what_may_be_repeated_stands_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
