#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/parsing.h"

static void test_every_fault_is_named(void **state)
{
    static const struct parse_fault cases[] = {
        {M "where=v",               E_BAD_PARAMETER, "where",  "want a field"     },
        {M "where=a>5 and b>3",     E_BAD_PARAMETER, "where",  "repeat where="    },
        {M "where=s=on or b>3",     E_BAD_PARAMETER, "where",  "repeat where="    },
        {M "where=",                E_BAD_PARAMETER, "where",  "want a field"     },
        {M "where=v>1&where=v<x",   E_BAD_PARAMETER, "where",  "with a number"    },
        {M "let=x",                 E_BAD_PARAMETER, "let",    "want a name"      },
        {M "let=",                  E_BAD_PARAMETER, "let",    "want a name"      },
        {M "let=3x=v",              E_BAD_PARAMETER, "let",    "want a name"      },
        {M "let=a-b=v",             E_BAD_PARAMETER, "let",    "double quotes"    },
        {M "let=x=",                E_BAD_PARAMETER, "let",    "ends where"       },
        {M "let=x=1",               E_BAD_PARAMETER, "let",    "names no field"   },
        {M "let=x=v&let=x=w",       E_BAD_PARAMETER, "let",    "computed twice"   },
        {M "let=x=x+1",             E_BAD_PARAMETER, "let",    "computed by it"   },
        {M "let=x=y+1&let=y=v",     E_BAD_PARAMETER, "let",    "computed later"   },
        {M "top=5",                 E_BAD_PARAMETER, "top",    "5,mean_user"      },
        {M "top=0,v",               E_BAD_PARAMETER, "top",    "from 1 on"        },
        {M "top=-1,v",              E_BAD_PARAMETER, "top",    "from 1 on"        },
        {M "top=,v",                E_BAD_PARAMETER, "top",    "from 1 on"        },
        {M "top=5,",                E_BAD_PARAMETER, "top",    "a column"         },
        {M "bottom=five,v",         E_BAD_PARAMETER, "bottom", "from 1 on"        },
        {M "top=5,v&bottom=5,v",    E_BAD_PARAMETER, "bottom", "leave one of them"},
        {M "top=5,v&limit=5",       E_BAD_PARAMETER, "limit",  "leave it out"     },
        {M "top=5,v&versions=all",  E_BAD_PARAMETER, "top",    "one S"            },
        {M "bottom=5,v&order=desc", E_BAD_PARAMETER, "order",  "the best row"     },
    };

    (void)state;
    parse_faults(cases, COUNT_OF(cases));
}

static void test_what_they_say(void **state)
{
    struct query *query;
    struct error err = {0};
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(parse(M "let=x=a*b&where=a>1&let= \"y z\" = x/2&where=x<=3&top=7,y z", "",
                           &arena, &query, &err),
                     OK);
    assert_int_equal(query->computed_count, 2);
    assert_true(bytes_equal(query->computed[0].name, BYTES("x")));
    assert_true(bytes_equal(query->computed[1].name, BYTES("y z")));
    assert_int_equal(query->computed[1].expression.name_count, 1);
    assert_int_equal(query->filter_count, 2);
    assert_true(bytes_equal(query->filters[1].name, BYTES("x")));
    assert_true(query->top == 7 && bytes_equal(query->top_by, BYTES("y z")) && !query->bottom);
    assert_int_equal(parse(M "agg=mean&bottom=1,mean_a,b&order=desc", "", &arena, &query, &err),
                     OK);
    assert_true(query->top == 1 && bytes_equal(query->top_by, BYTES("mean_a,b")) && query->bottom);
    arena_release(&arena);
}

static void test_so_many_at_most(void **state)
{
    static const char *const names[] = {"let", "where"};
    enum { MOST = 64 };

    (void)state;
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        for (size_t count = MOST - 1; count <= MOST + 1; count++) {
            struct query_parameter parameters[MOST + 2] = {
                {BYTES("measurement"), BYTES("m")}
            };
            char texts[MOST + 2][16];
            struct query *query = NULL;
            struct error err = {0};
            struct arena arena;

            arena_init(&arena, 4 << 20, NULL);
            for (size_t i = 1; i <= count; i++) {
                (void)snprintf(texts[i], sizeof(texts[i]), "x%zu=%s", i, n == 0 ? "v" : "1");
                parameters[i] = (struct query_parameter){bytes_of(names[n]), bytes_of(texts[i])};
            }
            assert_int_equal(query_parse(parameters, count + 1, BYTES(""), 0, &arena, &query, &err),
                             count <= MOST ? OK : E_BAD_PARAMETER);
            assert_string_equal(err.pointer, count <= MOST ? "" : names[n]);
            arena_release(&arena);
        }
    }
}

static void test_they_choose_rows(void **state)
{
    static const char *const texts[] = {M "let=x=v", M "let=x=w", M "where=v>1", M "where=v>2",
                                        M "top=1,v", M "top=2,v", M "bottom=1,v"};
    uint64_t identities[COUNT_OF(texts)];
    struct arena arena;

    (void)state;
    arena_init(&arena, 4 << 20, NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct query *query;

        assert_int_equal(parse(texts[i], "", &arena, &query, NULL), OK);
        identities[i] = query->identity;
        for (size_t j = 0; j < i; j++)
            assert_true(identities[i] != identities[j]);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_is_named),
        cmocka_unit_test(test_what_they_say),
        cmocka_unit_test(test_so_many_at_most),
        cmocka_unit_test(test_they_choose_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
