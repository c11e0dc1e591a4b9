/* Golden bytes of every column encoding, read by every later version: of version 1 of the format
 * tests/golden/block/encodings.hex, of version 2, which is written now, encodings_2.hex. */
#include "tests/unit/codec/encoding_sample.h"
#include "tests/unit/golden.h"

static const char path_1[] = "tests/golden/block/encodings.hex";
static const char path[] = "tests/golden/block/encodings_2.hex";

static void test_every_encoding_that_is_known_has_a_sample(void **state)
{
    (void)state;
    encoding_expect_all();
}

static void test_golden_bytes_of_every_encoding_read_as_they_were_written(void **state)
{
    static char bytes[1 << 16];
    struct buf out = BUF_INIT((size_t)1 << 20);
    struct block_encoder *encoder;
    struct block_decoder *decoder;
    struct block_view view;
    struct arena arena;
    struct block block;
    size_t size;

    (void)state;
    arena_init(&arena, (size_t)64 << 20, NULL);
    assert_int_equal(block_encoder_new(&encoder, NULL), OK);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    block = encoding_block(&arena);
    assert_int_equal(block_encode(encoder, &block, &out, NULL), OK);
    golden_write_if_asked(path, buf_bytes(&out));
    size = golden_read(path, bytes, sizeof(bytes));
    assert_int_equal(block_open((struct bytes){bytes, size}, &arena, &view, NULL), OK);
    encoding_expect(&view);
    sample_same(&block, (struct bytes){bytes, size}, decoder, &arena);
    if (!bytes_equal((struct bytes){bytes, size}, buf_bytes(&out)))
        fail_msg("blocks are written differently now; if that is meant, say in "
                 "docs/formats/block.md why readers do not mind, and add a golden file");
    buf_release(&out);
    block_encoder_free(encoder);
    block_decoder_free(decoder);
    arena_release(&arena);
}

static void test_golden_bytes_of_version_1_are_read_still(void **state)
{
    static char bytes[1 << 16];
    struct block_decoder *decoder;
    struct block_view view;
    struct arena arena;
    struct block block;
    size_t size;

    (void)state;
    arena_init(&arena, (size_t)64 << 20, NULL);
    assert_int_equal(block_decoder_new(&decoder, NULL), OK);
    block = encoding_block_of(&arena, ENCODING_COLUMNS_1);
    size = golden_read(path_1, bytes, sizeof(bytes));
    assert_int_equal(bytes[4], 1);
    assert_int_equal(block_open((struct bytes){bytes, size}, &arena, &view, NULL), OK);
    encoding_expect(&view);
    sample_same(&block, (struct bytes){bytes, size}, decoder, &arena);
    block_decoder_free(decoder);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_encoding_that_is_known_has_a_sample),
        cmocka_unit_test(test_golden_bytes_of_every_encoding_read_as_they_were_written),
        cmocka_unit_test(test_golden_bytes_of_version_1_are_read_still),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
