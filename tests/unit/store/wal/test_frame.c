#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/hash.h"
#include "store/wal/frame.h"

enum { SEED = 12345, SEGMENT = 7 };

static const struct frame sample = {
    .segment = SEGMENT, .lsn = 12, .commit = 11, .base = 9, .ingest = -5};

/* Writes a whole frame, padding included; its size. */
static size_t put(const struct frame *frame, struct bytes payload, char *at)
{
    size_t size = (size_t)frame_size(payload.size);

    memset(at, 0, size);
    frame_encode(frame, payload, SEED, at);
    if (payload.size > 0)
        memcpy(at + FRAME_HEADER_SIZE, payload.data, payload.size);
    return size;
}

static void test_what_was_encoded_comes_back(void **state)
{
    char payload[80], bytes[200];

    (void)state;
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (char)(i * 7);
    for (size_t size = 0; size <= sizeof(payload); size++) {
        size_t whole = put(&sample, (struct bytes){payload, size}, bytes);
        struct bytes got;
        struct frame frame;

        assert_int_equal(whole % FRAME_ALIGNMENT, 0);
        assert_true(whole >= FRAME_HEADER_SIZE + size &&
                    whole < FRAME_HEADER_SIZE + size + FRAME_ALIGNMENT);
        assert_true(frame_decode((struct bytes){bytes, whole}, SEGMENT, SEED, &frame, &got));
        assert_int_equal(frame.segment, SEGMENT);
        assert_int_equal(frame.lsn, 12);
        assert_int_equal(frame.commit, 11);
        assert_int_equal(frame.base, 9);
        assert_int_equal(frame.ingest, -5);
        assert_int_equal(frame.payload_size, size);
        assert_true(bytes_equal(got, (struct bytes){payload, size}));
    }
}

static void test_a_cut_frame_is_refused(void **state)
{
    char bytes[128];
    size_t whole = put(&sample, BYTES("a payload of some length"), bytes);
    struct bytes got;
    struct frame frame;

    (void)state;
    for (size_t size = 0; size < whole; size++) {
        char *copy = malloc(size + 1); /* so that ASan sees a read behind it */

        assert_non_null(copy);
        memcpy(copy, bytes, size);
        if (frame_decode((struct bytes){copy, size}, SEGMENT, SEED, &frame, &got))
            fail_msg("%zu bytes of %zu pass", size, whole);
        free(copy);
    }
}

static void test_every_flipped_bit_is_seen(void **state)
{
    static const struct bytes payload = BYTES("a payload of odd length");
    char bytes[128];
    size_t whole = put(&sample, payload, bytes);
    struct bytes got;
    struct frame frame;

    (void)state;
    for (size_t bit = 0; bit < whole * 8; bit++) {
        bool covered = bit / 8 < FRAME_HEADER_SIZE + payload.size; /* what is behind is padding */

        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        if (frame_decode((struct bytes){bytes, whole}, SEGMENT, SEED, &frame, &got) == covered)
            fail_msg("bit %zu", bit);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
}

static void test_a_frame_of_another_place_or_store_is_refused(void **state)
{
    static const struct {
        const char *name;
        uint64_t segment;
        uint32_t seed;
        struct frame frame;
        bool want;
    } cases[] = {
        {"as it is",             SEGMENT,     SEED,     {SEGMENT, 5, 4, 3, 0, 0}, true },
        {"another segment",      SEGMENT + 1, SEED,     {SEGMENT, 5, 4, 3, 0, 0}, false},
        {"another store",        SEGMENT,     SEED + 1, {SEGMENT, 5, 4, 3, 0, 0}, false},
        {"lsn before its group", SEGMENT,     SEED,     {SEGMENT, 3, 4, 2, 0, 0}, false},
        {"base within a group",  SEGMENT,     SEED,     {SEGMENT, 5, 4, 4, 0, 0}, false},
        {"first of a group",     SEGMENT,     SEED,     {SEGMENT, 4, 4, 0, 0, 0}, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char bytes[128];
        size_t whole = put(&cases[i].frame, BYTES("x"), bytes);
        struct bytes got;
        struct frame frame;

        if (frame_decode((struct bytes){bytes, whole}, cases[i].segment, cases[i].seed, &frame,
                         &got) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

static void test_the_next_frame_is_found_behind_anything(void **state)
{
    char bytes[1024] = {0}, inner[128];
    size_t inner_size = put(&(struct frame){SEGMENT, 99, 99, 98, 0, 0}, BYTES("client"), inner);
    size_t first, second;

    (void)state;
    /* A magic that is none, one at an odd place, a frame, then one whose payload looks like a
     * frame of a store with another seed. */
    memcpy(bytes + 16, "WRF1", 4);
    memcpy(bytes + 43, "WRF1", 4);
    first = 64;
    second = first + put(&sample, BYTES("one"), bytes + first) + 24;
    frame_encode(&(struct frame){SEGMENT, 99, 99, 98, 0, 0}, BYTES("client"), SEED + 1, inner);
    put(&sample, (struct bytes){inner, inner_size}, bytes + second);
    for (size_t at = 0; at <= first; at += FRAME_ALIGNMENT)
        assert_int_equal(frame_search((struct bytes){bytes, sizeof(bytes)}, at, SEGMENT, SEED),
                         first);
    assert_int_equal(frame_search((struct bytes){bytes, sizeof(bytes)}, first + 8, SEGMENT, SEED),
                     second);
    assert_true(frame_search((struct bytes){bytes, sizeof(bytes)}, second + 8, SEGMENT, SEED) ==
                SIZE_MAX);
    assert_true(frame_search((struct bytes){bytes, 0}, 0, SEGMENT, SEED) == SIZE_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_encoded_comes_back),
        cmocka_unit_test(test_a_cut_frame_is_refused),
        cmocka_unit_test(test_every_flipped_bit_is_seen),
        cmocka_unit_test(test_a_frame_of_another_place_or_store_is_refused),
        cmocka_unit_test(test_the_next_frame_is_found_behind_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
