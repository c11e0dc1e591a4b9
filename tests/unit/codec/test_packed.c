#include "tests/unit/codec/column_fixture.h"

static uint8_t scratch[100000];

static void round_trip(struct fixture *fixture, const char *name, struct bytes bytes,
                       size_t size_most, void (*encode)(struct column_encoder *, struct bytes))
{
    struct error err = {0};
    const uint8_t *data;
    struct reader reader;
    enum code code;

    buf_clear(&fixture->encoder.out);
    encode(&fixture->encoder, bytes);
    reader = fixture_reader(fixture);
    if (reader_left(&reader) > size_most)
        fail_msg("%s: %zu bytes became %zu", name, bytes.size, reader_left(&reader));
    code = packed_decode(&fixture->decoder, &reader, scratch, bytes.size, &data, &err);
    if (code || reader_left(&reader) != 0 || memcmp(data, bytes.data, bytes.size) != 0)
        fail_msg("%s: %zu bytes did not come back (%s)", name, bytes.size, err.text);
}

static void test_packed_bytes_come_back_and_never_grow_by_more_than_one(void **state)
{
    static char noise[100000], text[100000], same[100000];
    struct fixture *fixture = *state;
    static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 100, 4096, 65535, 65536, 65537, 100000};

    memset(same, 'x', sizeof(same));
    for (size_t i = 0; i < sizeof(noise); i++) {
        noise[i] = (char)random_next(&fixture->random);
        text[i] = (char)("weir "[i % 5] + (random_below(&fixture->random, 8) == 0));
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t size = sizes[i];

        round_trip(fixture, "noise", (struct bytes){noise, size}, size + 1, packed_encode_plane);
        round_trip(fixture, "noise", (struct bytes){noise, size}, size + 1, packed_encode_text);
        round_trip(fixture, "same", (struct bytes){same, size}, 2, packed_encode_plane);
        round_trip(fixture, "text", (struct bytes){text, size},
                   size < 1000 ? size + 1 : size * 2 / 3, packed_encode_plane);
        round_trip(fixture, "text", (struct bytes){text, size},
                   size < 1000 ? size + 1 : size * 2 / 3, packed_encode_text);
    }
}

static void test_wrong_forms_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        struct bytes bytes;
    } cases[] = {
        {"nothing",         {"", 0}                 },
        {"unknown kind",    {"\x09zzzzzzzzzzzz", 13}},
        {"constant, short", {"\x00", 1}             },
        {"raw, short",      {"\x01zzz", 4}          },
        {"frame, short",    {"\x02\xff\x00zzz", 6}  },
        {"frame, garbage",  {"\x02\x05\x00zzzzz", 8}},
        {"frame, empty",    {"\x02\x00\x00", 3}     },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reader reader = reader_of(cases[i].bytes);
        struct error err = {0};
        const uint8_t *data;

        if (packed_decode(&fixture->decoder, &reader, scratch, 10, &data, &err) != E_CORRUPT)
            fail_msg("%s: taken", cases[i].name);
        if (err.text[0] == '\0')
            fail_msg("%s: no reason given", cases[i].name);
    }
}

static void test_a_frame_of_another_size_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char text[1000];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "ab"[random_below(&fixture->random, 2)];
    buf_clear(&fixture->encoder.out);
    packed_encode_plane(&fixture->encoder, (struct bytes){text, sizeof(text)});
    for (size_t size = 998; size <= 1002; size++) {
        struct reader reader = fixture_reader(fixture);
        const uint8_t *data;
        enum code code = packed_decode(&fixture->decoder, &reader, scratch, size, &data, NULL);

        assert_int_equal(code, size == sizeof(text) ? OK : E_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_bytes_come_back_and_never_grow_by_more_than_one),
        cmocka_unit_test(test_wrong_forms_are_refused),
        cmocka_unit_test(test_a_frame_of_another_size_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
