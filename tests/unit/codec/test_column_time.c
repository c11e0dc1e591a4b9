#include "tests/unit/codec/column_fixture.h"

static int64_t times[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX];
static uint32_t row_first[BLOCK_ROWS_MAX + 1];

static size_t round_trip(struct fixture *fixture, const char *name, uint32_t series_count)
{
    struct block block = {.row_count = row_first[series_count],
                          .series_count = series_count,
                          .series_row_first = row_first,
                          .time = times};
    struct error err = {0};
    struct reader reader;

    buf_clear(&fixture->encoder.out);
    column_time_encode(&fixture->encoder, &block);
    reader = fixture_reader(fixture);
    if (column_time_decode(&fixture->decoder, &reader, row_first, series_count, got, &err) ||
        reader_left(&reader) != 0 || memcmp(times, got, block.row_count * sizeof(*times)) != 0)
        fail_msg("%s, %u series: times did not come back (%s)", name, series_count, err.text);
    return fixture->encoder.out.size;
}

/* `rows` of each series, steps from step_ns on, up to jitter_ns more. */
static void fill(struct fixture *fixture, uint32_t series_count, uint32_t rows, int64_t step_ns,
                 uint64_t jitter_ns)
{
    for (uint32_t i = 0; i < series_count; i++) {
        int64_t time = 1700000000000000000;

        row_first[i] = i * rows;
        for (uint32_t row = 0; row < rows; row++) {
            times[i * rows + row] = time;
            time += step_ns + (int64_t)random_below(&fixture->random, jitter_ns + 1);
        }
    }
    row_first[series_count] = series_count * rows;
}

static void test_a_constant_step_costs_nothing(void **state)
{
    fill(*state, 1, BLOCK_ROWS_MAX, 10000000000, 0);
    assert_true(round_trip(*state, "one", 1) < 32);
    fill(*state, 100, 40, 10000000000, 0);
    assert_true(round_trip(*state, "many", 100) < 32);
}

static void test_gaps_cost_little(void **state)
{
    fill(*state, 1, BLOCK_ROWS_MAX, 10000000000, 0);
    for (size_t i = 1000; i < BLOCK_ROWS_MAX; i++)
        times[i] += 3600000000000;
    for (size_t i = 3000; i < BLOCK_ROWS_MAX; i++)
        times[i] += 86400000000000;
    assert_true(round_trip(*state, "gaps", 1) < 250);
}

static void test_every_arrangement_comes_back(void **state)
{
    static const struct {
        uint32_t series_count, rows;
        int64_t step_ns;
        uint64_t jitter_ns;
    } cases[] = {
        {1,    1,    1,           0         },
        {1,    2,    0,           0         },
        {8192, 1,    1,           0         },
        {2048, 2,    1000000000,  5         },
        {17,   200,  1000000000,  1000000   },
        {1,    8192, 0,           1         },
        {1,    8191, 1,           1000000000},
        {3,    1000, 60000000000, 0         },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fill(*state, cases[i].series_count, cases[i].rows, cases[i].step_ns, cases[i].jitter_ns);
        round_trip(*state, "case", cases[i].series_count);
    }
}

static void test_extreme_times_come_back(void **state)
{
    row_first[0] = 0;
    row_first[1] = 2;
    row_first[2] = 5;
    times[0] = INT64_MIN;
    times[1] = INT64_MAX;
    times[2] = -1;
    times[3] = 0;
    times[4] = INT64_MAX;
    round_trip(*state, "extreme", 2);
}

static void test_falling_times_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t rows[] = {0, 2};
    uint64_t first = 5, step = (uint64_t)-1;
    struct error err = {0};
    struct reader reader;

    buf_clear(&fixture->encoder.out);
    integers_encode(&fixture->encoder, &first, 1);
    integers_encode(&fixture->encoder, &step, 1);
    reader = fixture_reader(fixture);
    assert_int_equal(column_time_decode(&fixture->decoder, &reader, rows, 1, got, &err), E_CORRUPT);
    assert_string_equal(err.text, "times fall at row 1");
}

static void test_a_constant_step_is_seen(void **state)
{
    static const struct {
        uint32_t rows;
        int64_t first, step;
    } cases[] = {
        {1,              7,                   0        },
        {2,              INT64_MIN,           INT64_MAX},
        {3,              -5,                  0        },
        {BLOCK_ROWS_MAX, 1700000000000000000, 10       },
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const uint32_t rows[] = {0, cases[i].rows};
        struct block block = {
            .row_count = rows[1], .series_count = 1, .series_row_first = rows, .time = times};
        struct reader reader;
        int64_t first, step;

        for (uint32_t row = 0; row < rows[1]; row++)
            times[row] = cases[i].first + (int64_t)row * cases[i].step;
        buf_clear(&fixture->encoder.out);
        column_time_encode(&fixture->encoder, &block);
        reader = fixture_reader(fixture);
        assert_true(column_time_step(&reader, rows[1], &first, &step));
        assert_int_equal(reader_left(&reader), 0);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(step, cases[i].step);
        if (rows[1] < 3)
            continue;
        times[rows[1] - 1]++;
        buf_clear(&fixture->encoder.out);
        column_time_encode(&fixture->encoder, &block);
        reader = fixture_reader(fixture);
        assert_false(column_time_step(&reader, rows[1], &first, &step));
    }
}

static void ingest_round_trip(struct fixture *fixture, const char *name, size_t count,
                              size_t size_most)
{
    struct error err = {0};
    struct reader reader;
    int64_t least = times[0];

    for (size_t i = 1; i < count; i++)
        least = times[i] < least ? times[i] : least;
    buf_clear(&fixture->encoder.out);
    column_ingest_encode(&fixture->encoder, times, count);
    reader = fixture_reader(fixture);
    if (reader_left(&reader) > size_most)
        fail_msg("%s: %zu bytes, expected at most %zu", name, reader_left(&reader), size_most);
    if (reader_left(&reader) == 0)
        return; /* one value: the header says it */
    if (column_ingest_decode(&fixture->decoder, &reader, least, got, count, &err) ||
        reader_left(&reader) != 0 || memcmp(times, got, count * sizeof(*times)) != 0)
        fail_msg("%s did not come back (%s)", name, err.text);
}

static void test_ingest_times_come_back(void **state)
{
    struct fixture *fixture = *state;
    int64_t time = 1700000000000000000;

    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        times[i] = time;
    ingest_round_trip(fixture, "one record", BLOCK_ROWS_MAX, 0);
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        times[i] = time + (int64_t)(i / 20) * 1024 * 1000;
    ingest_round_trip(fixture, "records of 20 rows", BLOCK_ROWS_MAX, 64);
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        times[i] = time += (int64_t)random_below(&fixture->random, 1000) * 1024;
    ingest_round_trip(fixture, "a record a row", BLOCK_ROWS_MAX, BLOCK_ROWS_MAX * 3 / 2);
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        times[i] = (int64_t)random_next(&fixture->random);
    ingest_round_trip(fixture, "any", BLOCK_ROWS_MAX, BLOCK_ROWS_MAX * 9);
}

/* Records of several connections, `rows` rows each: some are committed together, the others in
 * steps of any size, and one in four up to `late` records late. */
static void fill_out_of_order(struct fixture *fixture, size_t rows, size_t late)
{
    static int64_t committed[BLOCK_ROWS_MAX];
    size_t count = BLOCK_ROWS_MAX / rows;
    int64_t time = 1700000000000000000;

    for (size_t i = 0; i < count; i++)
        committed[i] = time +=
            1024 * (int64_t)(1 + random_below(&fixture->random, 32768) /
                                     (1 + random_below(&fixture->random, 32768)));
    for (size_t i = 0; i + late < count; i += 4) {
        size_t other = i + (size_t)random_below(&fixture->random, late + 1);
        int64_t kept = committed[i];

        committed[i] = committed[other];
        committed[other] = kept;
    }
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        times[i] = committed[i / rows < count ? i / rows : count - 1];
}

static void test_ingest_times_a_little_out_of_order_are_sorted(void **state)
{
    struct fixture *fixture = *state;

    fill_out_of_order(fixture, 20, 10);
    ingest_round_trip(fixture, "ten connections", BLOCK_ROWS_MAX, 460);
    assert_int_equal(fixture->encoder.out.data[0], 0);
    fill_out_of_order(fixture, 20, 0);
    ingest_round_trip(fixture, "in order", BLOCK_ROWS_MAX, 800);
    fill_out_of_order(fixture, 1, 30);
    ingest_round_trip(fixture, "a record a row", BLOCK_ROWS_MAX, BLOCK_ROWS_MAX * 5 / 2);
    assert_int_equal(fixture->encoder.out.data[0], 0);
    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++) /* sorting those would take too long */
        times[i] = 1700000000000000000 + (int64_t)(i % 500) * 1024000;
    ingest_round_trip(fixture, "five hundred connections", BLOCK_ROWS_MAX, BLOCK_ROWS_MAX);
    assert_int_not_equal(fixture->encoder.out.data[0], 0);
    times[0] = INT64_MAX;
    times[1] = INT64_MIN;
    times[2] = 0;
    times[3] = INT64_MAX;
    ingest_round_trip(fixture, "extreme", 4, 60);
}

static void test_sorted_ingest_times_that_contradict_themselves_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        uint64_t run_count, distinct, places[3];
        uint8_t shift;
    } cases[] = {
        {"run 2 is of time 2 of 2",                    3, 2, {0, 1, 2},          0 },
        {"run 1 is of time 18446744073709551615 of 1", 3, 1, {0, UINT64_MAX, 0}, 0 },
        {"3 runs of 3 rows, 4 distinct",               3, 4, {0, 0, 0},          0 },
        {"4 runs of 3 rows, 2 distinct",               4, 2, {0, 0, 0},          0 },
        {"0 runs of 3 rows, 0 distinct",               0, 0, {0, 0, 0},          0 },
        {"3 runs of 3 rows, 0 distinct",               3, 0, {0, 0, 0},          0 },
        {"2 sorted times in steps of 2^64",            3, 2, {0, 1, 0},          64},
        {NULL,                                         3, 2, {0, 1, 0},          63},
    };
    uint64_t steps[3] = {1, 2, 3}, lengths[3] = {1, 1, 1};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf *out = &fixture->encoder.out;
        struct error err = {0};
        struct reader reader;
        enum code code;

        buf_clear(out);
        buf_put_u8(out, 0);
        buf_put_uvarint(out, cases[i].run_count);
        buf_put_uvarint(out, cases[i].distinct);
        buf_put_u8(out, cases[i].shift);
        widths_encode(&fixture->encoder, steps,
                      cases[i].distinct == 0 ? 0 : (size_t)cases[i].distinct - 1);
        integers_encode(&fixture->encoder, cases[i].places, 3);
        integers_encode(&fixture->encoder, lengths, 3);
        reader = fixture_reader(fixture);
        code = column_ingest_decode(&fixture->decoder, &reader, 5, got, 3, &err);
        assert_int_equal(code, cases[i].text ? E_CORRUPT : OK);
        if (cases[i].text)
            assert_string_equal(err.text, cases[i].text);
    }
}

static void test_runs_that_do_not_cover_the_rows_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        uint64_t run_count, lengths[3];
    } cases[] = {
        {"none",     0, {0}            },
        {"too many", 4, {1, 1, 1}      },
        {"short",    2, {1, 1}         },
        {"long",     2, {1, 3}         },
        {"empty",    3, {1, 0, 2}      },
        {"far past", 2, {1, UINT64_MAX}},
    };
    uint64_t values[3] = {1, 2, 3};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader reader;

        buf_clear(&fixture->encoder.out);
        buf_put_uvarint(&fixture->encoder.out, cases[i].run_count);
        integers_encode(&fixture->encoder, values, cases[i].run_count & 3);
        integers_encode(&fixture->encoder, cases[i].lengths, cases[i].run_count & 3);
        reader = fixture_reader(fixture);
        if (column_ingest_decode(&fixture->decoder, &reader, 5, got, 3, NULL) != E_CORRUPT)
            fail_msg("%s: taken", cases[i].name);
    }
}

static void test_revision_times_come_back(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned one_in = 1; one_in <= 100; one_in *= 10) {
        for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
            size_t count = fixture_counts[c];
            struct reader reader;

            for (size_t i = 0; i < count; i++)
                times[i] = random_chance(&fixture->random, one_in) ? (int64_t)i * 86400000000000
                                                                   : INT64_MIN;
            buf_clear(&fixture->encoder.out);
            column_revision_encode(&fixture->encoder, times, count);
            reader = fixture_reader(fixture);
            if (column_revision_decode(&fixture->decoder, &reader, got, count, NULL) ||
                reader_left(&reader) != 0 || memcmp(times, got, count * sizeof(*times)) != 0)
                fail_msg("%zu rows, 1 in %u: did not come back", count, one_in);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_constant_step_costs_nothing),
        cmocka_unit_test(test_gaps_cost_little),
        cmocka_unit_test(test_every_arrangement_comes_back),
        cmocka_unit_test(test_extreme_times_come_back),
        cmocka_unit_test(test_falling_times_are_refused),
        cmocka_unit_test(test_a_constant_step_is_seen),
        cmocka_unit_test(test_ingest_times_come_back),
        cmocka_unit_test(test_ingest_times_a_little_out_of_order_are_sorted),
        cmocka_unit_test(test_sorted_ingest_times_that_contradict_themselves_are_refused),
        cmocka_unit_test(test_runs_that_do_not_cover_the_rows_are_refused),
        cmocka_unit_test(test_revision_times_come_back),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
