#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/source_examples.h"
#include "server/source_form.h"

/* The document is given as JSON with ' for ". */
static enum code fill(const char *text, const char *set, const char *as, struct arena *arena,
                      struct source_form *form, struct error *err)
{
    struct argument_list sets = {.items = {set}, .count = set ? 1 : 0};
    struct bytes json = arena_copy(arena, bytes_of(text));

    for (size_t i = 0; i < json.size; i++)
        if (json.data[i] == '\'')
            ((char *)json.data)[i] = '"';
    return source_form_fill(json, &sets, as, arena, form, err);
}

static void test_a_form_has_name_host_and_secrets(void **state)
{
    static const struct {
        const char *text, *set, *as, *name, *host;
    } cases[] = {
        {"{'name':'a','request':{'url':'https://h.example/x?y'}}",          NULL,  NULL, "a",   "h.example"},
        {"{'name':'a','request':{'url':'http://h.example:8443'}}",          NULL,  "b",  "b",
         "h.example:8443"                                                                                  },
        {"{'name':'a','request':{'url':'https://h?x'},"
         "'auth':{'token_url':'https://t.example/token'}}",        NULL,  NULL, "a",   "t.example"},
        {"{'name':'${set:n}-1','request':{'url':'https://h/${secret:k}'}}", "n=a", NULL, "a-1",
         "h"                                                                                               },
        {"{'name':'a'}",                                                    NULL,  NULL, "a",   ""         },
        {"{'name':1,'request':[]}",                                         NULL,  "b",  "b",   ""         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct source_form form;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (fill(cases[i].text, cases[i].set, cases[i].as, &arena, &form, &err) ||
            !bytes_equal(form.name, bytes_of(cases[i].name)) ||
            !bytes_equal(form.host, bytes_of(cases[i].host)))
            fail_msg("%zu: %.*s at %.*s: %s", i, BYTES_ARG(form.name), BYTES_ARG(form.host),
                     err.text);
        assert_int_equal(form.wishes.secret_count, strstr(cases[i].text, "secret") != NULL);
        arena_release(&arena);
    }
}

static void test_what_is_wrong_with_a_form_is_told(void **state)
{
    static const struct {
        const char *text, *set, *want;
    } cases[] = {
        {"{'a':1}",      NULL,  "has no name: --as NAME"},
        {"{'name':1}",   NULL,  "has no name: --as NAME"},
        {"{'name':'a'}", "x",   "want KEY=VALUE"        },
        {"{'name':'a'}", "x=1", "the document has none" },
        {"{'name':'a'",  NULL,  ""                      },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct source_form form;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        if (fill(cases[i].text, cases[i].set, NULL, &arena, &form, &err) == OK ||
            !strstr(err.text, cases[i].want))
            fail_msg("%zu: %s", i, err.text);
        arena_release(&arena);
    }
}

static void test_a_document_comes_from_an_example_or_a_file(void **state)
{
    char path[] = "/tmp/weir-form-XXXXXX";
    int file = mkstemp(path);
    struct error err = {0};
    struct bytes json;
    struct arena arena;

    (void)state;
    arena_init(&arena, SIZE_MAX, NULL);
    assert_int_equal(source_form_read("open-meteo", &arena, &json, &err), OK);
    assert_true(json.data[0] == '{');
    assert_int_equal(write(file, "a: 1\n", 5), 5);
    assert_int_equal(source_form_read(path, &arena, &json, &err), OK);
    assert_true(bytes_equal(json, BYTES("{\"a\":1}")));
    assert_int_equal(source_form_read("open-meteeo", &arena, &json, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.text, "did you mean \"open-meteo\"?"));
    assert_int_equal(source_form_read("nothing-like-it", &arena, &json, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.text, "weir source examples"));
    close(file);
    unlink(path);
    arena_release(&arena);
}

static void test_the_first_line_says_what_an_example_is(void **state)
{
    (void)state;
    assert_true(bytes_equal(source_form_about("# What it is\n# more\n"), BYTES("What it is")));
    assert_int_equal(source_form_about("name: a\n").size, 0);
    assert_int_equal(source_form_about("# no end").size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_form_has_name_host_and_secrets),
        cmocka_unit_test(test_what_is_wrong_with_a_form_is_told),
        cmocka_unit_test(test_a_document_comes_from_an_example_or_a_file),
        cmocka_unit_test(test_the_first_line_says_what_an_example_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
