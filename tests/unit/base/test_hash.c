#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/random.h"

/* RFC 3720 B.4, and the check value of the catalogue of parametrised CRCs. */
static void test_crc32c_of_published_vectors(void **state)
{
    static const unsigned char read_command[48] = {
        0x01, 0xc0,        [16] = 0x14, [20] = 0x00, 0x00,       0x04,
        0x00, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    unsigned char data[32];

    (void)state;
    memset(data, 0, sizeof(data));
    assert_int_equal(crc32c(0, (struct bytes){(char *)data, 32}), 0x8a9136aa);
    memset(data, 0xff, sizeof(data));
    assert_int_equal(crc32c(0, (struct bytes){(char *)data, 32}), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        data[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, (struct bytes){(char *)data, 32}), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        data[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, (struct bytes){(char *)data, 32}), 0x113fdb5c);
    assert_int_equal(crc32c(0, (struct bytes){(const char *)read_command, 48}), 0xd9963a56);
    assert_int_equal(crc32c(0, BYTES("123456789")), 0xe3069283);
    assert_int_equal(crc32c(0, (struct bytes){NULL, 0}), 0);
}

static void test_crc32c_hardware_equals_table_and_chains(void **state)
{
    enum { SIZE = 40000 };
    static char data[SIZE];
    static const size_t sizes[] = {0,    1,    7,     8,     9,     255,   767,   768,   769,  1535,
                                   1536, 4096, 12287, 12288, 12289, 13056, 24576, 25600, 39000};
    struct random random;

    (void)state;
    random_seed(&random, 3);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)random_next(&random);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t offset = 0; offset < 9; offset++) {
            struct bytes all = {data + offset, sizes[i]};
            size_t middle = sizes[i] / 3;
            uint32_t want = crc32c_table(0, all);
            uint32_t chained =
                crc32c(crc32c(0, bytes_slice(all, 0, middle)), bytes_slice(all, middle, all.size));

            if (crc32c(0, all) != want || chained != want)
                fail_msg("size %zu at offset %zu", sizes[i], offset);
        }
    }
}

static void test_hash128_is_blake2b(void **state)
{
    /* python3: hashlib.blake2b(b"abc", digest_size=16).hexdigest() */
    static const uint8_t want[16] = {0xcf, 0x4a, 0xb7, 0x91, 0xc6, 0x2b, 0x8d, 0x2b,
                                     0x21, 0x09, 0xc9, 0x02, 0x75, 0x28, 0x78, 0x16};
    struct hash128_state parts;
    struct hash128 hash = hash128(BYTES("abc"));

    (void)state;
    assert_memory_equal(hash.bytes, want, sizeof(want));
    hash128_begin(&parts);
    hash128_add(&parts, BYTES("a"));
    hash128_add(&parts, (struct bytes){NULL, 0});
    hash128_add(&parts, BYTES("bc"));
    hash = hash128_end(&parts);
    assert_memory_equal(hash.bytes, want, sizeof(want));
}

static void test_hash128_as_text(void **state)
{
    struct hash128 hash = hash128(BYTES("abc")), back;
    char text[HASH128_TEXT_SIZE];

    (void)state;
    hash128_print(&hash, text);
    assert_string_equal(text, "cf4ab791c62b8d2b2109c90275287816");
    assert_true(hash128_parse(bytes_of(text), &back));
    assert_memory_equal(&hash, &back, sizeof(hash));
    assert_false(hash128_parse(BYTES("cf4ab791c62b8d2b2109c9027528781"), &back));
    assert_false(hash128_parse(BYTES("cf4ab791c62b8d2b2109c902752878160"), &back));
    assert_false(hash128_parse(BYTES("CF4ab791c62b8d2b2109c90275287816"), &back));
    assert_false(hash128_parse(BYTES("cf4ab791c62b8d2b2109c9027528781\0"), &back));
    assert_false(hash128_parse(BYTES(""), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_of_published_vectors),
        cmocka_unit_test(test_crc32c_hardware_equals_table_and_chains),
        cmocka_unit_test(test_hash128_is_blake2b),
        cmocka_unit_test(test_hash128_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
