#include "store/packs/merge_input.h"

#include "tests/unit/store/packs/pack_sample.h"

struct reading {
    struct pack_fixture *fixture;
    struct pack *pack;
    struct merge_names names;
    struct merge_reader reader;
    struct merge_input input;
};

static void reading_open(struct reading *reading, struct pack_fixture *fixture,
                         const struct pack_plan *plan)
{
    struct pack_summary summary;
    struct bytes bytes;
    struct error err = {0};

    *reading = (struct reading){.fixture = fixture};
    if (sample_write(fixture, plan, "x.pack", &summary, &bytes, &err))
        fail_msg("%s", err.text);
    assert_int_equal(summary.in_file ? pack_open_file(fixture->fs, "x.pack", &reading->pack, NULL)
                                     : pack_open_memory(bytes, &reading->pack, NULL),
                     OK);
    free((void *)bytes.data);
    merge_names_init(&reading->names);
    reading->reader = (struct merge_reader){fixture->decoder, &reading->names};
}

static void reading_close(struct reading *reading)
{
    merge_input_release(&reading->input);
    merge_names_release(&reading->names);
    pack_unref(reading->pack);
    arena_release(&reading->fixture->arena);
}

/* Takes all places of the span, series after series; the rows in it. */
static uint64_t take_all(struct reading *reading, int64_t start, int64_t end, size_t *series_count)
{
    struct bytes measurement, last = {0};
    struct series_id id, before = {0};
    uint64_t rows = 0;

    *series_count = 0;
    assert_int_equal(merge_input_begin(&reading->input, reading->pack, start, end, NULL), OK);
    while (merge_input_peek(&reading->input, &measurement, &id)) {
        struct merge_place place;
        enum code code;
        int64_t time = INT64_MIN;

        if (last.data != NULL && bytes_equal(last, measurement))
            assert_true(series_id_compare(before, id) < 0); /* once each */
        else
            merge_names_release(&reading->names);
        last = measurement;
        before = id;
        ++*series_count;
        while ((code = merge_input_take(&reading->input, measurement, id, &reading->reader, &place,
                                        NULL)) == OK) {
            const struct rows *got;

            assert_int_equal(merge_place_open(&place, &reading->reader, NULL), OK);
            got = merge_place_rows(&place);
            assert_true(place.first < place.end && place.end <= got->count);
            assert_int_equal(place.time_first, got->time[place.first]);
            assert_int_equal(place.time_last, got->time[place.end - 1]);
            assert_true(got->time[place.first] >= time); /* it goes on in the next block */
            time = place.time_last;
            for (uint32_t c = 0; c < got->column_count; c++)
                assert_true(got->columns[c].field < reading->names.count);
            for (uint32_t r = place.first; r < place.end; r++)
                rows += got->time[r] >= start && got->time[r] < end;
            merge_place_release(&place);
        }
        assert_int_equal(code, E_END);
    }
    merge_input_release(&reading->input);
    return rows;
}

/* Every row is given once, to its series, in whatever spans of time the pack is walked. */
static void test_spans_give_every_row_once(void **state)
{
    static const struct pack_plan plans[] = {
        {1, 1, 10,  0,  0, 0, 0 },
        {1, 3, 300, 0,  0, 0, 0 },
        {2, 0, 0,   20, 0, 0, 0 },
        {3, 4, 500, 30, 2, 2, 10},
    };

    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        struct reading reading;
        struct pack_about about;
        size_t series;
        uint64_t all, parts = 0;
        int64_t at;

        reading_open(&reading, *state, &plans[i]);
        about = pack_about(reading.pack);
        all = take_all(&reading, INT64_MIN, INT64_MAX, &series);
        assert_int_equal(all, about.row_count);
        assert_int_equal(series, plans[i].measurements *
                                     (plans[i].shared_series + (plans[i].blocks > 0 ? 1 : 0)));
        at = INT64_MIN;
        for (int64_t n = 1; n <= 7; n++) {
            int64_t end = n == 7 ? INT64_MAX
                                 : about.time_first + (about.time_last - about.time_first) / 7 * n;

            parts += take_all(&reading, at, end, &series);
            at = end;
        }
        assert_int_equal(parts, all);
        assert_int_equal(take_all(&reading, about.time_last + 1, INT64_MAX, &series), 0);
        assert_int_equal(series, 0);
        reading_close(&reading);
    }
}

/* Another series than the one at hand has no place yet. */
static void test_a_series_waits_for_its_turn(void **state)
{
    static const struct pack_plan plan = {2, 1, 10, 5, 0, 0, 0};
    struct reading reading;
    struct merge_place place;
    struct bytes measurement;
    struct series_id id;

    reading_open(&reading, *state, &plan);
    assert_int_equal(merge_input_begin(&reading.input, reading.pack, INT64_MIN, INT64_MAX, NULL),
                     OK);
    assert_true(merge_input_peek(&reading.input, &measurement, &id));
    assert_int_equal(
        merge_input_take(&reading.input, BYTES("m001"), id, &reading.reader, &place, NULL), E_END);
    id.low++;
    assert_int_equal(
        merge_input_take(&reading.input, measurement, id, &reading.reader, &place, NULL), E_END);
    merge_place_release(&place);
    reading_close(&reading);
}

/* A damaged block is told by pack and place, and nothing is left open. */
static void test_a_damaged_block_is_named(void **state)
{
    static const struct pack_plan plans[] = {
        {1, 1, 300, 0, 0, 0, 0},
        {1, 0, 0,   5, 0, 0, 0},
    };

    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        struct reading reading;
        struct merge_place place;
        struct bytes measurement;
        struct series_id id;
        struct error err = {0};
        enum code code;
        size_t count;

        reading_open(&reading, *state, &plans[i]);
        assert_non_null(reading.pack->memory);
        reading.pack->memory[pack_blocks(reading.pack, &count)->offset + 20] ^= 1;
        code = merge_input_begin(&reading.input, reading.pack, INT64_MIN, INT64_MAX, &err);
        if (code == OK && merge_input_peek(&reading.input, &measurement, &id)) {
            code = merge_input_take(&reading.input, measurement, id, &reading.reader, &place, &err);
            if (code == OK) {
                code = merge_place_open(&place, &reading.reader, &err);
                merge_place_release(&place);
            }
        }
        assert_int_equal(code, E_CORRUPT);
        assert_non_null(strstr(err.text, "acme/0000000000000011"));
        reading_close(&reading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_give_every_row_once),
        cmocka_unit_test(test_a_series_waits_for_its_turn),
        cmocka_unit_test(test_a_damaged_block_is_named),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
