#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#include <cmocka.h>

#include "discovery/seal.h"

#define LINE "0123456789abcdef0123456789abcdef"

static const struct bytes hosts[] = {
    {"api.example.com", 15},
    {"b.example:8080",  14},
};
static const struct seal_place place = {
    {"acme", 4},
    {"key",  3},
    hosts, 2
};
static struct arena arena;
static struct seal_key key;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    seal_key_derive(BYTES(LINE), &key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct bytes sealed_of(struct bytes value)
{
    struct buf text = BUF_INIT(SEAL_TEXT_BYTES_MAX);
    struct bytes sealed;

    assert_int_equal(seal_value(&key, &place, value, &text, NULL), OK);
    sealed = arena_copy(&arena, buf_bytes(&text));
    buf_release(&text);
    return sealed;
}

static enum code open_at(const struct seal_key *with, const struct seal_place *at,
                         struct bytes text, struct bytes *value)
{
    struct error err = {0};

    return seal_open(with, at, text, &arena, value, &err);
}

static void test_what_is_sealed_is_opened_whatever_its_size(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 31, 32, 33, 4095, SEAL_VALUE_BYTES_MAX};
    char text[SEAL_VALUE_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('!' + i % 90);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct bytes value = {text, sizes[i]}, opened = {NULL, 0};
        struct bytes sealed = sealed_of(value);

        assert_true(seal_text_valid(sealed));
        assert_true(sealed.size <= SEAL_TEXT_BYTES_MAX);
        assert_int_equal(open_at(&key, &place, sealed, &opened), OK);
        assert_true(bytes_equal(opened, value));
        seal_wipe(opened);
        for (size_t at = 0; at < opened.size; at++)
            assert_int_equal(opened.data[at], 0);
    }
    seal_wipe((struct bytes){NULL, 0});
}

/* The same value twice does not look the same: nobody sees that two secrets are equal. */
static void test_each_sealing_is_another(void **state)
{
    (void)state;
    assert_false(bytes_equal(sealed_of(BYTES("value")), sealed_of(BYTES("value"))));
}

static void test_nothing_opens_it_for_another_place_or_with_another_key(void **state)
{
    static const struct bytes swapped[] = {
        {"b.example:8080",  14},
        {"api.example.com", 15}
    };
    static const struct bytes joined[] = {
        {"api.example.comb.example:8080", 29}
    };
    static const struct bytes more[] = {
        {"api.example.com", 15},
        {"b.example:8080",  14},
        {"evil.example",    12}
    };
    static const struct {
        const char *name;
        struct seal_place place;
    } cases[] = {
        {"another tenant",     {{"acmf", 4}, {"key", 3}, hosts, 2}   },
        {"another name",       {{"acme", 4}, {"kez", 3}, hosts, 2}   },
        {"the border moved",   {{"acmek", 5}, {"ey", 2}, hosts, 2}   },
        {"one host less",      {{"acme", 4}, {"key", 3}, hosts, 1}   },
        {"no host",            {{"acme", 4}, {"key", 3}, hosts, 0}   },
        {"one host more",      {{"acme", 4}, {"key", 3}, more, 3}    },
        {"another host",       {{"acme", 4}, {"key", 3}, more + 1, 2}},
        {"hosts swapped",      {{"acme", 4}, {"key", 3}, swapped, 2} },
        {"two hosts made one", {{"acme", 4}, {"key", 3}, joined, 1}  },
    };
    struct bytes sealed = sealed_of(BYTES("value")), opened = {NULL, 0};
    struct seal_key other;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (open_at(&key, &cases[i].place, sealed, &opened) != E_CORRUPT || opened.data)
            fail_msg("%s: it was opened", cases[i].name);
    seal_key_derive(BYTES(LINE "!"), &other);
    assert_int_equal(open_at(&other, &place, sealed, &opened), E_CORRUPT);
    assert_int_equal(open_at(&key, &place, sealed, &opened), OK);
}

static struct bytes encoded(const unsigned char *bytes, size_t size)
{
    static char text[SEAL_TEXT_BYTES_MAX + 8];

    sodium_bin2base64(text, sizeof(text), bytes, size, sodium_base64_VARIANT_ORIGINAL);
    return bytes_of(text);
}

static void test_no_bit_can_be_turned_and_nothing_cut(void **state)
{
    unsigned char bytes[64];
    struct bytes sealed = sealed_of(BYTES("value")), opened = {NULL, 0};
    size_t size;

    (void)state;
    assert_int_equal(sodium_base642bin(bytes, sizeof(bytes), sealed.data, sealed.size, NULL, &size,
                                       NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(size, SEAL_AROUND_SIZE + 5);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(open_at(&key, &place, encoded(bytes, size), &opened), E_CORRUPT);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(open_at(&key, &place, encoded(bytes, cut), &opened), E_CORRUPT);
    for (size_t cut = 0; cut < sealed.size; cut++)
        assert_int_equal(open_at(&key, &place, bytes_slice(sealed, 0, cut), &opened), E_CORRUPT);
    assert_null(opened.data);
    assert_int_equal(open_at(&key, &place, encoded(bytes, size), &opened), OK);
}

static void test_only_texts_of_its_form_are_taken_for_one(void **state)
{
    static char large[SEAL_TEXT_BYTES_MAX + 5];
    unsigned char bytes[SEAL_AROUND_SIZE + 2] = {1};

    (void)state;
    assert_false(seal_text_valid(BYTES("")));
    assert_false(seal_text_valid(BYTES("value")));
    assert_false(seal_text_valid(encoded(bytes, SEAL_AROUND_SIZE)));
    assert_true(seal_text_valid(encoded(bytes, SEAL_AROUND_SIZE + 1)));
    bytes[0] = 2;
    assert_false(seal_text_valid(encoded(bytes, SEAL_AROUND_SIZE + 1)));
    memset(large, 'A', sizeof(large));
    memcpy(large, "AQ", 2);
    assert_false(seal_text_valid((struct bytes){large, SEAL_TEXT_BYTES_MAX + 4}));
    assert_true(seal_text_valid((struct bytes){large, SEAL_TEXT_BYTES_MAX}));
}

/* Of a golden text: what was sealed by an earlier version stays readable. */
static void test_what_was_sealed_before_is_opened(void **state)
{
    static const char text[] =
        "Ac7xKGT/DBLYdsvUV744POXP4dmCLWbNRh9PTMdPSzmxvY763s1zlJ86/3UUoRtQlskgynE=";
    struct bytes opened = {NULL, 0};

    (void)state;
    assert_int_equal(open_at(&key, &place, bytes_of(text), &opened), OK);
    assert_true(bytes_equal(opened, BYTES("of version 1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sealed_is_opened_whatever_its_size),
        cmocka_unit_test(test_each_sealing_is_another),
        cmocka_unit_test(test_nothing_opens_it_for_another_place_or_with_another_key),
        cmocka_unit_test(test_no_bit_can_be_turned_and_nothing_cut),
        cmocka_unit_test(test_only_texts_of_its_form_are_taken_for_one),
        cmocka_unit_test(test_what_was_sealed_before_is_opened),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
