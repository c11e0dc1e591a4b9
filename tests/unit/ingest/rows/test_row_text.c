#include "ingest/rows/row_text.h"
#include "tests/unit/ingest/rows/mapper_fixture.h"

static void test_leaves(void **state)
{
    static const struct {
        struct tree_value value;
        bool leaf;
        const char *text;
    } cases[] = {
        {{TREE_TEXT, BYTES("a")},      true,  "a"    },
        {{TREE_TEXT, BYTES("")},       true,  ""     },
        {{TREE_NUMBER, BYTES("0")},    true,  "0"    },
        {{TREE_TRUE, BYTES("true")},   true,  "true" },
        {{TREE_FALSE, BYTES("false")}, true,  "false"},
        {{TREE_NULL, BYTES("null")},   false, ""     },
        {{TREE_OBJECT, BYTES("")},     false, ""     },
        {{TREE_ARRAY, BYTES("")},      false, ""     },
        {{TREE_END, BYTES("")},        false, ""     },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes text;

        assert_int_equal(row_leaf(&cases[i].value, &text), cases[i].leaf);
        assert_true(bytes_equal(text, bytes_of(cases[i].text)));
    }
}

static void test_texts(void **state)
{
    static const struct {
        const char *places;
        bool constant;
        const char *want; /* NULL: a place leads nowhere */
    } cases[] = {
        {"plain",              true,  "plain" },
        {"$$5",                true,  "$5"    },
        {"",                   true,  ""      },
        {"${row.0}",           false, "zero"  },
        {"<${row.0}>",         false, "<zero>"},
        {"${row.0}${row.1}",   false, "zero1" },
        {"${row.2}",           false, NULL    },
        {"${row.0}-${row.2}",  false, NULL    },
        {"${row.3}",           false, ""      },
        {"${each.a}",          true,  "A"     },
        {"${each.a}.${row.0}", false, "A.zero"},
    };
    struct source_variable variables[] = {
        {BYTES("a"), BYTES("A")}
    };
    struct source_partition partition = {variables, 1};
    struct tree_value slots[] = {
        {TREE_TEXT,   BYTES("zero")},
        {TREE_NUMBER, BYTES("1")   },
        {TREE_NULL,   BYTES("null")},
        {TREE_TEXT,   BYTES("")    }
    };
    struct tree_row row = {1, 1, slots, "/0"};
    struct fixture fixture;

    (void)state;
    fixture_init(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text_places places = places_of(&fixture, cases[i].places);
        struct row_text text;
        struct bytes filled;
        bool there;

        assert_int_equal(row_text_make(&places, &partition, &fixture.arena, &text, NULL), OK);
        assert_int_equal(text.constant, cases[i].constant);
        assert_int_equal(row_text_of(&text, &row, &fixture.arena, &filled, &there, NULL), OK);
        assert_int_equal(there, cases[i].want != NULL);
        if (!bytes_equal(filled, bytes_of(cases[i].want == NULL ? "" : cases[i].want)))
            fail_msg("%s: got %.*s", cases[i].places, BYTES_ARG(filled));
    }
    fixture_release(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
