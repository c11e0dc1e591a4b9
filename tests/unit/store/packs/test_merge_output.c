#include "store/packs/merge_output.h"

#include "store/packs/manifest.h"
#include "tests/unit/store/house.h"

enum { ROWS = 300 }; /* of a series: enough for blocks of its own */

static const char *const measurement_names[] = {"cpu", "disk"};

/* Two series a measurement, the one with the greater id last. */
struct ground {
    struct house house;
    struct arena arena;
    struct series series[2][2];
    int64_t time[ROWS], ingest[ROWS];
    union cell cells[ROWS];
    struct rows_column column;
    struct rows rows;
};

static void ground_init(struct ground *ground)
{
    *ground = (struct ground){0};
    house_init(&ground->house);
    house_open(&ground->house);
    assert_int_equal(fs_make_dir(&ground->house.fs.fs, "packs/acme", NULL), OK);
    arena_init(&ground->arena, 1 << 20, NULL);
    for (uint32_t m = 0; m < 2; m++) {
        for (uint32_t s = 0; s < 2; s++)
            sample_series_init(&ground->arena, ground->house.tenant, measurement_names[m], s, s,
                               &ground->series[m][s]);
        if (series_id_compare(ground->series[m][0].id, ground->series[m][1].id) > 0) {
            struct series first = ground->series[m][0];

            ground->series[m][0] = ground->series[m][1];
            ground->series[m][1] = first;
        }
    }
    for (int i = 0; i < ROWS; i++) {
        ground->time[i] = i;
        ground->ingest[i] = 1024 + i;
        ground->cells[i].i64 = i;
    }
    ground->column = (struct rows_column){0, TYPE_I64, ground->cells, NULL};
    ground->rows = (struct rows){.count = ROWS,
                                 .time = ground->time,
                                 .ingest = ground->ingest,
                                 .columns = &ground->column,
                                 .column_count = 1};
}

static void ground_release(struct ground *ground)
{
    arena_release(&ground->arena);
    house_close(&ground->house);
    house_remove(&ground->house);
}

static struct pack_writer *writer_of(struct ground *ground)
{
    struct pack_identity identity = {.tenant = BYTES("acme"), .number = 9, .kind = PACK_CURRENT};
    struct pack_writer *writer;

    assert_int_equal(
        pack_writer_open(&ground->house.fs.fs, "packs/acme/9", &identity, &writer, NULL), OK);
    return writer;
}

/* All series, each in two slices. */
static void put_all(struct ground *ground, struct merge_output *output)
{
    static const struct bytes name = BYTES("v");

    for (uint32_t m = 0; m < 2; m++) {
        for (uint32_t s = 0; s < 2; s++)
            for (uint32_t half = 0; half < 2; half++) {
                struct block_slice slice = {.rows = &ground->rows,
                                            .names = &name,
                                            .first = half * ROWS / 2,
                                            .end = (half + 1) * ROWS / 2};

                assert_int_equal(
                    merge_output_slice(output, &ground->series[m][s], ROWS, &slice, NULL), OK);
            }
        assert_int_equal(merge_output_end_measurement(output, NULL), OK);
    }
}

static void test_a_pack_gets_the_rows_and_each_key_once(void **state)
{
    struct ground ground;
    struct merge_output output;
    struct block_decoder *decoder;
    struct pack_summary summary;
    struct pack_writer *writer;
    struct bytes bytes;
    struct pack *pack;

    (void)state;
    ground_init(&ground);
    writer = writer_of(&ground);
    assert_int_equal(merge_output_init(&output, NULL), OK);
    merge_output_begin(&output, writer);
    assert_int_equal(merge_output_end_measurement(&output, NULL), OK); /* of none */
    put_all(&ground, &output);
    assert_int_equal(output.series_count, 4);
    assert_int_equal(merge_output_end(&output, NULL), OK);
    assert_int_equal(pack_writer_rows(writer), 4 * ROWS);
    assert_int_equal(pack_writer_finish(writer, &summary, &bytes, NULL), OK);
    assert_false(summary.in_file);
    assert_int_equal(pack_open_memory(bytes, &pack, NULL), OK);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    assert_int_equal(pack_check(pack, decoder, NULL), OK); /* every key is its series' */
    block_decoder_free(decoder);
    pack_unref(pack);
    free((void *)bytes.data);
    merge_output_release(&output);
    ground_release(&ground);
}

/* What was given up leaves nothing in the next pack. */
static void test_an_end_in_the_middle_leaves_nothing(void **state)
{
    struct ground ground;
    struct merge_output output;

    (void)state;
    ground_init(&ground);
    assert_int_equal(merge_output_init(&output, NULL), OK);
    for (int pass = 0; pass < 3; pass++) {
        struct pack_writer *writer = writer_of(&ground);
        static const struct bytes name = BYTES("v");
        struct block_slice slice = {.rows = &ground.rows, .names = &name, .end = 10};

        merge_output_begin(&output, writer);
        if (pass < 2) {
            assert_int_equal(merge_output_slice(&output, &ground.series[1][0], 10, &slice, NULL),
                             OK);
            merge_output_abort(&output);
            assert_int_equal(pack_writer_rows(writer), 0);
        } else {
            put_all(&ground, &output);
            assert_int_equal(merge_output_end(&output, NULL), OK);
            assert_int_equal(pack_writer_rows(writer), 4 * ROWS);
        }
        pack_writer_abort(writer);
    }
    merge_output_release(&output);
    ground_release(&ground);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pack_gets_the_rows_and_each_key_once),
        cmocka_unit_test(test_an_end_in_the_middle_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
