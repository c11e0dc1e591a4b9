#include "tests/unit/codec/tree/tree_fixture.h"

static const struct rows_case cases[] = {
    {"at the document",
     &tree_json,
     "/",                                               true,
     {"a", "b", "/c"},
     "{\"a\":[1,2],\"b\":[\"x\",null],\"c\":5}",                                                         "1 /0 p1: a=1 b=\"x\" /c=5\n2 /1 p1: a=2 b=null /c=5\n"                            },
    {"each document",
     &tree_ndjson,
     "*",                                               true,
     {"a"},
     "{\"a\":[1]}\n{\"a\":[2,3]}\n",                                                                     "1 /0/0 p1: a=1\n2 /1/0 p2: a=2\n3 /1/1 p2: a=3\n"                                 },
    {"into elements",
     &tree_json,
     "/h",                                              true,
     {"w/speed", "w/at/0", "w", "t"},
     "{\"h\":{\"w\":[{\"speed\":1,\"at\":[5]},{},null],\"t\":[10,20,30]}}",                              "1 /h/0 p1: w/speed=1 w/at/0=5 w={} t=10\n2 /h/1 p1: w/speed=- w/at/0=- w={} t=20\n"
     "3 /h/2 p1: w/speed=- w/at/0=- w=null t=30\n"                                                               },
    {"a column that is not there",
     &tree_json,
     "/h",                                              true,
     {"a", "b", "c"},
     "{\"h\":{\"a\":[1],\"c\":null}}",                                                                   "1 /h/0 p1: a=1 b=- c=-\n"                                                         },
    {"no columns",                    &tree_json, "/h", true, {"a"},      "{\"h\":{\"b\":[1]}}",         ""                                                                                 },
    {"empty columns",                 &tree_json, "/h", true, {"a", "b"}, "{\"h\":{\"a\":[],\"b\":[]}}", ""                                                                                 },
    {"none at all",                   &tree_json, "/h", true, {"a"},      "{\"h\":null}",                ""                                                                                 },
    {"the last of two counts",
     &tree_json,
     "/h",                                              true,
     {"a"},
     "{\"h\":{\"a\":[1,2],\"a\":[3]}}",                                                                  "1 /h/0 p1: a=3\n"                                                                 },
    {"a column and an element of it",
     &tree_json,
     "/h",                                              true,
     {"a", "!/h/a/1", "!/h/a"},
     "{\"h\":{\"a\":[1,2]}}",                                                                            "1 /h/0 p1: a=1\n2 /h/1 p1: a=2\n!/h/a/1 2\n!/h/a []\n"                            },
    {"lengths differ",
     &tree_json,
     "/h",                                              true,
     {"a", "b"},
     "{\"h\":{\"b\":[1,2],\"a\":[1]}}",                                                                  "!bad_syntax /h: \"a\" has 1 elements and \"b\" 2; columns of a zip have as many\n"},
    {"no array",
     &tree_json,
     "/h",                                              true,
     {"a"},
     "{\"h\":{\"a\":5}}",                                                                                "!bad_syntax /h, \"a\": expected an array, as a column of a zip is\n"              },
    {"no object",
     &tree_json,
     "/h",                                              true,
     {"a"},
     "{\"h\":[{\"a\":[1]}]}",                                                                            "!bad_syntax /h: expected an object of arrays, as a zip is\n"                      },
};

static void test_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_rows(&cases[i]);
}

static void test_columns_have_a_limit(void **state)
{
    static const struct rows_case fits = {
        "as many cells as allowed",
        &tree_json,
        "/*",
        true,
        {"a", "b"},
        "[{\"a\":[1,2],\"b\":[3,4]},{\"a\":[5]}]",
        "1 /0/0 p1: a=1 b=3\n2 /0/1 p1: a=2 b=4\n"
        "3 /1/0 p2: a=5 b=-\n"
    };
    static const struct rows_case one_more = {
        "one more",
        &tree_json,
        "/*",
        true,
        {"a", "b"},
        "[{\"a\":[1,2],\"b\":[3,4,5]}]",
        "!body_too_large what is kept of the document, around its rows or in columns, is more than "
        "the 96 bytes allowed\n"
    };
    static const struct tree_rows_limits limits = {100, 96};

    (void)state;
    expect_rows_within(&fits, &limits);
    expect_rows_within(&one_more, &limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_columns_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
