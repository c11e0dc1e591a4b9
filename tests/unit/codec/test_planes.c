#include "tests/unit/codec/column_fixture.h"

static uint64_t values[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX + 1];

static void test_integers_of_every_width_come_back(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned bits = 0; bits <= 64; bits++) {
        for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
            size_t count = fixture_counts[c];
            struct reader reader;

            fixture_fill_bits(fixture, bits, values, count);
            buf_clear(&fixture->encoder.out);
            planes_encode(&fixture->encoder, values, count);
            reader = fixture_reader(fixture);
            if (reader_left(&reader) > 1 + (size_t)((bits + 7) / 8) * (count + 2))
                fail_msg("%u bits, %zu values: %zu bytes", bits, count, reader_left(&reader));
            got[count] = 0xabcdef;
            if (planes_decode(&fixture->decoder, &reader, got, count, NULL) ||
                reader_left(&reader) != 0 || memcmp(values, got, count * 8) != 0)
                fail_msg("%u bits, %zu values did not come back", bits, count);
            if (got[count] != 0xabcdef)
                fail_msg("%zu values: wrote behind them", count);
        }
    }
}

/* Where a byte of an upper plane is won by rANS, the lower one costs more than it saves. */
static void test_only_the_lowest_plane_that_varies_is_coded_by_rans(void **state)
{
    enum { ZSTD = 2, RANS = 3 };
    struct fixture *fixture = *state;

    for (unsigned shift = 0; shift <= 8; shift += 8) {
        for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
            values[i] = (random_below(&fixture->random, 5) | random_below(&fixture->random, 5) << 8)
                        << shift;
        for (unsigned plane = 0; plane < 2; plane++) {
            struct reader reader;
            const uint8_t *data;

            buf_clear(&fixture->encoder.out);
            planes_encode(&fixture->encoder, values, BLOCK_ROWS_MAX);
            reader = fixture_reader(fixture);
            assert_int_equal(reader_u8(&reader), 2 + shift / 8);
            for (unsigned i = 0; i < plane + shift / 8; i++)
                assert_int_equal(packed_decode(&fixture->decoder, &reader, (uint8_t *)got,
                                               BLOCK_ROWS_MAX, &data, NULL),
                                 OK);
            assert_int_equal(reader_u8(&reader), plane == 0 ? RANS : ZSTD);
        }
    }
}

static void test_more_than_eight_planes_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct reader reader = reader_of(BYTES("\x09"));
    struct error err = {0};

    assert_int_equal(planes_decode(&fixture->decoder, &reader, got, 1, &err), E_CORRUPT);
    assert_string_equal(err.text, "9 byte planes, at most 8");
}

static void test_cost_tells_noise_from_repetition(void **state)
{
    struct fixture *fixture = *state;
    uint64_t noise, halves, constant;

    for (size_t i = 0; i < PLANES_SAMPLE_MAX; i++)
        values[i] = random_next(&fixture->random) & 255;
    noise = planes_cost(&fixture->encoder, values, PLANES_SAMPLE_MAX);
    for (size_t i = 0; i < PLANES_SAMPLE_MAX; i++)
        values[i] &= 1;
    halves = planes_cost(&fixture->encoder, values, PLANES_SAMPLE_MAX);
    for (size_t i = 0; i < PLANES_SAMPLE_MAX; i++)
        values[i] = 0x1122334455667788;
    constant = planes_cost(&fixture->encoder, values, PLANES_SAMPLE_MAX);
    assert_in_range(noise, PLANES_SAMPLE_MAX * 7, PLANES_SAMPLE_MAX * 8);
    assert_in_range(halves, PLANES_SAMPLE_MAX * 9 / 10, PLANES_SAMPLE_MAX * 11 / 10);
    assert_int_equal(constant, 0);
}

static void decode(struct fixture *fixture, struct reader reader)
{
    enum code code = planes_decode(&fixture->decoder, &reader, got, 1000, NULL);

    assert_true(code == OK || code == E_CORRUPT);
}

static void test_damage_is_answered(void **state)
{
    struct fixture *fixture = *state;

    fixture_fill_widths(fixture, values, 1000);
    buf_clear(&fixture->encoder.out);
    planes_encode(&fixture->encoder, values, 1000);
    fixture_damage(fixture, 2000, decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_of_every_width_come_back),
        cmocka_unit_test(test_only_the_lowest_plane_that_varies_is_coded_by_rans),
        cmocka_unit_test(test_more_than_eight_planes_are_refused),
        cmocka_unit_test(test_cost_tells_noise_from_repetition),
        cmocka_unit_test(test_damage_is_answered),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
