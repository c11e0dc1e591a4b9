#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/name_list.h"

static void test_lists(void **state)
{
    static const struct {
        const char *text;
        const char *names[4]; /* none: refused */
    } cases[] = {
        {"a",             {"a"}           },
        {"a,b,cd",        {"a", "b", "cd"}},
        {"a\\,b,c",       {"a,b", "c"}    },
        {"a\\\\,b",       {"a\\", "b"}    },
        {"a\\n,\\",       {"a\\n", "\\"}  },
        {"\\,",           {","}           },
        {" a , b",        {" a ", " b"}   },
        {"",              {0}             },
        {",",             {0}             },
        {"a,",            {0}             },
        {",a",            {0}             },
        {"a,,b",          {0}             },
        {"a,b,a",         {0}             },
        {"a\\,b,c,a\\,b", {0}             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct bytes *names = NULL;
        uint32_t count = 0;
        struct error err = {0};
        struct arena arena;
        enum code code, want = cases[i].names[0] ? OK : E_BAD_PARAMETER;

        arena_init(&arena, 1 << 16, NULL);
        code = name_list_parse(bytes_of(cases[i].text), &names, &count, &arena, &err);
        if (code != want || err.code != code)
            fail_msg("%s: got %d (%s)", cases[i].text, code, err.text);
        for (uint32_t n = 0; !code && n < count; n++)
            if (!cases[i].names[n] || !bytes_equal(names[n], bytes_of(cases[i].names[n])))
                fail_msg("%s: name %u is %.*s", cases[i].text, (unsigned)n, BYTES_ARG(names[n]));
        if (!code && cases[i].names[count])
            fail_msg("%s: %u names", cases[i].text, (unsigned)count);
        arena_release(&arena);
    }
}

static void test_no_memory_is_told(void **state)
{
    const struct bytes *names;
    uint32_t count;
    struct arena arena;

    (void)state;
    arena_init(&arena, 0, NULL);
    assert_int_equal(name_list_parse(BYTES("a"), &names, &count, &arena, NULL), E_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
