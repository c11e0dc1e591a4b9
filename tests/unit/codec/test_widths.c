#include "tests/unit/codec/column_fixture.h"

static uint64_t values[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX + 1];

static size_t round_trip(struct fixture *fixture, const char *name, size_t count)
{
    struct error err = {0};
    struct reader reader;

    buf_clear(&fixture->encoder.out);
    widths_encode(&fixture->encoder, values, count);
    reader = fixture_reader(fixture);
    got[count] = 0xabcdef;
    if (widths_decode(&fixture->decoder, &reader, got, count, &err) || reader_left(&reader) != 0 ||
        memcmp(values, got, count * sizeof(*values)) != 0)
        fail_msg("%s: %zu numbers did not come back (%s)", name, count, err.text);
    assert_true(got[count] == 0xabcdef);
    return fixture->encoder.out.size;
}

static void test_numbers_of_every_width_come_back(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned bits = 0; bits <= 64; bits++) {
        for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
            size_t count = fixture_counts[c];

            fixture_fill_bits(fixture, bits, values, count);
            round_trip(fixture, "up to a width", count);
            fixture_fill_widths(fixture, values, count);
            round_trip(fixture, "of any width", count);
        }
    }
}

static void test_numbers_of_all_sizes_take_what_their_bits_take(void **state)
{
    struct fixture *fixture = *state;
    size_t bits = 0, count = 400;

    assert_int_equal(round_trip(fixture, "none", 0), 0);
    for (size_t i = 0; i < count; i++) {
        unsigned width = 1 + (unsigned)random_below(&fixture->random, 16);

        values[i] = (uint64_t)1 << (width - 1) |
                    (random_next(&fixture->random) & (((uint64_t)1 << (width - 1)) - 1));
        bits += width - 1;
    }
    assert_in_range(round_trip(fixture, "any of 16 widths", count), bits / 8 + count / 2,
                    bits / 8 + count / 2 + 40);
}

static void test_wrong_forms_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        struct bytes bytes;
    } cases[] = {
        {"number 1 has 65 bits",     {"\x01\x01\x41", 3}},
        {"2 numbers end early",      {"\x00\x06\xff", 3}},
        {"2 packed bytes end early", {"\x01\x01", 2}    },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader reader = reader_of(cases[i].bytes);
        struct error err = {0};

        assert_int_equal(widths_decode(&fixture->decoder, &reader, got, 2, &err), E_CORRUPT);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void decode(struct fixture *fixture, struct reader reader)
{
    enum code code = widths_decode(&fixture->decoder, &reader, got, 1000, NULL);

    assert_true(code == OK || code == E_CORRUPT);
}

static void test_damage_is_answered(void **state)
{
    struct fixture *fixture = *state;

    fixture_fill_widths(fixture, values, 1000);
    buf_clear(&fixture->encoder.out);
    widths_encode(&fixture->encoder, values, 1000);
    fixture_damage(fixture, 2000, decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_every_width_come_back),
        cmocka_unit_test(test_numbers_of_all_sizes_take_what_their_bits_take),
        cmocka_unit_test(test_wrong_forms_are_refused),
        cmocka_unit_test(test_damage_is_answered),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
