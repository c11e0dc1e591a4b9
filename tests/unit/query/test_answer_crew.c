#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "tests/unit/query/lent.h"

enum { SERIES = 12, ROWS = 3000, PLACE_ROWS = 100 };

/* Every time of every series has a value of v; texts among them. */
static void make_series(struct fixture *fixture)
{
    for (int s = 0; s < SERIES; s++) {
        char tags[32];
        const struct series *series;

        (void)snprintf(tags, sizeof(tags), "host=h%d,region=r%d", s, s % 3);
        series = fixture_series(fixture, "cpu", tags);
        for (int i = 0; i < ROWS; i++) {
            char *fields = arena_alloc(&fixture->store.arena, 32); /* rows borrow its names */
            uint32_t at;

            assert_non_null(fields);
            (void)snprintf(fields, 32, i % 50 == 7 ? "v=\"x\"" : "v=%d.%d n=%di",
                           (i * 7919 + s) % 1000, i % 10, i);
            at = fixture_row(fixture, series, i, 100, fields);
            if (i % PLACE_ROWS == PLACE_ROWS - 1) {
                struct twin_place *place = twin_place(&fixture->store, at + 1 - PLACE_ROWS, at + 1);

                place->block = s % 2;
            }
        }
    }
}

/* With and without help the same answer, and the same count of rows. */
static void expect_same(struct fixture *fixture, struct lent *alone, struct lent *helped,
                        const char *question)
{
    struct buf want = BUF_INIT((size_t)1 << 24);
    uint64_t scanned;

    fixture->environment.helpers = &alone->helpers;
    if (fixture_ask(fixture, question))
        fail_msg("%s: %s", question, fixture->err.text);
    buf_put(&want, buf_bytes(&fixture->sink.body));
    scanned = fixture->outcome.rows_scanned;
    assert_true(scanned > 0 && want.size > 200);
    assert_int_equal(fixture->outcome.helped, 0);
    for (int round = 0; round < 3; round++) {
        fixture->environment.helpers = &helped->helpers;
        if (fixture_ask(fixture, question))
            fail_msg("%s: %s", question, fixture->err.text);
        if (!bytes_equal(buf_bytes(&want), buf_bytes(&fixture->sink.body)))
            fail_msg("%s: another answer", question);
        assert_int_equal(fixture->outcome.rows_scanned, scanned);
    }
    buf_release(&want);
}

static void test_help_changes_no_answer(void **state)
{
    static const char *const questions[] = {
        "measurement=cpu&agg=mean,stddev,p95,first,last&group_by=host&every=100ns&format=ndjson",
        "measurement=cpu&agg=mean,stddev,p95,first,last,mode,distinct&every=100ns&format=ndjson",
        "measurement=cpu&agg=rate,delta,integral,max&group_by=region&every=1us&format=csv",
        "measurement=cpu&agg=mean,count&format=json",
        "measurement=cpu&agg=sum&fields=v&every=7ns&fill=linear&group_by=region&format=csv",
        "measurement=cpu&agg=max&every=100ns&group_by=host&top=3,max_n&fields=n&format=csv",
        "measurement=cpu&agg=mean&match=host=h1&every=64ns&limit=5&format=ndjson",
        "measurement=cpu&agg=mean&every=64ns&limit=5&format=ndjson",
        "measurement=cpu&agg=mean&where=v>500&every=64ns&group_by=region&format=ndjson",
        "measurement=cpu&agg=mean,stddev&as_of=1970-01-01T00:00:00.000000200Z&every=64ns",
        "measurement=cpu&downsample=m4&points=50&format=csv",
        "measurement=cpu&downsample=minmax&points=7&format=csv&start=10&end=2990&epoch=ns",
        "measurement=cpu&downsample=m4&points=5000&format=csv",
        "measurement=cpu&downsample=lttb&points=50&format=csv",
        "measurement=cpu&downsample=m4&points=50&format=csv&as_of=1970-01-01T00:00:00.000000200Z",
    };
    struct lent alone, helped;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_series(&fixture);
    lent_init(&alone, true);
    lent_init(&helped, false);
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        expect_same(&fixture, &alone, &helped, questions[i]);
    assert_true(helped.lent_count > 0);
    lent_release(&alone);
    lent_release(&helped);
    fixture_release(&fixture);
}

static void test_limits_stay_exact(void **state)
{
    static const char question[] = "measurement=cpu&agg=count&fields=n&every=100ns&group_by=region";
    const uint64_t rows = SERIES * ROWS, cells = 3 * (ROWS / 100);
    struct fixture fixture;
    struct lent helped;

    (void)state;
    fixture_init(&fixture);
    make_series(&fixture);
    lent_init(&helped, false);
    fixture.environment.helpers = &helped.helpers;
    for (uint32_t i = 0; i < fixture.store.place_count; i++)
        fixture.store.places[i].block = false; /* all rows are read */
    for (int off = -1; off <= 1; off++) {
        fixture.limits.query_rows_max = rows + (uint64_t)off;
        assert_int_equal(fixture_ask(&fixture, question), off < 0 ? E_QUERY_ROWS : OK);
    }
    for (int off = -1; off <= 1; off++) {
        fixture.limits.query_groups_max = cells + (uint64_t)off;
        assert_int_equal(fixture_ask(&fixture, question), off < 0 ? E_QUERY_GROUPS : OK);
    }
    lent_release(&helped);
    fixture_release(&fixture);
}

static void test_faults_end_all_threads(void **state)
{
    static const char question[] = "measurement=cpu&agg=mean&every=100ns&group_by=region";
    struct fixture fixture;
    struct lent helped;

    (void)state;
    fixture_init(&fixture);
    make_series(&fixture);
    lent_init(&helped, false);
    fixture.environment.helpers = &helped.helpers;
    for (uint32_t at = 1; at < 150; at += 17) {
        fixture.store.places_read = 0;
        fixture.store.fail_at_read = at;
        assert_int_equal(fixture_ask(&fixture, question), E_IO);
        assert_non_null(strstr(fixture.err.text, "the disk is gone"));
    }
    fixture.store.fail_at_read = 0;
    fixture.limits.query_memory_bytes_max = 200000;
    assert_int_equal(fixture_ask(&fixture, question), E_QUERY_MEMORY);
    lent_release(&helped);
    fixture_release(&fixture);
}

static void test_what_is_missing_is_told_in_order(void **state)
{
    struct lent alone, helped;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    make_series(&fixture);
    for (uint32_t i = 5; i < fixture.store.place_count; i += 40)
        fixture.store.places[i].corrupt = true;
    lent_init(&alone, true);
    lent_init(&helped, false);
    expect_same(&fixture, &alone, &helped, "measurement=cpu&agg=stddev&every=100ns&format=json");
    assert_non_null(strstr(fixture.sink.body.data, "pack 7 block"));
    lent_release(&alone);
    lent_release(&helped);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_changes_no_answer),
        cmocka_unit_test(test_limits_stay_exact),
        cmocka_unit_test(test_faults_end_all_threads),
        cmocka_unit_test(test_what_is_missing_is_told_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
