#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/value.h"

static void test_every_type_has_its_name_and_kind(void **state)
{
    static const struct {
        enum value_type type;
        const char *name;
        enum value_kind kind;
        const char *kind_name;
    } cases[] = {
        {TYPE_NONE,           "none",      KIND_NONE,   "none"  },
        {TYPE_F64,            "f64",       KIND_NUMBER, "number"},
        {TYPE_I64,            "i64",       KIND_NUMBER, "number"},
        {TYPE_U64,            "u64",       KIND_NUMBER, "number"},
        {TYPE_BOOL,           "bool",      KIND_BOOL,   "bool"  },
        {TYPE_STRING,         "string",    KIND_STRING, "string"},
        {TYPE_RETRACTED,      "retracted", KIND_NONE,   "none"  },
        {(enum value_type)99, "unknown",   KIND_NONE,   "none"  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal(value_type_name(cases[i].type), cases[i].name);
        assert_int_equal(value_kind(cases[i].type), cases[i].kind);
        assert_string_equal(value_kind_name(cases[i].kind), cases[i].kind_name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_type_has_its_name_and_kind)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
