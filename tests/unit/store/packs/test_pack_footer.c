#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/packs/pack_footer.h"

static const struct pack_footer sample = {
    .head_size = 40,
    .at = {100, 200, 200, 300, 400,  464},
    .count = {5,   0,      3,      2,   2},
    .crc = {1,   2,      3,      4,   5},
    .row_count = 7,
    .value_count = 8,
    .time_first = INT64_MIN,
    .time_last = INT64_MAX,
    .ingest_first = -1,
    .ingest_last = 1,
    .lsn_first = 10,
    .lsn_last = 20,
};

static enum code round_trip(const struct pack_footer *footer, uint64_t file_size,
                            struct pack_footer *got)
{
    struct buf out = BUF_INIT(1000);
    enum code code;

    pack_footer_put(footer, &out);
    assert_int_equal(out.size, PACK_FOOTER_SIZE);
    code = pack_footer_read(buf_bytes(&out), file_size, got, NULL);
    buf_release(&out);
    return code;
}

static void test_a_footer_is_read_as_written(void **state)
{
    struct pack_footer got = {0};

    (void)state;
    assert_int_equal(round_trip(&sample, 464 + PACK_FOOTER_SIZE, &got), OK);
    assert_memory_equal(got.at, sample.at, sizeof(got.at));
    assert_memory_equal(got.count, sample.count, sizeof(got.count));
    assert_memory_equal(got.crc, sample.crc, sizeof(got.crc));
    assert_true(got.head_size == 40 && got.row_count == 7 && got.value_count == 8);
    assert_true(got.time_first == INT64_MIN && got.time_last == INT64_MAX);
    assert_true(got.ingest_first == -1 && got.ingest_last == 1);
    assert_true(got.lsn_first == 10 && got.lsn_last == 20);
}

static void test_a_footer_that_does_not_fit_its_file_is_refused(void **state)
{
    struct pack_footer bad[8], got;
    size_t count = 0;

    (void)state;
    assert_int_equal(round_trip(&sample, 465 + PACK_FOOTER_SIZE, &got), E_CORRUPT);
    bad[count] = sample;
    bad[count++].head_size = 101;
    bad[count] = sample;
    bad[count++].head_size = 0;
    bad[count] = sample;
    bad[count++].at[1] = 201;
    bad[count] = sample;
    bad[count++].count[PACK_SERIES] = 101;
    bad[count] = sample;
    bad[count++].count[PACK_TOMBSTONES] = 1;
    bad[count] = sample;
    bad[count++].count[PACK_PARTS] = 3;
    for (size_t i = 0; i < count; i++) {
        if (round_trip(&bad[i], 464 + PACK_FOOTER_SIZE, &got) != E_CORRUPT)
            fail_msg("case %zu: taken", i);
    }
}

static void test_any_turned_bit_of_a_footer_is_told(void **state)
{
    struct buf out = BUF_INIT(1000);
    struct pack_footer got;

    (void)state;
    pack_footer_put(&sample, &out);
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
        if (pack_footer_read(buf_bytes(&out), 464 + PACK_FOOTER_SIZE, &got, NULL) != E_CORRUPT)
            fail_msg("bit %zu: not told", bit);
        out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
    }
    buf_release(&out);
}

static void check_head(const struct pack_head *head)
{
    struct pack_head got;
    struct buf out = BUF_INIT(1000);

    pack_head_put(head, &out);
    assert_true(out.size <= PACK_HEAD_SIZE_MAX);
    assert_int_equal(pack_head_read(buf_bytes(&out), &got, NULL), OK);
    assert_true(bytes_equal(got.tenant, head->tenant) && got.number == 42);
    assert_int_equal(got.kind, head->kind);
    assert_int_equal(got.settled, head->settled);
    assert_int_equal(got.floor, head->floor);
    assert_memory_equal(&got.incarnation, &head->incarnation, 16);
    for (size_t bit = 0; bit < out.size * 8; bit++) {
        out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
        if (pack_head_read(buf_bytes(&out), &got, NULL) != E_CORRUPT)
            fail_msg("bit %zu: not told", bit);
        out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(pack_head_read((struct bytes){out.data, size}, &got, NULL), E_CORRUPT);
    buf_release(&out);
}

static void test_a_head_is_read_as_written_and_no_turned_bit_passes(void **state)
{
    static const struct pack_head heads[] = {
        {{"acme", 4}, {{1, 2, 3}}, 42, PACK_PLAIN,   INT64_MIN, INT64_MIN},
        {{"acme", 4}, {{1, 2, 3}}, 42, PACK_CURRENT, 1700,      INT64_MIN},
        {{"acme", 4}, {{1, 2, 3}}, 42, PACK_HISTORY, -1,        99       },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        check_head(&heads[i]);
}

static void test_parts_are_read_by_index(void **state)
{
    struct buf out = BUF_INIT(1000);
    struct pack_part got;

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        struct pack_part part = {i, i * 2, {{i}}};

        pack_part_put(&part, &out);
    }
    assert_int_equal(out.size, 3 * PACK_PART_SIZE);
    got = pack_part_read(buf_bytes(&out), 2);
    assert_true(got.offset == 2 && got.size == 4 && got.hash.bytes[0] == 2);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_footer_is_read_as_written),
        cmocka_unit_test(test_a_footer_that_does_not_fit_its_file_is_refused),
        cmocka_unit_test(test_any_turned_bit_of_a_footer_is_told),
        cmocka_unit_test(test_a_head_is_read_as_written_and_no_turned_bit_passes),
        cmocka_unit_test(test_parts_are_read_by_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
