#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/pace/moment.h"
#include "ingest/pull/outcome.h"
#include "tests/unit/base/times.h"

static const struct source_status ok_status[] =
    {
        {200, 299}
},
                                  bad_status[] = {{400, 400}, {403, 403}, {500, 599}};
static const struct bytes no_data[] = {BYTES("No matching data"), BYTES("nothing found")};
static const struct bytes hourly[] = {BYTES("Hourly API request limit")};
static const struct source_contains html[] = {
    {BYTES("content-type"), BYTES("text/html")},
    {BYTES("x-made-by"),    BYTES("")         }
};

static struct verdict judge(const struct source_outcome *rules, size_t count,
                            const struct answer_facts *facts)
{
    const struct source source = {
        .outcomes = rules, .outcome_count = count, .retry = {.retry_after = true}};

    return outcome_of(&source, facts);
}

static void test_behind_the_list(void **state)
{
    static const struct {
        unsigned status;
        enum source_do what;
    } cases[] = {
        {200, SOURCE_OK       },
        {203, SOURCE_OK       },
        {204, SOURCE_OK       },
        {304, SOURCE_UNCHANGED},
        {302, SOURCE_FAIL     },
        {400, SOURCE_FAIL     },
        {401, SOURCE_FAIL     },
        {404, SOURCE_FAIL     },
        {408, SOURCE_RETRY    },
        {425, SOURCE_RETRY    },
        {429, SOURCE_RETRY    },
        {500, SOURCE_RETRY    },
        {599, SOURCE_RETRY    },
        {600, SOURCE_FAIL     },
        {101, SOURCE_FAIL     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct answer_facts facts = {.status = cases[i].status};
        struct verdict verdict = judge(NULL, 0, &facts);

        assert_int_equal(verdict.what, cases[i].what);
        assert_int_equal(verdict.decided, cases[i].what != SOURCE_OK);
        assert_null(verdict.rule);
        assert_int_equal(verdict.wait_until_ns, 0);
        facts.counted = true;
        assert_true(judge(NULL, 0, &facts).decided);
    }
    assert_int_equal(
        judge(NULL, 0, &(struct answer_facts){.status = 200, .undecodable = true}).what,
        SOURCE_RETRY);
    assert_int_equal(
        judge(NULL, 0, &(struct answer_facts){.status = 404, .undecodable = true}).what,
        SOURCE_FAIL);
}

static void test_the_first_rule_whose_conditions_all_hold(void **state)
{
    static const struct source_outcome rules[] = {
        {.statuses = bad_status,
         .status_count = 3,
         .body_has = no_data,
         .body_has_count = 2,
         .what = SOURCE_EMPTY},
        {.headers = html,   .header_count = 2,  .what = SOURCE_RETRY        },
        {.statuses = ok_status,
         .status_count = 1,
         .body_has = hourly,
         .body_has_count = 1,
         .what = SOURCE_WAIT,
         .until = SOURCE_NEXT_HOUR},
        {.statuses = bad_status,     .status_count = 3,     .what = SOURCE_SPLIT                           },
    };
    static const struct answer_header page[] = {
        {BYTES("content-type"), BYTES("text/html; charset=utf-8")},
        {BYTES("x-made-by"),    BYTES("hand")                    }
    };
    struct answer_facts facts = {.status = 400, .body = BYTES("x nothing found y")};

    (void)state;
    assert_ptr_equal(judge(rules, 4, &facts).rule, &rules[0]);
    facts.body = BYTES("x nothing foun");
    assert_ptr_equal(judge(rules, 4, &facts).rule, &rules[3]);
    facts.status = 402;
    facts.body = no_data[0];
    assert_null(judge(rules, 4, &facts).rule);
    facts.headers = page;
    facts.header_count = 1;
    assert_null(judge(rules, 4, &facts).rule);
    facts.header_count = 2;
    assert_ptr_equal(judge(rules, 4, &facts).rule, &rules[1]);
    facts = (struct answer_facts){
        .status = 200, .body = hourly[0], .wall_ns = time_of("2026-11-22T12:34:56Z")};
    assert_ptr_equal(judge(rules, 4, &facts).rule, &rules[2]);
    assert_int_equal(judge(rules, 4, &facts).wait_until_ns, time_of("2026-11-22T13:00:00Z"));
    facts.body = BYTES("");
    assert_null(judge(rules, 4, &facts).rule);
}

static void test_rules_about_rows_wait_for_them(void **state)
{
    static const struct source_outcome rules[] = {
        {.counts = true,     .count = 0, .what = SOURCE_EMPTY},
        { .statuses = bad_status,
         .status_count = 3,
         .counts = true,
         .count = 7,
         .what = SOURCE_SKIP},
        {                                  .statuses = ok_status,
         .status_count = 1,
         .body_has = hourly,
         .body_has_count = 1,
         .what = SOURCE_OK},
    };
    struct answer_facts facts = {.status = 200};

    (void)state;
    assert_false(judge(rules, 3, &facts).decided);
    facts.counted = true;
    assert_int_equal(judge(rules, 3, &facts).what, SOURCE_EMPTY);
    facts.rows = 1;
    assert_null(judge(rules, 3, &facts).rule);
    facts = (struct answer_facts){.status = 500}; /* no window is empty because of an error page */
    assert_false(judge(rules, 3, &facts).decided);
    facts.counted = true;
    assert_int_equal(judge(rules, 3, &facts).what, SOURCE_RETRY);
    facts.rows = 7;
    assert_int_equal(judge(rules, 3, &facts).what, SOURCE_SKIP);
    facts = (struct answer_facts){.status = 404};
    assert_true(judge(rules, 3, &facts).decided);
    facts = (struct answer_facts){.status = 200, .body = hourly[0], .undecodable = true};
    assert_int_equal(judge(rules, 3, &facts).what, SOURCE_RETRY); /* whatever a rule says */
    assert_ptr_equal(judge(rules, 3, &facts).rule, &rules[2]);
    assert_true(judge(rules, 3, &facts).decided);
}

static void test_until_when_to_wait(void **state)
{
    static const struct {
        enum source_do what;
        enum source_until until;
        int64_t for_s;
        const char *retry_after, *want;
    } cases[] = {
        {SOURCE_WAIT,  SOURCE_FOR,          600, "",    "2026-11-22T12:44:56.5Z"},
        {SOURCE_WAIT,  SOURCE_FOR,          600, "60",  "2026-11-22T12:44:56.5Z"},
        {SOURCE_WAIT,  SOURCE_FOR,          600, "660", "2026-11-22T12:45:56.5Z"},
        {SOURCE_WAIT,  SOURCE_NEXT_MINUTE,  0,   "",    "2026-11-22T12:35:00Z"  },
        {SOURCE_WAIT,  SOURCE_NEXT_HOUR,    0,   "",    "2026-11-22T13:00:00Z"  },
        {SOURCE_WAIT,  SOURCE_NEXT_UTC_DAY, 0,   "",    "2026-11-23T00:00:00Z"  },
        {SOURCE_RETRY, SOURCE_FOR,          600, "",    NULL                    },
        {SOURCE_RETRY, SOURCE_FOR,          0,   "60",  "2026-11-22T12:35:56.5Z"},
        {SOURCE_FAIL,  SOURCE_FOR,          0,   "60",  NULL                    },
        {SOURCE_SPLIT, SOURCE_FOR,          600, "60",  NULL                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct source_outcome rule = {.what = cases[i].what,
                                            .until = cases[i].until,
                                            .for_ns = cases[i].for_s * MOMENT_SECOND};
        const struct answer_header header = {BYTES("retry-after"), bytes_of(cases[i].retry_after)};
        const struct answer_facts facts = {.status = 429,
                                           .headers = &header,
                                           .header_count = 1,
                                           .wall_ns = time_of("2026-11-22T12:34:56.5Z")};
        struct source source = {
            .outcomes = &rule, .outcome_count = 1, .retry = {.retry_after = true}};

        assert_int_equal(outcome_of(&source, &facts).wait_until_ns,
                         cases[i].want ? time_of(cases[i].want) : 0);
        source.retry.retry_after = false;
        if (cases[i].what == SOURCE_RETRY)
            assert_int_equal(outcome_of(&source, &facts).wait_until_ns, 0);
    }
}

static void test_waits_of_chance_grow_to_the_cap(void **state)
{
    static const struct source_retry retry = {.base_ns = 2 * MOMENT_SECOND,
                                              .cap_ns = 600 * MOMENT_SECOND};
    static const struct source_retry large = {.base_ns = INT64_MAX / 2 + 9, .cap_ns = INT64_MAX};

    (void)state;
    for (uint32_t attempt = 0; attempt < 100; attempt++) {
        int64_t most = attempt < 9 ? retry.base_ns << attempt : retry.cap_ns;

        most = most < retry.cap_ns ? most : retry.cap_ns;
        assert_int_equal(retry_wait_ns(&retry, attempt, 0), 0);
        assert_int_equal(retry_wait_ns(&retry, attempt, UINT64_MAX), most);
        assert_in_range(retry_wait_ns(&retry, attempt, UINT64_MAX / 2), most / 2 - 1, most / 2 + 1);
    }
    assert_int_equal(retry_wait_ns(&retry, UINT32_MAX, UINT64_MAX), retry.cap_ns);
    assert_int_equal(retry_wait_ns(&large, 5, UINT64_MAX), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_the_list),
        cmocka_unit_test(test_the_first_rule_whose_conditions_all_hold),
        cmocka_unit_test(test_rules_about_rows_wait_for_them),
        cmocka_unit_test(test_until_when_to_wait),
        cmocka_unit_test(test_waits_of_chance_grow_to_the_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
