#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

#define LOAD                                                                                       \
    "\"load\":{\"measurement\":\"load\",\"agg\":\"sum\",\"every\":\"10ns\",\"group_by\":["         \
    "\"zone\"]}"
#define WEATHER "\"weather\":{\"measurement\":\"weather\",\"fields\":[\"temp\"]"
#define JOIN(more)                                                                                 \
    "{\"epoch\":\"ns\",\"format\":\"ndjson\",\"selections\":{" LOAD "," WEATHER "}}" more "}"
#define SPREAD(more)                                                                               \
    "{\"epoch\":\"ns\",\"format\":\"ndjson\",\"selections\":{" LOAD "," WEATHER                    \
    ",\"spread\":true}}" more "}"

/* Two zones' load and one station's weather. */
static void make_plant(struct fixture *fixture)
{
    const struct series *north = fixture_series(fixture, "load", "zone=n");
    const struct series *south = fixture_series(fixture, "load", "zone=s");
    const struct series *station = fixture_series(fixture, "weather", "station=x");

    for (int64_t time = 0; time < 40; time += 10) {
        fixture_put(fixture, north, time, 100, "power=2i");
        fixture_put(fixture, north, time + 5, 100, "power=3i");
    }
    fixture_put(fixture, south, 20, 100, "power=7i");
    fixture_put(fixture, station, 10, 100, "temp=1.5 wet=true");
    fixture_put(fixture, station, 30, 100, "temp=3.5");
    fixture_put(fixture, station, 30, 200, "temp=4.5"); /* known later */
}

#define ROW(time, zone, power, temp)                                                               \
    "{\"time\":" time ",\"zone\":\"" zone "\",\"load.sum_power\":" power ",\"weather.temp\":" temp \
    "}\n"

static void test_joins(void **state)
{
    static const struct {
        const char *question, *want;
    } cases[] = {
        {JOIN(""), ROW("0",                           "n", "5", "null") ROW("10", "n", "5", "1.5") ROW("20", "n", "5", "null")
                       ROW("30", "n", "5", "4.5") ROW("10", "s", "null", "1.5")
                           ROW("20", "s", "7", "null") ROW("30", "s", "null", "4.5") END("7")},
        {JOIN(",\"join\":\"left\""),
         ROW("0",                      "n", "5", "null") ROW("10", "n", "5", "1.5") ROW("20", "n", "5", "null")
             ROW("30", "n", "5", "4.5") ROW("20", "s", "7", "null") END("5")},
        {JOIN(",\"join\":\"inner\""),
         ROW("10",                       "n", "5", "1.5") ROW("30", "n", "5", "4.5") END("2")},
        {SPREAD(""),
         ROW("0",        "n", "5", "null") ROW("10", "n", "5", "1.5") ROW("20", "n", "5", "1.5")
             ROW("30", "n", "5", "4.5") ROW("20", "s", "7", "1.5") END("5")},
        {SPREAD(",\"join\":\"inner\",\"order\":\"desc\""),
         ROW("30",                       "n", "5", "4.5") ROW("20", "n", "5", "1.5") ROW("10", "n", "5", "1.5")
             ROW("20", "s", "7", "1.5") END("4")},
        {SPREAD(",\"limit\":2"),  ROW("0", "n", "5", "null") ROW("10", "n", "5", "1.5") END("2")},
        {SPREAD(",\"let\":[\"p=load.sum_power*weather.temp\"],\"fields\":[\"p\"],\"start\":10"),
         "{\"time\":10,\"zone\":\"n\",\"p\":7.5}\n{\"time\":20,\"zone\":\"n\",\"p\":7.5}\n"
         "{\"time\":30,\"zone\":\"n\",\"p\":22.5}\n{\"time\":20,\"zone\":\"s\",\"p\":10.5}\n" END(
             "4")                     },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        fixture_expect(&fixture, cases[i].question, cases[i].want);
    fixture_release(&fixture);
}

static void test_other_formats(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    fixture_expect(
        &fixture, "{\"epoch\":\"ns\",\"join\":\"inner\",\"selections\":{" LOAD "," WEATHER "}}}",
        "{\"series\":[{\"tags\":{\"zone\":\"n\"},\"columns\":[\"time\",\"load.sum_power\","
        "\"weather.temp\"],\"rows\":[[10,5,1.5],[30,5,4.5]]}]," TAIL "}\n");
    fixture_expect(&fixture,
                   "{\"epoch\":\"ns\",\"format\":\"csv\",\"join\":\"inner\",\"selections\":{" LOAD
                   "," WEATHER "}}}",
                   "time,zone,load.sum_power,weather.temp\n10,n,5,1.5\n30,n,5,4.5\n");
    fixture_release(&fixture);
}

/* All are answered at one moment, those apart that ask for another. */
static void test_moments(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    fixture_expect(&fixture,
                   "{\"epoch\":\"ns\",\"format\":\"csv\",\"as_of\":150,\"selections\":{" WEATHER
                   "}}}",
                   "time,weather.temp\n10,1.5\n30,3.5\n");
    fixture_expect(&fixture,
                   "{\"epoch\":\"ns\",\"format\":\"csv\",\"selections\":{" WEATHER
                   "},\"then\":{\"measurement\":\"weather\",\"fields\":[\"temp\"],\"as_of\":150}}}",
                   "time,weather.temp,then.temp\n10,1.5,1.5\n30,4.5,3.5\n");
    fixture_refuse(&fixture, "{\"as_of\":\"now-1h\",\"selections\":{" WEATHER "}}}", OK, "", "");
    fixture_refuse(&fixture, "{\"as_of\":9000000,\"selections\":{" WEATHER "}}}", E_AS_OF_FUTURE,
                   "/as_of", "the newest is");
    fixture_refuse(&fixture, "{\"selections\":{" WEATHER ",\"as_of\":9000000}}}", E_AS_OF_FUTURE,
                   "/selections/weather/as_of", "the newest is");
    fixture_refuse(&fixture, "{\"measurement\":\"load\",\"as_of\":9000000}", E_AS_OF_FUTURE,
                   "/as_of", "the newest is");
    fixture_release(&fixture);
}

static void test_faults_of_the_plan_point_into_the_document(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    fixture_refuse(&fixture, "{\"selections\":{\"a\":{\"measurement\":\"load\"}}}", E_BAD_PARAMETER,
                   "/selections/a/match", "raw rows of 2 series");
    fixture_refuse(&fixture,
                   "{\"selections\":{\"a\":{\"measurement\":\"weather\",\"fields\":[\"wet\"],"
                   "\"agg\":\"mean\"}}}",
                   E_BAD_PARAMETER, "/selections/a/agg", "holds bools");
    fixture_refuse(&fixture, JOIN(",\"let\":[\"x=load.power\"]"), E_BAD_PARAMETER, "/let",
                   "there is no column \"load.power\"");
    fixture_refuse(&fixture, JOIN(",\"fields\":[\"temp\"]"), E_BAD_PARAMETER, "/fields",
                   "\"temp\"");
    fixture.limits.page_rows_max = 10;
    fixture_refuse(&fixture, JOIN(",\"limit\":11"), E_BAD_PARAMETER, "/limit", "page_rows_max");
    fixture_refuse(&fixture, JOIN(",\"limit\":10"), OK, "", "");
    fixture_release(&fixture);
}

/* Nine windows with rows of one column, 11 rows: more than either selection has. */
static void test_limits_hold_for_the_sum(void **state)
{
    static const char both[] =
        "{\"selections\":{\"a\":{\"measurement\":\"load\",\"agg\":\"sum\",\"every\":\"10ns\"},"
        "\"b\":{\"measurement\":\"load\",\"agg\":\"sum\",\"every\":\"20ns\"}}}";
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    for (uint64_t rows = 17; rows <= 19; rows++) {
        fixture.limits.query_rows_max = rows;
        fixture_refuse(&fixture, both, rows < 18 ? E_QUERY_ROWS : OK, "",
                       rows < 18 ? "query_rows_max" : "");
    }
    for (uint64_t cells = 5; cells <= 7; cells++) {
        fixture.limits.query_groups_max = cells;
        fixture_refuse(&fixture, both, cells < 6 ? E_QUERY_GROUPS : OK, "",
                       cells < 6 ? "query_groups_max" : "");
    }
    fixture_release(&fixture);
}

static void test_memory_is_capped_and_given_back(void **state)
{
    struct fixture fixture;
    enum code code = E_QUERY_MEMORY;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    for (uint64_t most = 4096; code; most += 4096) {
        fixture.limits.query_memory_bytes_max = most;
        code = fixture_ask(&fixture, SPREAD(",\"let\":[\"p=load.sum_power*weather.temp\"]"));
        assert_true(code == OK || code == E_QUERY_MEMORY || code == E_MEMORY);
        assert_true(code == OK || !fixture.outcome.begun);
        assert_true(most < 4 << 20);
    }
    fixture_release(&fixture);
}

static void test_an_equal_etag_costs_no_decode(void **state)
{
    struct fixture fixture;
    char etag[64];

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    assert_int_equal(fixture_ask(&fixture, JOIN("")), OK);
    memcpy(etag, fixture.outcome.etag, sizeof(fixture.outcome.etag));
    assert_int_equal(etag[0], 'W');
    fixture.environment.if_none_match = bytes_of(etag);
    assert_int_equal(fixture_ask(&fixture, JOIN("")), OK);
    assert_true(fixture.outcome.not_modified);
    assert_int_equal(fixture.store.places_read, 0);
    assert_int_equal(fixture_ask(&fixture, JOIN(",\"join\":\"left\"")), OK);
    assert_false(fixture.outcome.not_modified);
    fixture_put(&fixture, fixture_series(&fixture, "weather", "station=x"), 30, 300, "temp=9");
    assert_int_equal(fixture_ask(&fixture, JOIN("")), OK);
    assert_false(fixture.outcome.not_modified);
    assert_int_equal(fixture_ask(&fixture, JOIN(",\"as_of\":500")), OK);
    assert_int_equal(fixture.outcome.etag[0], '"');
    fixture_release(&fixture);
}

#define UNKNOWN                                                                                    \
    "{\"_end\":{\"rows\":0,\"next\":null,\"partial\":false,\"as_of\":\"1970-01-01T00:00:00."       \
    "001Z\","                                                                                      \
    "\"final\":false,\"warnings\":[\"selection \\\"load\\\": no measurement \\\"load\\\"\","       \
    "\"selection \\\"weather\\\": no measurement \\\"weather\\\"\"]}}\n"

static void test_nothing_was_written(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture_expect(&fixture, JOIN(",\"let\":[\"p=load.sum_power+1\"]"), UNKNOWN);
    make_plant(&fixture);
    fixture_expect(&fixture, /* what joins all groups is told where there is none */
                   "{\"epoch\":\"ns\",\"format\":\"csv\",\"selections\":{" WEATHER "},"
                   "\"none\":{\"measurement\":\"none\",\"agg\":\"sum\",\"group_by\":[\"zone\"]}}}",
                   "time,zone,weather.temp\n10,,1.5\n30,,4.5\n");
    fixture.environment.tenant = NULL;
    fixture_expect(&fixture, JOIN(""), UNKNOWN);
    fixture_release(&fixture);
}

static void test_a_client_that_left_ends_the_join(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_plant(&fixture);
    fixture.sink.fail_write_at = 1;
    assert_int_not_equal(fixture_ask(&fixture, JOIN("")), OK);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_faults_of_the_plan_point_into_the_document),
        cmocka_unit_test(test_limits_hold_for_the_sum),
        cmocka_unit_test(test_memory_is_capped_and_given_back),
        cmocka_unit_test(test_an_equal_etag_costs_no_decode),
        cmocka_unit_test(test_nothing_was_written),
        cmocka_unit_test(test_a_client_that_left_ends_the_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
