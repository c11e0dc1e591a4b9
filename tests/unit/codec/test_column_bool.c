#include "tests/unit/codec/column_fixture.h"

static void test_columns_come_back(void **state)
{
    static union cell cells[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX];
    struct fixture *fixture = *state;

    for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
        size_t count = fixture_counts[c];
        struct reader reader;
        uint8_t encoding;

        for (size_t i = 0; i < count; i++)
            cells[i].u64 = random_chance(&fixture->random, 2);
        buf_clear(&fixture->encoder.out);
        encoding = column_bool_encode(&fixture->encoder, cells, count);
        reader = fixture_reader(fixture);
        if (column_bool_decode(&fixture->decoder, encoding, &reader, got, count, NULL) ||
            memcmp(cells, got, count * sizeof(*cells)) != 0)
            fail_msg("%zu cells did not come back", count);
    }
}

static void test_a_constant_column_takes_one_byte(void **state)
{
    static union cell cells[BLOCK_ROWS_MAX];
    struct fixture *fixture = *state;

    buf_clear(&fixture->encoder.out);
    column_bool_encode(&fixture->encoder, cells, BLOCK_ROWS_MAX);
    assert_int_equal(fixture->encoder.out.size, 1);
    buf_clear(&fixture->encoder.out);
    column_bool_encode(&fixture->encoder, cells, 0);
    assert_int_equal(fixture->encoder.out.size, 0);
}

static void test_unknown_encoding_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct reader reader = reader_of(BYTES("\x01"));
    union cell cell;

    assert_int_equal(column_bool_decode(&fixture->decoder, 0, &reader, &cell, 1, NULL), E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_come_back),
        cmocka_unit_test(test_a_constant_column_takes_one_byte),
        cmocka_unit_test(test_unknown_encoding_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
