#include "tests/unit/codec/tree/tree_fixture.h"

static const struct rows_case cases[] = {
    {"behind the rows",
     &tree_json,
     "/a/*/b/*",                                            false,
     {"x", "../x", "../../x", "/x"},
     "{\"a\":[{\"b\":[{\"x\":1},{\"x\":2}],\"x\":10},{\"x\":20,\"b\":[{\"x\":3}]},{\"b\":[{}]}],"
     "\"x\":100}",                                                                                             "1 /a/0/b/0 p1: x=1 ../x=10 ../../x=100 /x=100\n"
     "2 /a/0/b/1 p1: x=2 ../x=10 ../../x=100 /x=100\n"
     "3 /a/1/b/0 p2: x=3 ../x=20 ../../x=100 /x=100\n"
     "4 /a/2/b/0 p3: x=- ../x=- ../../x=100 /x=100\n"                                                                                                               },
    {"what is in it is gone with it",
     &tree_json,
     "/*/b/*",                                              false,
     {"../x/y"},
     "[{\"x\":{\"y\":1},\"b\":[0]},{\"b\":[0]},{\"b\":[0],\"x\":{\"y\":3}}]",                                  "1 /0/b/0 p1: ../x/y=1\n2 /1/b/0 p2: ../x/y=-\n3 /2/b/0 p3: ../x/y=3\n"},
    {"itself",
     &tree_json,
     "/*/b/*",                                              false,
     {"..", "/"},
     "[{\"b\":[0]}]",                                                                                          "1 /0/b/0 p1: ..={} /=[]\n"                                            },
    {"all kinds",
     &tree_json,
     "/b/*",                                                false,
     {"../t", "../f", "../n", "../s", "../o"},
     "{\"b\":[0],\"t\":true,\"f\":false,\"n\":null,\"s\":\"\",\"o\":[]}",                                      "1 /b/0 p1: ../t=true ../f=false ../n=null ../s=\"\" ../o=[]\n"        },
    {"of several documents",
     &tree_ndjson,
     "/b/*",                                                false,
     {"/x"},
     "{\"b\":[1],\"x\":1}\n{\"b\":[1]}\n{\"x\":3,\"b\":[1,2]}\n",                                              "1 /b/0 p1: /x=1\n2 /b/0 p2: /x=-\n3 /b/0 p3: /x=3\n4 /b/1 p3: /x=3\n" },
    {"the first row, for each",
     &tree_json,
     "/*",                                                  false,
     {"a", "/0/a"},
     "[{\"a\":1},{\"a\":2}]",                                                                                  "1 /0 p1: a=1 /0/a=1\n2 /1 p1: a=2 /0/a=1\n"                           },
    {"without rows",                  &tree_json, "/*/b/*", false, {"../x"}, "[{\"x\":1},{\"x\":2,\"b\":[]}]", ""                                                                     },
};

static void test_what_is_around_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_rows(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_around_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
