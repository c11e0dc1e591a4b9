#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_doc.h"
#include "ingest/source/source_settings.h"

static struct bytes part(const char *text)
{
    return bytes_of(text == NULL ? "" : text);
}

struct pair {
    const char *key, *value;
};

/* `want` is the document, or a part of the error's text. */
static void expect(const char *json, const struct pair pairs[3], const char *name, const char *want)
{
    struct source_setting given[3];
    struct bytes filled = {NULL, 0};
    struct error err = {0};
    struct arena arena;
    size_t count = 0;
    enum code code;

    for (; count < 3 && pairs[count].key != NULL; count++)
        given[count] = (struct source_setting){part(pairs[count].key), part(pairs[count].value)};
    arena_init(&arena, SIZE_MAX, NULL);
    code = source_settings_fill(bytes_of(json), given, count, part(name), &arena, &filled, &err);
    if (code == OK ? !bytes_equal(filled, bytes_of(want)) : strstr(err.text, want) == NULL)
        fail_msg("%s: %.*s%s", json, BYTES_ARG(filled), err.text);
    arena_release(&arena);
}

static void test_settings_go_where_they_stand(void **state)
{
    static const struct {
        const char *json;
        struct pair pairs[3];
        const char *name, *want;
    } cases[] = {
        {"{\"a\":\"${set:x}\"}",                                 {{"x", "1"}},   NULL, "{\"a\":\"1\"}"                                       },
        {"{\"a\":[\"-${set:x}${set:y}-\",1.10]}",
         {{"x", "1"}, {"y", "2"}},
         NULL,                                                                         "{\"a\":[\"-12-\",1.10]}"                             },
        {"{\"${set:x}\":\"y\"}",                                 {{"x", "k"}},   NULL, "{\"k\":\"y\"}"                                       },
        {"{\"a\":\"${set:x:-7}\"}",                              {{NULL, NULL}}, NULL, "{\"a\":\"7\"}"                                       },
        {"{\"a\":\"${set:x:-7}\"}",                              {{"x", ""}},    NULL, "{\"a\":\"\"}"                                        },
        {"{\"a\":\"${set:x:-}\"}",                               {{NULL, NULL}}, NULL, "{\"a\":\"\"}"                                        },
        {"{\"a\":\"${set:x:-s \\\"y\\\"}\"}",                    {{NULL, NULL}}, NULL, "{\"a\":\"s \\\"y\\\"\"}"                             },
        {"{\"a\":\"${each.x} $${set:x} $\"}",
         {{NULL, NULL}},
         NULL,                                                                         "{\"a\":\"${each.x} $${set:x} $\"}"                   },
        {"{\"a\":\"\\\\\\\"${set:x}\\\\\"}",                     {{"x", "1"}},   NULL, "{\"a\":\"\\\\\\\"1\\\\\"}"                           },
        {"{\"a\": 1, \"name\" : \"n\", \"b\":{\"name\":\"n\"}}",
         {{NULL, NULL}},
         "m",                                                                          "{\"a\": 1, \"name\" : \"m\", \"b\":{\"name\":\"n\"}}"},
        {"{\"name\":\"n-${set:x}\"}",                            {{"x", "1"}},   NULL, "{\"name\":\"n-1\"}"                                  },
        {"{\"a\":{\"name\":\"n\"}}",                             {{NULL, NULL}}, "m",  "{\"a\":{\"name\":\"n\"}}"                            },
        {"{\"a\":\"name\"}",                                     {{NULL, NULL}}, "m",  "{\"a\":\"name\"}"                                    },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(cases[i].json, cases[i].pairs, cases[i].name, cases[i].want);
}

/* Whatever a value has in it, the document is one text longer and nothing else. */
static void test_a_value_is_never_more_than_a_text(void **state)
{
    static const char *const values[] = {
        "\"", "\\", "\",\"b\":\"", "a: b\n- c", "}{", "# x", "\x01\x7f", "ä\xff", "'", "*a &b",
    };
    static const char json[] = "{\"a\":\"<${set:x}>\",\"c\":[1]}";

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct source_setting given = {BYTES("x"), bytes_of(values[i])};
        struct json *root = NULL;
        struct bytes filled, text;
        struct error err = {0};
        struct arena arena;

        arena_init(&arena, SIZE_MAX, NULL);
        assert_int_equal(
            source_settings_fill(bytes_of(json), &given, 1, BYTES(""), &arena, &filled, &err), OK);
        if (json_doc_parse(filled, 8, &root, &err))
            fail_msg("%s: %s", values[i], err.text);
        assert_int_equal(json_count(root), 2);
        text = json_text_of(json_member(root, "a"));
        assert_true(text.size >= 2 && text.data[0] == '<' && text.data[text.size - 1] == '>');
        if (strchr(values[i], '\xff') == NULL) /* which is no UTF-8, and is none in the answer */
            assert_memory_equal(text.data + 1, values[i], strlen(values[i]));
        json_doc_free(root);
        arena_release(&arena);
    }
}

static void test_what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *json;
        struct pair pairs[3];
        const char *want;
    } cases[] = {
        {"{\"a\":\"${set:lat} ${set:lon} ${set:lat} ${set:site:-}\"}",
         {{NULL, NULL}},
         "wants --set lat=VALUE --set lon=VALUE"                                                                                  },
        {"{\"a\":\"${set:lat:-1}\",\"b\":\"${set:lat}\"}",             {{NULL, NULL}},           "wants --set lat=VALUE"          },
        {"{\"a\":\"${set:lat}\"}",                                     {{"lta", "1"}},           "\"lta\"; did you mean \"lat\"?" },
        {"{\"a\":\"${set:lat}\"}",                                     {{"country", "1"}},       "there is no setting \"country\""},
        {"{\"a\":\"b\"}",                                              {{"x", "1"}},             "the document has none"          },
        {"{\"a\":\"${set:x}\"}",                                       {{"x", "1"}, {"x", "1"}}, "\"x\" is given twice"           },
        {"{\"a\":\"${set:x}\"}",                                       {{"x", "${secret:y}"}},   "has a '$'"                      },
        {"{\"a\":\"${set:x}{secret:y}\"}",                             {{"x", "$"}},             "has a '$'"                      },
        {"{\"a\":\"${set:}\"}",                                        {{NULL, NULL}},           "is no setting"                  },
        {"{\"a\":\"${set:a b}\"}",                                     {{NULL, NULL}},           "is no setting"                  },
        {"{\"a\":\"${set:x:-$}\"}",                                    {{NULL, NULL}},           "is no setting"                  },
        {"[\"${set:x}\"]",                                             {{"x", "1"}},             "the document is an array"       },
        {"{\"a\":\"${set:x}",                                          {{"x", "1"}},             ""                               },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(cases[i].json, cases[i].pairs, NULL, cases[i].want);
}

static void test_what_a_document_wants_is_found(void **state)
{
    static const char json[] = "{\"a\":\"${secret:k} ${set:x:-1} ${secret:k}\",\"b\":\"${set:y} "
                               "${set:x:-2} ${secret:l}\"}";
    struct source_wishes wishes;
    struct error err = {0};

    (void)state;
    assert_int_equal(source_settings_find(bytes_of(json), &wishes, &err), OK);
    assert_int_equal(wishes.setting_count, 2);
    assert_true(bytes_equal(wishes.settings[0].key, BYTES("x")));
    assert_true(bytes_equal(wishes.settings[0].initial, BYTES("1")));
    assert_false(wishes.settings[0].needed);
    assert_true(wishes.settings[1].needed);
    assert_int_equal(wishes.secret_count, 2);
    assert_true(bytes_equal(wishes.secrets[1], BYTES("l")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_go_where_they_stand),
        cmocka_unit_test(test_a_value_is_never_more_than_a_text),
        cmocka_unit_test(test_what_is_wrong_is_told),
        cmocka_unit_test(test_what_a_document_wants_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
