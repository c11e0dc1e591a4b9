#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/query/fixture.c"

#include "query/summary.h"

#define AGGREGATES "count,sum,min,max,mean,first,last"
#define ASK "measurement=cpu&epoch=ns&format=csv&agg=" AGGREGATES
#define WINDOWS ASK "&every=100ns"

struct row {
    int64_t time, ingest;
    const char *fields;
};

/* The block of all cases: [10, 40], ingest 100..400. */
static const struct row base[] = {
    {10, 100, "v=1 n=1i"},
    {20, 200, "v=-2.5"  },
    {30, 300, "n=7i"    },
    {40, 400, "v=3 n=2i"},
};

struct twist {
    const char *name;
    struct row block_row; /* one more row of the block, when it has fields */
    struct row other;     /* of another place, when it has fields */
    bool other_block;     /* which is a block too */
    bool apart;
    int64_t settled; /* 0 = none */
    int64_t deleted; /* ingest of a deletion of [deleted_from, deleted_from + 5) */
    int64_t deleted_from;
    bool erase;
    const char *question; /* behind ASK */
    bool decoded;
};

static void lay(struct fixture *fixture, const struct twist *twist, bool block)
{
    const struct series *series = fixture_series(fixture, "cpu", "");
    struct twin_place *place;
    uint32_t first = fixture->store.row_count;

    for (size_t i = 0; i < COUNT_OF(base); i++)
        (void)fixture_row(fixture, series, base[i].time, base[i].ingest, base[i].fields);
    if (twist->block_row.fields)
        (void)fixture_row(fixture, series, twist->block_row.time, twist->block_row.ingest,
                          twist->block_row.fields);
    place = twin_place(&fixture->store, first, fixture->store.row_count);
    place->block = block;
    place->apart = twist->apart;
    place->settled = twist->settled ? twist->settled : INT64_MIN;
    if (!twist->other.fields)
        return;
    (void)fixture_put(fixture, series, twist->other.time, twist->other.ingest, twist->other.fields);
    fixture->store.places[1].block = block && twist->other_block;
}

static void test_a_summary_stands_only_where_nothing_else_has_a_say(void **state)
{
    static const struct twist twists[] = {
        {.name = "alone"                                    },
        {                                                         .name = "in one window",                                                     .question = "&every=100ns"},
        {                                                                           .name = "another block before it", .other = {9, 500, "v=9"}, .other_block = true},
        {                                                                              .name = "a head row behind it",                                              .other = {41, 500, "v=9"}},
        { .name = "a head row behind it that is the last",                                                                           .other = {41, 50, "v=9"}},
        {                                        .name = "a deletion before it",                                                                                                                   .deleted = 500, .deleted_from = 5},
        {                                       .name = "a deletion behind it",                                                                                                                  .deleted = 500, .deleted_from = 41},
        {                                      .name = "a deletion older than its rows",                                                                                                                 .deleted = 100, .deleted_from = 10},
        {                                                                                                .name = "a deletion that is in its rows",
         .settled = 450,
         .deleted = 450,
         .deleted_from = 12},
        {                                                                                                .name = "a deletion after S",
         .deleted = 600,
         .deleted_from = 10,
         .question = "&as_of=1970-01-01T00:00:00.0000005Z"},
        {                                                                               .name = "S is its newest row",     .question = "&as_of=1970-01-01T00:00:00.0000004Z"},
        {                      .name = "the range is its own",                                                                           .question = "&start=10&end=41"},

        {                                                                                           .name = "another block overlaps",
         .other = {15, 500, "v=9"},
         .other_block = true,
         .decoded = true},
        {                                                                                     .name = "another block has its last time",
         .other = {40, 500, "v=9"},
         .other_block = true,
         .decoded = true},
        {                                                                  .name = "another block has its first time",
         .other = {10, 500, "v=9"},
         .other_block = true,
         .decoded = true},
        {                                                                                             .name = "a head row overlaps",                                               .other = {35, 500, "n=9i"}, .decoded = true},
        {                                                                                            .name = "a head row repeats a row",                                          .other = {20, 200, "v=-2.5"}, .decoded = true},
        {                                                                                            .name = "a deletion touches its first row",
         .deleted = 500,
         .deleted_from = 6,
         .decoded = true},
        {                                                                                               .name = "a deletion touches its last row",
         .deleted = 500,
         .deleted_from = 40,
         .decoded = true},
        {                                                                                            .name = "a deletion touches it where it has no row",
         .deleted = 500,
         .deleted_from = 21,
         .decoded = true},
        {                                                                                                .name = "a deletion came after it was settled",
         .settled = 450,
         .deleted = 451,
         .deleted_from = 12,
         .decoded = true},
        {.name = "it was erased after S",
         .deleted = 600,
         .deleted_from = 10,
         .erase = true,
         .question = "&as_of=1970-01-01T00:00:00.0000005Z",
         .decoded = true},
        {                                                                                               .name = "S is older",
         .question = "&as_of=1970-01-01T00:00:00.000000399Z",
         .decoded = true},
        {                                                                                            .name = "a window cuts it",                                                                                                                                                                              .question = "&every=40ns", .decoded = true},
        {                                                                                             .name = "the range begins in it",                                                      .question = "&start=11", .decoded = true},
        {                                                                                             .name = "the range ends in it",                                                   .question = "&end=40", .decoded = true},
        {                                                                                            .name = "a retraction is there",                                           .block_row = {25, 250, "v=null n=4i"}, .decoded = true},
        {                                                                                            .name = "two rows have one time",                                             .block_row = {40, 450, "v=8"}, .decoded = true},
        {                                                                                            .name = "it is apart",                                             .apart = true, .decoded = true},
        {                                                                                            .name = "a sum might overflow",                                            .block_row = {25, 250, "v=1e300"}, .decoded = true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(twists); i++) {
        struct tombstone tombstone = {.ingest = twists[i].deleted,
                                      .erase = twists[i].erase,
                                      .selector.measurement = BYTES("cpu"),
                                      .start = twists[i].deleted_from,
                                      .end = twists[i].deleted_from + 5};
        struct buf want = BUF_INIT(1 << 16);
        char question[256];

        (void)snprintf(question, sizeof(question), ASK "%s",
                       twists[i].question ? twists[i].question : "");
        for (int block = 0; block < 2; block++) {
            struct fixture fixture;

            fixture_init(&fixture);
            fixture.store.tombstones = &tombstone;
            fixture.store.tombstone_count = twists[i].deleted > 0;
            lay(&fixture, &twists[i], block);
            if (fixture_ask(&fixture, question))
                fail_msg("%s: %s", twists[i].name, fixture.err.text);
            if (block && !bytes_equal(buf_bytes(&fixture.sink.body), buf_bytes(&want)))
                fail_msg("%s: %.*s instead of %.*s", twists[i].name,
                         BYTES_ARG(buf_bytes(&fixture.sink.body)), BYTES_ARG(buf_bytes(&want)));
            buf_put(&want, buf_bytes(&fixture.sink.body));
            if (block && twists[i].decoded != (fixture.outcome.rows_scanned >= COUNT_OF(base) - 1))
                fail_msg("%s: %llu rows were scanned", twists[i].name,
                         (unsigned long long)fixture.outcome.rows_scanned);
            fixture_release(&fixture);
        }
        buf_release(&want);
    }
}

static void test_raw_rows_and_versions_are_never_summaries(void **state)
{
    static const struct twist plain = {.name = "alone"};
    static const char *const questions[] = {"measurement=cpu", "measurement=cpu&versions=all",
                                            "measurement=cpu&order=desc"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        struct fixture fixture;

        fixture_init(&fixture);
        lay(&fixture, &plain, true);
        assert_int_equal(fixture_ask(&fixture, questions[i]), OK);
        assert_int_equal(fixture.store.headers_read, 0);
        assert_int_equal(fixture.store.places_read, 1);
        assert_int_equal(fixture.outcome.rows_out, 4);
        fixture_release(&fixture);
    }
}

/* What a header does not tell is asked of the rows. */
static void test_what_suffices(void **state)
{
    static const struct {
        const char *name, *fields[3]; /* of rows 10, 20, 30 */
        const char *question;
        bool decoded;
    } cases[] = {
        {"count of texts",                                       {"s=\"a\"", "v=1", "s=\"b\""}, "&agg=count&start=0",               false},
        {"first of texts",                                       {"s=\"a\"", "v=1", "s=\"b\""}, "&agg=first&start=0",               true },
        {"first of another field",
         {"s=\"a\" v=1", "v=1", "v=2"},
         "&agg=first&start=0&fields=v",                                                                                             false},
        {"last in the last row",                                 {"v=1", "v=2", "v=3"},         "&agg=last&start=0",                false},
        {"last in another row",                                  {"v=1", "v=2", "n=3i"},        "&agg=last&start=0",                true },
        {"first in another row",                                 {"n=1i", "v=2", "v=3"},        "&agg=first&start=0",               true },
        {"first in another row of one field, by its other type",
         {"v=1i", "v=2", "v=3"},
         "&agg=first&start=0",                                                                                                      false},
        {"the first value's time is told",                       {"n=1i", "v=2", "v=3"},        "&agg=max&fields=v",                true },
        {"and is the first row's",                               {"n=1i", "v=2", "v=3"},        "&agg=max",                         false},
        {"windows tell their start",                             {"n=1i", "v=2", "v=3"},        "&agg=max&fields=v&every=1s",       false},
        {"a text among numbers is skipped",                      {"v=1", "v=\"x\"", "v=3"},     "&agg=max&start=0",                 false},
        {"types mix",
         {"v=1", "v=9007199254740993i", "v=18446744073709551615u"},
         "&agg=count,sum,min,max,mean,first,last&start=0",                                                                          false},
        {"squares are in the header",
         {"v=1", "v=2", "v=4"},
         "&agg=variance&fields=v&start=0",                                                                                          false},
        {"but not of large integers",
         {"n=4503599627370496i", "n=2i", "n=1i"},
         "&agg=stddev&fields=n&start=0",                                                                                            true },
        {"nor of large reals",                                   {"v=1e140", "v=-2", "v=1"},    "&agg=stddev&fields=v&start=0",     true },
        {"single values are not",                                {"v=1", "v=2", "v=4"},         "&agg=max,median&fields=v&start=0", true },
        {"nor are changes",                                      {"v=1", "v=2", "v=4"},         "&agg=increase&fields=v&start=0",   true },
        {"no value of the field",                                {"v=1", "v=2", "v=3"},         "&agg=max&fields=n",                false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf want = BUF_INIT(1 << 16);
        char question[256];

        (void)snprintf(question, sizeof(question), "measurement=cpu&epoch=ns%s", cases[i].question);
        for (int block = 0; block < 2; block++) {
            const struct series *series;
            struct fixture fixture;

            fixture_init(&fixture);
            series = fixture_series(&fixture, "cpu", "");
            (void)fixture_row(&fixture, series, 5, FIXTURE_NOW + 1,
                              "n=1i v=1 s=\"t\""); /* claims */
            for (int row = 0; row < 3; row++)
                (void)fixture_row(&fixture, series, 10 + 10 * row, 100, cases[i].fields[row]);
            twin_place(&fixture.store, 1, 4)->block = block;
            if (fixture_ask(&fixture, question))
                fail_msg("%s: %s", cases[i].name, fixture.err.text);
            if (block && !bytes_equal(buf_bytes(&fixture.sink.body), buf_bytes(&want)))
                fail_msg("%s: %.*s instead of %.*s", cases[i].name,
                         BYTES_ARG(buf_bytes(&fixture.sink.body)), BYTES_ARG(buf_bytes(&want)));
            buf_put(&want, buf_bytes(&fixture.sink.body));
            if (block && cases[i].decoded != (fixture.store.places_read > 0))
                fail_msg("%s: %u places were read", cases[i].name, fixture.store.places_read);
            fixture_release(&fixture);
        }
        buf_release(&want);
    }
}

/* Series by series, window by window; what a header cannot stand for comes between. */
static void test_summaries_and_rows_make_one_answer(void **state)
{
    static const char want[] = "time,count_v,sum_v,min_v,max_v,mean_v,first_v,last_v\n"
                               "0,8,39.0,1.0,10.0,4.875,1.0,7.0\n"
                               "100,2,11.0,5.0,6.0,5.5,6.0,5.0\n";
    const struct series *series[2];
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    series[0] = fixture_series(&fixture, "cpu", "host=a");
    series[1] = fixture_series(&fixture, "cpu", "host=b");
    for (int s = 0; s < 2; s++) {
        uint32_t first = fixture_row(&fixture, series[s], 10, 100, "v=1");

        (void)fixture_row(&fixture, series[s], 20, 100, s ? "v=3" : "v=10");
        twin_place(&fixture.store, first, first + 2)->block = true;
        (void)fixture_put(&fixture, series[s], 30, 100, "v=5");
        first = fixture_row(&fixture, series[s], 90, 100, "v=7");
        (void)fixture_row(&fixture, series[s], 110, 100, s ? "v=6" : "v=5");
        twin_place(&fixture.store, first, first + 2)->block = true;
    }
    fixture_expect(&fixture, WINDOWS, want);
    assert_int_equal(fixture.store.headers_read, 2);
    assert_int_equal(fixture.store.places_read, 4);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_summary_stands_only_where_nothing_else_has_a_say),
        cmocka_unit_test(test_raw_rows_and_versions_are_never_summaries),
        cmocka_unit_test(test_what_suffices),
        cmocka_unit_test(test_summaries_and_rows_make_one_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
