#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/query/parsing.h"

#define PLOT M "downsample=m4&"

static void test_every_fault_is_named(void **state)
{
    static const struct parse_fault cases[] = {
        {M "downsample=m5",    E_BAD_PARAMETER, "downsample", "want m4, minmax or lttb"},
        {M "downsample=100",   E_BAD_PARAMETER, "downsample", "\"100\""                },
        {M "points=100",       E_BAD_PARAMETER, "points",     "want downsample="       },
        {M "gap=1h",           E_BAD_PARAMETER, "gap",        "want downsample="       },
        {PLOT "points=0",      E_BAD_PARAMETER, "points",     "from 1 to 100000"       },
        {PLOT "points=100001", E_BAD_PARAMETER, "points",     "\"100001\""             },
        {PLOT "points=many",   E_BAD_PARAMETER, "points",     "from 1 to 100000"       },
        {PLOT "points=-1",     E_BAD_PARAMETER, "points",     "from 1 to 100000"       },
        {PLOT "gap=0s",        E_BAD_PARAMETER, "gap",        "above zero"             },
        {PLOT "gap=wide",      E_BAD_PARAMETER, "gap",        ""                       },
        {PLOT "agg=mean",      E_BAD_PARAMETER, "agg",        "raw rows"               },
        {PLOT "every=1h",      E_BAD_PARAMETER, "every",      "no windows"             },
        {PLOT "group_by=host", E_BAD_PARAMETER, "group_by",   "one series each"        },
        {PLOT "limit=10",      E_BAD_PARAMETER, "limit",      "no pages"               },
        {PLOT "order=desc",    E_BAD_PARAMETER, "order",      "forward in time"        },
        {PLOT "versions=all",  E_BAD_PARAMETER, "downsample", "leave versions= out"    },
        {PLOT "downsample=m4", E_BAD_PARAMETER, "downsample", "twice"                  },
    };

    (void)state;
    parse_faults(cases, COUNT_OF(cases));
}

static void test_plots_are_parsed(void **state)
{
    static const struct {
        const char *text;
        enum downsample downsample;
        uint32_t points;
        int64_t gap;
    } cases[] = {
        {M "",                                        DOWNSAMPLE_NONE,   0,      0            },
        {M "downsample=m4",                           DOWNSAMPLE_M4,     1000,   0            },
        {M "points=1&downsample=minmax",              DOWNSAMPLE_MINMAX, 1,      0            },
        {M "downsample=lttb&points=100000&gap=1h1m",  DOWNSAMPLE_LTTB,   100000, 3660000000000},
        {M "downsample=m4&order=asc&versions=latest", DOWNSAMPLE_M4,     1000,   0            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        if (parse(cases[i].text, "", &arena, &query, &err) != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(query->downsample, cases[i].downsample);
        assert_int_equal(query->points, cases[i].points);
        assert_int_equal(query->gap, cases[i].gap);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_is_named),
        cmocka_unit_test(test_plots_are_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
