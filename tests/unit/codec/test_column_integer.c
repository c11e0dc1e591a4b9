#include "tests/unit/codec/column_fixture.h"

static void test_columns_come_back(void **state)
{
    static uint64_t values[BLOCK_ROWS_MAX];
    static union cell cells[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX];
    struct fixture *fixture = *state;

    for (unsigned shape = 0; shape < FIXTURE_SHAPES; shape++) {
        const char *name = fixture_fill(fixture, shape, values, BLOCK_ROWS_MAX);
        struct reader reader;
        uint8_t encoding;

        for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
            cells[i].u64 = values[i];
        buf_clear(&fixture->encoder.out);
        encoding = column_integer_encode(&fixture->encoder, cells, BLOCK_ROWS_MAX);
        reader = fixture_reader(fixture);
        if (column_integer_decode(&fixture->decoder, encoding, &reader, got, BLOCK_ROWS_MAX,
                                  NULL) ||
            memcmp(cells, got, sizeof(cells)) != 0)
            fail_msg("%s did not come back", name);
    }
}

static void test_unknown_encoding_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct reader reader = reader_of(BYTES("\x01\x00\x00\x00"));
    struct error err = {0};
    union cell cell;

    assert_int_equal(column_integer_decode(&fixture->decoder, 2, &reader, &cell, 1, &err),
                     E_CORRUPT);
    assert_string_equal(err.text, "integer encoding 2 is unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_come_back),
        cmocka_unit_test(test_unknown_encoding_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
