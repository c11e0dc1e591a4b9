/* Blocks and packs under failing allocations: what is written reads back, what is refused leaves no
 * file. */
#include "tests/loops/loop.h"

#include "tests/unit/codec/encoding_sample.h"
#include "tests/unit/store/packs/pack_sample.h"

static struct arena arena;
static struct block block;
static struct buf encoded = BUF_INIT((size_t)1 << 20);
static struct pack_fixture *fixture;

static enum code loop_encode(struct error *err)
{
    struct buf out = BUF_INIT((size_t)1 << 20);
    struct block_encoder *encoder = NULL;
    struct block_decoder *decoder;
    struct arena scratch;
    enum code code;

    faults_arm();
    code = block_encoder_new(&encoder, err);
    if (code == OK)
        code = block_encode(encoder, &block, &out, err);
    faults_disarm();
    if (code == OK) { /* perhaps in more bytes, where the compressor had no memory */
        arena_init(&scratch, SIZE_MAX, NULL);
        assert_int_equal(block_decoder_new(&decoder, NULL), OK);
        sample_same(&block, buf_bytes(&out), decoder, &scratch);
        block_decoder_free(decoder);
        arena_release(&scratch);
    }
    if (encoder != NULL) { /* and it can be used again */
        buf_clear(&out);
        assert_int_equal(block_encode(encoder, &block, &out, NULL), OK);
        assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&encoded)));
    }
    block_encoder_free(encoder);
    buf_release(&out);
    return code;
}

static enum code loop_decode(struct error *err)
{
    struct block_decoder *decoder = NULL;
    struct arena scratch;
    struct block_view view;
    const int64_t *time, *ingest;
    enum code code;

    arena_init(&scratch, SIZE_MAX, NULL);
    faults_arm();
    code = block_decoder_new(&decoder, err);
    if (code == OK)
        code = block_open(buf_bytes(&encoded), &scratch, &view, err);
    if (code == OK)
        code = block_read_time(decoder, &view, &scratch, &time, err);
    if (code == OK)
        code = block_read_ingest(decoder, &view, &scratch, &ingest, err);
    for (uint32_t i = 0; code == OK && i < view.column_count; i++) {
        const union cell *cells;
        const uint8_t *present;

        code = block_read_column(decoder, &view, i, &scratch, &cells, &present, err);
    }
    if (code == OK)
        code = block_check(buf_bytes(&encoded), decoder, &scratch, err);
    faults_disarm();
    if (decoder != NULL)
        sample_same(&block, buf_bytes(&encoded), decoder, &scratch);
    block_decoder_free(decoder);
    arena_release(&scratch);
    return code;
}

static const struct pack_plan small = {2, 3, 10, 5, 2, 2, 10}, large = {3, 10, 2000, 50, 3, 3, 10};

/* Blocks of one series, as many as the plan says, through the writer and back. */
static enum code write_pack(const struct pack_plan *plan, struct error *err)
{
    struct pack_identity identity = {
        .tenant = BYTES("acme"), .number = 17, .lsn_first = 1, .lsn_last = 2};
    struct sample_plan dense = {"m000", 1, plan->block_rows, 1, 0, 20, true, false};
    struct sample_series *series;
    struct pack_writer *writer = NULL;
    struct pack_summary summary = {0};
    struct bytes bytes = {0};
    struct pack *pack = NULL;
    struct random random;
    struct file *left = NULL;
    struct block rows;
    enum code code;

    random_seed(&random, 7);
    series = sample_series_make(&fixture->arena, BYTES("m000"), 1);
    rows = sample_block(&fixture->arena, &random, &dense);
    rows.series = &series->id;
    faults_arm();
    code = pack_writer_open(fixture->fs, "loop.pack", &identity, &writer, err);
    for (uint32_t i = 0; code == OK && i < plan->blocks; i++) {
        for (uint32_t row = 0; row < rows.row_count; row++)
            ((int64_t *)(uintptr_t)rows.time)[row] += (int64_t)plan->block_rows * 1000000000;
        code = pack_writer_block(writer, &rows, err);
    }
    if (code == OK)
        code = pack_writer_series(writer, series->id, series->key, err);
    if (code == OK)
        code = pack_writer_finish(writer, &summary, &bytes, err);
    if (code)
        pack_writer_abort(writer);
    if (code == OK)
        code = summary.in_file ? pack_open_file(fixture->fs, "loop.pack", &pack, err)
                               : pack_open_memory(bytes, &pack, err);
    if (code == OK)
        code = pack_check(pack, fixture->decoder, err);
    faults_disarm();
    assert_true(code != OK || summary.block_count == plan->blocks);
    pack_unref(pack);
    if (bytes.data == NULL && fs_unlink(fixture->fs, "loop.pack", &(struct error){0}) == OK)
        assert_true(summary.in_file); /* else an abort left it */
    assert_int_equal(fs_open(fixture->fs, "loop.pack", FS_READ, &left, NULL), E_NOT_FOUND);
    free((void *)bytes.data);
    arena_release(&fixture->arena);
    return code;
}

static enum code loop_small_pack(struct error *err)
{
    return write_pack(&small, err);
}

static enum code loop_large_pack(struct error *err)
{
    return write_pack(&large, err);
}

static void test_blocks(void **state)
{
    static const struct loop loops[] = {
        {"block: encode", loop_encode, {0}},
        {"block: decode", loop_decode, {0}},
    };
    struct block_encoder *encoder;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    block = encoding_block(&arena);
    assert_int_equal(block_encoder_new(&encoder, NULL), OK);
    assert_int_equal(block_encode(encoder, &block, &encoded, NULL), OK);
    block_encoder_free(encoder);
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
    buf_release(&encoded);
    arena_release(&arena);
}

static void test_packs(void **state)
{
    static const struct loop loops[] = {
        {"pack: small", loop_small_pack, {0}},
        {"pack: file",  loop_large_pack, {0}},
    };

    fixture = *state;
    for (size_t i = 0; i < COUNT_OF(loops); i++)
        loop_run(&loops[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test_setup_teardown(test_packs, pack_fixture_open, pack_fixture_close),
    };

    return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
