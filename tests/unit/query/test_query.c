#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/world.h"

static void test_limits_hold_at_their_edge(void **state)
{
    static const struct {
        size_t offset;
        uint64_t passes;
        const char *question;
        enum code code;
        const char *pointer;
    } cases[] = {
        {offsetof(struct limits, query_rows_max),         6,  RAW "&fields=user",                     E_QUERY_ROWS,    ""     },
        {offsetof(struct limits, query_series_max),       2,  RAW,                                    E_SERIES_MANY,   "match"},
        {offsetof(struct limits, query_groups_max),       4,  RAW "&agg=max,min&fields=n&every=25ns",
         E_QUERY_GROUPS,                                                                                               ""     },
        {offsetof(struct limits, query_result_bytes_max), 33,
         "measurement=cpu&fields=n&format=csv&epoch=ns&match=host=g",                                 E_QUERY_RESULT,  ""     },
        {offsetof(struct limits, page_rows_max),          7,  RAW "&limit=7",                         E_BAD_PARAMETER, "limit"},
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t *limit = (uint64_t *)(void *)((char *)&fixture.limits + cases[i].offset);
        uint64_t usual = *limit;

        *limit = cases[i].passes;
        if (fixture_ask(&fixture, cases[i].question))
            fail_msg("%s: %s", cases[i].question, fixture.err.text);
        *limit = cases[i].passes - 1;
        fixture_refuse(&fixture, cases[i].question, cases[i].code, cases[i].pointer, "");
        assert_false(fixture.outcome.begun);
        *limit = usual;
    }
    fixture_release(&fixture);
}

/* With every cap there is either the whole answer or a clean refusal. */
static void test_memory_is_capped_and_given_back(void **state)
{
    static const char *const questions[] = {RAW, RAW "&agg=mean,last&every=7ns&group_by=host",
                                            RAW "&versions=all",
                                            "measurement=cpu&format=csv&limit=3"};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        enum code code = E_QUERY_MEMORY;

        for (uint64_t most = 4096; code; most += 4096) {
            fixture.limits.query_memory_bytes_max = most;
            code = fixture_ask(&fixture, questions[i]);
            assert_true(code == OK || code == E_QUERY_MEMORY || code == E_MEMORY);
            assert_true(code == OK || !fixture.outcome.begun);
            assert_true(most < 4 << 20);
        }
    }
    fixture_release(&fixture);
}

/* Enough rows for several chunks. */
static void make_many(struct fixture *fixture, uint32_t count)
{
    const struct series *series = fixture_series(fixture, "big", "host=g");
    uint32_t first = fixture->store.row_count;

    for (uint32_t i = 0; i < count; i++)
        (void)fixture_row(fixture, series, i, 100, "v=1.25");
    for (uint32_t i = 0; i < count; i += 1000)
        (void)twin_place(&fixture->store, first + i, first + (i + 1000 < count ? i + 1000 : count));
}

static void test_long_answers_come_in_pieces(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    assert_int_equal(fixture_ask(&fixture, "measurement=big&format=ndjson"), OK);
    assert_true(fixture.sink.writes > 10);
    assert_int_equal(fixture.outcome.rows_out, 20000);
    assert_int_equal(fixture.outcome.rows_scanned, 20000);
    assert_int_equal(fixture.outcome.bytes_out, fixture.sink.body.size);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture_release(&fixture);
}

static void test_a_client_that_left_ends_the_query(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    fixture.sink.cancel_at = 1;
    fixture_refuse(&fixture, "measurement=big", E_CANCELLED, "", "left");
    fixture.sink.cancel_at = 0;
    fixture.sink.fail_write_at = 3;
    fixture_refuse(&fixture, "measurement=big&format=ndjson", E_CANCELLED, "", "left");
    assert_int_equal(fixture.sink.writes, 3);
    fixture_release(&fixture);
}

static void test_time_is_limited_but_not_the_clients(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    fixture.limits.query_ms_max = 1;
    fixture.clock.monotonic_step = 2000000;
    fixture_refuse(&fixture, "measurement=big", E_TIMEOUT, "", "query_ms_max");
    /* Two readings of the clock around each write move the deadline along. */
    fixture.limits.query_ms_max = 60;
    assert_int_equal(fixture_ask(&fixture, "measurement=big&format=ndjson"), OK);
    fixture_release(&fixture);
}

/* Nothing is waited for, nothing begun; whatever else there is to ask is for another thread. */
static void test_what_is_small_is_answered_at_once(void **state)
{
    static const struct {
        const char *question;
        uint64_t values;
    } small[] = {
        {RAW "&fields=user",                      6 },
        {RAW "&fields=user,n",                    12},
        {RAW "&fields=user&agg=max&every=25ns",   6 },
        {RAW "&fields=user&match=host=b&limit=1", 1 },
        {RAW "&fields=user&where=user>1",         6 },
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        struct buf patient = BUF_INIT(4096);

        fixture.environment.at_once_values_max = 0;
        assert_int_equal(fixture_ask(&fixture, small[i].question), OK);
        assert_false(fixture.store.at_hand);
        buf_put(&patient, buf_bytes(&fixture.sink.body));
        fixture.environment.at_once_values_max = small[i].values;
        if (fixture_ask(&fixture, small[i].question))
            fail_msg("%s: %s", small[i].question, fixture.err.text);
        assert_true(fixture.store.at_hand);
        assert_true(bytes_equal(buf_bytes(&patient), buf_bytes(&fixture.sink.body)));
        buf_release(&patient);
        fixture.environment.at_once_values_max = small[i].values - 1;
        if (small[i].values > 1) {
            fixture_refuse(&fixture, small[i].question, E_BUSY, "", "long");
            assert_false(fixture.outcome.begun);
            assert_int_equal(fixture.store.places_read, 0);
        }
    }
    fixture_release(&fixture);
}

/* Each of them may take long before anything is known, or has to be waited for. */
static void test_what_may_take_long_is_not_tried_at_once(void **state)
{
    static const char *const questions[] = {
        RAW "&as_of=1970-01-01T00:00:00.0005Z",
        "measurement=cpu&explain=true",
        RAW "&match=host=~[gb]",
        RAW "&match=host!~x",
        RAW "&fields=user&agg=max&every=1d&tz=Europe/Paris",
        RAW "&fields=user&agg=max&every=25ns&fill=null",
        RAW "&fields=usr",
        RAW "&match=hst=g",
        "measurement=nothing",
        "{\"format\":\"ndjson\",\"selections\":{\"a\":{\"measurement\":\"cpu\",\"fields\":["
        "\"user\"],"
        "\"every\":\"25ns\",\"agg\":[\"max\"]},\"b\":{\"measurement\":\"cpu\",\"fields\":[\"n\"],"
        "\"every\":\"25ns\","
        "\"agg\":[\"max\"]}}}",
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        fixture.environment.at_once_values_max = 0;
        if (fixture_ask(&fixture, questions[i]))
            fail_msg("%s: %s", questions[i], fixture.err.text);
        fixture.environment.at_once_values_max = 65536;
        if (fixture_ask(&fixture, questions[i]) == OK)
            fail_msg("%s: is answered at once", questions[i]);
        assert_false(fixture.outcome.begun);
        assert_int_equal(fixture.store.places_read, 0);
    }
    fixture_release(&fixture);
}

static void test_many_series_or_fields_are_not_tried_at_once(void **state)
{
    struct fixture fixture;
    char text[32];

    (void)state;
    fixture_init(&fixture);
    fixture.environment.at_once_values_max = 65536;
    for (int i = 1; i <= 257; i++) {
        snprintf(text, sizeof(text), "host=h%d", i);
        (void)fixture_put(&fixture, fixture_series(&fixture, "wide", text), 1, 100, "f=1");
        snprintf(text, sizeof(text), "f%d=1", i);
        (void)fixture_put(&fixture, fixture_series(&fixture, "broad", ""), i, 100, text);
        assert_int_equal(fixture_ask(&fixture, "measurement=wide&fields=f&agg=max"),
                         i <= 256 ? OK : E_SERIES_MANY);
        assert_int_equal(fixture_ask(&fixture, "measurement=broad&fields=f1&agg=max"),
                         i <= 256 ? OK : E_BUSY);
    }
    fixture_release(&fixture);
}

/* What is a page or larger than some KiB takes longer to be written and compressed than a thread
 * takes to wake. */
static void test_a_long_answer_is_not_given_at_once(void **state)
{
    struct fixture fixture;
    char question[96];
    uint64_t most = 0;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    fixture.environment.at_once_values_max = 20000;
    for (uint64_t limit = 8; limit < 20000; limit *= 2) {
        snprintf(question, sizeof(question), "measurement=big&format=csv&limit=%llu",
                 (unsigned long long)limit);
        if (fixture_ask(&fixture, question)) {
            assert_int_equal(fixture.err.code, E_BUSY);
            assert_false(fixture.outcome.begun);
            continue;
        }
        assert_true(fixture.outcome.bytes_out <= 16384);
        most = fixture.outcome.bytes_out;
    }
    assert_true(most > 8192);
    fixture_release(&fixture);
}

static void test_at_once_is_a_millisecond(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    fixture.environment.at_once_values_max = 20000;
    assert_int_equal(fixture_ask(&fixture, "measurement=big&agg=max"), OK);
    fixture.clock.monotonic_step = 1000000;
    fixture_refuse(&fixture, "measurement=big&agg=max", E_TIMEOUT, "", "");
    fixture_release(&fixture);
}

static void test_a_failure_in_the_middle_is_recognised(void **state)
{
    static const char start[] = "{\"_error\":{\"rows\":";
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    fixture.store.fail_at_read = 15;
    fixture_refuse(&fixture, "measurement=big&format=ndjson", E_IO, "", "the disk is gone");
    assert_true(fixture.outcome.begun);
    assert_non_null(
        memmem(fixture.sink.body.data, fixture.sink.body.size, start, sizeof(start) - 1));
    fixture_refuse(&fixture, "measurement=big", E_IO, "", "the disk is gone");
    assert_true(fixture.sink.body.data[fixture.sink.body.size - 1] != '\n'); /* no closing } */
    fixture_release(&fixture);
}

static void test_what_is_missing_is_said(void **state)
{
    struct fixture fixture;
    const struct series *a;

    (void)state;
    fixture_init(&fixture);
    a = fixture_series(&fixture, "cpu", "");
    fixture_put(&fixture, a, 1, 100, "v=1");
    fixture_put(&fixture, a, 2, 100, "v=2");
    fixture.store.places[0].corrupt = true;
    fixture_expect(&fixture, RAW,
                   "{\"time\":2,\"v\":2.0}\n{\"_end\":{\"rows\":1,\"next\":null,\"partial\":true,"
                   "\"missing\":[\"pack 7 block 0: crc\"],\"as_of\":\"1970-01-01T00:00:00.001Z\","
                   "\"final\":false}}\n");
    assert_true(fixture.sink.head.missing_count > 0);
    fixture_refuse(&fixture, RAW "&strict=true", E_PARTIAL, "", "pack 7 block 0");
    fixture_expect(&fixture, "measurement=cpu&format=csv&epoch=ns", "time,v\n2,2.0\n");
    assert_true(fixture.sink.head.missing_count > 0);
    assert_int_equal(fixture_ask(&fixture, RAW "&as_of=500"), OK);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture.store.places[0].corrupt = false;
    fixture.store.missing[0] = BYTES("wal segment 3");
    fixture.store.missing_count = 1;
    assert_int_equal(fixture_ask(&fixture, RAW), OK);
    assert_true(fixture.sink.head.missing_count > 0);
    fixture_refuse(&fixture, RAW "&strict=true", E_PARTIAL, "", "wal segment 3");
    assert_int_equal(fixture.store.places_read, 0);
    fixture_release(&fixture);
}

static void test_csv_is_cut_when_something_turns_out_to_be_missing(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_many(&fixture, 20000);
    fixture.store.places[18].corrupt = true;
    fixture_refuse(&fixture, "measurement=big&format=csv", E_PARTIAL, "", "format=ndjson");
    assert_true(fixture.outcome.begun);
    assert_int_equal(fixture_ask(&fixture, "measurement=big&format=ndjson"), OK);
    fixture_release(&fixture);
}

static void test_an_equal_etag_costs_no_decode(void **state)
{
    struct fixture fixture;
    char etag[64];

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    assert_int_equal(fixture_ask(&fixture, RAW), OK);
    (void)snprintf(etag, sizeof(etag), "%s", fixture.outcome.etag);
    assert_string_equal(fixture.sink.etag, etag);
    fixture.environment.if_none_match = bytes_of(etag);
    assert_int_equal(fixture_ask(&fixture, RAW), OK);
    assert_true(fixture.outcome.not_modified);
    assert_int_equal(fixture.sink.begun, 0);
    assert_int_equal(fixture.store.places_read, 0);
    fixture.store.watermark += 5; /* time goes on, nothing new */
    assert_int_equal(fixture_ask(&fixture, RAW), OK);
    assert_true(fixture.outcome.not_modified);
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "host=g"), 40, FIXTURE_NOW + 3, "n=4i");
    assert_int_equal(fixture_ask(&fixture, RAW), OK);
    assert_false(fixture.outcome.not_modified);
    fixture_release(&fixture);
}

static void test_retention_clamps_and_says_so(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    fixture.environment.retention_ns = FIXTURE_NOW - 15;
    fixture_expect(&fixture, RAW "&fields=n",
                   "{\"time\":20,\"host\":\"g\",\"n\":2}\n{\"time\":30,\"host\":\"g\",\"n\":3}\n"
                   "{\"_end\":{\"rows\":2," TAIL
                   ",\"clamped_start\":\"1970-01-01T00:00:00.000000015Z\"}}\n");
    fixture_expect(
        &fixture, RAW "&fields=n&start=15",
        "{\"time\":20,\"host\":\"g\",\"n\":2}\n{\"time\":30,\"host\":\"g\",\"n\":3}\n" END("2"));
    assert_int_equal(fixture_ask(&fixture, RAW "&as_of=900"), OK);
    assert_string_equal(fixture.sink.cache_control, "no-cache");
    fixture_release(&fixture);
}

static void test_a_tenant_without_data_gets_an_empty_answer(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    fixture.environment.tenant = NULL;
    fixture_expect(&fixture, RAW, END_WARNED("0", "no measurement \\\"cpu\\\""));
    fixture_expect(&fixture, "measurement=cpu&agg=mean&every=1m&format=csv", "time\n");
    fixture_refuse(&fixture, RAW "&as_of=1000001", E_AS_OF_FUTURE, "as_of", "later than now");
    fixture_release(&fixture);
}

static void test_a_cursor_goes_on_at_the_same_moment(void **state)
{
    struct fixture fixture;
    char next[4096], question[8192];

    (void)state;
    fixture_init(&fixture);
    make_world(&fixture);
    assert_int_equal(fixture_ask(&fixture, "measurement=cpu&fields=user&epoch=ns&format=csv&limit=2"
                                           "&start=now-1h"),
                     OK);
    assert_true(fixture.sink.next[0]);
    (void)snprintf(next, sizeof(next), "%s", fixture.sink.next);
    /* What comes later, is corrected later, or later "now" means, does not show. */
    fixture.store.watermark = fixture.clock.wall = FIXTURE_NOW + 1000;
    fixture_put(&fixture, fixture_series(&fixture, "cpu", "host=b"), 10, FIXTURE_NOW + 10,
                "user=99");
    (void)snprintf(question, sizeof(question),
                   "measurement=cpu&fields=user&epoch=ns&limit=2&start=now-1h&format=ndjson&"
                   "cursor=%s",
                   next);
    fixture_expect(&fixture, question, "{\"time\":10,\"host\":\"b\",\"user\":10.0}\n" END("1"));
    (void)snprintf(question, sizeof(question), "measurement=cpu&fields=n&epoch=ns&cursor=%s", next);
    fixture_refuse(&fixture, question, E_BAD_CURSOR, "cursor", "another question");
    fixture_refuse(&fixture, RAW "&cursor=AAAA", E_BAD_CURSOR, "cursor", "not a cursor");
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_hold_at_their_edge),
        cmocka_unit_test(test_memory_is_capped_and_given_back),
        cmocka_unit_test(test_long_answers_come_in_pieces),
        cmocka_unit_test(test_a_client_that_left_ends_the_query),
        cmocka_unit_test(test_time_is_limited_but_not_the_clients),
        cmocka_unit_test(test_what_is_small_is_answered_at_once),
        cmocka_unit_test(test_what_may_take_long_is_not_tried_at_once),
        cmocka_unit_test(test_many_series_or_fields_are_not_tried_at_once),
        cmocka_unit_test(test_a_long_answer_is_not_given_at_once),
        cmocka_unit_test(test_at_once_is_a_millisecond),
        cmocka_unit_test(test_a_failure_in_the_middle_is_recognised),
        cmocka_unit_test(test_what_is_missing_is_said),
        cmocka_unit_test(test_csv_is_cut_when_something_turns_out_to_be_missing),
        cmocka_unit_test(test_an_equal_etag_costs_no_decode),
        cmocka_unit_test(test_retention_clamps_and_says_so),
        cmocka_unit_test(test_a_tenant_without_data_gets_an_empty_answer),
        cmocka_unit_test(test_a_cursor_goes_on_at_the_same_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
