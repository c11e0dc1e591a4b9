#include "tests/unit/ingest/source/source_fixture.h"

static void test_conditions_and_what_is_done(void **state)
{
    struct fixture fixture;
    const struct source *source = fixture_good(
        &fixture,
        "'request': {'url': 'https://a.example/x', 'query': {'f': '${window.start}'}}, 'window': "
        "{'from': '2023-01-01', 'step': 'P1D'}, 'outcomes': [{'status': [429, '5xx'], 'header': "
        "{'X-Why': 'Limit'}, 'body_has': ['a', 'b'], 'do': 'wait', 'until': 'next_utc_day'}, "
        "{'body_has': 'large', 'do': 'split'}, {'count': 0, 'do': 'empty'}, {'status': 203, 'do': "
        "'ok', 'warn': 'deprecated'}, {'status': '4xx', 'do': 'fail', 'message': "
        "'/error/message'}, {'status': 409, 'do': 'wait', 'for': '61s'}]");

    (void)state;
    assert_int_equal(source->outcome_count, 6);
    assert_int_equal(source->outcomes[0].status_count, 2);
    assert_int_equal(source->outcomes[0].statuses[0].last, 429);
    assert_int_equal(source->outcomes[0].statuses[1].first, 500);
    assert_int_equal(source->outcomes[0].statuses[1].last, 599);
    assert_true(fixture_is(source->outcomes[0].headers[0].name, "x-why"));
    assert_true(fixture_is(source->outcomes[0].headers[0].text, "Limit"));
    assert_int_equal(source->outcomes[0].body_has_count, 2);
    assert_int_equal(source->outcomes[0].what, SOURCE_WAIT);
    assert_int_equal(source->outcomes[0].until, SOURCE_NEXT_UTC_DAY);
    assert_false(source->outcomes[0].counts);
    assert_int_equal(source->outcomes[1].what, SOURCE_SPLIT);
    assert_true(source->outcomes[2].counts);
    assert_int_equal(source->outcomes[2].what, SOURCE_EMPTY);
    assert_true(fixture_is(source->outcomes[3].warn, "deprecated"));
    assert_int_equal(source->outcomes[3].message_slot, SOURCE_NO_SLOT);
    assert_int_not_equal(source->outcomes[4].message_slot, SOURCE_NO_SLOT);
    assert_int_equal(source->outcomes[5].until, SOURCE_FOR);
    assert_true(source->outcomes[5].for_ns == INT64_C(61000000000));
    fixture_release(&fixture);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    FIXTURE_REFUSES(
        {"'outcomes': {}", "/outcomes", "want a list of rules"},
        {"'outcomes': [{'status': 404}]", "/outcomes/0/do", "it is missing"},
        {"'outcomes': [{'status': 404, 'do': 'ignore'}]", "/outcomes/0/do",
         "want ok, empty, unchanged, retry, restart, wait, split, skip or fail"},
        {"'outcomes': [{'status': 99, 'do': 'ok'}]", "/outcomes/0/status",
         "want a status from 100 to 599"},
        {"'outcomes': [{'status': [404, '6xx'], 'do': 'ok'}]", "/outcomes/0/status/1",
         "a class as 5xx"},
        {"'outcomes': [{'status': '404', 'do': 'ok'}]", "/outcomes/0/status", "want a status"},
        {"'outcomes': [{'status': [], 'do': 'ok'}]", "/outcomes/0/status", "there are 0"},
        {"'outcomes': [{'status': 429, 'do': 'wait'}]", "/outcomes/0", "wait wants"},
        {"'outcomes': [{'status': 429, 'do': 'wait', 'for': '1s', 'until': 'next_hour'}]",
         "/outcomes/0", "want one of them"},
        {"'outcomes': [{'status': 429, 'do': 'retry', 'for': '1s'}]", "/outcomes/0",
         "of `do: wait` alone"},
        {"'outcomes': [{'status': 429, 'do': 'wait', 'until': 'tomorrow'}]", "/outcomes/0/until",
         "want next_minute, next_hour or next_utc_day"},
        {"'outcomes': [{'body_has': 'x', 'do': 'split'}]", "/outcomes/0/do", "nothing to split"},
        {"'outcomes': [{'body_has': '', 'do': 'ok'}]", "/outcomes/0/body_has", "is in every body"},
        {"'outcomes': [{'body_has': [], 'do': 'ok'}]", "/outcomes/0/body_has", "there is none"},
        {"'outcomes': [{'header': 'x', 'do': 'ok'}]", "/outcomes/0/header", "want a map"},
        {"'outcomes': [{'do': 'ok'}]", NULL, NULL},
        {"'outcomes': [{'do': 'ok'}, {'status': 404, 'do': 'fail'}]", "/outcomes/0",
         "the rules behind it never"},
        {"'outcomes': [{'status': 400, 'do': 'fail', 'message': 'reason'}]", "/outcomes/0/message",
         "begins with a slash"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_and_what_is_done),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
