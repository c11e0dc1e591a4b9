#include "codec/rans_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/codec/seed.h"

static uint8_t plain[RANS_BYTES_MAX];
static struct random randomness;

static struct bytes plain_bytes(size_t size)
{
    return (struct bytes){(const char *)plain, size};
}

/* Each of `distinct` values from `least` on comes, the first ones more often the more `even` is
 * false. */
static void fill(size_t size, unsigned least, unsigned distinct, bool even)
{
    for (size_t i = 0; i < size; i++) {
        unsigned value = (unsigned)random_below(&randomness, distinct);

        if (!even)
            value = (unsigned)random_below(&randomness, value + 1);
        plain[i] = (uint8_t)(least + (i < distinct ? i : value));
    }
}

/* From memory of exactly that size, so that a sanitizer tells any step beyond it. */
static enum code shares_read(struct bytes table, struct rans_shares *shares, struct error *err)
{
    char *copy = malloc(table.size + (table.size == 0));
    struct bytes coded = {copy, table.size};
    enum code code;

    assert_non_null(copy);
    memcpy(copy, table.data, table.size);
    code = rans_shares_read(&coded, shares, err);
    if (code == OK)
        assert_ptr_equal(coded.data, copy + table.size - coded.size);
    free(copy);
    return code;
}

static void test_the_table_gives_the_shares_that_the_model_has(void **state)
{
    static const size_t sizes[] = {256, 1000, 8192, RANS_BYTES_MAX};
    static const unsigned distincts[] = {2, 3, 12, 100, 255, 256};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t d = 0; d < 2 * COUNT_OF(distincts); d++) {
            unsigned distinct = distincts[d / 2];
            unsigned least = (unsigned)random_below(&randomness, 257 - distinct), sum = 0;
            struct rans_model model;
            struct rans_shares shares;
            struct error err = {0};

            fill(sizes[i], least, distinct, d % 2 == 0);
            assert_true(rans_model_make(&model, plain_bytes(sizes[i]), SIZE_MAX));
            assert_int_equal(model.shares.least, least);
            assert_int_equal(model.shares.greatest, least + distinct - 1);
            if (shares_read((struct bytes){(const char *)model.table, model.table_size}, &shares,
                            &err))
                fail_msg("%zu bytes of %u values: %s", sizes[i], distinct, err.text);
            assert_int_equal(shares.least, least);
            assert_int_equal(shares.greatest, least + distinct - 1);
            for (unsigned s = least; s < least + distinct; s++) {
                assert_int_equal(shares.frequency[s], model.shares.frequency[s]);
                assert_true(shares.frequency[s] > 0);
                sum += shares.frequency[s];
            }
            assert_int_equal(sum, RANS_TOTAL);
        }
}

static void test_what_is_behind_the_table_is_left(void **state)
{
    struct bytes table;
    struct rans_model model;
    struct rans_shares shares;
    char text[RANS_TABLE_MAX + 8];

    (void)state;
    fill(300, 7, 5, true);
    assert_true(rans_model_make(&model, plain_bytes(300), SIZE_MAX));
    memcpy(text, model.table, model.table_size);
    memcpy(text + model.table_size, "and more", 8);
    table = (struct bytes){text, model.table_size + 8};
    assert_int_equal(rans_shares_read(&table, &shares, NULL), OK);
    assert_int_equal(table.size, 8);
    assert_memory_equal(table.data, "and more", 8);
}

static void test_what_would_not_be_short_enough_is_told_before_it_is_coded(void **state)
{
    struct rans_model model;

    (void)state;
    fill(4096, 0, 256, true);
    assert_false(rans_model_make(&model, plain_bytes(4096), 4096 - 64));
    fill(4096, 0, 4, true);
    assert_false(rans_model_make(&model, plain_bytes(4096), 1024));
    assert_true(rans_model_make(&model, plain_bytes(4096), 1024 + 64));
    assert_false(rans_model_make(&model, plain_bytes(4096), model.size));
    assert_true(rans_model_make(&model, plain_bytes(4096), model.size + 1));
}

static void test_wrong_forms_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *name, *text;
        struct bytes bytes;
    } cases[] = {
        {"nothing",     "rans: no table in 0 bytes",              {"", 0}                },
        {"two bytes",   "rans: no table in 2 bytes",              {"\x01\x02", 2}        },
        {"one value",   "rans: bytes from 5 to 5",                {"\x05\x05\x00", 3}    },
        {"falling",     "rans: bytes from 6 to 5",                {"\x06\x05\x00", 3}    },
        {"precision 3", "rans: precision 3",                      {"\x00\x01\x0c", 3}    },
        {"zeros",       "rans: code of byte 0",                   {"\x00\x01\x00\x00", 4}},
        {"absent ends", "rans: bytes from 0 to 1 without weight", {"\x00\x01\x30", 3}    },
        {"below zero",  "rans: byte 0 has code -1",               {"\x00\x01\x20", 3}    },
        {"bits behind", "rans: bits behind the table",            {"\x00\x01\x70", 3}    },
        {"early end",   "rans: the table ends early",             {"\x00\x08\xe0\xbf", 4}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rans_shares shares;
        struct error err = {0};

        assert_int_equal(shares_read(cases[i].bytes, &shares, &err), E_CORRUPT);
        if (strcmp(err.text, cases[i].text) != 0)
            fail_msg("%s: %s", cases[i].name, err.text);
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
        cmocka_unit_test(test_the_table_gives_the_shares_that_the_model_has),
        cmocka_unit_test(test_what_is_behind_the_table_is_left),
        cmocka_unit_test(test_what_would_not_be_short_enough_is_told_before_it_is_coded),
        cmocka_unit_test(test_wrong_forms_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, seed, NULL);
}
