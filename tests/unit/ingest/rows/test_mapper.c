#include "ingest/rows/row_clock.h"
#include "tests/unit/ingest/rows/mapper_fixture.h"

static const struct span half_hour = {.ns = INT64_C(1800000000000)};
static const struct span hour = {.ns = INT64_C(3600000000000)};

static void test_where(void **state)
{
    struct source_match wanted[] = {
        {2, BYTES("D")},
        {3, BYTES("1")}
    };
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.where = wanted;
    fixture.source.where_count = COUNT_OF(wanted);
    expect_points(&fixture,
                  "2024-01-01|#1|D|#1\n"
                  "2024-01-02|#2|NG|#1\n"
                  "2024-01-03|#3|D|~\n"
                  "no time|#3|D|#2\n"
                  "2024-01-04|#4|D|1",
                  "m v=1 2024-01-01T00:00:00Z\n"
                  "m v=4 2024-01-04T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->rows, 2);
    assert_int_equal(mapper_counts(fixture.mapper)->points, 2);
    fixture_release(&fixture);
}

static void test_clips_to_the_window(void **state)
{
    static const char rows[] = "2023-12-31T23:59:59.999999999Z|#1\n"
                               "2024-01-01T00:00Z|#2\n"
                               "2024-01-01T23:59Z|#3\n"
                               "2024-01-02T00:00Z|wrong";
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.window.clip = true;
    fixture.terms.windowed = true;
    fixture.terms.start_ns = time_of("2024-01-01T00:00:00Z");
    fixture.terms.end_ns = time_of("2024-01-02T00:00:00Z");
    expect_points(&fixture, rows, "m v=2 2024-01-01T00:00:00Z\nm v=3 2024-01-01T23:59:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->clipped, 2);
    assert_int_equal(mapper_counts(fixture.mapper)->rows, 4);
    fixture_release(&fixture);
}

/* By its end the first is of this window, by its beginning of the one before; who asks for the one
 * may get it in the other. */
static void test_an_interval_that_ends_where_the_window_begins_is_kept(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.window.clip = true;
    fixture.source.time.label_end = true;
    fixture.source.time.step = (struct span){.ns = INT64_C(3600000000000)};
    fixture.terms.windowed = true;
    fixture.terms.start_ns = time_of("2024-01-01T00:00:00Z");
    fixture.terms.end_ns = time_of("2024-01-02T00:00:00Z");
    expect_points(&fixture,
                  "2023-12-31T23:00Z|#1\n2024-01-01T00:00Z|#2\n2024-01-02T00:00Z|#3\n"
                  "2024-01-02T01:00Z|#4",
                  "m v=2 2023-12-31T23:00:00Z\nm v=3 2024-01-01T23:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->clipped, 2);
    fixture_release(&fixture);
}

/* The hour that ends at the time; numbers that are 0 are values, null is none. */
static void test_hours_that_end(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.time.label_end = true;
    fixture.source.time.step = hour;
    expect_points(&fixture,
                  "2022-10-31T11|#6215\n"
                  "2022-10-31T12|#0\n"
                  "2022-10-31T13|null\n"
                  "2022-10-31T14|7",
                  "m v=6215 2022-10-31T10:00:00Z\n"
                  "m v=0 2022-10-31T11:00:00Z\n"
                  "m v=7 2022-10-31T13:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->empty, 1);
    fixture_release(&fixture);
}

static void test_months_that_end(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.time.label_end = true;
    fixture.source.time.step = (struct span){.months = 1};
    fixture.source.time.zone = zone_of("Europe/Paris", &fixture.arena);
    expect_points(&fixture, "2024-03-01|#1\n2024-05-01|#2",
                  "m v=1 2024-01-31T23:00:00Z\nm v=2 2024-03-31T22:00:00Z\n");
    fixture_release(&fixture);
}

/* Settlement periods of summer are an hour before those of UTC. */
static void test_settlement_periods(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.time.zone = zone_of("Europe/London", &fixture.arena);
    fixture.source.time.index_slot = 2;
    fixture.source.time.step = half_hour;
    fixture.source.faults_max = 2;
    expect_points(&fixture,
                  "2024-07-01|#1|#1\n"
                  "2024-07-01|#2|#48\n"
                  "2024-03-31|#3|46\n"
                  "2024-03-31|#4|47\n"
                  "2024-10-27|#5|50\n"
                  "2024-10-27|#6|51",
                  "m v=1 2024-06-30T23:00:00Z\n"
                  "m v=2 2024-07-01T22:30:00Z\n"
                  "m v=3 2024-03-31T22:30:00Z\n"
                  "m v=5 2024-10-27T23:30:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 2);
    fixture_release(&fixture);
}

static void test_known_at(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.versions.known_at_slot = 2;
    fixture.source.faults_max = 9;
    expect_points(&fixture,
                  "2024-01-01|#1|2024-01-02T00:00:00Z\n"
                  "2024-01-02|#2|2024-01-02T00:00:00Z\n"
                  "2024-01-03|#3|2024-01-04T00:00:00Z\n"
                  "2024-01-04|#4|~\n"
                  "2024-01-05|#5|soon",
                  "m v=1 2024-01-01T00:00:00Z known 2024-01-02T00:00:00Z\n"
                  "m v=2 2024-01-02T00:00:00Z known 2024-01-02T00:00:00Z\n"
                  "m v=3 2024-01-03T00:00:00Z known 2024-01-04T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 2);
    fixture_release(&fixture);
}

/* --- what is wrong --- */

/* A row with a fault is left out as a whole. */
static void test_faults_are_told(void **state)
{
    struct source_value *other;
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    other = add_value(&fixture, 2, "w");
    other->has_measurement = true;
    other->measurement = places_of(&fixture, "other");
    fixture.source.faults_max = 3;
    expect_points(&fixture,
                  "2024-01-01|#1|#2\n"
                  "2024-01-02|#1|x\n"
                  "never|#1|#2\n"
                  "~|#1|#2\n"
                  "2024-01-05|#3",
                  "m v=1 2024-01-01T00:00:00Z\n"
                  "other w=2 2024-01-01T00:00:00Z\n"
                  "m v=3 2024-01-05T00:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 3);
    assert_int_equal(mapper_counts(fixture.mapper)->rows, 5);
    expect_fault(&fixture, 0, 2, "/rows/1", "field \"w\": \"x\" is no number");
    expect_fault(&fixture, 1, 3, "/rows/2", "time \"never\": at byte 1");
    expect_fault(&fixture, 2, 4, "/rows/3", "the row has no time");
    fixture_release(&fixture);
}

static void test_too_many_faults_are_the_page_s(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.faults_max = 1;
    assert_int_equal(take_rows(&fixture, "2024-01-01|#1\n2024-01-02|x\n2024-01-03|#1\nz|#1"),
                     E_BAD_PAGE);
    assert_non_null(strstr(
        fixture.err.text, "more rows cannot be taken than faults_max allows (1); the first: row 2, "
                          "/rows/1: field \"v\": \"x\" is no number"));
    fixture_release(&fixture);
}

static void test_twenty_faults_are_kept(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.source.faults_max = 100;
    assert_int_equal(fixture_open(&fixture), OK);
    for (int i = 0; i < 50; i++)
        assert_int_equal(take_row(&fixture, 1, "2024-01-01|x"), OK);
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 50);
    assert_int_equal(mapper_counts(fixture.mapper)->fault_count, 20);
    expect_fault(&fixture, 19, 20, "/rows/19", "is no number");
    fixture_release(&fixture);
}

static void test_the_sink_may_end_it(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    (void)add_value(&fixture, 1, "v");
    fixture.sink_code = E_BUSY;
    fixture.source.faults_max = 100;
    assert_int_equal(take_rows(&fixture, "2024-01-01|#1"), E_BUSY);
    assert_int_equal(mapper_counts(fixture.mapper)->points, 0);
    assert_int_equal(mapper_counts(fixture.mapper)->faulty, 0);
    fixture_release(&fixture);
}

/* --- repeated rows: 0 base, 1 value, 2 index, 3 kind of curve, 4 end --- */

static void fill_init(struct fixture *fixture, const struct source_match *curve)
{
    fixture_init(fixture);
    (void)add_value(fixture, 1, "v");
    fixture->source.time.index_slot = 2;
    fixture->source.time.step = hour;
    fixture->source.time.fill = true;
    fixture->source.time.fill_when = curve;
    fixture->source.time.fill_when_count = 1;
    fixture->source.time.fill_to_slot = 4;
    fixture->source.faults_max = 9;
}

static const struct source_match a03 = {3, BYTES("A03")};

#define A03 "|A03|2024-01-01T05:00Z\n"
#define A01 "|A01|2024-01-01T05:00Z\n"

static void test_repeats_rows(void **state)
{
    static const struct {
        const char *name, *rows, *want;
    } cases[] = {
        {"until the next, and the end",            "2024-01-01T00:00Z|#1|1" A03 "2024-01-01T00:00Z|#2|3" A03,
         "m v=1 2024-01-01T00:00:00Z\nm v=1 2024-01-01T01:00:00Z\n"
         "m v=2 2024-01-01T02:00:00Z\nm v=2 2024-01-01T03:00:00Z\nm v=2 2024-01-01T04:00:00Z\n"                 },
        {"not of other curves",                    "2024-01-01T00:00Z|#1|1" A01 "2024-01-01T00:00Z|#2|3" A01,
         "m v=1 2024-01-01T00:00:00Z\nm v=2 2024-01-01T02:00:00Z\n"                                             },
        {"each parent has its end",
         "2024-01-01T00:00Z|#1|4" A03 "--\n2024-01-01T00:00Z|#2|1|A03|2024-01-01T02:00Z",
         "m v=1 2024-01-01T03:00:00Z\nm v=1 2024-01-01T04:00:00Z\n"
         "m v=2 2024-01-01T00:00:00Z\nm v=2 2024-01-01T01:00:00Z\n"                                             },
        {"a row without a value ends it",
         "2024-01-01T00:00Z|#1|1" A03 "2024-01-01T00:00Z|null|3" A03,
         "m v=1 2024-01-01T00:00:00Z\nm v=1 2024-01-01T01:00:00Z\n"                                             },
        {"a row that is wrong ends it",            "2024-01-01T00:00Z|#1|1" A03 "2024-01-01T00:00Z|x|3" A03,
         "m v=1 2024-01-01T00:00:00Z\nm v=1 2024-01-01T01:00:00Z\n"                                             },
        {"nobody knows how far",                   "2024-01-01T00:00Z|#1|1" A03 "2024-01-01T00:00Z|#2|x" A03,
         "m v=1 2024-01-01T00:00:00Z\n"                                                                         },
        {"of another parent everybody knows",
         "2024-01-01T00:00Z|#1|4" A03 "--\n2024-01-01T00:00Z|#2|x" A03,
         "m v=1 2024-01-01T03:00:00Z\nm v=1 2024-01-01T04:00:00Z\n"                                             },
        {"without an end it is a fault",           "2024-01-01T00:00Z|#1|1|A03|~",                            ""},
        {"an end that is nowhere near is a fault", "2024-01-01T00:00Z|#1|1|A03|2261-01-01",
         "m v=1 2024-01-01T00:00:00Z\n"                                                                         },
        {"rows that fall repeat up to nothing",
         "2024-01-01T00:00Z|#1|5" A03 "2024-01-01T00:00Z|#2|4" A03,
         "m v=1 2024-01-01T04:00:00Z\nm v=2 2024-01-01T03:00:00Z\nm v=2 2024-01-01T04:00:00Z\n"                 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;

        fill_init(&fixture, &a03);
        print_message("%s\n", cases[i].name);
        expect_points(&fixture, cases[i].rows, cases[i].want);
        fixture_release(&fixture);
    }
}

/* A row before the window reaches into it, and one within it no further than its end. */
static void test_repeats_are_clipped(void **state)
{
    struct fixture fixture;

    (void)state;
    fill_init(&fixture, &a03);
    fixture.source.window.clip = true;
    fixture.terms.windowed = true;
    fixture.terms.start_ns = time_of("2024-01-01T01:00:00Z");
    fixture.terms.end_ns = time_of("2024-01-01T04:00:00Z");
    expect_points(&fixture, "2024-01-01T00:00Z|#1|1" A03 "2024-01-01T00:00Z|#2|4" A03,
                  "m v=1 2024-01-01T01:00:00Z\nm v=1 2024-01-01T02:00:00Z\n"
                  "m v=2 2024-01-01T03:00:00Z\n");
    assert_int_equal(mapper_counts(fixture.mapper)->clipped, 1);
    fixture_release(&fixture);
}

static void test_repeats_by_the_calendar(void **state)
{
    struct fixture fixture;

    (void)state;
    fill_init(&fixture, &a03);
    fixture.source.time.zone = zone_of("Europe/Paris", &fixture.arena);
    fixture.source.time.step = (struct span){.days = 1};
    expect_points(&fixture, "2024-03-29T23:00Z|#1|1|A03|2024-04-01T22:00Z",
                  "m v=1 2024-03-29T23:00:00Z\nm v=1 2024-03-30T23:00:00Z\n"
                  "m v=1 2024-03-31T22:00:00Z\n");
    fixture_release(&fixture);
}

/* What is repeated goes into the batch that there is then, texts and all. */
static void test_repeats_into_another_batch(void **state)
{
    struct fixture fixture;
    struct arena arena;

    (void)state;
    fill_init(&fixture, &a03);
    fixture.values[0].type = SOURCE_TEXT;
    add_tag(&fixture, "t", "x-${row.5}");
    arena_init(&arena, SIZE_MAX, NULL);
    batch_release(&fixture.batch);
    batch_init(&fixture.batch, &arena, 10);
    assert_int_equal(fixture_open(&fixture), OK);
    assert_int_equal(take_row(&fixture, 1, "2024-01-01T00:00Z|abc|4|A03|2024-01-01T05:00Z|y"), OK);
    batch_release(&fixture.batch);
    arena_release(&arena);
    batch_init(&fixture.batch, &fixture.arena, 10);
    mapper_batch(fixture.mapper, &fixture.batch);
    expect_points(
        &fixture, "",
        "m,t=x-y v=\"abc\" 2024-01-01T03:00:00Z\nm,t=x-y v=\"abc\" 2024-01-01T04:00:00Z\n");
    fixture_release(&fixture);
}

/* A host that sends a text of a row and an end that is far away had all memory. */
static void test_repeats_take_no_memory_each(void **state)
{
    struct fixture fixture;
    size_t used;

    (void)state;
    fill_init(&fixture, &a03);
    fixture.values[0].type = SOURCE_TEXT;
    assert_int_equal(fixture_open(&fixture), OK);
    assert_int_equal(take_row(&fixture, 1, "2024-01-01T00:00Z|abc|1|A03|2024-02-01T00:00Z"), OK);
    used = fixture.arena.used;
    assert_int_equal(mapper_finish(fixture.mapper, &fixture.err), OK);
    assert_int_equal(mapper_counts(fixture.mapper)->points, 31 * 24);
    assert_in_range(fixture.arena.used - used, 0, 1024);
    fixture_release(&fixture);
}

/* --- clocks that are turned back: 02:00 in London becomes 01:00 at 01:00Z --- */

static void local_init(struct fixture *fixture)
{
    fixture_init(fixture);
    (void)add_value(fixture, 1, "v");
    fixture->source.time.zone = zone_of("Europe/London", &fixture->arena);
}

/* A window that begins with the second of two hours asks for no row of the first. */
static void test_an_hour_told_twice_is_that_of_the_window(void **state)
{
    static const struct {
        const char *name, *start, *rows, *want;
        bool clip;
    } cases[] = {
        {"the second",                "2024-10-27T01:00:00Z", "2024-10-27 01:00|#1\n2024-10-27 01:30|#2",
         "m v=1 2024-10-27T01:00:00Z\nm v=2 2024-10-27T01:30:00Z\n",                                                                      true },
        {"newest first",              "2024-10-27T01:00:00Z", "2024-10-27 01:30|#1\n2024-10-27 01:00|#2",
         "m v=1 2024-10-27T01:30:00Z\nm v=2 2024-10-27T01:00:00Z\n",                                                                      true },
        {"the first",                 "2024-10-27T00:00:00Z", "2024-10-27 01:00|#1\n2024-10-27 01:30|#2",
         "m v=1 2024-10-27T00:00:00Z\nm v=2 2024-10-27T00:30:00Z\n",                                                                      true },
        {"what was before is before", "2024-10-27T01:00:00Z",
         "2024-10-27 00:30|#0\n2024-10-27 01:00|#1\n2024-10-27 02:00|#2",                                 "m v=2 2024-10-27T02:00:00Z\n", true },
        {"nobody asked",              "2024-10-27T01:00:00Z", "2024-10-27 01:00|#1",
         "m v=1 2024-10-27T00:00:00Z\n",                                                                                                  false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture fixture;

        local_init(&fixture);
        fixture.source.window.clip = cases[i].clip;
        fixture.terms.windowed = true;
        fixture.terms.start_ns = time_of(cases[i].start);
        fixture.terms.end_ns = INT64_MAX;
        print_message("%s\n", cases[i].name);
        expect_points(&fixture, cases[i].rows, cases[i].want);
        fixture_release(&fixture);
    }
}

/* A page that begins within that hour goes on where the one before ended, series by series. */
static void test_pages_go_on_within_an_hour_told_twice(void **state)
{
    static const char *const pages[][2] = {
        {"2024-10-27 01:00|#1|a\n2024-10-27 01:30|#2|a\n2024-10-27 01:00|#3|b",
         "m,s=a v=1 2024-10-27T00:00:00Z\nm,s=a v=2 2024-10-27T00:30:00Z\n"
         "m,s=b v=3 2024-10-27T00:00:00Z\n"                                                               },
        {"2024-10-27 01:00|#4|a\n2024-10-27 01:30|#5|b\n2024-10-27 01:30|#6|a\n2024-10-27 "
         "01:00|#7|b",                                                 "m,s=a v=4 2024-10-27T01:00:00Z\nm,s=b v=5 2024-10-27T00:30:00Z\n"
         "m,s=a v=6 2024-10-27T01:30:00Z\nm,s=b v=7 2024-10-27T01:00:00Z\n"},
        {"2024-10-27 01:30|#8|b\n2024-10-27 02:00|#9|a",
         "m,s=b v=8 2024-10-27T01:30:00Z\nm,s=a v=9 2024-10-27T02:00:00Z\n"                               },
    };
    struct row_order order = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        struct fixture fixture;

        local_init(&fixture);
        add_tag(&fixture, "s", "${row.2}");
        fixture.terms.order = &order;
        expect_points(&fixture, pages[i][0], pages[i][1]);
        mapper_keep(fixture.mapper, &order);
        fixture_release(&fixture);
    }
    row_order_release(&order);
    assert_int_equal(order.before_by_series.count, 0);
}

/* The whole year besides, nothing of all series is kept. */
static void test_pages_keep_what_is_near_a_turn(void **state)
{
    struct row_order order = {0};
    struct fixture fixture;

    (void)state;
    local_init(&fixture);
    add_tag(&fixture, "s", "${row.2}");
    expect_points(&fixture, "2024-07-01 01:00|#1|a\n2024-10-26 01:00|#2|b",
                  "m,s=a v=1 2024-07-01T00:00:00Z\nm,s=b v=2 2024-10-26T00:00:00Z\n");
    mapper_keep(fixture.mapper, &order);
    assert_int_equal(order.before_by_series.count, 1);
    fixture_release(&fixture);
    row_order_release(&order);
}

/* Nor all time: each row may be repeated often, all together not as often as there are rows. */
static void test_repeats_of_a_page_are_bounded(void **state)
{
    struct fixture fixture;
    enum code code = OK;
    uint64_t rows = 0;

    (void)state;
    fill_init(&fixture, &a03);
    fixture.source.time.step = (struct span){.ns = 1000000000};
    fixture.source.window.clip = true;
    fixture.terms.windowed = true; /* an empty one, so that nothing is printed */
    assert_int_equal(fixture_open(&fixture), OK);
    while (code == OK && rows < 100)
        code = take_row(&fixture, ++rows, "2024-01-01T00:00Z|#1|1|A03|2024-01-11T00:00Z");
    assert_int_equal(code, E_BAD_PAGE);
    assert_string_equal(fixture.err.text, "its rows are repeated more than 10000000 times");
    assert_int_equal(rows, 13); /* of 863,999 repeats each, when the next row has come */
    fixture_release(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_clips_to_the_window),
        cmocka_unit_test(test_an_interval_that_ends_where_the_window_begins_is_kept),
        cmocka_unit_test(test_hours_that_end),
        cmocka_unit_test(test_months_that_end),
        cmocka_unit_test(test_settlement_periods),
        cmocka_unit_test(test_known_at),
        cmocka_unit_test(test_faults_are_told),
        cmocka_unit_test(test_too_many_faults_are_the_page_s),
        cmocka_unit_test(test_twenty_faults_are_kept),
        cmocka_unit_test(test_the_sink_may_end_it),
        cmocka_unit_test(test_repeats_rows),
        cmocka_unit_test(test_repeats_are_clipped),
        cmocka_unit_test(test_repeats_by_the_calendar),
        cmocka_unit_test(test_repeats_into_another_batch),
        cmocka_unit_test(test_repeats_take_no_memory_each),
        cmocka_unit_test(test_repeats_of_a_page_are_bounded),
        cmocka_unit_test(test_an_hour_told_twice_is_that_of_the_window),
        cmocka_unit_test(test_pages_go_on_within_an_hour_told_twice),
        cmocka_unit_test(test_pages_keep_what_is_near_a_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
