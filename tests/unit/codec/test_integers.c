#include "tests/unit/codec/column_fixture.h"

static uint64_t values[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX];

static size_t round_trip(struct fixture *fixture, const char *name, size_t count)
{
    struct error err = {0};
    struct reader reader;

    buf_clear(&fixture->encoder.out);
    integers_encode(&fixture->encoder, values, count);
    reader = fixture_reader(fixture);
    memset(got, 0x55, sizeof(got));
    if (integers_decode(&fixture->decoder, &reader, got, count, &err) ||
        reader_left(&reader) != 0 || memcmp(values, got, count * sizeof(*values)) != 0)
        fail_msg("%s, %zu values did not come back (%s)", name, count, err.text);
    return fixture->encoder.out.size;
}

static void test_every_shape_comes_back(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned shape = 0; shape < FIXTURE_SHAPES; shape++) {
        for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
            const char *name = fixture_fill(fixture, shape, values, fixture_counts[c]);

            round_trip(fixture, name, fixture_counts[c]);
        }
    }
}

static void test_no_values_take_no_bytes(void **state)
{
    assert_int_equal(round_trip(*state, "none", 0), 0);
}

enum { SHAPE_ROWS = 4096 };

/* Sizes are what was measured and a tenth: that a choice went wrong shows here. */
static void test_shapes_take_what_they_should(void **state)
{
    static const struct {
        unsigned shape;
        size_t size_most;
    } cases[] = {
        {0,  4   }, /* zero */
        {1,  13  }, /* constant */
        {2,  14  }, /* step */
        {3,  1600}, /* walk: log2(7) bits */
        {4,  5700}, /* noise: log2(1000) bits */
        {5,  3400}, /* counter: log2(50) bits */
        {8,  4400}, /* milliseconds: log2(200) bits */
        {9,  300 }, /* one outlier */
        {11, 1100}, /* three levels: 1.58 bits */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *name = fixture_fill(*state, cases[i].shape, values, SHAPE_ROWS);
        size_t size = round_trip(*state, name, SHAPE_ROWS);

        if (size > cases[i].size_most)
            fail_msg("%s: %zu bytes, expected at most %zu", name, size, cases[i].size_most);
    }
}

static void test_series_of_different_steps_cost_little(void **state)
{
    uint64_t value = 0;

    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        values[i] = value += (i / 512 + 1) * 1000000000;
    assert_true(round_trip(*state, "steps", BLOCK_ROWS_MAX) < 150);
}

static void test_unknown_forms_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct bytes cases[] = {
        {"",                 0},
        {"\x03\x00\x00\x00", 4}, /* kind 3 */
        {"\x50\x00\x00\x00", 4}, /* unit 5 */
        {"\x01\x00",         2},
        {"\x01\x00\x00",     3},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader reader = reader_of(cases[i]);

        assert_int_equal(integers_decode(&fixture->decoder, &reader, got, 4, NULL), E_CORRUPT);
        reader = reader_of(cases[i]);
        assert_false(integers_constant(&reader, 1, got)); /* no other opinion */
    }
}

static void decode(struct fixture *fixture, struct reader reader)
{
    enum code code = integers_decode(&fixture->decoder, &reader, got, 600, NULL);

    assert_true(code == OK || code == E_CORRUPT);
}

static void test_damage_is_answered(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned shape = 0; shape < FIXTURE_SHAPES; shape++) {
        fixture_fill(fixture, shape, values, 600);
        buf_clear(&fixture->encoder.out);
        integers_encode(&fixture->encoder, values, 600);
        fixture_damage(fixture, 300, decode);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape_comes_back),
        cmocka_unit_test(test_no_values_take_no_bytes),
        cmocka_unit_test(test_shapes_take_what_they_should),
        cmocka_unit_test(test_series_of_different_steps_cost_little),
        cmocka_unit_test(test_unknown_forms_are_refused),
        cmocka_unit_test(test_damage_is_answered),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
