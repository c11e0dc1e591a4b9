#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_doc.h"

static void test_a_document_is_read(void **state)
{
    static const char text[] = "{\"b\":[1,-2.5,true,null,\"x\\u0000y\"],\"a\":{}}";
    static const enum json_kind kinds[] = {JSON_KIND_INTEGER, JSON_KIND_REAL, JSON_KIND_BOOL,
                                           JSON_KIND_NULL, JSON_KIND_TEXT};
    struct json *root, *array, *value;
    struct error err = {0};
    struct bytes key;
    void *at = NULL;

    (void)state;
    assert_int_equal(OK, json_doc_parse(BYTES(text), 8, &root, &err));
    assert_int_equal(json_kind(root), JSON_KIND_OBJECT);
    assert_int_equal(json_count(root), 2);
    assert_true(json_next(root, &at, &key, &value));
    assert_true(bytes_equal(key, BYTES("b"))); /* in order of the document */
    assert_true(json_next(root, &at, &key, &value));
    assert_int_equal(json_kind(value), JSON_KIND_OBJECT);
    assert_int_equal(json_count(value), 0);
    assert_false(json_next(root, &at, &key, &value));
    array = json_member(root, "b");
    assert_null(json_member(root, "c"));
    assert_null(json_member(array, "c"));
    assert_int_equal(json_count(array), COUNT_OF(kinds));
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        assert_int_equal(json_kind(json_element(array, i)), kinds[i]);
    assert_null(json_element(array, COUNT_OF(kinds)));
    assert_int_equal(json_integer_of(json_element(array, 0)), 1);
    assert_true(json_real_of(json_element(array, 1)) == -2.5);
    assert_true(json_bool_of(json_element(array, 2)));
    assert_true(bytes_equal(json_text_of(json_element(array, 4)), BYTES("x\0y")));
    assert_string_equal(json_kind_name(json_kind(array)), "an array");
    json_doc_free(root);
    json_doc_free(NULL);
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        struct bytes text;
        enum code want;
        const char *where;
    } cases[] = {
        {BYTES(""),                          E_SYNTAX, "line 1"         },
        {BYTES("{\n\"a\":1,\n}"),            E_SYNTAX, "line 3"         },
        {BYTES("{\"a\":1,\"a\":2}"),         E_SYNTAX, "duplicate"      },
        {BYTES("{\"a\\u0000\":1}"),          E_SYNTAX, "NUL"            },
        {BYTES("[1\0]"),                     E_SYNTAX, "byte 3"         },
        {BYTES("[1] 2"),                     E_SYNTAX, "line 1"         },
        {BYTES("\"\xff\""),                  E_SYNTAX, "line 1"         },
        {BYTES("9223372036854775808"),       E_SYNTAX, "too big integer"},
        {BYTES("[[[[1]]]]"),                 E_DEPTH,  "3 levels"       },
        {BYTES("[[[\"[[[[\\\"[[\"]]]"),      OK,       ""               },
        {BYTES("[[[]],[[]],{\"]\":[[1]]}]"), E_DEPTH,  "byte "          },
        {BYTES("[[],[],{\"[[[[\":[1]}]"),    OK,       ""               },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err = {0};
        struct json *root;
        enum code code = json_doc_parse(cases[i].text, 3, &root, &err);

        if (code != cases[i].want || strstr(err.text, cases[i].where) == NULL)
            fail_msg("%.*s: %d %s", BYTES_ARG(cases[i].text), (int)code, err.text);
        if (code != OK)
            assert_null(root);
        json_doc_free(root);
    }
}

static void test_written_text_is_json(void **state)
{
    static const struct {
        struct bytes text;
        const char *want;
    } cases[] = {
        {{NULL, 0},                       "\"\""                                    },
        {BYTES("plain"),                  "\"plain\""                               },
        {BYTES("a\"b\\c\n\r\t\x01\x7f/"), "\"a\\\"b\\\\c\\n\\r\\t\\u0001\x7f/\""    },
        {BYTES("\0"),                     "\"\\u0000\""                             },
        {BYTES("\xc3\xa4\xff\xc3"),       "\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\""    },
        {BYTES("\xed\xa0\x80"),           "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out = BUF_INIT(1000);
        struct error err = {0};
        struct json *root;

        json_put_text(&out, cases[i].text);
        assert_true(bytes_equal(buf_bytes(&out), bytes_of(cases[i].want)));
        assert_int_equal(OK, json_doc_parse(buf_bytes(&out), 1, &root, &err));
        json_doc_free(root);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document_is_read),
        cmocka_unit_test(test_what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(test_written_text_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
