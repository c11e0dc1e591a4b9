#include "tests/unit/codec/column_fixture.h"

static union cell cells[BLOCK_ROWS_MAX], got[BLOCK_ROWS_MAX];

static const struct text *text_new(struct arena *arena, struct bytes bytes)
{
    struct text *text = arena_alloc(arena, sizeof(*text) + bytes.size);

    assert_non_null(text);
    text->size = (uint32_t)bytes.size;
    memcpy(text->data, bytes.data, bytes.size);
    return text;
}

static size_t round_trip(struct fixture *fixture, const char *name, size_t count)
{
    struct error err = {0};
    struct reader reader;
    uint8_t encoding;

    buf_clear(&fixture->encoder.out);
    encoding = column_string_encode(&fixture->encoder, cells, count);
    reader = fixture_reader(fixture);
    if (column_string_decode(&fixture->decoder, encoding, &reader, &fixture->arena, got, count,
                             &err) ||
        reader_left(&reader) != 0)
        fail_msg("%s: %s", name, err.text);
    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal(text_bytes(cells[i].text), text_bytes(got[i].text)))
            fail_msg("%s: cell %zu of %zu was %.*s and is %.*s", name, i, count,
                     BYTES_ARG(text_bytes(cells[i].text)), BYTES_ARG(text_bytes(got[i].text)));
    }
    arena_release(&fixture->arena);
    return fixture->encoder.out.size;
}

static void test_strings_come_back(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t distinct[] = {1, 2, 20, 300, 4096};
    static char bytes[40];

    for (size_t d = 0; d < COUNT_OF(distinct); d++) {
        for (size_t c = 0; c < COUNT_OF(fixture_counts); c++) {
            for (size_t i = 0; i < fixture_counts[c]; i++) {
                uint64_t number = random_below(&fixture->random, distinct[d]);

                /* Sizes 0..38, any bytes, NUL among them. */
                memset(bytes, (int)(number / 39), sizeof(bytes));
                cells[i].text =
                    text_new(&fixture->arena, (struct bytes){bytes, (size_t)(number % 39)});
            }
            round_trip(fixture, "random", fixture_counts[c]);
        }
    }
}

static void test_a_constant_column_costs_its_string_once(void **state)
{
    struct fixture *fixture = *state;
    const struct text *text = text_new(&fixture->arena, BYTES("everything is fine"));

    for (size_t i = 0; i < BLOCK_ROWS_MAX; i++)
        cells[i].text = text;
    assert_true(round_trip(fixture, "constant", BLOCK_ROWS_MAX) < 30);
}

static void test_long_strings_come_back(void **state)
{
    struct fixture *fixture = *state;
    static char bytes[1 << 20];

    for (size_t i = 0; i < 20; i++) {
        memset(bytes, (int)i, sizeof(bytes));
        cells[i].text = text_new(&fixture->arena, (struct bytes){bytes, sizeof(bytes) - i});
    }
    round_trip(fixture, "long", 20);
}

static void test_too_many_bytes_are_told(void **state)
{
    struct fixture *fixture = *state;
    static char bytes[1 << 20];

    for (size_t i = 0; i < 65; i++) {
        memset(bytes, (int)i, sizeof(bytes));
        cells[i].text = text_new(&fixture->arena, (struct bytes){bytes, sizeof(bytes)});
    }
    buf_clear(&fixture->encoder.out);
    column_string_encode(&fixture->encoder, cells, 65);
    assert_true(fixture->encoder.text.failed);
    arena_release(&fixture->arena);
}

static void decode(struct fixture *fixture, struct reader reader)
{
    enum code code =
        column_string_decode(&fixture->decoder, 1, &reader, &fixture->arena, got, 200, NULL);

    assert_true(code == OK || code == E_CORRUPT || code == E_MEMORY);
    for (size_t i = 0; code == OK && i < 200; i++)
        assert_true(text_bytes(got[i].text).size <= COLUMN_TEXT_BYTES_MAX);
    arena_release(&fixture->arena);
}

static void test_damage_is_answered(void **state)
{
    struct fixture *fixture = *state;
    char bytes[20];

    for (size_t i = 0; i < 200; i++) {
        int size = snprintf(bytes, sizeof(bytes), "text-%zu", i * i % 61);

        cells[i].text = text_new(&fixture->arena, (struct bytes){bytes, (size_t)size});
    }
    buf_clear(&fixture->encoder.out);
    column_string_encode(&fixture->encoder, cells, 200);
    arena_release(&fixture->arena);
    fixture_damage(fixture, 2000, decode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_come_back),
        cmocka_unit_test(test_a_constant_column_costs_its_string_once),
        cmocka_unit_test(test_long_strings_come_back),
        cmocka_unit_test(test_too_many_bytes_are_told),
        cmocka_unit_test(test_damage_is_answered),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
