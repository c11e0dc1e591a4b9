#include "tests/unit/codec/tree/tree_fixture.h"

static void test_records(void **state)
{
    static const struct {
        const char *name, *body, *want;
    } cases[] = {
        {"nothing",                  "",                                                                   ""                                                         },
        {"names alone",              "a,b\n",                                                              ""                                                         },
        {"rows",                     "a,b\n1,2\n3,4\n",                                                    "{a:\"1\" b:\"2\"}\n{a:\"3\" b:\"4\"}\n"                   },
        {"quotes",                   "\"a\",\"b \"\"c\"\"\"\r\n\"1,\n2\",x\r\n",                           "{a:\"1,\n2\" b \"c\":\"x\"}\n"                            },
        {"empty cells",              "a,b,c\n,\"\",\n",                                                    "{a:\"\" b:\"\" c:\"\"}\n"                                 },
        {"fewer cells",              "a,b,c\n1\n1,2",                                                      "{a:\"1\"}\n{a:\"1\" b:\"2\"}\n"                           },
        {"blank lines",              "\na,b\n\n1,2\n\n",                                                   "{a:\"1\" b:\"2\"}\n"                                      },
        {"a mark of byte order",
         "\xef\xbb\xbf"
         "a\n1\n",                                                                                         "{a:\"1\"}\n"                                              },
        {"more cells",               "a,b\n1,2\n1,2,3\n",
         "{a:\"1\" b:\"2\"}\n!bad_syntax line 3: 3 cells, and names for 2"                                                                                            },
        {"no name",                  "a,,c\n1,2,3\n",                                                      "!bad_syntax line 1: column 2 has no name"                 },
        {"a name twice",             "\na,b,a\n",                                                          "!bad_syntax line 2: columns 1 and 3 are both called \"a\""},
        {"a quote within",           "a,b\n1,x\"y\"\n",
         "!bad_syntax line 2: column 4: a quote stands within a cell that does not begin with one; "
         "write the cell as \"...\" and the quote as \"\""                                                                                                            },
        {"not closed",               "a,b\n1,\"x\n",
         "!bad_syntax line 2: a quoted cell is not closed before the record's limit or the body's "
         "end"                                                                                                                                                        },
        {"not UTF-8",                "a,b\n1,2\n3,x\xff\n",
         "{a:\"1\" b:\"2\"}\n!bad_utf8 line 3: cell 2: 0xff is not UTF-8"                                                                                             },
        {"a name that is not UTF-8", "a\xff\n",                                                            "!bad_utf8 line 1: cell 1: 0xff is not UTF-8"              },
        {"too long",                 "a\n123456789 123456789 123456789 123456789 123456789 123456789 1\n",
         "!line_too_long line 2: the line is longer than allowed"                                                                                                     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_events(&tree_csv, NULL, cases[i].name, bytes_of(cases[i].body), cases[i].want);
}

static void test_columns(void **state)
{
    static const struct bytes names[] = {BYTES("t"), BYTES("v")};
    static const struct {
        const char *name;
        struct tree_columns columns;
        const char *body, *want;
    } cases[] = {
        {"semicolons",                   {.separator = ';', .header = true}, "a;b\n1,5;2\n", "{a:\"1,5\" b:\"2\"}\n"},
        {"no header",
         {.separator = ',', .names = names, .name_count = 2},
         "1,2\n",                                                                            "{t:\"1\" v:\"2\"}\n"  },
        {"records before the header",
         {.separator = ',', .header = true, .skip = 2},
         "Station \"X\"\n\nof 2026,,\na,b\n1,2\n",                                           "{a:\"1\" b:\"2\"}\n"  },
        {"records before the first row",
         {.separator = ',', .skip = 1, .names = names, .name_count = 2},
         "time,value,more\n1,2\n",                                                           "{t:\"1\" v:\"2\"}\n"  },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_events(&tree_csv, &cases[i].columns, cases[i].name, bytes_of(cases[i].body),
                      cases[i].want);
}

static void test_names_that_are_refused(void **state)
{
    static const struct bytes twice[] = {BYTES("a"), BYTES("b"), BYTES("b")};
    static const struct {
        struct tree_columns columns;
        enum code want;
        const char *text;
    } cases[] = {
        {{.separator = ','},
         E_BAD_PARAMETER, "CSV without a header needs the names of its columns"},
        {{.separator = ',', .names = twice, .name_count = 3},
         E_SYNTAX,        "columns 2 and 3 are both called \"b\""              },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tree_reader *reader = NULL;
        struct error err = {0};

        assert_int_equal(tree_csv.open(&fixture_limits, &cases[i].columns, &(struct tree_sink){0},
                                       &reader, &err),
                         cases[i].want);
        assert_string_equal(err.text, cases[i].text);
        assert_null(reader);
    }
}

/* A text of one line is a header to CSV: what is wanted shows that it is none. */
static void test_a_header_without_anything_that_is_wanted_is_none(void **state)
{
    static const struct bytes wanted[] = {BYTES("time"), BYTES("value")};
    const struct tree_columns columns = {
        .separator = ',', .header = true, .wanted = wanted, .wanted_count = 2};
    struct events events = {.text = BUF_INIT(1000)};
    struct tree_sink sink = {events_take, &events};
    struct error err = {0};

    (void)state;
    expect_events(&tree_csv, &columns, "the second of two", BYTES("a,value\n1,2\n"),
                  "{a:\"1\" value:\"2\"}\n");
    assert_int_equal(fixture_feed(&tree_csv, &fixture_limits, &columns, &sink,
                                  BYTES("\nvalues,times\n"), 100, 100, &err),
                     E_SYNTAX);
    assert_string_equal(err.text, "line 2: the header has none of the columns that are wanted, "
                                  "as \"time\"");
    assert_int_equal(err.line, 2);
}

static void test_a_fault_names_its_line(void **state)
{
    struct tree_sink sink = {events_take, &(struct events){.text = BUF_INIT(1000)}};
    struct error err = {0};

    (void)state;
    assert_int_equal(fixture_feed(&tree_csv, &fixture_limits, NULL, &sink, BYTES("a\n\n\n1,2\n"),
                                  100, 100, &err),
                     E_SYNTAX);
    assert_int_equal(err.line, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_names_that_are_refused),
        cmocka_unit_test(test_a_header_without_anything_that_is_wanted_is_none),
        cmocka_unit_test(test_a_fault_names_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
