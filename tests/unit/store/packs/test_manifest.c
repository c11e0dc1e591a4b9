#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "store/packs/manifest.h"
#include "tests/unit/golden.h"

static const struct manifest_entry sample = {
    .number = 0x1122,
    .incarnation = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    .in_file = true,
    .bytes = 123456789,
    .hash = {{0xff, 0xfe, 0xfd}},
    .row_count = 1000,
    .value_count = 10000,
    .time_first = -5,
    .time_last = INT64_C(1700000000000000000),
    .ingest_first = 1024,
    .ingest_last = 4096,
    .lsn_first = 17,
    .lsn_last = 99,
};

static void expect_equal(const struct manifest_entry *a, const struct manifest_entry *b)
{
    struct buf left = BUF_INIT(1000), right = BUF_INIT(1000);

    manifest_entry_encode(a, &left);
    manifest_entry_encode(b, &right);
    assert_true(bytes_equal(buf_bytes(&left), buf_bytes(&right)));
    buf_release(&left);
    buf_release(&right);
}

static void test_what_was_encoded_comes_back(void **state)
{
    struct manifest_entry cases[] = {
        sample,
        {0},
        {           .time_first = INT64_MIN, .time_last = INT64_MAX, .lsn_last = UINT64_MAX},
        { .number = 7,   .kind = PACK_CURRENT,         .settled = 123, .floor = INT64_MIN},
        { .number = 8,   .kind = PACK_HISTORY,          .settled = -1, .floor = 99},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct manifest_entry got;
        struct buf out = BUF_INIT(1000);

        manifest_entry_encode(&cases[i], &out);
        assert_int_equal(manifest_entry_decode(buf_bytes(&out), &got, NULL), OK);
        assert_int_equal(got.in_file, cases[i].in_file);
        assert_int_equal(got.number, cases[i].number);
        assert_int_equal(got.time_first, cases[i].time_first);
        assert_int_equal(got.lsn_last, cases[i].lsn_last);
        assert_int_equal(got.kind, cases[i].kind);
        assert_int_equal(got.settled, cases[i].kind ? cases[i].settled : INT64_MIN);
        assert_int_equal(got.floor, cases[i].kind ? cases[i].floor : INT64_MIN);
        assert_memory_equal(&got.hash, &cases[i].hash, sizeof(got.hash));
        assert_memory_equal(&got.incarnation, &cases[i].incarnation, sizeof(got.incarnation));
        expect_equal(&got, &cases[i]);
        buf_release(&out);
    }
}

static void test_damage_of_any_kind_is_seen(void **state)
{
    struct manifest_entry got;
    struct buf out = BUF_INIT(1000);
    struct error err = {0};
    size_t size;

    (void)state;
    manifest_entry_encode(&sample, &out);
    size = out.size;
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(manifest_entry_decode(bytes_slice(buf_bytes(&out), 0, cut), &got, NULL),
                         E_CORRUPT);
    for (size_t bit = 0; bit < size * 8; bit++) {
        out.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(manifest_entry_decode(buf_bytes(&out), &got, NULL), E_CORRUPT);
        out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_put_u8(&out, 0);
    assert_int_equal(manifest_entry_decode(buf_bytes(&out), &got, NULL), E_CORRUPT);
    /* A later version, whole. */
    out.size = size - 4;
    out.data[0] = 3;
    buf_put_u32(&out, crc32c(0, buf_bytes(&out)));
    assert_int_equal(manifest_entry_decode(buf_bytes(&out), &got, &err), E_CORRUPT);
    assert_non_null(strstr(err.text, "version 3, this program knows 1"));
    buf_release(&out);
}

static int compare_keys(void (*make)(struct bytes tenant, int64_t number, struct buf *out),
                        const char *left_tenant, int64_t left, const char *right_tenant,
                        int64_t right)
{
    struct buf a = BUF_INIT(100), b = BUF_INIT(100);
    int order;

    make(bytes_of(left_tenant), left, &a);
    make(bytes_of(right_tenant), right, &b);
    order = bytes_compare(buf_bytes(&a), buf_bytes(&b));
    buf_release(&a);
    buf_release(&b);
    return order;
}

static void make_u64(struct bytes tenant, int64_t number, struct buf *out)
{
    index_key_u64(tenant, (uint64_t)number, out);
}

static void test_keys_are_in_order_of_tenant_and_number(void **state)
{
    static const int64_t numbers[] = {INT64_MIN, -256, -1, 0, 1, 255, 256, 1LL << 40, INT64_MAX};

    (void)state;
    for (size_t i = 0; i + 1 < COUNT_OF(numbers); i++) {
        assert_true(compare_keys(index_key_i64, "a", numbers[i], "a", numbers[i + 1]) < 0);
        assert_true(compare_keys(index_key_i64, "a", numbers[i + 1], "ab", numbers[i]) < 0);
        if (numbers[i] >= 0)
            assert_true(compare_keys(make_u64, "a", numbers[i], "a", numbers[i + 1]) < 0);
    }
    assert_true(compare_keys(make_u64, "a", 5, "a", -1) < 0); /* unsigned: the largest */
    assert_true(compare_keys(make_u64, "a", -1, "ab", 0) < 0);
}

static void test_a_key_gives_its_tenant_back(void **state)
{
    struct buf key = BUF_INIT(100);
    struct bytes tenant, rest;

    (void)state;
    index_key_u64(BYTES("acme"), 0, &key); /* eight more NULs */
    assert_true(index_key_split(buf_bytes(&key), &tenant, &rest));
    assert_true(bytes_equal(tenant, BYTES("acme")));
    assert_int_equal(rest.size, 8);
    buf_clear(&key);
    index_key_series(BYTES("acme"), (struct series_id){1, 2}, &key);
    assert_memory_equal(key.data, "acme\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 21);
    assert_false(index_key_split(BYTES("acme"), &tenant, &rest));
    assert_false(index_key_split((struct bytes){0}, &tenant, &rest));
    buf_release(&key);
}

static void test_a_field_key_is_short_whatever_the_names(void **state)
{
    static char name[5000];
    struct buf one = BUF_INIT(100), two = BUF_INIT(100);

    (void)state;
    memset(name, 'n', sizeof(name));
    index_key_field(BYTES("acme"), (struct bytes){name, sizeof(name)}, &one);
    index_key_field(BYTES("acme"), (struct bytes){name, sizeof(name) - 1}, &two);
    assert_int_equal(one.size, 5 + 16);
    assert_false(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    buf_release(&one);
    buf_release(&two);
}

static void test_a_path_fits_the_longest_tenant(void **state)
{
    char tenant[65], path[PACK_PATH_SIZE];

    (void)state;
    pack_path(BYTES("acme"), 0x11, path);
    assert_string_equal(path, "packs/acme/0000000000000011.pack");
    memset(tenant, 't', 64);
    tenant[64] = 0;
    pack_path(bytes_of(tenant), UINT64_MAX, path);
    assert_string_equal(path + 6 + 64, "/ffffffffffffffff.pack");
}

/* tests/golden/index/manifest_entry.hex. */
static void test_the_golden_entry_reads_as_it_was_written(void **state)
{
    static const char path[] = "tests/golden/index/manifest_entry.hex";
    char golden[1000];
    struct manifest_entry got;
    struct buf out = BUF_INIT(1000);
    size_t size;

    (void)state;
    manifest_entry_encode(&sample, &out);
    golden_write_if_asked(path, buf_bytes(&out));
    size = golden_read(path, golden, sizeof(golden));
    if (!bytes_equal((struct bytes){golden, size}, buf_bytes(&out)))
        fail_msg("the format changed: raise the version, keep reading the old one, and add a "
                 "golden file");
    assert_int_equal(manifest_entry_decode((struct bytes){golden, size}, &got, NULL), OK);
    expect_equal(&got, &sample);
    buf_release(&out);
}

static void test_zeros_behind_a_small_pack_are_cut(void **state)
{
    const struct manifest_entry entry = {.bytes = 3};

    (void)state;
    assert_true(bytes_equal(manifest_inline(&entry, BYTES("abc")), BYTES("abc")));
    assert_true(bytes_equal(manifest_inline(&entry, BYTES("abc\0\0")), BYTES("abc")));
    /* too short stays so: its hash tells */
    assert_true(bytes_equal(manifest_inline(&entry, BYTES("ab")), BYTES("ab")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_encoded_comes_back),
        cmocka_unit_test(test_damage_of_any_kind_is_seen),
        cmocka_unit_test(test_zeros_behind_a_small_pack_are_cut),
        cmocka_unit_test(test_keys_are_in_order_of_tenant_and_number),
        cmocka_unit_test(test_a_key_gives_its_tenant_back),
        cmocka_unit_test(test_a_field_key_is_short_whatever_the_names),
        cmocka_unit_test(test_a_path_fits_the_longest_tenant),
        cmocka_unit_test(test_the_golden_entry_reads_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
