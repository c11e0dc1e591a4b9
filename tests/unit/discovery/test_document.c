#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discovery/document.h"

struct taken {
    struct bytes text;
    bool yes;
    unsigned choice, elements;
};

static enum code take_text(struct document *document, const struct json *value, struct error *err)
{
    struct taken *taken = document->context;

    return document_text_take(document, value, 8, &taken->text, err);
}

static enum code take_bool(struct document *document, const struct json *value, struct error *err)
{
    struct taken *taken = document->context;

    return document_bool_take(document, value, &taken->yes, err);
}

static enum code take_choice(struct document *document, const struct json *value, struct error *err)
{
    static const char *const names[] = {"active", "deleted", NULL};
    struct taken *taken = document->context;

    return document_choice_take(document, value, names, &taken->choice, err);
}

static enum code take_element(struct document *document, const struct json *value,
                              struct error *err)
{
    struct taken *taken = document->context;

    taken->elements++;
    return take_bool(document, value, err);
}

static enum code take_list(struct document *document, const struct json *value, struct error *err)
{
    return document_list_take(document, value, take_element, err);
}

static enum code read(const char *text, struct taken *taken, struct error *err)
{
    static const struct document_key keys[] = {
        {"text",   take_text  },
        {"bool",   take_bool  },
        {"choice", take_choice},
        {"list",   take_list  },
    };
    static struct arena arena;

    arena_release(&arena);
    arena_init(&arena, SIZE_MAX, NULL);
    *taken = (struct taken){.yes = false};
    return document_read(bytes_of(text), "a thing", keys, COUNT_OF(keys), &arena, taken, err);
}

static void test_what_is_right_is_taken(void **state)
{
    struct error err = {0};
    struct taken taken;

    (void)state;
    if (read("{\"text\":\"a b\",\"bool\":true,\"choice\":\"deleted\",\"list\":[true,false,true]}",
             &taken, &err))
        fail_msg("%s", err.text);
    assert_true(bytes_equal(taken.text, BYTES("a b")));
    assert_int_equal(taken.choice, 1);
    assert_int_equal(taken.elements, 3);
    assert_int_equal(read("{}", &taken, &err), OK);
    assert_int_equal(read("{\"text\":\"12345678\"}", &taken, &err), OK);
}

static void test_what_is_not_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *pointer, *want;
    } cases[] = {
        {"[]",                            "",         "a thing must be an object, not an array"          },
        {"{\"txet\":1}",                  "/txet",    "unknown key \"txet\"; did you mean \"text\"?"     },
        {"{\"zzz\":1}",                   "/zzz",     "/zzz: unknown key \"zzz\""                        },
        {"{\"a/b~c\":1}",                 "/a~1b~0c", "unknown key"                                      },
        {"{\"text\":1}",                  "/text",    "must be text, not"                                },
        {"{\"text\":\"\"}",               "/text",    "is empty"                                         },
        {"{\"text\":\"123456789\"}",      "/text",    "is longer than 8 bytes"                           },
        {"{\"text\":\"a\\nb\"}",          "/text",    "has a line break or a control character"          },
        {"{\"bool\":\"true\"}",           "/bool",    "must be true or false"                            },
        {"{\"choice\":\"activ\"}",        "/choice",  "unknown value \"activ\"; did you mean \"active\"?"},
        {"{\"list\":{}}",                 "/list",    "must be a list"                                   },
        {"{\"list\":[true,1]}",           "/list/1",  "must be true or false"                            },
        {"{\"bool\":true,\"bool\":true}", "",         "it is not JSON: line 1"                           },
    };
    struct taken taken;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};

        if (read(cases[i].text, &taken, &err) != E_CONFIG ||
            strcmp(err.pointer, cases[i].pointer) != 0 || !strstr(err.text, cases[i].want))
            fail_msg("%s: got %s at %s", cases[i].text, err.text, err.pointer);
    }
}

/* What stands where something else belongs may be an address with a password. */
static void test_no_error_tells_a_secret(void **state)
{
    static const char *const texts[] = {
        "{\"mongodb://u:canary@h\":1}",
        "{\"text\":\"mongodb://u:canary@h/long enough\"}",
        "{\"choice\":\"mongodb://u:canary@h\"}",
        "{\"text\":\"a\" \"mongodb://u:canary@h\"}",
        "{\"text\":mongodb://u:canary@h}",
        "\"mongodb://u:canary@h\"",
        "{\"choice\":\"canary@h\"}",
        "{\"bool\":\"canary\"}",
    };
    struct taken taken;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct error err = {0};

        assert_int_equal(read(texts[i], &taken, &err), E_CONFIG);
        if (strstr(err.text, "canary") || strstr(err.pointer, "canary"))
            fail_msg("%s: %s %s", texts[i], err.text, err.pointer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_right_is_taken),
        cmocka_unit_test(test_what_is_not_is_refused_with_its_place),
        cmocka_unit_test(test_no_error_tells_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
