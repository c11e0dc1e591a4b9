#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/arguments.h"

static const struct argument_row first_rows[] = {
    {"data",    "DIR", "Where."},
    {"verbose", NULL,  "Talk." },
};
static const struct argument_row second_rows[] = {
    {"listen", "ADDRESS", "On what."},
};

static void test_flags_are_read_into_the_tables_that_know_them(void **state)
{
    static const struct {
        const char *name, *line[6];
        const char *want[3]; /* data, verbose, listen */
        const char *told;    /* NULL = it is good */
    } cases[] = {
        {"nothing",         {NULL},                         {NULL, NULL, NULL},        NULL                                      },
        {"a value behind",  {"--data", "x"},                {"x", NULL, NULL},         NULL                                      },
        {"a value with =",  {"--data=x=y"},                 {"x=y", NULL, NULL},       NULL                                      },
        {"an empty value",  {"--data="},                    {"", NULL, NULL},          NULL                                      },
        {"a dash as value", {"--data", "--verbose"},        {"--verbose", NULL, NULL}, NULL                                      },
        {"a switch",        {"--verbose", "--listen", "a"}, {NULL, "true", "a"},       NULL                                      },
        {"a switch with =", {"--verbose=true"},             {NULL, "true", NULL},      NULL                                      },
        {"one that is not", {"--verbose=false"},            {NULL, NULL, NULL},        NULL                                      },
        {"neither",
         {"--verbose=no"},
         {NULL, NULL, NULL},
         "--verbose: \"no\" is neither true nor false"                                                                           },
        {"twice",           {"--data", "x", "--data=y"},    {"x", NULL, NULL},         "--data is given twice"                   },
        {"no value",        {"--listen"},                   {NULL, NULL, NULL},        "--listen needs a value: --listen ADDRESS"},
        {"near",
         {"--lisen", "a"},
         {NULL, NULL, NULL},
         "unknown flag --lisen; did you mean --listen?"                                                                          },
        {"far",             {"--colour=red"},               {NULL, NULL, NULL},        "unknown flag --colour"                   },
        {"no flag",
         {"--verbose", "data"},
         {NULL, "true", NULL},
         "\"data\" is not a flag (--name value)"                                                                                 },
        {"one dash",        {"-data", "x"},                 {NULL, NULL, NULL},        "\"-data\" is not a flag (--name value)"  },
        {"only dashes",     {"--"},                         {NULL, NULL, NULL},        "unknown flag --"                         },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *first[2] = {NULL}, *second[1] = {NULL};
        struct arguments tables[] = {
            {first_rows,  2, first },
            {second_rows, 1, second}
        };
        char *argv[8] = {(char *)"command"};
        struct error err = {0};
        enum code code;
        int argc = 1;

        for (size_t a = 0; a < COUNT_OF(cases[i].line) && cases[i].line[a]; a++)
            argv[argc++] = (char *)cases[i].line[a];
        code = arguments_read(argc, argv, tables, 2, &err);
        if (code != (cases[i].told ? E_CONFIG : OK) ||
            (cases[i].told && strcmp(err.text, cases[i].told) != 0))
            fail_msg("%s: got %d, %s", cases[i].name, code, err.text);
        for (size_t v = 0; v < 3; v++) {
            const char *got = v < 2 ? first[v] : second[0], *want = cases[i].want[v];

            if ((got != NULL) != (want != NULL) || (got && strcmp(got, want) != 0))
                fail_msg("%s: value %zu is %s", cases[i].name, v, got ? got : "NULL");
        }
    }
}

static void test_the_owner_of_a_switch_may_judge_its_text(void **state)
{
    static const struct argument_row rows[] = {
        {"open", "", "To all."},
    };
    static const char *const lines[][2] = {
        {"--open",       "true" },
        {"--open=false", "false"},
        {"--open=maybe", "maybe"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char *argv[] = {(char *)"command", (char *)lines[i][0]};
        const char *values[1] = {NULL};
        struct arguments table = {rows, 1, values};

        assert_int_equal(arguments_read(2, argv, &table, 1, NULL), OK);
        assert_string_equal(values[0], lines[i][1]);
    }
}

static void test_flags_that_repeat_and_names_of_files(void **state)
{
    static const struct argument_row repeat_rows[] = {
        {"match", "TAG", "Which."},
    };
    static const struct {
        const char *name, *line[6];
        bool takes_rest;
        const char *match, *rest; /* all in a row */
        const char *told;         /* NULL = it is good */
    } cases[] = {
        {"nothing",       {NULL},                                  true,  "",    "",             NULL                   },
        {"mixed",         {"a", "--match", "x", "-", "--match=y"}, true,  "x y", "a -",          NULL                   },
        {"behind --",     {"a", "--", "--match", "-b"},            true,  "",    "a --match -b", NULL                   },
        {"one dash",      {"-b"},                                  true,  "",    "",             "\"-b\" is not a flag" },
        {"none taken",    {"--match", "x", "a"},                   false, "x",   "",             "\"a\" is not a flag"  },
        {"-- is no flag", {"--"},                                  false, "",    "",             "unknown flag --"      },
        {"near",          {"--mach", "x"},                         true,  "",    "",             "did you mean --match?"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *values[2] = {NULL};
        struct arguments table = {first_rows, 2, values};
        struct argument_list list = {.count = 0};
        struct argument_more more = {repeat_rows, 1, &list, cases[i].takes_rest, NULL, 0};
        char *argv[8] = {(char *)"command"}, match[64] = "", rest[64] = "";
        struct error err = {0};
        enum code code;
        int argc = 1;

        while (argc < 7 && cases[i].line[argc - 1]) {
            argv[argc] = (char *)cases[i].line[argc - 1];
            argc++;
        }
        code = arguments_read_more(argc, argv, &table, 1, &more, &err);
        for (size_t m = 0; m < list.count; m++)
            (void)snprintf(match + strlen(match), sizeof(match) - strlen(match), "%s%s",
                           m ? " " : "", list.items[m]);
        for (size_t r = 0; r < more.rest_count; r++)
            (void)snprintf(rest + strlen(rest), sizeof(rest) - strlen(rest), "%s%s", r ? " " : "",
                           more.rest[r]);
        if (code != (cases[i].told ? E_CONFIG : OK) || strcmp(match, cases[i].match) != 0 ||
            strcmp(rest, cases[i].rest) != 0 || (cases[i].told && !strstr(err.text, cases[i].told)))
            fail_msg("%s: got %d, [%s] [%s] %s", cases[i].name, code, match, rest, err.text);
    }
}

static void test_a_flag_repeats_so_often_and_no_more(void **state)
{
    static const struct argument_row rows[] = {
        {"m", "X", "Which."},
    };

    (void)state;
    for (int count = ARGUMENT_REPEATS_MAX - 1; count <= ARGUMENT_REPEATS_MAX + 1; count++) {
        char *argv[ARGUMENT_REPEATS_MAX + 2] = {(char *)"command"};
        struct argument_list list = {.count = 0};
        struct argument_more more = {rows, 1, &list, false, NULL, 0};

        for (int i = 1; i <= count; i++)
            argv[i] = (char *)"--m=1";
        assert_int_equal(arguments_read_more(count + 1, argv, NULL, 0, &more, NULL),
                         count > ARGUMENT_REPEATS_MAX ? E_CONFIG : OK);
    }
}

static void test_help_is_seen_wherever_it_stands(void **state)
{
    char *with[] = {(char *)"command", (char *)"--data", (char *)"-h"};
    char *without[] = {(char *)"--help", (char *)"--data", (char *)"help"};

    (void)state;
    assert_true(arguments_ask_help(3, with));
    assert_false(arguments_ask_help(3, without));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_are_read_into_the_tables_that_know_them),
        cmocka_unit_test(test_the_owner_of_a_switch_may_judge_its_text),
        cmocka_unit_test(test_flags_that_repeat_and_names_of_files),
        cmocka_unit_test(test_a_flag_repeats_so_often_and_no_more),
        cmocka_unit_test(test_help_is_seen_wherever_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
