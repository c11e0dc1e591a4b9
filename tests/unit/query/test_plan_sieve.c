#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/plan.h"
#include "tests/unit/query/parsing.h"
#include "tests/unit/query/world.h"

/* The plan of a question about the world, for as long as `check` looks at it. */
static void with_plan(const char *question, void (*check)(const struct plan *plan))
{
    struct fixture fixture;
    struct query *query = NULL;
    struct watch watch;
    struct plan plan;
    struct arena arena;

    fixture_init(&fixture);
    make_world(&fixture);
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(parse(question, "", &arena, &query, NULL), OK);
    watch_init(&watch, &fixture.limits, &fixture.clock.clock, &fixture.sink.sink);
    assert_int_equal(plan_init(&plan, query, &fixture.environment, &watch, NULL), OK);
    check(&plan);
    plan_release(&plan);
    arena_release(&arena);
    fixture_release(&fixture);
}

static void check_plain(const struct plan *plan)
{
    assert_null(plan->sieve);
    assert_int_equal(plan->field_count, 2);
    assert_int_equal(plan->shown_count, 2);
}

/* Shown: n, x, user.  Read: n, user, then what where= and let= need beside these. */
static void check_sources(const struct plan *plan)
{
    static const char *const read[] = {"n", "user", "b", "s"};
    static const uint32_t shown[] = {0, 2, SIEVE_NOT_SHOWN, SIEVE_NOT_SHOWN, SIEVE_NOT_SHOWN, 1};
    static const uint8_t kept[] = {1, 1, 0, 1, 1, 1};
    const struct sieve *sieve = plan->sieve;

    assert_int_equal(plan->shown_count, 3);
    assert_int_equal(plan->column_count, 3);
    assert_int_equal(plan->field_count, COUNT_OF(read));
    assert_int_equal(sieve->field_count, COUNT_OF(read));
    for (size_t i = 0; i < COUNT_OF(read); i++)
        assert_true(bytes_equal(plan->fields[i], bytes_of(read[i])));
    assert_int_equal(sieve->computed_count, 2); /* nobody needs "idle" */
    assert_true(bytes_equal(sieve->computed[0].name, BYTES("y")));
    assert_true(bytes_equal(sieve->computed[1].name, BYTES("x")));
    assert_true(sieve->computed_shown);
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        assert_int_equal(sieve->shown[i], shown[i]);
        assert_int_equal(sieve->kept[i], kept[i]);
    }
    /* x = y + user: the sources 4 and 1 */
    assert_int_equal(sieve->computed[1].expression.steps[0].field, 4);
    assert_int_equal(sieve->computed[1].expression.steps[1].field, 1);
    /* conditions on fields come first */
    assert_int_equal(sieve->filter_count, 3);
    assert_int_equal(sieve->field_filter_count, 2);
    assert_int_equal(sieve->filters[0].field, 2);
    assert_int_equal(sieve->filters[1].field, 0);
    assert_int_equal(sieve->filters[2].field, 5);
}

static void check_aggregates(const struct plan *plan)
{
    /* s has no mean, and is not read */
    assert_int_equal(plan->shown_count, 3);
    assert_int_equal(plan->column_count, 3);
    assert_true(bytes_equal(plan->columns[2].name, BYTES("mean_x")));
    assert_int_equal(plan->columns[2].field, 2);
    assert_int_equal(plan->field_count, 2);
    assert_int_equal(plan->numbers[2], 1);
}

static void test_what_is_read(void **state)
{
    (void)state;
    with_plan("measurement=cpu&fields=n,user", check_plain);
    with_plan("measurement=cpu&fields=n,x,user&let=y=s*2&let=x=y+user&let=idle=100-user&where=x>1&"
              "where=b>2&where=n<3",
              check_sources);
    with_plan("measurement=cpu&agg=mean&let=x=n*user", check_aggregates);
}

static void test_what_does_not_go_with_the_fields(void **state)
{
    static const struct {
        const char *question, *pointer, *part;
    } cases[] = {
        {"&let=user=n*2",          "let",   "is a field of \"cpu\""             },
        {"&let=user=n*2&fields=n", "let",   "is a field of \"cpu\""             },
        {"&where=user=on",         "where",
         "\"user\" holds numbers and is compared with on; want a number"        },
        {"&where=user=\"1\"",      "where", "compared with \"1\"; want a number"},
        {"&where=user=true",       "where", "want a number"                     },
        {"&where=s=1&fields=n",    "where", "want a text in double quotes"      },
        {"&where=s!=true",         "where", "want a text in double quotes"      },
        {"&where=s>1",             "where", "want a text in double quotes"      },
        {"&let=x=n*2&where=x=on",  "where", "want a number"                     },
    };
    struct fixture fixture;
    char question[256];

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(question, sizeof(question), "measurement=cpu%s", cases[i].question);
        fixture_refuse(&fixture, question, E_BAD_PARAMETER, cases[i].pointer, cases[i].part);
    }
    assert_int_equal(fixture_ask(&fixture, "measurement=mem&let=user=n*2&where=n>1"), OK);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_what_does_not_go_with_the_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
