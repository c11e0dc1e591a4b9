#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/block.h"
#include "store/packs/pack_directory.h"

/* Series as one digit: ranges are easy to see. */
static struct pack_block entry(const char *measurement, uint64_t first, uint64_t last,
                               int64_t time_first)
{
    return (struct pack_block){
        .measurement = bytes_of(measurement),
        .series_first = {0, first},
        .series_last = {0, last },
        .series_count = (uint32_t)(last - first) + 1,
        .row_count = 100,
        .time_first = time_first,
        .time_last = time_first + 9,
        .ingest_first = 5,
        .ingest_last = 6,
        .times_unique = true,
        .size = 10,
        .crc = 77,
    };
}

static enum code round_trip(const struct pack_block *blocks, size_t count, uint64_t end,
                            struct pack_block *got, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < count; i++)
        pack_directory_put(&blocks[i], out);
    return pack_directory_read(buf_bytes(out), 1000, end, got, count, NULL);
}

static void test_entries_are_read_as_written(void **state)
{
    const struct pack_block blocks[] = {entry("a", 1, 4, INT64_MIN), entry("a", 5, 5, 0),
                                        entry("a", 5, 5, 10), entry("b", 1, 1, -5)};
    struct buf out = BUF_INIT(10000);
    struct pack_block got[4];

    (void)state;
    assert_int_equal(round_trip(blocks, 4, 1040, got, &out), OK);
    for (size_t i = 0; i < 4; i++) {
        assert_true(bytes_equal(got[i].measurement, blocks[i].measurement));
        assert_int_equal(got[i].series_first.low, blocks[i].series_first.low);
        assert_int_equal(got[i].series_last.low, blocks[i].series_last.low);
        assert_true(got[i].time_first == blocks[i].time_first);
        assert_true(got[i].time_last == blocks[i].time_last);
        assert_true(got[i].ingest_first == 5 && got[i].ingest_last == 6 && got[i].times_unique);
        assert_true(got[i].offset == 1000 + i * 10 && got[i].size == 10 && got[i].crc == 77);
    }
    buf_release(&out);
}

static void test_what_contradicts_itself_is_refused(void **state)
{
    struct buf out = BUF_INIT(10000);
    struct pack_block got[3], bad[3];

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t end = 1030;

        bad[0] = entry("a", 1, 4, 0);
        bad[1] = entry("a", 5, 6, 0);
        bad[2] = entry("b", 1, 1, 0);
        if (i == 0)
            end = 1029;
        else if (i == 1)
            end = 1031;
        else if (i == 2)
            bad[1].series_first.low = 3;
        else if (i == 3)
            bad[2].measurement = BYTES("A");
        else if (i == 4)
            bad[0].row_count = 3; /* fewer rows than series */
        else if (i == 5)
            bad[0].row_count = BLOCK_ROWS_MAX + 1;
        else if (i == 6)
            bad[0].series_last = bad[0].series_first;
        else
            bad[2].size = UINT32_MAX;
        if (round_trip(bad, 3, end, got, &out) != E_CORRUPT)
            fail_msg("case %u: taken", i);
    }
    assert_int_equal(round_trip(bad, 0, 1000, got, &out), OK);
    buf_release(&out);
}

static void test_a_short_directory_is_refused(void **state)
{
    const struct pack_block block = entry("a", 1, 4, 0);
    struct buf out = BUF_INIT(10000);
    struct pack_block got;

    (void)state;
    pack_directory_put(&block, &out);
    for (size_t size = 0; size < out.size; size++)
        assert_int_equal(pack_directory_read((struct bytes){out.data, size}, 0, 10, &got, 1, NULL),
                         E_CORRUPT);
    buf_release(&out);
}

static void test_blocks_are_found_by_measurement_and_series(void **state)
{
    const struct pack_block blocks[] = {
        entry("a", 2, 4, 0), entry("a", 5, 5, 0), entry("a", 5, 5, 10),
        entry("a", 8, 9, 0), entry("c", 1, 1, 0),
    };
    static const struct {
        const char *measurement;
        uint64_t series;
        size_t want;
    } cases[] = {
        {"",  5,  0},
        {"a", 0,  0},
        {"a", 2,  0},
        {"a", 4,  0},
        {"a", 5,  1},
        {"a", 6,  3},
        {"a", 9,  3},
        {"a", 10, 4},
        {"b", 0,  4},
        {"c", 1,  4},
        {"c", 2,  5},
        {"d", 0,  5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t got = pack_directory_find(blocks, COUNT_OF(blocks), bytes_of(cases[i].measurement),
                                         (struct series_id){0, cases[i].series});

        if (got != cases[i].want)
            fail_msg("%s %llu: %zu", cases[i].measurement, (unsigned long long)cases[i].series,
                     got);
    }
    assert_int_equal(pack_directory_find(NULL, 0, BYTES("a"), (struct series_id){0, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_read_as_written),
        cmocka_unit_test(test_what_contradicts_itself_is_refused),
        cmocka_unit_test(test_a_short_directory_is_refused),
        cmocka_unit_test(test_blocks_are_found_by_measurement_and_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
