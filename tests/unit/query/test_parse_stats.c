
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/plan.h"

static enum code ask(const char *text, struct arena *arena, struct query **query, struct error *err)
{
    struct query_parameter parameters[16];
    size_t count = 0;

    for (const char *at = text; *at;) {
        size_t size = strcspn(at, "&"), name = strcspn(at, "=");

        parameters[count++] = (struct query_parameter){
            {at,            name           },
            {at + name + 1, size - name - 1}
        };
        at += size + (at[size] == '&');
    }
    return stats_parse(parameters, count, BYTES(""), 1000, arena, query, err);
}

static void test_what_may_be_asked(void **state)
{
    static const struct {
        const char *text;
        enum code want;
        const char *pointer;
    } cases[] = {
        {"measurement=m",                                             OK,                  ""           },
        {"measurement=m&fields=a,b&match=h=x&start=1&end=2",          OK,                  ""           },
        {"measurement=m&group_by=*&where=a>1&let=b=a*2&as_of=5",      OK,                  ""           },
        {"measurement=m&format=csv&epoch=s&int64=string&strict=true", OK,                  ""           },
        {"measurement=m&shape=rows",                                  OK,                  ""           },
        {"fields=a",                                                  E_MISSING_PARAMETER, "measurement"},
        {"measurement=m&limit=5",                                     E_NOT_SUPPORTED,     "limit"      },
        {"measurement=m&cursor=x",                                    E_NOT_SUPPORTED,     "cursor"     },
        {"measurement=m&agg=mean",                                    E_UNKNOWN_PARAMETER, "agg"        },
        {"measurement=m&every=1h",                                    E_UNKNOWN_PARAMETER, "every"      },
        {"measurement=m&order=desc",                                  E_UNKNOWN_PARAMETER, "order"      },
        {"measurement=m&top=1,a",                                     E_UNKNOWN_PARAMETER, "top"        },
        {"measurement=m&format=line_protocol",                        E_BAD_PARAMETER,     "format"     },
        {"measurement=m&start=2&end=2",                               E_BAD_PARAMETER,     "end"        },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct query *query = NULL;
        struct error err = {0};
        struct arena arena;
        enum code code;

        arena_init(&arena, 1 << 20, NULL);
        code = ask(cases[i].text, &arena, &query, &err);
        if (code != cases[i].want || strcmp(err.pointer, cases[i].pointer) != 0)
            fail_msg("%s: got %s, \"%s\", %s", cases[i].text, code_row(code)->slug, err.pointer,
                     err.text);
        if (code == OK && (!query->stats || query_is_raw(query)))
            fail_msg("%s is no question about statistics", cases[i].text);
        arena_release(&arena);
    }
}

/* Each column but `missing` has its call, in the order of the table. */
static void test_every_column_has_its_aggregate(void **state)
{
    struct query *query = NULL;
    struct arena arena;
    uint32_t count = 0;

    (void)state;
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(ask("measurement=m", &arena, &query, NULL), OK);
    for (size_t i = 0; i < stats_column_count; i++) {
        if (!stats_columns[i].aggregate)
            continue;
        assert_true(count < query->aggregate_count);
        assert_true(
            bytes_equal(query->aggregates[count++].name, bytes_of(stats_columns[i].aggregate)));
    }
    assert_int_equal(count, query->aggregate_count);
    assert_int_equal(count + 1, stats_column_count);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_be_asked),
        cmocka_unit_test(test_every_column_has_its_aggregate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
