#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "http/compress.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { PLAIN_BYTES_MAX = 4 << 20 };

static void test_the_client_chooses_with_its_weights(void **state)
{
    static const struct {
        const char *accept;
        enum coding want;
    } cases[] = {
        {"",                           CODING_IDENTITY},
        {"gzip",                       CODING_GZIP    },
        {"GZIP",                       CODING_GZIP    },
        {"x-gzip",                     CODING_GZIP    },
        {"zstd",                       CODING_ZSTD    },
        {"gzip, deflate, br, zstd",    CODING_ZSTD    },
        {"br",                         CODING_IDENTITY},
        {"*",                          CODING_ZSTD    },
        {"*;q=0",                      CODING_IDENTITY},
        {"*, zstd;q=0",                CODING_GZIP    },
        {"zstd;q=0, gzip;q=0",         CODING_IDENTITY},
        {"zstd;q=0.5, gzip;q=0.8",     CODING_GZIP    },
        {"zstd;q=0.8,gzip;q=0.8",      CODING_ZSTD    },
        {"gzip;q=0.001",               CODING_GZIP    },
        {"gzip ; q=1.000",             CODING_GZIP    },
        {"gzip;Q=1",                   CODING_GZIP    },
        {"gzip;q=1.1",                 CODING_IDENTITY},
        {"gzip;q=2",                   CODING_IDENTITY},
        {"gzip;q=",                    CODING_IDENTITY},
        {"gzip;q=x",                   CODING_IDENTITY},
        {"gzip;q=0.5, identity;q=0.9", CODING_IDENTITY},
        {"gzip;level=9;q=0.5",         CODING_GZIP    },
        {",,gzip,",                    CODING_GZIP    },
        {"gzipped",                    CODING_IDENTITY},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (coding_choose(bytes_of(cases[i].accept)) != cases[i].want)
            fail_msg("%s: got %s", cases[i].accept,
                     coding_name(coding_choose(bytes_of(cases[i].accept))));
}

static void test_only_text_is_worth_it(void **state)
{
    static const struct {
        const char *type;
        bool want;
    } cases[] = {
        {"text/plain",               true },
        {"TEXT/csv; header=present", true },
        {"application/json",         true },
        {"application/problem+json", true },
        {"application/x-ndjson",     true },
        {"text/event-stream",        false},
        {"application/octet-stream", false},
        {"image/png",                false},
        {"image/svg+xml",            true },
        {"",                         false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (coding_pays(bytes_of(cases[i].type)) != cases[i].want)
            fail_msg("%s", cases[i].type);
}

static size_t decode(enum coding coding, struct bytes packed, char *plain)
{
    z_stream gzip = {0};

    if (coding == CODING_ZSTD) {
        ZSTD_DCtx *context = ZSTD_createDCtx();
        ZSTD_inBuffer in = {packed.data, packed.size, 0};
        ZSTD_outBuffer out = {plain, PLAIN_BYTES_MAX, 0};

        while (in.pos < in.size)
            assert_false(ZSTD_isError(ZSTD_decompressStream(context, &out, &in)));
        ZSTD_freeDCtx(context);
        return out.pos;
    }
    assert_int_equal(inflateInit2(&gzip, 15 + 16), Z_OK);
    gzip.next_in = (z_const Bytef *)packed.data;
    gzip.avail_in = (uInt)packed.size;
    gzip.next_out = (Bytef *)plain;
    gzip.avail_out = PLAIN_BYTES_MAX;
    assert_true(inflate(&gzip, Z_SYNC_FLUSH) >= 0);
    inflateEnd(&gzip);
    return PLAIN_BYTES_MAX - gzip.avail_out;
}

static char *make_plain(size_t size, bool compressible)
{
    char *plain = malloc(size + 1);
    struct random random;

    random_seed(&random, size);
    for (size_t i = 0; i < size; i++)
        plain[i] = (char)(compressible ? 'a' + i / 11 % 26 : random_next(&random));
    return plain;
}

static void test_whole_bodies_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 32768, 100000, 3000000};
    char *back = malloc(PLAIN_BYTES_MAX);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes) * 4; i++) {
        enum coding coding = i % 2 == 0 ? CODING_GZIP : CODING_ZSTD;
        size_t size = sizes[i / 4];
        char *plain = make_plain(size, i / 2 % 2 == 0);
        struct buf out = BUF_INIT(PLAIN_BYTES_MAX);
        struct error err = {0};

        assert_int_equal(compress_whole(coding, (struct bytes){plain, size}, &out, &err), OK);
        assert_int_equal(decode(coding, buf_bytes(&out), back), size);
        assert_memory_equal(back, plain, size);
        buf_release(&out);
        free(plain);
    }
    free(back);
}

static void test_what_does_not_shrink_is_told(void **state)
{
    char *plain = make_plain(5000, false);
    struct buf out = BUF_INIT(5000);
    struct error err = {0};

    (void)state;
    assert_int_equal(compress_whole(CODING_ZSTD, (struct bytes){plain, 5000}, &out, &err),
                     E_MEMORY);
    buf_release(&out);
    free(plain);
}

static enum code to_buf(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    buf_put(context, piece);
    return OK;
}

/* A flush brings everything that went in, before the stream has ended. */
static void test_a_flush_lets_all_bytes_out(void **state)
{
    char *back = malloc(PLAIN_BYTES_MAX);

    (void)state;
    for (int coding = CODING_GZIP; coding < CODING_COUNT; coding++) {
        struct compressor *compressor = NULL;
        struct buf out = BUF_INIT(PLAIN_BYTES_MAX);
        struct error err = {0};

        assert_int_equal(compressor_new((enum coding)coding, &compressor, &err), OK);
        assert_int_equal(
            compressor_run(compressor, BYTES("first"), COMPRESS_FLUSH, to_buf, &out, &err), OK);
        assert_int_equal(decode((enum coding)coding, buf_bytes(&out), back), 5);
        assert_memory_equal(back, "first", 5);
        assert_int_equal(
            compressor_run(compressor, BYTES(" second"), COMPRESS_MORE, to_buf, &out, &err), OK);
        assert_int_equal(compressor_run(compressor, BYTES(""), COMPRESS_END, to_buf, &out, &err),
                         OK);
        assert_int_equal(decode((enum coding)coding, buf_bytes(&out), back), 12);
        assert_memory_equal(back, "first second", 12);
        compressor_free(compressor);
        buf_release(&out);
    }
    free(back);
}

static enum code broken_sink(void *context, struct bytes piece, struct error *err)
{
    (void)context;
    (void)piece;
    return error_set(err, E_CANCELLED, "gone");
}

static void test_the_sinks_failure_is_passed_on(void **state)
{
    struct compressor *compressor = NULL;
    struct error err = {0};

    (void)state;
    assert_int_equal(compressor_new(CODING_ZSTD, &compressor, &err), OK);
    assert_int_equal(compressor_run(compressor, BYTES("a"), COMPRESS_END, broken_sink, NULL, &err),
                     E_CANCELLED);
    compressor_free(compressor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client_chooses_with_its_weights),
        cmocka_unit_test(test_only_text_is_worth_it),
        cmocka_unit_test(test_whole_bodies_come_back),
        cmocka_unit_test(test_what_does_not_shrink_is_told),
        cmocka_unit_test(test_a_flush_lets_all_bytes_out),
        cmocka_unit_test(test_the_sinks_failure_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
