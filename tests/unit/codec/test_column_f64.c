#include "tests/unit/codec/column_fixture.h"

#include <float.h>
#include <math.h>

static union cell cells[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX];

static size_t round_trip(struct fixture *fixture, const char *name, size_t count, uint8_t *encoding)
{
    struct error err = {0};
    struct reader reader;

    buf_clear(&fixture->encoder.out);
    *encoding = column_f64_encode(&fixture->encoder, cells, count);
    reader = fixture_reader(fixture);
    memset(got, 0x55, sizeof(got));
    if (column_f64_decode(&fixture->decoder, *encoding, &reader, got, count, &err) ||
        reader_left(&reader) != 0)
        fail_msg("%s, %zu cells: %s", name, count, err.text);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].u64 != got[i].u64)
            fail_msg("%s: cell %zu of %zu was %a and is %a", name, i, count, cells[i].f64,
                     got[i].f64);
    }
    return fixture->encoder.out.size;
}

static void test_decimals_of_every_scale_come_back(void **state)
{
    struct fixture *fixture = *state;

    for (int digits = 0; digits <= 17; digits++) {
        for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
            double power = pow(10, digits);
            uint8_t encoding;

            for (size_t i = 0; i < fixture_counts[c]; i++)
                cells[i].f64 =
                    (double)((int64_t)random_below(&fixture->random, 2000000) - 1000000) / power;
            round_trip(fixture, "decimals", fixture_counts[c], &encoding);
            if (digits <= 15 && encoding != 1)
                fail_msg("%d digits are not taken as decimals", digits);
        }
    }
}

static void test_any_bits_come_back(void **state)
{
    static const double odd[] = {0.0,          -0.0,    INFINITY, -INFINITY,
                                 NAN,          DBL_MAX, -DBL_MAX, DBL_MIN,
                                 DBL_TRUE_MIN, 0x1p51,  -0x1p51,  0x1p52,
                                 0x1p53 + 2,   1e300,   1e-300,   0.1 + 0.2,
                                 0x1p51 - 1,   0x1p63,  -0x1p63,  1.7976931348623157e308};
    struct fixture *fixture = *state;
    uint8_t encoding;

    for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
        size_t count = fixture_counts[c];

        for (size_t i = 0; i < count; i++)
            cells[i].u64 = random_next(&fixture->random);
        round_trip(fixture, "any", count, &encoding);
        for (size_t i = 0; i < count; i++)
            cells[i].f64 = odd[random_below(&fixture->random, COUNT_OF(odd))];
        round_trip(fixture, "odd", count, &encoding);
        for (size_t o = 0; o < COUNT_OF(odd); o++) {
            for (size_t i = 0; i < count; i++)
                cells[i].f64 = odd[o];
            round_trip(fixture, "constant", count, &encoding);
            for (size_t i = 0; i < count; i++)
                cells[i].f64 = i == count / 2 ? odd[o] : (double)(i % 50) / 10;
            round_trip(fixture, "one among decimals", count, &encoding);
            cells[0].f64 = odd[o];
            cells[count - 1].f64 = odd[o];
            round_trip(fixture, "ends of decimals", count, &encoding);
        }
    }
}

static void test_a_signalling_nan_keeps_its_payload(void **state)
{
    uint8_t encoding;

    for (size_t i = 0; i < 100; i++)
        cells[i].f64 = (double)i;
    cells[50].u64 = 0x7ff0000000000001;
    cells[51].u64 = 0xfff8123456789abc;
    round_trip(*state, "NaN", 100, &encoding);
}

static void test_a_few_odd_cells_do_not_spoil_a_decimal_column(void **state)
{
    struct fixture *fixture = *state;
    uint8_t encoding;
    size_t plain, odd;

    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        cells[i].f64 = (double)random_below(&fixture->random, 200) / 10;
    plain = round_trip(fixture, "plain", BLOCK_ROWS_MAX, &encoding);
    for (size_t i = 5; i < BLOCK_ROWS_MAX; i += 100)
        cells[i].f64 = -0.0;
    odd = round_trip(fixture, "odd", BLOCK_ROWS_MAX, &encoding);
    assert_int_equal(encoding, 1);
    assert_true(odd < plain + (BLOCK_ROWS_MAX / 100 + 1) * 11);
}

static void test_a_late_digit_is_found(void **state)
{
    uint8_t encoding;

    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        cells[i].f64 = i < 2000 ? (double)(i % 100) : (double)(i % 100) / 8;
    round_trip(*state, "eighths", BLOCK_ROWS_MAX, &encoding);
    assert_int_equal(encoding, 1);
}

static void test_slow_full_precision_is_xored(void **state)
{
    uint8_t encoding;
    size_t size;

    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        cells[i].f64 = 50 + sin((double)i / 100000);
    size = round_trip(*state, "sine", BLOCK_ROWS_MAX, &encoding);
    assert_int_equal(encoding, 2);
    assert_true(size < BLOCK_ROWS_MAX * 13 / 2);
}

static void test_an_unknown_encoding_is_refused(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned encoding = 0; encoding < 6; encoding++) {
        struct reader reader = reader_of(BYTES(""));

        assert_int_equal(
            column_f64_decode(&fixture->decoder, (uint8_t)encoding, &reader, got, 3, NULL),
            E_CORRUPT);
    }
}

static uint8_t damaged_encoding;

static void decode(struct fixture *fixture, struct reader reader)
{
    enum code code =
        column_f64_decode(&fixture->decoder, damaged_encoding, &reader, got, 300, NULL);

    assert_true(code == OK || code == E_CORRUPT);
}

static void test_damage_is_answered(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned shape = 0; shape < 3; shape++) {
        for (size_t i = 0; i < 300; i++)
            cells[i].f64 = shape == 0   ? (i % 40 == 7 ? -0.0 : (double)i / 10)
                           : shape == 1 ? sqrt((double)i)
                                        : (double)(i % 7) * 1e-30;
        buf_clear(&fixture->encoder.out);
        damaged_encoding = column_f64_encode(&fixture->encoder, cells, 300);
        fixture_damage(fixture, 1000, decode);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_of_every_scale_come_back),
        cmocka_unit_test(test_any_bits_come_back),
        cmocka_unit_test(test_a_signalling_nan_keeps_its_payload),
        cmocka_unit_test(test_a_few_odd_cells_do_not_spoil_a_decimal_column),
        cmocka_unit_test(test_a_late_digit_is_found),
        cmocka_unit_test(test_slow_full_precision_is_xored),
        cmocka_unit_test(test_an_unknown_encoding_is_refused),
        cmocka_unit_test(test_damage_is_answered),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
