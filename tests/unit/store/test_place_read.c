#include "tests/unit/store/packs/pack_sample.h"

#include "store/view.h"

enum { SERIES = 5, ROWS = 3 };

static const struct bytes fields[] = {BYTES("field000"), BYTES("field001")};

/* A pack of one block; `block` as sample_block() makes it but for series and history. */
static struct pack *write_block(struct pack_fixture *fixture, struct block *block,
                                struct sample_series **series)
{
    struct pack_identity identity = {.tenant = BYTES("acme"), .number = 1};
    struct series_id *ids = sample_array(&fixture->arena, sizeof(*ids), block->series_count);
    struct pack_writer *writer;
    struct pack_summary summary;
    struct error err = {0};
    struct bytes bytes;
    struct pack *pack = NULL;

    *series = sample_series_make(&fixture->arena, block->measurement, block->series_count);
    assert_int_equal(pack_writer_open(fixture->fs, "x.pack", &identity, &writer, &err), OK);
    for (uint32_t i = 0; i < block->series_count; i++)
        ids[i] = (*series)[i].id;
    block->series = ids;
    assert_int_equal(pack_writer_block(writer, block, NULL), OK);
    for (uint32_t i = 0; i < block->series_count; i++)
        assert_int_equal(pack_writer_series(writer, ids[i], (*series)[i].key, NULL), OK);
    if (pack_writer_finish(writer, &summary, &bytes, &err) || pack_open_memory(bytes, &pack, &err))
        fail_msg("%s", err.text);
    free((void *)bytes.data);
    return pack;
}

static struct place place_of(const struct pack *pack, bool apart)
{
    size_t count;

    return (struct place){.in_pack = true,
                          .apart = apart,
                          .settled = INT64_MIN,
                          .source = pack,
                          .detail = pack_blocks(pack, &count)};
}

/* Each series gets its own rows; apart, those without history. */
static void test_a_series_gets_its_rows_of_a_shared_block(void **state)
{
    static const struct sample_plan plan = {"m000", SERIES, ROWS, 1, 0, 1, true, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    uint8_t history[SERIES * ROWS];
    struct sample_series *series;
    struct pack *pack;

    for (uint32_t i = 0; i < SERIES * ROWS; i++)
        history[i] = i % 4 == 0;
    block.history = history;
    pack = write_block(fixture, &block, &series);
    for (int apart = 0; apart < 2; apart++) {
        struct place place = place_of(pack, apart);

        for (uint32_t s = 0; s < SERIES; s++) {
            struct series asked = {.id = series[s].id};
            uint32_t at = 0;
            struct rows rows;
            struct error err = {0};

            if (place_read(NULL, &place, &asked, fields, 2, fixture->decoder, &fixture->arena,
                           &rows, &err))
                fail_msg("%s", err.text);
            for (uint32_t row = s * ROWS; row < (s + 1) * ROWS; row++) {
                if (apart && history[row])
                    continue;
                assert_true(at < rows.count);
                assert_int_equal(rows.time[at], block.time[row]);
                assert_int_equal(rows.ingest[at], block.ingest[row]);
                assert_true(rows.revision[at] == block.revision[row]);
                for (uint32_t c = 0; c < rows.column_count; c++)
                    if (rows.columns[c].type != TYPE_STRING)
                        assert_int_equal(rows.columns[c].cells[at].u64,
                                         block.columns[c].cells[row].u64);
                at++;
            }
            assert_int_equal(at, rows.count);
        }
    }
    pack_unref(pack);
    arena_release(&fixture->arena);
}

static void test_a_series_that_is_not_there_has_no_rows(void **state)
{
    static const struct sample_plan plan = {"m000", SERIES, ROWS, 1, 0, 1, false, false};
    struct pack_fixture *fixture = *state;
    struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
    struct series asked = {
        .id = {7, 7}
    };
    struct sample_series *series;
    struct pack *pack = write_block(fixture, &block, &series);
    struct place place = place_of(pack, false);
    struct rows rows;

    assert_int_equal(
        place_read(NULL, &place, &asked, fields, 2, fixture->decoder, &fixture->arena, &rows, NULL),
        OK);
    assert_int_equal(rows.count, 0);
    pack_unref(pack);
    arena_release(&fixture->arena);
}

/* The times alone, and the step where there is one. */
static void check_times(struct pack_fixture *fixture, const struct place *place,
                        const struct block *block, int64_t step)
{
    const int64_t *times;
    bool same = true;

    assert_int_equal(place_times(NULL, place, fixture->decoder, &fixture->arena, &times, NULL), OK);
    assert_memory_equal(times, block->time, block->row_count * sizeof(*times));
    for (uint32_t i = 2; i < block->row_count; i++)
        same &= times[i] - times[i - 1] == times[1] - times[0];
    assert_int_equal(step, same ? times[1] - times[0] : 0);
}

static void test_a_constant_step_is_told(void **state)
{
    static const struct sample_plan plan = {"m000", 1, 300, 1, 0, 2, false, false};
    struct pack_fixture *fixture = *state;
    int64_t first_step = 0;

    for (int constant = 0; constant < 2; constant++) {
        struct block block = sample_block(&fixture->arena, &fixture->random, &plan);
        int64_t *times = (int64_t *)block.time;
        struct place_summary *summaries;
        struct sample_series *series;
        struct place place;
        struct pack *pack;
        int64_t step;
        bool unique;
        size_t count;

        for (uint32_t i = 0; i < block.row_count; i++)
            times[i] = INT64_C(1700000000000000000) + (int64_t)i * 1000000000;
        if (!constant)
            times[299] += 1;
        pack = write_block(fixture, &block, &series);
        place = place_of(pack, false);
        assert_true(place_summaries(NULL, &place, fields, 2, &fixture->arena, &unique, &step,
                                    &summaries, &count));
        check_times(fixture, &place, &block, step);
        first_step = step;
        pack_unref(pack);
        arena_release(&fixture->arena);
    }
    assert_int_equal(first_step, 1000000000);
}

/* Only a block of one series says what its rows come to, and not when some are left out. */
static void test_which_places_have_summaries(void **state)
{
    static const struct {
        struct sample_plan plan;
        bool apart, damaged, has;
    } cases[] = {
        {{"m000", 1, 300, 1, 0, 2, false, false},       false, false, true },
        {{"m000", 1, 300, 1, 0, 2, false, true},        false, false, true },
        {{"m000", 1, 300, 1, 0, 2, false, false},       true,  false, false},
        {{"m000", 1, 300, 1, 0, 2, false, false},       false, true,  false},
        {{"m000", SERIES, ROWS, 1, 0, 2, false, false}, false, false, false},
    };
    struct pack_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct block block = sample_block(&fixture->arena, &fixture->random, &cases[i].plan);
        struct sample_series *series;
        struct pack *pack = write_block(fixture, &block, &series);
        struct place place = place_of(pack, cases[i].apart);
        struct place_summary *summaries;
        int64_t step = 0;
        bool unique;
        size_t count;

        if (cases[i].damaged)
            pack->memory[((const struct pack_block *)place.detail)->offset + 20] ^= 1;
        if (place_summaries(NULL, &place, fields, 2, &fixture->arena, &unique, &step, &summaries,
                            &count) != cases[i].has)
            fail_msg("case %zu", i);
        if (cases[i].has) {
            assert_int_equal(unique, !cases[i].plan.repeated_times);
            assert_true(count > 2); /* fields of several types */
            for (size_t c = 0; c < count; c++)
                assert_int_equal(summaries[c].summary->valid_count, 300);
            check_times(fixture, &place, &block, step);
        }
        pack_unref(pack);
        arena_release(&fixture->arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_series_gets_its_rows_of_a_shared_block),
        cmocka_unit_test(test_a_series_that_is_not_there_has_no_rows),
        cmocka_unit_test(test_a_constant_step_is_told),
        cmocka_unit_test(test_which_places_have_summaries),
    };

    return cmocka_run_group_tests(tests, pack_fixture_open, pack_fixture_close);
}
