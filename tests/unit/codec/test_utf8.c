#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/utf8.h"

static void test_the_first_bad_byte_is_found(void **state)
{
    static const struct {
        const char *name;
        struct bytes text;
        size_t want;
    } cases[] = {
        {"nothing",              BYTES(""),                                     0 },
        {"ascii",                BYTES("0123456789abcdef"),                     16},
        {"two, three, four",     BYTES("\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80"), 9 },
        {"last character",       BYTES("\xf4\x8f\xbf\xbf"),                     4 },
        {"above the last",       BYTES("a\xf4\x90\x80\x80"),                    1 },
        {"f5",                   BYTES("\xf5\x80\x80\x80"),                     0 },
        {"overlong two",         BYTES("ab\xc1\xbf"),                           2 },
        {"overlong three",       BYTES("\xe0\x9f\xbf"),                         0 },
        {"overlong four",        BYTES("\xf0\x8f\xbf\xbf"),                     0 },
        {"surrogate",            BYTES("\xed\xa0\x80"),                         0 },
        {"before surrogates",    BYTES("\xed\x9f\xbf"),                         3 },
        {"cut",                  BYTES("0123456789\xe2\x82"),                   10},
        {"cut by a letter",      BYTES("\xe2\x82z"),                            0 },
        {"lone continuation",    BYTES("0123456\x80"),                          7 },
        {"good, bad, good",      BYTES("\xc3\xa4\xff\xc3\xa4"),                 2 },
        {"a NUL is a character", BYTES("a\0b"),                                 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (utf8_check(cases[i].text) != cases[i].want)
            fail_msg("%s: %zu", cases[i].name, utf8_check(cases[i].text));
}

static void test_every_character_reads_back_as_one(void **state)
{
    (void)state;
    for (uint32_t rune = 0; rune <= 0x10ffff; rune++) {
        char out[4];
        size_t size;

        if (rune == 0xd800)
            rune = 0xe000;
        size = utf8_put(rune, out);
        if (utf8_check((struct bytes){out, size}) != size)
            fail_msg("U+%04X", rune);
        if (size > 1)
            assert_int_equal(utf8_check((struct bytes){out, size - 1}), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_bad_byte_is_found),
        cmocka_unit_test(test_every_character_reads_back_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
