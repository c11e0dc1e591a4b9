#include "tests/unit/codec/block_sample.h"

#include "codec/block_header.h"

static struct block_encoder *encoder;
static struct block_decoder *decoder;

/* Headers that lie with right checksums: what no CRC finds. */
static void test_a_header_that_lies_is_told(void **state)
{
    static const struct sample_plan plan = {"cpu", 2, 20, 1, 4, 3, false, false};
    static const char *const lies[] = {"time is in",        "time is in", "ingest time is in",
                                       "ingest time is in", "times are",  "min is not",
                                       "max is not",        "sum is not", "first is not",
                                       "last is not",       "m2 is not",  NULL};
    struct arena arena;
    struct buf out = BUF_INIT(1 << 20), lie = BUF_INIT(1 << 20);
    struct random random;
    struct block block;

    (void)state;
    arena_init(&arena, (size_t)16 << 20, NULL);
    random_seed(&random, 3);
    block = sample_block(&arena, &random, &plan);
    assert_int_equal(block_encode(encoder, &block, &out, NULL), OK);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        struct block_view view;
        struct block_section *column;
        struct error err = {0};
        struct bytes sections;

        assert_int_equal(block_open(buf_bytes(&out), &arena, &view, NULL), OK);
        column = (struct block_section *)&view.columns[0];
        view.time_first -= i == 0;
        view.time_last += i == 1;
        view.ingest_first -= i == 2;
        view.ingest_last += i == 3;
        view.times_unique ^= i == 4;
        column->summary.min.f64 -= i == 5;
        column->summary.row_max ^= i == 6;
        column->summary.sum.f64.high += i == 7;
        column->summary.row_first ^= i == 8;
        column->summary.last.f64 += i == 9;
        column->summary.m2 += i == 10;
        buf_clear(&lie);
        block_header_put(&view, &lie);
        sections = (struct bytes){view.time.data.data,
                                  (size_t)(out.data + out.size - view.time.data.data)};
        buf_put(&lie, sections);
        if (!lies[i]) {
            assert_int_equal(block_check(buf_bytes(&lie), decoder, &arena, &err), OK);
        } else if (block_check(buf_bytes(&lie), decoder, &arena, &err) != E_CORRUPT ||
                   !strstr(err.text, lies[i])) {
            fail_msg("lie %zu: %s", i, err.text);
        }
    }
    buf_release(&out);
    buf_release(&lie);
    arena_release(&arena);
}

static int set_up(void **state)
{
    (void)state;
    return block_encoder_new(&encoder, NULL) || block_decoder_new(&decoder, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    block_encoder_free(encoder);
    block_decoder_free(decoder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_header_that_lies_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
