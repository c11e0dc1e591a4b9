#include "tests/unit/codec/column_fixture.h"

#include <math.h>

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
        round_trip(fixture, "noise", (struct bytes){noise, size}, size + 1,
                   packed_encode_upper_plane);
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
        {"rANS, short",     {"\x03\xff\x00zzz", 6}  },
        {"rANS, garbage",   {"\x03\x05\x00zzzzz", 8}},
        {"rANS, empty",     {"\x03\x00\x00", 3}     },
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

enum { SHAPE_SIZE = 4096 };

/* About normal, in zigzag. */
static char walk_step(struct random *random, double deviation)
{
    double sum = -6;
    int step;

    for (int i = 0; i < 12; i++)
        sum += (double)random_below(random, 1 << 20) / (1 << 20);
    step = (int)lround(sum * deviation);
    return (char)(step < 0 ? -2 * step - 1 : 2 * step);
}

/* The kind that each shape of plane gets, and the percentage at most of what zstd alone makes of
 * it, which is what upper planes get. */
static void test_planes_get_rans_where_it_pays(void **state)
{
    enum { RAW = 1, ZSTD = 2, RANS = 3 };
    static const struct {
        const char *name;
        uint8_t kind;
        unsigned percent;
    } cases[] = {
        {"noise",                    RAW,  100},
        {"halves",                   RANS, 100},
        {"zeros with 1 % outliers",  RANS, 90 },
        {"steps of deviation 1",     RANS, 94 },
        {"steps of deviation 3",     ZSTD, 100},
        {"pattern of 7",             ZSTD, 100},
        {"pattern of 24",            ZSTD, 100},
        {"pattern of 1000",          ZSTD, 100},
        {"second half as the first", ZSTD, 100},
        {"long runs",                ZSTD, 100},
        {"constant with rare steps", RANS, 100},
    };
    struct fixture *fixture = *state;
    static char plane[SHAPE_SIZE];

    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct bytes bytes = {plane, SHAPE_SIZE};
        size_t zstd_size;
        char value = 0;

        for (size_t i = 0; i < SHAPE_SIZE; i++) {
            char chance = (char)random_next(&fixture->random);

            switch (c) {
            case 0:
                value = chance;
                break;
            case 1:
                for (value = 0; random_chance(&fixture->random, 2);)
                    value++;
                break;
            case 2:
                value = random_chance(&fixture->random, 100) ? chance : 0;
                break;
            case 3:
                value = walk_step(&fixture->random, 1);
                break;
            case 4:
                value = walk_step(&fixture->random, 3);
                break;
            case 5:
                value = (char)(i % 7 * 31);
                break;
            case 6:
                value = i < 24 ? chance : plane[i - 24];
                break;
            case 7:
                value = i < 1000 ? chance : plane[i - 1000];
                break;
            case 8:
                value = i < SHAPE_SIZE / 2 ? chance : plane[i - SHAPE_SIZE / 2];
                break;
            case 9:
                value = i % 64 == 0 ? chance : value;
                break;
            default:
                value = (char)(i % 1000 == 500);
            }
            plane[i] = value;
        }
        round_trip(fixture, cases[c].name, bytes, SHAPE_SIZE + 1, packed_encode_upper_plane);
        zstd_size = fixture->encoder.out.size;
        assert_int_equal(fixture->encoder.out.data[0], cases[c].kind == RAW ? RAW : ZSTD);
        round_trip(fixture, cases[c].name, bytes, zstd_size * cases[c].percent / 100,
                   packed_encode_plane);
        if (fixture->encoder.out.data[0] != (char)cases[c].kind)
            fail_msg("%s: kind %d, %zu bytes", cases[c].name, fixture->encoder.out.data[0],
                     fixture->encoder.out.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_bytes_come_back_and_never_grow_by_more_than_one),
        cmocka_unit_test(test_planes_get_rans_where_it_pays),
        cmocka_unit_test(test_wrong_forms_are_refused),
        cmocka_unit_test(test_a_frame_of_another_size_is_refused),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
