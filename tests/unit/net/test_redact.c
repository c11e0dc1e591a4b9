#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/redact.h"

static void test_words_are_hidden(void **state)
{
    static const struct bytes words[] = {
        BYTES("pass"), {NULL, 0},
         BYTES("password"), BYTES("u")
    };
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"",                   ""                },
        {"nothing",            "nothing"         },
        {"pass",               "***"             },
        {"password",           "***"             }, /* the longest */
        {"a pass, passwords.", "a ***, ***s."    },
        {"passpass up",        "****** ***p"     },
        {"pas",                "pas"             },
        {"0123456789abcdefgh", "0123456789abcdef"}, /* as much as there is room for */
        {"0123456789abcpass",  "0123456789abc***"},
        {"0123456789abcdpass", "0123456789abcd**"},
    };
    char text[17];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        redact_words(cases[i].text, words, COUNT_OF(words), text, sizeof(text));
        if (strcmp(text, cases[i].want) != 0)
            fail_msg("%s: got %s", cases[i].text, text);
    }
    redact_words("pass", NULL, 0, text, sizeof(text));
    assert_string_equal(text, "pass");
    redact_words("pass", words, COUNT_OF(words), text, 1);
    assert_string_equal(text, "");
}

static void test_quotations_are_hidden_but_for_names_of_options(void **state)
{
    static const struct {
        const char *text, *options, *want;
    } cases[] = {
        {"",                                        "",             ""                                       },
        {"no quotes",                               "",             "no quotes"                              },
        {"Password \"secret\" must not",            "",             "Password \"...\" must not"              },
        {"Error parsing URI: 'mongodb://u:p@h'",    "",             "Error parsing URI: \"...\""             },
        {"Unsupported value for \"w\": \"secret\"", "a=1&w=secret",
         "Unsupported value for \"w\": \"...\""                                                              },
        {"Unsupported value for \"W\"",             "w=1",          "Unsupported value for \"W\""            },
        {"the value \"secret\"",                    "w=secret",     "the value \"...\""                      },
        {"the name \"secret\"",                     "secrets=1&a",  "the name \"...\""                       },
        {"the name \"secret\"",                     "1&secret",     "the name \"...\""                       },
        {"\"\"",                                    "=1",           "\"...\""                                },
        {"\"a\"\"b\"",                              "b=1",          "\"...\"\"b\""                           },
        {"readPreference [readPreference=secret]",  "",             "readPreference \"...\""                 },
        {"Couldn't and can't 'secret' say",         "",             "Couldn't and can't \"...\" say"         },
        {"one \" alone",                            "",             "one \" alone"                           },
        {"'secret' at the beginning",               "",             "\"...\" at the beginning"               },
        {"a long text, until there is no room \"x", "",             "a long text, until there is no room \"x"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        redact_quotes(cases[i].text, bytes_of(cases[i].options), text, sizeof(text));
        if (strcmp(text, cases[i].want) != 0)
            fail_msg("%s: got %s", cases[i].text, text);
    }
    redact_quotes("a \"secret\" b", BYTES(""), text, 6);
    assert_string_equal(text, "a \"..");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_hidden),
        cmocka_unit_test(test_quotations_are_hidden_but_for_names_of_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
