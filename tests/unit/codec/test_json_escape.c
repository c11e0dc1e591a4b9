#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "codec/json_escape.h"

static void test_escapes(void **state)
{
    static const struct {
        const char *text; /* with the quote that ends it */
        const char *want; /* "" = it is none */
        size_t size;      /* of the escape */
    } cases[] = {
        {"\\n\"",            "\n",               2 },
        {"\\\"\"",           "\"",               2 },
        {"\\\\\"",           "\\",               2 },
        {"\\/x\"",           "/",                2 },
        {"\\u0041\"",        "A",                6 },
        {"\\u00E4\"",        "\xc3\xa4",         6 },
        {"\\u20ac0\"",       "\xe2\x82\xac",     6 },
        {"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 12},
        {"\\x\"",            "",                 0 },
        {"\\\n\"",           "",                 0 },
        {"\\u\"",            "",                 0 },
        {"\\u12\"",          "",                 0 },
        {"\\u123g\"",        "",                 0 },
        {"\\ud83d\"",        "",                 0 },
        {"\\ud83d\\\"",      "",                 0 },
        {"\\ud83d\\u\"",     "",                 0 },
        {"\\ud83d\\ude0\"",  "",                 0 },
        {"\\ud83d\\u0041\"", "",                 0 },
        {"\\ude00\"",        "",                 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        /* With nothing behind the quote, so that no byte too many is read unseen. */
        size_t size = strlen(cases[i].text), got;
        char *copy = malloc(size), out[4];
        const char *at = copy;

        memcpy(copy, cases[i].text, size);
        got = json_unescape(&at, out);
        if (got != strlen(cases[i].want) || memcmp(out, cases[i].want, got) != 0)
            fail_msg("%s: %zu bytes", cases[i].text, got);
        if (got > 0)
            assert_int_equal(at - copy, cases[i].size);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
