#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/series_key.h"

static void test_keys_are_canonical_whatever_the_order(void **state)
{
    static const char want[] = "\3cpu\1a\1x\4host\2h1";
    struct series_tag tags[] = {
        {BYTES("host"),  BYTES("h1")},
        {BYTES("empty"), BYTES("")  },
        {BYTES("a"),     BYTES("x") }
    };
    struct buf key = BUF_INIT(1000);
    struct error err = {0};

    (void)state;
    assert_int_equal(OK, series_key_encode(BYTES("cpu"), tags, COUNT_OF(tags), &key, &err));
    assert_true(bytes_equal(buf_bytes(&key), BYTES(want)));
    buf_release(&key);
}

static void test_a_tag_that_stands_twice_is_named(void **state)
{
    struct series_tag tags[] = {
        {BYTES("b"), BYTES("1")},
        {BYTES("a"), BYTES("x")},
        {BYTES("b"), BYTES("2")}
    };
    struct buf key = BUF_INIT(1000);
    struct error err = {0};

    (void)state;
    assert_int_equal(E_DUPLICATE_TAG, series_key_encode(BYTES("m"), tags, 3, &key, &err));
    assert_non_null(strstr(err.text, "tag \"b\" stands twice"));
    buf_release(&key);
}

static void test_what_was_encoded_decodes(void **state)
{
    char value[300];
    struct series_tag tags[] = {
        {BYTES("a"),    {value, sizeof(value)}},
        {BYTES("b,c="), BYTES("d e")          }
    };
    const struct series_tag *read;
    struct buf key = BUF_INIT(1000), text = BUF_INIT(1000);
    struct bytes measurement;
    struct error err = {0};
    struct arena arena;
    uint32_t count;

    (void)state;
    memset(value, 'v', sizeof(value));
    arena_init(&arena, 1 << 20, NULL);
    assert_int_equal(OK, series_key_encode(BYTES("m x"), tags, 2, &key, &err));
    assert_int_equal(OK,
                     series_key_decode(buf_bytes(&key), &arena, &measurement, &read, &count, &err));
    assert_true(bytes_equal(measurement, BYTES("m x")));
    assert_int_equal(count, 2);
    assert_int_equal(read[0].value.size, sizeof(value));
    assert_true(bytes_equal(read[1].key, BYTES("b,c=")));
    series_key_print(buf_bytes(&key), &text);
    assert_memory_equal(text.data, "m\\ x,a=vvv", 10);
    assert_memory_equal(text.data + text.size - 12, ",b\\,c\\==d\\ e", 12);
    buf_release(&key);
    buf_release(&text);
    arena_release(&arena);
}

static void test_what_is_not_canonical_is_corrupt(void **state)
{
    static const struct {
        const char *name;
        struct bytes key;
        bool good;
    } cases[] = {
        {"just a measurement",       BYTES("\1m"),                                     true },
        {"one tag",                  BYTES("\1m\1a\1b"),                               true },
        {"empty",                    BYTES(""),                                        false},
        {"empty measurement",        BYTES("\0"),                                      false},
        {"empty key",                BYTES("\1m\0\1b"),                                false},
        {"empty value",              BYTES("\1m\1a\0"),                                false},
        {"key without value",        BYTES("\1m\1a"),                                  false},
        {"cut",                      BYTES("\1m\1a\2b"),                               false},
        {"not sorted",               BYTES("\1m\1b\1x\1a\1x"),                         false},
        {"twice",                    BYTES("\1m\1a\1x\1a\1y"),                         false},
        {"a size with a zero more",  BYTES("\x81\0m"),                                 false},
        {"a size beyond all bounds", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1m"), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct series_tag *tags;
        struct bytes measurement;
        struct error err = {0};
        struct arena arena;
        uint32_t count;
        enum code code;

        arena_init(&arena, 1 << 20, NULL);
        code = series_key_decode(cases[i].key, &arena, &measurement, &tags, &count, &err);
        if (code != (cases[i].good ? OK : E_CORRUPT))
            fail_msg("%s: %d", cases[i].name, (int)code);
        assert_int_equal(cases[i].good, series_key_check(cases[i].key, &measurement));
        arena_release(&arena);
    }
}

/* The id is part of the stored format: BLAKE2b-128, as `b2sum -l 128` has it. */
static void test_the_id_is_blake2b_128(void **state)
{
    struct series_id id = series_key_id(BYTES("\3cpu\4host\1a"));

    (void)state;
    assert_int_equal(id.high, UINT64_C(0xfb8e2a6531d0ea38));
    assert_int_equal(id.low, UINT64_C(0x1a405bcb5ca136a7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_canonical_whatever_the_order),
        cmocka_unit_test(test_a_tag_that_stands_twice_is_named),
        cmocka_unit_test(test_what_was_encoded_decodes),
        cmocka_unit_test(test_what_is_not_canonical_is_corrupt),
        cmocka_unit_test(test_the_id_is_blake2b_128),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
