#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"

static void test_what_is_put_is_little_endian(void **state)
{
    struct buf buf = BUF_INIT(1000);

    (void)state;
    buf_put_u8(&buf, 1);
    buf_put_u16(&buf, 0x0302);
    buf_put_u32(&buf, 0x07060504);
    buf_put_u64(&buf, 0x0f0e0d0c0b0a0908);
    buf_put_i64(&buf, -2);
    buf_put_uvarint(&buf, 300);
    buf_put_span(&buf, BYTES("ab"));
    buf_put_text(&buf, "c");
    assert_int_equal(buf_finish(&buf, NULL), OK);
    assert_true(bytes_equal(buf_bytes(&buf),
                            BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                                  "\xfe\xff\xff\xff\xff\xff\xff\xff\xac\x02\x02"
                                  "abc")));
    buf_release(&buf);
}

static void test_limit_is_exact_and_failure_sticks(void **state)
{
    static const size_t limits[] = {0, 1, 2, 255, 256, 257, 511, 1000, 4096};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct buf buf = BUF_INIT(limits[i]);
        struct error err = {0};

        for (size_t n = 0; n < limits[i]; n++)
            buf_put_char(&buf, 'x');
        assert_int_equal(buf_finish(&buf, &err), OK);
        assert_int_equal(buf.size, limits[i]);
        assert_non_null(buf_extend(&buf, 0));
        buf_put_char(&buf, 'y');
        assert_null(buf_extend(&buf, 0));
        assert_int_equal(buf.size, limits[i]);
        assert_int_equal(buf_finish(&buf, &err), E_MEMORY);
        assert_int_equal(err.code, E_MEMORY);
        assert_true(buf.limited);
        buf_clear(&buf);
        assert_false(buf.limited);
        assert_int_equal(buf_finish(&buf, &err), OK);
        buf_release(&buf);
        assert_int_equal(buf.size_max, limits[i]);
        assert_null(buf.data);
    }
}

static void test_huge_sizes_are_refused(void **state)
{
    struct buf buf = BUF_INIT(SIZE_MAX / 4);

    (void)state;
    buf_put_char(&buf, 'x');
    assert_null(buf_extend(&buf, SIZE_MAX));
    buf_clear(&buf);
    buf_put_char(&buf, 'x');
    assert_null(buf_extend(&buf, SIZE_MAX / 4));
    buf_release(&buf);
}

static void test_printf_grows_and_never_passes_the_limit(void **state)
{
    (void)state;
    for (size_t before = 0; before < 600; before += 7) {
        struct buf buf = BUF_INIT(before + 300);
        char want[1000];

        memset(want, '-', before);
        (void)snprintf(want + before, sizeof(want) - before, "%0300d", 5);
        for (size_t n = 0; n < before; n++)
            buf_put_char(&buf, '-');
        buf_printf(&buf, "%0300d", 5);
        assert_int_equal(buf_finish(&buf, NULL), OK);
        assert_true(bytes_equal(buf_bytes(&buf), (struct bytes){want, before + 300}));
        buf_printf(&buf, "%s", "");
        assert_int_equal(buf_finish(&buf, NULL), OK);
        buf_printf(&buf, "%d", 1);
        assert_int_equal(buf_finish(&buf, NULL), E_MEMORY);
        buf_release(&buf);
    }
}

static void test_align_pads_with_zeros(void **state)
{
    struct buf buf = BUF_INIT(100);

    (void)state;
    buf_align(&buf, 8);
    assert_int_equal(buf.size, 0);
    buf_put_char(&buf, 'x');
    buf_align(&buf, 8);
    buf_align(&buf, 8);
    assert_true(bytes_equal(buf_bytes(&buf), BYTES("x\0\0\0\0\0\0\0")));
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_little_endian),
        cmocka_unit_test(test_limit_is_exact_and_failure_sticks),
        cmocka_unit_test(test_huge_sizes_are_refused),
        cmocka_unit_test(test_printf_grows_and_never_passes_the_limit),
        cmocka_unit_test(test_align_pads_with_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
