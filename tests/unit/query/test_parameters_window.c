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
        {M "every=1h",                               E_BAD_PARAMETER, "every",    "need agg="                   },
        {M "group_by=host",                          E_BAD_PARAMETER, "group_by", "need agg="                   },
        {M "fill=none",                              E_BAD_PARAMETER, "fill",     "every= and agg="             },
        {M "agg=mean&every=0s",                      E_BAD_PARAMETER, "every",    "above zero"                  },
        {M "agg=mean&every=fast",                    E_BAD_PARAMETER, "every",    ""                            },
        {M "agg=mean&every=foo",                     E_BAD_PARAMETER, "every",
         "want a number and a unit, as in 1h30m; months and years"                                              },
        {M "agg=mean&every=5x",                      E_BAD_PARAMETER, "every",
         "ns; months and years are as in 3mo or 1y"                                                             },
        {M "agg=mean&every=0mo",                     E_BAD_PARAMETER, "every",    "1mo to 292y"                 },
        {M "agg=mean&every=3505mo",                  E_BAD_PARAMETER, "every",    "1mo to 292y"                 },
        {M "agg=mean&every=293y",                    E_BAD_PARAMETER, "every",    "1mo to 292y"                 },
        {M "agg=mean&every=1y6mo",                   E_BAD_PARAMETER, "every",    "as one number"               },
        {M "agg=mean&every=1M",                      E_BAD_PARAMETER, "every",    "3mo or 1y"                   },
        {M "agg=mean&every=1day",                    E_BAD_PARAMETER, "every",    "each number with a unit"     },
        {M "agg=mean&every=mo",                      E_BAD_PARAMETER, "every",    "3mo or 1y"                   },
        {M "agg=mean&every=99999999999999999999y",   E_BAD_PARAMETER, "every",    "3mo or 1y"                   },
        {M "agg=mean&every=1d&tz=Europe/Pari",       E_BAD_PARAMETER, "tz",
         "did you mean \"Europe/Paris\"?"                                                                       },
        {M "agg=mean&every=1d&tz=Mars/Olympus_Mons", E_BAD_PARAMETER, "tz",       "is no time zone"             },
        {M "agg=mean&tz=UTC",                        E_BAD_PARAMETER, "tz",       "every= and agg="             },
        {M "tz=UTC",                                 E_BAD_PARAMETER, "tz",       "every= and agg="             },
        {M "agg=mean&offset=1h",                     E_BAD_PARAMETER, "offset",   "every= and agg="             },
        {M "agg=mean&every=1h&offset=1h",            E_BAD_PARAMETER, "offset",   "less than a window"          },
        {M "agg=mean&every=1h&offset=-1h",           E_BAD_PARAMETER, "offset",   "less than a window"          },
        {M "agg=mean&every=1d&tz=UTC&offset=24h",    E_BAD_PARAMETER, "offset",   "less than a window"          },
        {M "agg=mean&every=1mo&offset=28d",          E_BAD_PARAMETER, "offset",   "28 days"                     },
        {M "agg=mean&every=1h&offset=--1m",          E_BAD_PARAMETER, "offset",   "want a number and a unit"    },
        {M "agg=mean&every=1h&offset=",              E_BAD_PARAMETER, "offset",   ""                            },
        {M "agg=mean&group_by=*,host",               E_BAD_PARAMETER, "group_by", "stands alone"                },
        {M "agg=mean&group_by=a,a",                  E_BAD_PARAMETER, "group_by", "twice"                       },
        {M "agg=mean&every=1h&fill=spline",          E_BAD_PARAMETER, "fill",
         "previous, linear or a number"                                                                         },
        {M "agg=mean&every=1h&fill=",                E_BAD_PARAMETER, "fill",     "previous, linear or a number"},
        {M "agg=mean&every=1h&fill=nan",             E_BAD_PARAMETER, "fill",     "previous, linear or a number"},
        {M "agg=mean&fill=null",                     E_BAD_PARAMETER, "fill",     "every= and agg="             },
    };

    (void)state;
    parse_faults(cases, COUNT_OF(cases));
}

static void test_windows_of_all_kinds(void **state)
{
    static const int64_t minute = 60000000000, hour = 60 * 60000000000, day = 24 * 60 * 60000000000;
    const struct {
        const char *text;
        enum grid_kind kind;
        int64_t every, first, offset;
    } cases[] = {
        {"every=15m",                               GRID_FIXED,  15 * minute, 0,           0        },
        {"every=15m&offset=5m",                     GRID_FIXED,  15 * minute, 5 * minute,  0        },
        {"every=15m&offset=-5m",                    GRID_FIXED,  15 * minute, 10 * minute, 0        },
        {"every=15m&offset=-14m59s999ms999us999ns", GRID_FIXED,  15 * minute, 1,           0        },
        {"every=1d",                                GRID_FIXED,  day,         0,           0        },
        {"every=1w",                                GRID_FIXED,  7 * day,     4 * day,     0        },
        {"every=1w&offset=-1d",                     GRID_FIXED,  7 * day,     3 * day,     0        },
        {"every=24h&tz=Europe/Paris",               GRID_FIXED,  day,         0,           0        },
        {"tz=Europe/Paris&every=1d",                GRID_DAYS,   1,           0,           0        },
        {"every=2w1d&tz=Europe/Paris",              GRID_DAYS,   15,          0,           0        },
        {"every=2w&tz=Europe/Paris",                GRID_DAYS,   14,          4,           0        },
        {"offset=6h&every=1d&tz=Europe/Paris",      GRID_DAYS,   1,           0,           6 * hour },
        {"every=1mo",                               GRID_MONTHS, 1,           0,           0        },
        {"every=292y&offset=-6h",                   GRID_MONTHS, 3504,        0,           -6 * hour},
        {"every=1mo&offset=27d&tz=+10:00",          GRID_MONTHS, 1,           0,           27 * day },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[100];
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        (void)snprintf(text, sizeof(text), M "agg=mean&%s", cases[i].text);
        if (parse(text, "", &arena, &query, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        if (query->grid.kind != cases[i].kind || query->grid.every != cases[i].every ||
            query->grid.first != cases[i].first || query->grid.offset_ns != cases[i].offset ||
            (query->grid.zone != NULL) != (cases[i].kind != GRID_FIXED))
            fail_msg("%s: got %d %lld %lld %lld", cases[i].text, (int)query->grid.kind,
                     (long long)query->grid.every, (long long)query->grid.first,
                     (long long)query->grid.offset_ns);
        arena_release(&arena);
    }
}

static void test_fills(void **state)
{
    static const struct {
        const char *text;
        enum fill_kind kind;
        struct datum value;
    } cases[] = {
        {"none",                FILL_NONE,     {0}                                   },
        {"null",                FILL_NULL,     {0}                                   },
        {"previous",            FILL_PREVIOUS, {0}                                   },
        {"linear",              FILL_LINEAR,   {0}                                   },
        {"-7",                  FILL_VALUE,    {.type = TYPE_I64, .cell.i64 = -7}    },
        {"0.0",                 FILL_VALUE,    {.type = TYPE_F64, .cell.f64 = 0}     },
        {"1e3",                 FILL_VALUE,    {.type = TYPE_F64, .cell.f64 = 1000}  },
        {"9223372036854775808", FILL_VALUE,    {.type = TYPE_F64, .cell.f64 = 0x1p63}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[100];
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, 1 << 20, NULL);
        (void)snprintf(text, sizeof(text), M "agg=mean&every=1h&fill=%s", cases[i].text);
        if (parse(text, "", &arena, &query, &err))
            fail_msg("%s: %s", cases[i].text, err.text);
        if (query->fill.kind != cases[i].kind || !datum_equal(&query->fill.value, &cases[i].value))
            fail_msg("%s", cases[i].text);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_is_named),
        cmocka_unit_test(test_windows_of_all_kinds),
        cmocka_unit_test(test_fills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
