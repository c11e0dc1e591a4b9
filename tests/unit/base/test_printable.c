#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/printable.h"

static void test_size_of_the_first_character(void **state)
{
    static const struct {
        const char *name;
        struct bytes text;
        size_t want;
    } cases[] = {
        {"nothing",                {"", 0},                 0},
        {"ASCII",                  {"a\n", 2},              1},
        {"NUL",                    {"\0", 1},               0},
        {"line feed",              {"\n", 1},               0},
        {"DEL",                    {"\x7f", 1},             0},
        {"two bytes",              {"\xc2\xb5", 2},         2},
        {"C1",                     {"\xc2\x9f", 2},         0},
        {"first after C1",         {"\xc2\xa0", 2},         2},
        {"overlong two",           {"\xc1\xbf", 2},         0},
        {"cut two",                {"\xc2", 1},             0},
        {"three bytes",            {"\xe2\x82\xac", 3},     3},
        {"overlong three",         {"\xe0\x9f\xbf", 3},     0},
        {"last before surrogates", {"\xed\x9f\xbf", 3},     3},
        {"surrogate",              {"\xed\xa0\x80", 3},     0},
        {"cut three",              {"\xe2\x82", 2},         0},
        {"four bytes",             {"\xf0\x9f\x98\x80", 4}, 4},
        {"overlong four",          {"\xf0\x8f\xbf\xbf", 4}, 0},
        {"last of all",            {"\xf4\x8f\xbf\xbf", 4}, 4},
        {"beyond",                 {"\xf4\x90\x80\x80", 4}, 0},
        {"no lead",                {"\xf5\x80\x80\x80", 4}, 0},
        {"cut four",               {"\xf0\x9f\x98", 3},     0},
        {"bad tail",               {"\xf0\x9f\x98\x41", 4}, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size = printable_size(cases[i].text);

        if (size != cases[i].want)
            fail_msg("%s: got %zu", cases[i].name, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size_of_the_first_character)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
