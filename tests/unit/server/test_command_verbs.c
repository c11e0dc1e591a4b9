#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/command_verbs.h"
#include "server/commands.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

static enum code run_named(struct remote *remote, const struct verb_line *line, struct error *err)
{
    (void)remote;
    printf("%s %s %s %zu\n", line->verb, line->name != NULL ? line->name : "-",
           line->values[0] != NULL ? line->values[0] : "-", line->repeated->count);
    return strcmp(line->verb, "cut") == 0 ? error_set(err, E_IO, "it is blunt") : OK;
}

static int command(int argc, char **argv)
{
    static const struct argument_row flag = {"as", "NAME", "Another name."};
    static const struct argument_row repeated = {"with", "THING", "What with; repeat it."};
    static const struct verb verbs[] = {
        {"turn", &flag, 1, &repeated, "which lathe?", "--with is needed", run_named},
        {"list", NULL,  0, NULL,      NULL,           NULL,               run_named},
        {"cut",  NULL,  0, NULL,      "which one?",   NULL,               run_named},
    };
    static const struct command_verbs of = {"lathe", "usage: weir lathe VERB\n", verbs, 3};

    return command_verbs_run(&of, argc, argv);
}

static void test_a_line_is_what_its_verb_takes(void **state)
{
    static const struct {
        const char *line[8];
        int exit_code;
        const char *out, *err;
    } cases[] = {
        {{"lathe"},                                                   COMMAND_USAGE,  "",                                                   "usage: weir lathe"                },
        {{"lathe", "--help"},
         COMMAND_DONE,                                                                "`weir lathe turn --help` tells the flags of `turn`",
         ""                                                                                                                                                                    },
        {{"lathe", "lisp"},
         COMMAND_USAGE,                                                               "",
         "weir lathe: \"lisp\" is not known; did you mean \"list\"? (weir lathe --help tells all)"                                                                             },
        {{"lathe", "list"},                                           COMMAND_DONE,   "list - - 0\n",                                       ""                                 },
        {{"lathe", "list", "x"},
         COMMAND_USAGE,                                                               "",
         "weir lathe list: no name belongs to it (weir lathe list --help tells all)"                                                                                           },
        {{"lathe", "cut"},                                            COMMAND_USAGE,  "",                                                   "weir lathe cut: which one?"       },
        {{"lathe", "cut", "x", "y"},                                  COMMAND_USAGE,  "",                                                   "which one?"                       },
        {{"lathe", "cut", "x"},                                       COMMAND_FAILED, "cut x - 0\n",                                        "weir: it is blunt"                },
        {{"lathe", "cut", "x", "--as", "y"},                          COMMAND_USAGE,  "",                                                   "as"                               },
        {{"lathe", "turn", "x"},                                      COMMAND_USAGE,  "",                                                   "weir lathe turn: --with is needed"},
        {{"lathe", "turn", "x", "--with", "a", "--with=b", "--as=z"},
         COMMAND_DONE,                                                                "turn x z 2\n",
         ""                                                                                                                                                                    },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        captured_run(command, cases[i].line, &captured);
        if (captured.exit_code != cases[i].exit_code ||
            strstr(captured.out, cases[i].out) == NULL ||
            strstr(captured.err, cases[i].err) == NULL)
            fail_msg("%zu: %d: %s%s", i, captured.exit_code, captured.out, captured.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_what_its_verb_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
