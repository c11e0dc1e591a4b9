/* Bodies as they came, and unpacked; what becomes of rows in them: test_reading.c. */
#include "ingest/pull/page_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "net/staged.h"

static const struct bytes text = BYTES("[{\"t\": 1, \"v\": 2.5}, {\"t\": 2, \"v\": 2.5}]");

static struct bytes of_gzip(char *into, size_t room)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text.data,
                       .avail_in = (uInt)text.size,
                       .next_out = (Bytef *)into,
                       .avail_out = (uInt)room};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    (void)deflateEnd(&stream);
    return (struct bytes){into, stream.total_out};
}

/* A body that comes in pieces of so many bytes. */
struct crumbs {
    struct bytes body;
    size_t size;
};

static enum code read_crumbs(void *context,
                             enum code (*take)(void *taker, struct bytes piece, struct error *err),
                             void *taker, struct error *err)
{
    const struct crumbs *crumbs = context;
    enum code code = OK;

    for (size_t at = 0; code == OK && at < crumbs->body.size; at += crumbs->size) {
        size_t left = crumbs->body.size - at;

        code = take(
            taker,
            (struct bytes){crumbs->body.data + at, left < crumbs->size ? left : crumbs->size}, err);
    }
    return code;
}

static enum code take(void *context, struct bytes piece, struct error *err)
{
    (void)err;
    buf_put(context, piece);
    return OK;
}

static enum code unpack(struct bytes body, size_t size, const char *encoding, uint64_t most,
                        struct buf *out)
{
    struct crumbs crumbs = {body, size};
    const struct page_bytes bytes = {body.size, read_crumbs, NULL, &crumbs};
    const struct answer_header header = {BYTES("content-encoding"),
                                         bytes_of(encoding == NULL ? "" : encoding)};
    struct error err = {0};

    buf_clear(out);
    return page_unpack(&bytes, &header, encoding != NULL, most, take, out, &err);
}

static void test_what_it_begins_with_says_how_it_is_packed(void **state)
{
    char gzip[200], zstd[200];
    const struct bytes bodies[] = {
        text,
        of_gzip(gzip, sizeof(gzip)),
        {zstd, ZSTD_compress(zstd, sizeof(zstd), text.data, text.size, 1)}
    };
    struct buf out = BUF_INIT(1 << 16);

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t size = 1; size <= bodies[i].size; size++) {
            assert_int_equal(unpack(bodies[i], size, NULL, 1 << 16, &out), OK);
            assert_true(bytes_equal(buf_bytes(&out), text));
        }
    buf_release(&out);
}

static void test_what_it_is_called_goes_before(void **state)
{
    char gzip[200];
    const struct bytes body = of_gzip(gzip, sizeof(gzip));
    struct buf out = BUF_INIT(1 << 16);

    (void)state;
    assert_int_equal(unpack(body, 7, "gzip", 1 << 16, &out), OK);
    assert_true(bytes_equal(buf_bytes(&out), text));
    assert_int_equal(unpack(body, 7, "identity", 1 << 16, &out), OK);
    assert_true(bytes_equal(buf_bytes(&out), body));
    assert_int_equal(unpack(text, 7, "gzip", 1 << 16, &out), E_BAD_COMPRESSION);
    assert_int_equal(unpack(text, 7, "br", 1 << 16, &out), E_UNSUPPORTED_ENCODING);
    buf_release(&out);
}

static void test_bodies_shorter_than_any_sign(void **state)
{
    struct buf out = BUF_INIT(1 << 16);

    (void)state;
    for (size_t size = 0; size < 5; size++) {
        const struct bytes body = bytes_slice(text, 0, size);

        assert_int_equal(unpack(body, 1, NULL, 1 << 16, &out), OK);
        assert_true(bytes_equal(buf_bytes(&out), body));
    }
    buf_release(&out);
}

static void test_so_much_and_no_more(void **state)
{
    char gzip[200];
    const struct bytes body = of_gzip(gzip, sizeof(gzip));
    struct buf out = BUF_INIT(1 << 16);

    (void)state;
    assert_int_equal(unpack(body, 9, NULL, text.size + 1, &out), OK);
    assert_int_equal(unpack(body, 9, NULL, text.size, &out), OK);
    assert_int_equal(unpack(body, 9, NULL, text.size - 1, &out), E_BODY_LARGE);
    assert_int_equal(unpack(bytes_slice(body, 0, body.size - 1), 9, NULL, text.size, &out),
                     E_BAD_COMPRESSION);
    buf_release(&out);
}

static void test_some_of_it_from_anywhere(void **state)
{
    const struct page_bytes bytes = page_bytes_of(&text);
    struct error err = {0};
    char some[5];

    (void)state;
    assert_int_equal(bytes.size, text.size);
    assert_int_equal(bytes.at(bytes.context, text.size - 5, some, 5, &err), OK);
    assert_memory_equal(some, text.data + text.size - 5, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_begins_with_says_how_it_is_packed),
        cmocka_unit_test(test_what_it_is_called_goes_before),
        cmocka_unit_test(test_bodies_shorter_than_any_sign),
        cmocka_unit_test(test_so_much_and_no_more),
        cmocka_unit_test(test_some_of_it_from_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
