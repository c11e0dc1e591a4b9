#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/json_parameters.h"

#include "catalog/match.h"

static struct json *doc_of(const char *text)
{
    struct json *root;
    struct error err = {0};

    if (json_doc_parse(bytes_of(text), 8, &root, &err))
        fail_msg("%s: %s", text, err.text);
    return root;
}

static void test_json_becomes_the_text_of_a_parameter(void **state)
{
    static const struct {
        enum parameter parameter;
        const char *json, *want; /* values with a bar between them */
    } cases[] = {
        {P_MEASUREMENT, "\"cpu\"",                           "cpu"                         },
        {P_STRICT,      "true",                              "true"                        },
        {P_STRICT,      "false",                             "false"                       },
        {P_START,       "-5",                                "-5"                          },
        {P_START,       "\"now-1h\"",                        "now-1h"                      },
        {P_LIMIT,       "9223372036854775807",               "9223372036854775807"         },
        {P_FIELDS,      "[\"a\",\"b,c\",\"d\\\\e\"]",        "a,b\\,c,d\\\\e"              },
        {P_FIELDS,      "\"a,b\"",                           "a\\,b"                       },
        {P_FIELDS,      "[]",                                ""                            },
        {P_GROUP_BY,    "\"*\"",                             "*"                           },
        {P_AGG,         "[\"mean\",\"rate(1m)\"]",           "mean,rate(1m)"               },
        {P_TOP,         "\"5,a\"",                           "5,a"                         },
        {P_TOP,         "[5,\"a,b\"]",                       "5,a,b"                       },
        {P_LET,         "[\"a=b\",\"c=d\"]",                 "a=b|c=d"                     },
        {P_WHERE,       "\"a>1\"",                           "a>1"                         },
        {P_MATCH,       "[\"host=a\",\"x!=b\"]",             "host=a|x!=b"                 },
        {P_MATCH,       "{\"host\":\"a\",\"dc\":null}",      "host=a|dc="                  },
        {P_MATCH,       "{\"host\":\"~a.b\\u0000\\u00e9\"}", "host=~\\~a\\.b\\x{0}\xc3\xa9"},
        {P_MATCH,       "{}",                                NULL                          },
        {P_FILL,        "0",                                 "0"                           },
        {P_FILL,        "0.0",                               "0.0"                         },
        {P_FILL,        "1e300",                             "1e+300"                      },
        {P_FILL,        "null",                              "null"                        },
        {P_FILL,        "\"previous\"",                      "previous"                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json *root = doc_of(cases[i].json);
        struct buf got = BUF_INIT(4096);
        struct error err = {0};
        struct arena arena;
        struct parameter_list list = {.arena = &arena}, copy = {.arena = &arena};

        arena_init(&arena, 1 << 20, NULL);
        if (parameter_list_add(&list, cases[i].parameter, root, &err))
            fail_msg("%s: %s", cases[i].json, err.text);
        json_doc_free(root); /* nothing of it is needed */
        assert_string_equal(err.pointer, "");
        assert_int_equal(parameter_list_copy(&copy, &list, cases[i].parameter, NULL), OK);
        assert_int_equal(parameter_list_copy(&copy, &list, P_SHAPE, NULL), OK);
        assert_int_equal(copy.count, list.count);
        for (size_t n = 0; n < copy.count; n++) {
            assert_int_equal(parameter_named(copy.items[n].name), cases[i].parameter);
            buf_put_text(&got, n ? "|" : "");
            buf_put(&got, copy.items[n].value);
        }
        assert_int_equal(parameter_list_has(&list, cases[i].parameter), cases[i].want != NULL);
        if (!bytes_equal(buf_bytes(&got), bytes_of(cases[i].want ? cases[i].want : "")))
            fail_msg("%s: got %.*s", cases[i].json, BYTES_ARG(buf_bytes(&got)));
        buf_release(&got);
        arena_release(&arena);
    }
}

/* A tag's value in an object stands for itself, whatever it begins with. */
static void test_values_of_tags_are_no_patterns(void **state)
{
    static const char *const values[] = {"~",   "~.*", "~a\\Eb", "~(",
                                         "=~x", "a|b", "",       "~ \t\xc3\xa9"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct buf text = BUF_INIT(1024);
        struct json *root;
        struct arena arena;
        struct parameter_list list = {.arena = &arena};
        struct matcher matcher;
        struct matchset *set;
        struct selector selector = {BYTES("m"), &matcher, 1};

        arena_init(&arena, 1 << 20, NULL);
        buf_put_text(&text, "{\"k\":");
        json_put_text(&text, bytes_of(values[i]));
        buf_put_text(&text, "}");
        assert_int_equal(json_doc_parse(buf_bytes(&text), 2, &root, NULL), OK);
        assert_int_equal(parameter_list_add(&list, P_MATCH, root, NULL), OK);
        assert_int_equal(matcher_parse(list.items[0].value, &matcher, NULL), OK);
        assert_int_equal(matchset_new(&selector, &set, NULL), OK);
        for (size_t j = 0; j < COUNT_OF(values); j++) {
            bool gave_up = false;

            if (matchset_admits(set, 0, bytes_of(values[j]), &gave_up) != (i == j) || gave_up)
                fail_msg("%s as %.*s, asked for %s", values[i], BYTES_ARG(list.items[0].value),
                         values[j]);
        }
        matchset_free(set);
        json_doc_free(root);
        buf_release(&text);
        arena_release(&arena);
    }
}

static void test_other_json_is_refused_where_it_stands(void **state)
{
    static const struct {
        enum parameter parameter;
        const char *json, *pointer, *part;
    } cases[] = {
        {P_MEASUREMENT, "1",               "measurement", "an integer; want a text"          },
        {P_MEASUREMENT, "null",            "measurement", "null; want a text"                },
        {P_STRICT,      "\"true\"",        "strict",      "want true or false"               },
        {P_START,       "1.5",             "start",       "a real number; want a text or an" },
        {P_LIMIT,       "\"5\"",           "limit",       "a text; want an integer"          },
        {P_FIELDS,      "{}",              "fields",      "an object; want an array of texts"},
        {P_FIELDS,      "[\"a\",1]",       "fields/1",    "an integer; want a text"          },
        {P_AGG,         "[[]]",            "agg/0",       "an array; want a text"            },
        {P_TOP,         "[\"a\",5]",       "top",         "as in [5,\"mean_user\"]"          },
        {P_TOP,         "[5]",             "top",         "as in [5,\"mean_user\"]"          },
        {P_BOTTOM,      "5",               "bottom",      "as in [5,\"mean_user\"]"          },
        {P_LET,         "{\"a\":\"b\"}",   "let",         "a text or an array of texts"      },
        {P_WHERE,       "[\"a>1\",true]",  "where/1",     "a bool; want a text"              },
        {P_MATCH,       "{\"a\":5}",       "match",       "\"a\" is an integer; want a text" },
        {P_MATCH,       "{\"a=\":\"b\"}",  "match",       "a tag in a matcher"               },
        {P_MATCH,       "{\"a!\":\"b\"}",  "match",       "a tag in a matcher"               },
        {P_MATCH,       "{\"a!~\":\"b\"}", "match",       "a tag in a matcher"               },
        {P_MATCH,       "{\"\":\"b\"}",    "match",       "is not empty"                     },
        {P_MATCH,       "5",               "match",       "or an object"                     },
        {P_FILL,        "true",            "fill",        "a text, a number or null"         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct json *root = doc_of(cases[i].json);
        struct error err = {0};
        struct arena arena;
        struct parameter_list list = {.arena = &arena};

        arena_init(&arena, 1 << 20, NULL);
        if (parameter_list_add(&list, cases[i].parameter, root, &err) != E_BAD_PARAMETER ||
            strcmp(err.pointer, cases[i].pointer) != 0 || !strstr(err.text, cases[i].part))
            fail_msg("%s: \"%s\", \"%s\"", cases[i].json, err.pointer, err.text);
        json_doc_free(root);
        arena_release(&arena);
    }
}

static void test_pointers(void **state)
{
    char name[2 * ERROR_POINTER_SIZE];
    struct error err = {0};

    (void)state;
    error_point_within(&err, BYTES("/selections/a"));
    assert_string_equal(err.pointer, "");
    error_point_member(&err, BYTES("a/b~c"));
    error_point_within(&err, BYTES("/selections/a"));
    assert_string_equal(err.pointer, "/selections/a/a~1b~0c");
    error_point_within(&err, BYTES(""));
    assert_string_equal(err.pointer, "/selections/a/a~1b~0c");
    memset(name, '~', sizeof(name)); /* cut between characters */
    error_point_member(&err, (struct bytes){name, sizeof(name)});
    error_point_within(&err, BYTES(""));
    assert_true(strlen(err.pointer) < ERROR_POINTER_SIZE);
    error_point_within(NULL, BYTES(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_becomes_the_text_of_a_parameter),
        cmocka_unit_test(test_values_of_tags_are_no_patterns),
        cmocka_unit_test(test_other_json_is_refused_where_it_stands),
        cmocka_unit_test(test_pointers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
