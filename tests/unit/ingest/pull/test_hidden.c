#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "ingest/pull/hidden.h"

static void test_what_is_hidden_is_not_in_a_text(void **state)
{
    static const char *const headers[] = {"Accept: x", "Authorization: Basic dXNlcjpwYXNz",
                                          "User-Agent: weir 1", NULL};
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"",                               ""                              },
        {"nothing of it, weir 1 Basic x",  "nothing of it, weir 1 Basic x" },
        {"s3cret",                         "******"                        },
        {"a s3crets3cret, s3cret.",        "a ************, ******."       },
        {"Basic dXNlcjpwYXNz: is no user", "Basic ************: is no user"},
        {"it was cut: s3cre",              "it was cut: *****"             },
        {"it was cut: s3cr",               "it was cut: ****"              },
        {"s3c",                            "s3c"                           },
        {"s3cre is no end",                "s3cre is no end"               },
        {"of one byte: z",                 "of one byte: *"                },
    };
    struct hidden hidden = {NULL};
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_true(hidden_add(&hidden, &arena, BYTES("s3cret")));
    assert_true(hidden_add(&hidden, &arena, BYTES("")));
    assert_true(hidden_add(&hidden, &arena, BYTES("z")));
    assert_true(hidden_add_headers(&hidden, &arena, headers));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s", cases[i].text);
        hidden_mask(&hidden, text, strlen(text));
        assert_string_equal(text, cases[i].told);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_hidden_is_not_in_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
