#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/random.h"
#include "codec/inflate.h"

enum { MANY = 1 << 30 };

static enum code collect(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    assert_in_range(piece.size, 1, 128 * 1024);
    buf_put(context, piece);
    return OK;
}

static void deflate_with(struct bytes text, int window_bits, struct buf *out)
{
    char piece[4096];
    z_stream zlib = {0};
    int result;

    assert_int_equal(Z_OK, deflateInit2(&zlib, 6, Z_DEFLATED, window_bits, 8, 0));
    zlib.next_in = (z_const Bytef *)(uintptr_t)text.data;
    zlib.avail_in = (uInt)text.size;
    do {
        zlib.next_out = (Bytef *)piece;
        zlib.avail_out = sizeof(piece);
        result = deflate(&zlib, Z_FINISH);
        buf_put(out, (struct bytes){piece, sizeof(piece) - zlib.avail_out});
    } while (result == Z_OK);
    assert_int_equal(Z_STREAM_END, result);
    deflateEnd(&zlib);
}

static void compress_zstd(struct bytes text, int window_log, struct buf *out)
{
    size_t bound = ZSTD_compressBound(text.size);
    char *piece = malloc(bound);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_outBuffer to = {piece, bound, 0};
    ZSTD_inBuffer from = {text.data, text.size, 0};

    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log)));
    assert_int_equal(0, ZSTD_compressStream2(context, &to, &from, ZSTD_e_end));
    buf_put(out, (struct bytes){piece, to.pos});
    ZSTD_freeCCtx(context);
    free(piece);
}

static void compress_any(const char *encoding, struct bytes text, struct buf *out)
{
    if (strcmp(encoding, "zstd") == 0)
        compress_zstd(text, 20, out);
    else if (strcmp(encoding, "deflate") == 0)
        deflate_with(text, 15, out);
    else if (strcmp(encoding, "gzip") == 0 || strcmp(encoding, "X-GZIP") == 0)
        deflate_with(text, 15 + 16, out);
    else
        buf_put(out, text);
}

static enum code run(const char *encoding, struct bytes body, size_t piece_size, uint64_t bytes_max,
                     uint64_t ratio_max, struct buf *out, struct error *err)
{
    struct inflate *inflate;
    enum code code = inflate_new(bytes_of(encoding), bytes_max, ratio_max, &inflate, err);

    for (size_t at = 0; at < body.size && code == OK; at += piece_size) {
        size_t end = at + piece_size < body.size ? at + piece_size : body.size;
        char *copy = malloc(end - at); /* of exactly its size, for ASan */

        memcpy(copy, body.data + at, end - at);
        code = inflate_feed(inflate, (struct bytes){copy, end - at}, collect, out, err);
        free(copy);
    }
    if (code == OK)
        code = inflate_finish(inflate, err);
    inflate_free(inflate);
    return code;
}

static void make_text(struct buf *text, size_t size)
{
    struct random random;

    random_seed(&random, size);
    while (text->size < size)
        buf_printf(text, "cpu,host=h%u user=%u\n", (unsigned)random_below(&random, 100),
                   (unsigned)random_below(&random, 10000));
}

static const char *const encodings[] = {"", "identity", "gzip", "X-GZIP", "deflate", "zstd"};

static void test_bodies_come_back_whatever_the_pieces(void **state)
{
    static const size_t sizes[] = {1, 1000, 300000}, pieces[] = {1, 7, 1000, 1 << 20};

    (void)state;
    for (size_t e = 0; e < COUNT_OF(encodings); e++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++)
            for (size_t p = 0; p < COUNT_OF(pieces); p++) {
                struct buf text = BUF_INIT(MANY), body = BUF_INIT(MANY), out = BUF_INIT(MANY);
                struct error err = {0};
                enum code code;

                make_text(&text, sizes[s]);
                compress_any(encodings[e], buf_bytes(&text), &body);
                code = run(encodings[e], buf_bytes(&body), pieces[p], MANY, 100, &out, &err);
                if (code != OK || !bytes_equal(buf_bytes(&text), buf_bytes(&out)))
                    fail_msg("%s, %zu bytes by %zu: %s", encodings[e], sizes[s], pieces[p],
                             err.text);
                buf_release(&text);
                buf_release(&body);
                buf_release(&out);
            }
}

static void test_several_members_and_frames_are_one_body(void **state)
{
    static const struct {
        const char *encoding;
        enum code want;
    } cases[] = {
        {"gzip",    OK               },
        {"zstd",    OK               },
        {"deflate", E_BAD_COMPRESSION}
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t piece_size = 1; piece_size < 2000; piece_size += 333) {
            struct buf body = BUF_INIT(MANY), out = BUF_INIT(MANY);
            struct error err = {0};

            compress_any(cases[i].encoding, BYTES("one "), &body);
            compress_any(cases[i].encoding, BYTES("two"), &body);
            assert_int_equal(cases[i].want, run(cases[i].encoding, buf_bytes(&body), piece_size,
                                                MANY, 100, &out, &err));
            if (cases[i].want == OK)
                assert_true(bytes_equal(buf_bytes(&out), BYTES("one two")));
            buf_release(&body);
            buf_release(&out);
        }
}

static void test_what_is_cut_short_is_refused(void **state)
{
    (void)state;
    for (size_t e = 2; e < COUNT_OF(encodings); e++) {
        struct buf text = BUF_INIT(MANY), body = BUF_INIT(MANY);

        make_text(&text, 2000);
        compress_any(encodings[e], buf_bytes(&text), &body);
        for (size_t size = 0; size < body.size; size++) {
            struct buf out = BUF_INIT(MANY);
            struct error err = {0};

            assert_int_equal(E_BAD_COMPRESSION, run(encodings[e], (struct bytes){body.data, size},
                                                    1000, MANY, 100, &out, &err));
            buf_release(&out);
        }
        buf_release(&text);
        buf_release(&body);
    }
}

static void test_what_is_not_compressed_is_refused(void **state)
{
    (void)state;
    for (size_t e = 2; e < COUNT_OF(encodings); e++) {
        struct buf out = BUF_INIT(MANY);
        struct error err = {0};

        assert_int_equal(E_BAD_COMPRESSION, run(encodings[e], BYTES("cpu user=1 7\ncpu user=2 8\n"),
                                                100, MANY, 100, &out, &err));
        buf_release(&out);
    }
}

static void test_the_output_is_capped(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        struct buf text = BUF_INIT(MANY), body = BUF_INIT(MANY), out = BUF_INIT(MANY);
        struct error err = {0};

        make_text(&text, 200000);
        compress_any(encodings[e], buf_bytes(&text), &body);
        assert_int_equal(OK, run(encodings[e], buf_bytes(&body), 9999, text.size, 100, &out, &err));
        buf_clear(&out);
        assert_int_equal(E_BODY_LARGE,
                         run(encodings[e], buf_bytes(&body), 9999, text.size - 1, 100, &out, &err));
        assert_in_range(out.size, 0, text.size - 1);
        buf_release(&text);
        buf_release(&body);
        buf_release(&out);
    }
}

/* A bomb is stopped by the ratio long before the cap, but small bodies may shrink as they like. */
static void test_the_ratio_is_capped_above_a_mebibyte(void **state)
{
    static const struct {
        size_t size;
        enum code want;
    } cases[] = {
        {1 << 20, OK                 },
        {3 << 20, E_COMPRESSION_RATIO}
    };
    char *zeros = calloc(1, 3 << 20);

    (void)state;
    for (size_t e = 2; e < COUNT_OF(encodings); e++)
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct buf body = BUF_INIT(MANY), out = BUF_INIT(MANY);
            struct error err = {0};

            compress_any(encodings[e], (struct bytes){zeros, cases[i].size}, &body);
            assert_int_equal(cases[i].want,
                             run(encodings[e], buf_bytes(&body), 10000, MANY, 100, &out, &err));
            buf_release(&body);
            buf_release(&out);
        }
    free(zeros);
}

static void test_a_zstd_window_above_8_mib_is_refused(void **state)
{
    (void)state;
    for (int window_log = 23; window_log <= 24; window_log++) {
        struct buf text = BUF_INIT(MANY), body = BUF_INIT(MANY), out = BUF_INIT(MANY);
        struct error err = {0};

        make_text(&text, 20 << 20);
        compress_zstd(buf_bytes(&text), window_log, &body);
        assert_int_equal(window_log == 23 ? OK : E_BAD_COMPRESSION,
                         run("zstd", buf_bytes(&body), 100000, MANY, 1000, &out, &err));
        buf_release(&text);
        buf_release(&body);
        buf_release(&out);
    }
}

static void test_unknown_codings_are_refused(void **state)
{
    static const char *const cases[] = {"br", "gzip, gzip", "gzip,zstd", "gz", "zstd2"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct inflate *inflate;
        struct error err = {0};

        assert_int_equal(E_UNSUPPORTED_ENCODING,
                         inflate_new(bytes_of(cases[i]), 1, 1, &inflate, &err));
        assert_null(inflate);
    }
}

static enum code refuse(void *context, struct bytes piece, struct error *err)
{
    (void)context;
    (void)piece;
    return error_set(err, E_POINTS_MANY, "enough");
}

static void test_the_takers_code_ends_it(void **state)
{
    (void)state;
    for (size_t e = 0; e < COUNT_OF(encodings); e++) {
        struct buf body = BUF_INIT(MANY);
        struct inflate *inflate;
        struct error err = {0};

        compress_any(encodings[e], BYTES("m f=1\n"), &body);
        assert_int_equal(OK, inflate_new(bytes_of(encodings[e]), MANY, 100, &inflate, &err));
        assert_int_equal(E_POINTS_MANY,
                         inflate_feed(inflate, buf_bytes(&body), refuse, NULL, &err));
        inflate_free(inflate);
        buf_release(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_come_back_whatever_the_pieces),
        cmocka_unit_test(test_several_members_and_frames_are_one_body),
        cmocka_unit_test(test_what_is_cut_short_is_refused),
        cmocka_unit_test(test_what_is_not_compressed_is_refused),
        cmocka_unit_test(test_the_output_is_capped),
        cmocka_unit_test(test_the_ratio_is_capped_above_a_mebibyte),
        cmocka_unit_test(test_a_zstd_window_above_8_mib_is_refused),
        cmocka_unit_test(test_unknown_codings_are_refused),
        cmocka_unit_test(test_the_takers_code_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
