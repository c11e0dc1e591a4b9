#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/parameters.h"

/* Each known parameter has a row: none is taken for unknown, none is forgotten. */
static void test_all_names_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; query_parameter_names[i]; i++) {
        struct query_parameter parameter = {bytes_of(query_parameter_names[i]), BYTES("\x01")};
        struct query *query;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        assert_true(query_parse(&parameter, 1, BYTES(""), 0, &arena, &query, &err) !=
                    E_UNKNOWN_PARAMETER);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_names_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
