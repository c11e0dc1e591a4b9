#include "codec/rans.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/codec/seed.h"

enum { GUARD = 16 };

static uint32_t slots[RANS_SLOTS];
static uint8_t plain[RANS_BYTES_MAX], got[RANS_BYTES_MAX + GUARD];
static char coded[2 * RANS_BYTES_MAX + 4096], again[2 * RANS_BYTES_MAX + 4096];
static struct random randomness;

static struct bytes plain_bytes(size_t size)
{
    return (struct bytes){(const char *)plain, size};
}

/* `distinct` values from `least` on, `skew` times as probable each as the one before; at least two
 * come. */
static void fill(size_t size, unsigned least, unsigned distinct, double skew)
{
    for (size_t i = 0; i < size; i++) {
        unsigned value = 0;

        if (skew >= 1)
            value = (unsigned)random_below(&randomness, distinct);
        else
            while (value + 1 < distinct &&
                   (double)random_below(&randomness, 1 << 20) < skew * (1 << 20))
                value++;
        plain[i] = (uint8_t)(least + value);
    }
    plain[random_below(&randomness, size - 1)] = (uint8_t)(least + distinct - 1);
    plain[size - 1] = (uint8_t)least;
}

static double entropy_bytes(size_t size, unsigned *distinct)
{
    size_t counts[256] = {0};
    double bits = 0;

    for (size_t i = 0; i < size; i++)
        counts[plain[i]]++;
    *distinct = 0;
    for (size_t s = 0; s < 256; s++) {
        if (counts[s] == 0)
            continue;
        bits += (double)counts[s] * log2((double)size / (double)counts[s]);
        ++*distinct;
    }
    return bits / 8;
}

/* Codes and decodes; the coded size. */
static size_t round_trip(const char *name, size_t size)
{
    struct rans_model model;
    struct error err = {0};
    unsigned distinct;
    double entropy = entropy_bytes(size, &distinct);
    size_t coded_size;

    if (!rans_model_make(&model, plain_bytes(size), SIZE_MAX))
        fail_msg("%s: %zu bytes: no model", name, size);
    assert_true(rans_bound(size) <= sizeof(coded));
    coded_size = rans_encode(&model, plain_bytes(size), coded);
    memset(got + size, 0xa5, GUARD);
    if (rans_decode((struct bytes){coded, coded_size}, slots, got, size, &err) ||
        memcmp(got, plain, size) != 0)
        fail_msg("%s: %zu bytes of %u values did not come back (%s)", name, size, distinct,
                 err.text);
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(got[size + i], 0xa5);
    if ((double)coded_size > entropy * 1.02 + 2 * distinct + 48)
        fail_msg("%s: %zu bytes of entropy %.1f took %zu", name, size, entropy, coded_size);
    if (fabs((double)coded_size - (double)model.size) > (double)coded_size / 50 + 16)
        fail_msg("%s: %zu bytes, expected %zu", name, coded_size, model.size);
    return coded_size;
}

static void test_bytes_of_any_distribution_come_back(void **state)
{
    static const size_t sizes[] = {
        2,    3,    4,   5, 31, 100, RANS_ALONE_MAX - 1, RANS_ALONE_MAX, RANS_ALONE_MAX + 1,
        4096, 8191, 8192};
    static const unsigned distincts[] = {2, 3, 12, 100, 255, 256};
    static const double skews[] = {0.02, 0.3, 0.6, 0.97, 1};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t d = 0; d < COUNT_OF(distincts); d++)
            for (size_t k = 0; k < COUNT_OF(skews); k++) {
                unsigned least = (unsigned)random_below(&randomness, 257 - distincts[d]);
                char name[64];

                snprintf(name, sizeof(name), "%u values, skew %.2f", distincts[d], skews[k]);
                fill(sizes[i], least, distincts[d], skews[k]);
                round_trip(name, sizes[i]);
            }
}

static void test_the_longest_and_the_most_uneven_come_back(void **state)
{
    (void)state;
    for (size_t size = RANS_BYTES_MAX - 1; size <= RANS_BYTES_MAX; size++) {
        fill(size, 0, 256, 0.9);
        round_trip("the longest", size);
        memset(plain, 7, size);
        plain[size / 2] = 200;
        assert_true(round_trip("one other", size) < 60);
    }
}

static void test_a_walk_is_within_two_percent_of_its_entropy(void **state)
{
    double entropy;
    unsigned distinct;

    (void)state;
    for (size_t i = 0; i < 8192; i++) {
        double sum = -6;
        int step;

        for (int k = 0; k < 12; k++)
            sum += (double)random_below(&randomness, 1 << 20) / (1 << 20);
        step = (int)lround(sum);
        plain[i] = (uint8_t)(step < 0 ? -2 * step - 1 : 2 * step);
    }
    entropy = entropy_bytes(8192, &distinct);
    assert_true((double)round_trip("walk", 8192) < entropy * 1.02);
}

static void test_the_same_bytes_give_the_same_coded_bytes(void **state)
{
    struct rans_model model;
    size_t size;

    (void)state;
    fill(5000, 3, 40, 0.8);
    size = round_trip("first", 5000);
    memset(&model, 0xff, sizeof(model));
    memset(again, 0xff, sizeof(again));
    assert_true(rans_model_make(&model, plain_bytes(5000), SIZE_MAX));
    assert_int_equal(rans_encode(&model, plain_bytes(5000), again), size);
    assert_memory_equal(coded, again, size);
}

/* From memory of exactly that size, so that a sanitizer tells any step beyond it. */
static enum code decode_exact(const char *data, size_t data_size, size_t size, struct error *err)
{
    char *copy = malloc(data_size + (data_size == 0));
    uint8_t *room = malloc(size);
    enum code code;

    assert_non_null(copy);
    assert_non_null(room);
    memcpy(copy, data, data_size);
    code = rans_decode((struct bytes){copy, data_size}, slots, room, size, err);
    if (code != OK && (code != E_CORRUPT || err->text[0] == '\0'))
        fail_msg("%zu coded bytes: code %d (%s)", data_size, (int)code, err->text);
    free(copy);
    free(room);
    return code;
}

static void test_cut_and_turned_bits_are_answered(void **state)
{
    static const size_t sizes[] = {40, 300, RANS_ALONE_MAX, RANS_ALONE_MAX + 7};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t size = sizes[i], coded_size, refused = 0;
        struct error err = {0};

        fill(size, 10, 9, 0.5);
        coded_size = round_trip("whole", size);
        for (size_t cut = 0; cut < coded_size; cut++)
            assert_int_equal(decode_exact(coded, cut, size, &err), E_CORRUPT);
        coded[coded_size] = 0;
        assert_int_equal(decode_exact(coded, coded_size + 1, size, &err), E_CORRUPT);
        assert_int_equal(decode_exact(coded, coded_size, size - 1, &err), E_CORRUPT);
        assert_int_equal(decode_exact(coded, coded_size, size + 1, &err), E_CORRUPT);
        for (size_t bit = 0; bit < coded_size * 8; bit++) {
            coded[bit / 8] = (char)(coded[bit / 8] ^ (1 << bit % 8));
            refused += decode_exact(coded, coded_size, size, &err) != OK;
            coded[bit / 8] = (char)(coded[bit / 8] ^ (1 << bit % 8));
        }
        /* The states at the end tell most; a section's CRC tells all. */
        assert_true(refused > coded_size * 8 * 9 / 10);
    }
}

static void test_chance_bytes_are_answered(void **state)
{
    struct error err = {0};
    char bytes[120];

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t size = (size_t)random_below(&randomness, sizeof(bytes));

        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)random_next(&randomness);
        if (size > 1 && random_chance(&randomness, 2)) {
            bytes[0] = (char)random_below(&randomness, 4);
            bytes[1] = (char)(bytes[0] + 1 + (char)random_below(&randomness, 8));
        }
        (void)decode_exact(bytes, size, 1 + (size_t)random_below(&randomness, 3000), &err);
    }
}

static int seed(void **state)
{
    (void)state;
    seed_random(&randomness);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_any_distribution_come_back),
        cmocka_unit_test(test_the_longest_and_the_most_uneven_come_back),
        cmocka_unit_test(test_a_walk_is_within_two_percent_of_its_entropy),
        cmocka_unit_test(test_the_same_bytes_give_the_same_coded_bytes),
        cmocka_unit_test(test_cut_and_turned_bits_are_answered),
        cmocka_unit_test(test_chance_bytes_are_answered),
    };
    return cmocka_run_group_tests(tests, seed, NULL);
}
