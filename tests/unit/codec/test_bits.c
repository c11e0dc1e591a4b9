#include "tests/unit/codec/column_fixture.h"

static uint8_t flags[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX + 1];

static size_t round_trip(struct fixture *fixture, const char *name, size_t count)
{
    struct error err = {0};
    struct reader reader;

    buf_clear(&fixture->encoder.out);
    bits_encode(&fixture->encoder, flags, count);
    reader = fixture_reader(fixture);
    got[count] = 0x77;
    if (bits_decode(&fixture->decoder, &reader, got, count, &err) || reader_left(&reader) != 0 ||
        memcmp(flags, got, count) != 0 || got[count] != 0x77)
        fail_msg("%s, %zu flags did not come back (%s)", name, count, err.text);
    return fixture->encoder.out.size;
}

static void test_flags_come_back(void **state)
{
    struct fixture *fixture = *state;

    for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
        size_t count = fixture_counts[c];

        for (unsigned one_in = 1; one_in <= 1000; one_in *= 10) {
            for (size_t i = 0; i < count; i++)
                flags[i] = random_chance(&fixture->random, one_in);
            round_trip(fixture, "random", count);
            for (size_t i = 0; i < count; i++)
                flags[i] = i / one_in % 2 == 0;
            round_trip(fixture, "runs from 1", count);
            for (size_t i = 0; i < count; i++)
                flags[i] ^= 1;
            round_trip(fixture, "runs from 0", count);
        }
    }
}

static void test_equal_flags_take_one_byte(void **state)
{
    memset(flags, 0, sizeof(flags));
    assert_int_equal(round_trip(*state, "zeros", BLOCK_ROWS_MAX), 1);
    memset(flags, 1, sizeof(flags));
    assert_int_equal(round_trip(*state, "ones", BLOCK_ROWS_MAX), 1);
    flags[BLOCK_ROWS_MAX / 2] = 0;
    assert_true(round_trip(*state, "one gap", BLOCK_ROWS_MAX) < 10);
}

static void test_runs_that_do_not_fit_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        struct bytes bytes;
    } cases[] = {
        {"nothing",       {"", 0}                },
        {"unknown kind",  {"\x04", 1}            },
        {"too long",      {"\x02\x0b", 2}        },
        {"too short",     {"\x02\x03\x03", 3}    },
        {"empty, second", {"\x02\x03\x00\x07", 4}},
        {"empty twice",   {"\x02\x00\x00\x0a", 4}},
        {"bitmap, short", {"\x03\x01\x01", 3}    },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader reader = reader_of(cases[i].bytes);
        struct error err = {0};

        if (bits_decode(&fixture->decoder, &reader, got, 10, &err) != E_CORRUPT || !err.text[0])
            fail_msg("%s: taken", cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_come_back),
        cmocka_unit_test(test_equal_flags_take_one_byte),
        cmocka_unit_test(test_runs_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
