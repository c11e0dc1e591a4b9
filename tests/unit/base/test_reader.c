#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/reader.h"

static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};

static void write_all(struct buf *buf)
{
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        buf_put_u8(buf, (uint8_t)values[i]);
        buf_put_u16(buf, (uint16_t)values[i]);
        buf_put_u32(buf, (uint32_t)values[i]);
        buf_put_u64(buf, values[i]);
        buf_put_i64(buf, (int64_t)values[i]);
        buf_put_uvarint(buf, values[i]);
        buf_put_span(buf, BYTES("span"));
    }
}

/* The number of wrong values; those behind a failure must be zero. */
static size_t read_all(struct reader *reader)
{
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        uint64_t value = values[i];
        struct bytes span;

        wrong += reader_u8(reader) != (reader->failed ? 0 : (uint8_t)value);
        wrong += reader_u16(reader) != (reader->failed ? 0 : (uint16_t)value);
        wrong += reader_u32(reader) != (reader->failed ? 0 : (uint32_t)value);
        wrong += reader_u64(reader) != (reader->failed ? 0 : value);
        wrong += reader_i64(reader) != (reader->failed ? 0 : (int64_t)value);
        wrong += reader_uvarint(reader) != (reader->failed ? 0 : value);
        span = reader_span(reader);
        wrong += !bytes_equal(span, reader->failed ? (struct bytes){NULL, 0} : BYTES("span"));
    }
    return wrong;
}

static void test_reads_back_what_buf_wrote(void **state)
{
    struct buf buf = BUF_INIT(10000);
    struct reader reader;

    (void)state;
    write_all(&buf);
    reader = reader_of(buf_bytes(&buf));
    assert_int_equal(read_all(&reader), 0);
    assert_false(reader.failed);
    assert_int_equal(reader_left(&reader), 0);
    buf_release(&buf);
}

static void test_every_cut_is_noticed_and_gives_zeros(void **state)
{
    struct buf buf = BUF_INIT(10000);

    (void)state;
    write_all(&buf);
    for (size_t size = 0; size < buf.size; size++) {
        struct reader reader = reader_of((struct bytes){buf.data, size});

        assert_int_equal(read_all(&reader), 0);
        assert_true(reader.failed);
        assert_int_equal(reader_left(&reader), 0);
    }
    buf_release(&buf);
}

static void test_only_one_form_of_a_uvarint_is_read(void **state)
{
    static const struct {
        const char *name;
        struct bytes text;
        bool failed;
        uint64_t want;
    } cases[] = {
        {"nothing",      {NULL, 0},                                            true,  0         },
        {"one",          {"\x01", 1},                                          false, 1         },
        {"zero",         {"\x00", 1},                                          false, 0         },
        {"padded zero",  {"\x80\x00", 2},                                      true,  0         },
        {"padded one",   {"\x81\x80\x00", 3},                                  true,  0         },
        {"largest",      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},     false, UINT64_MAX},
        {"65 bits",      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},     true,  0         },
        {"eleven bytes", {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}, true,  0         },
        {"unfinished",   {"\x80", 1},                                          true,  0         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader reader = reader_of(cases[i].text);
        uint64_t value = reader_uvarint(&reader);

        if (value != cases[i].want || reader.failed != cases[i].failed)
            fail_msg("%s: got %llu", cases[i].name, (unsigned long long)value);
    }
}

static void test_a_span_longer_than_the_rest_is_refused(void **state)
{
    struct reader reader = reader_of(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                           "abc"));

    (void)state;
    assert_null(reader_span(&reader).data);
    assert_true(reader.failed);
    reader = reader_of(BYTES("abc"));
    assert_true(bytes_equal(reader_take(&reader, 3), BYTES("abc")));
    assert_non_null(reader_take(&reader, 0).data);
    assert_null(reader_take(&reader, 1).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_back_what_buf_wrote),
        cmocka_unit_test(test_every_cut_is_noticed_and_gives_zeros),
        cmocka_unit_test(test_only_one_form_of_a_uvarint_is_read),
        cmocka_unit_test(test_a_span_longer_than_the_rest_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
