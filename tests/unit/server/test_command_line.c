#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/command_line.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

/* A command that echoes its flag and a setting. */
static int command_echo(int argc, char **argv)
{
    static const struct argument_row rows[] = {
        {"word", "TEXT", "What to say."},
    };
    const char *values[1] = {NULL};
    struct arguments own = {rows, 1, values};
    struct config *config;
    const struct command_line line = {"usage: weir echo\n", &own, &config, false};
    int exit_code;

    if (!command_line_read(&line, argc, argv, &exit_code))
        return exit_code;
    printf("%s %s\n", values[0] ? values[0] : "-", config_settings(config)->data);
    config_free(config);
    return COMMAND_DONE;
}

static void test_a_command_gets_its_flags_and_the_settings_or_ends(void **state)
{
    static const struct {
        const char *name, *line[5];
        int exit_code;
        const char *out, *err; /* a part of each */
    } cases[] = {
        {"both",             {"echo", "--word", "hi", "--data=d"}, COMMAND_DONE,   "hi d\n",             ""                  },
        {"neither",          {"echo"},                             COMMAND_DONE,   "- weir-data\n",      ""                  },
        {"help",             {"echo", "--help"},                   COMMAND_DONE,   "usage: weir echo",   ""                  },
        {"help of flags",    {"echo", "-h"},                       COMMAND_DONE,   "--word TEXT",        ""                  },
        {"help of settings", {"echo", "-h"},                       COMMAND_DONE,   "--limit-series-max", ""                  },
        {"a wrong flag",
         {"echo", "--wrod=a"},
         COMMAND_USAGE,                                                            "",
         "weir echo: unknown flag --wrod; did you mean --word?"                                                              },
        {"a bad value",      {"echo", "--drain-ms=soon"},          COMMAND_FAILED, "",                   "weir: --drain-ms: "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *line[6] = {NULL};

        memcpy(line, cases[i].line, sizeof(cases[i].line));
        captured_run(command_echo, line, &captured);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.out, cases[i].out) ||
            !strstr(captured.err, cases[i].err) || (!*cases[i].out && *captured.out))
            fail_msg("%s: exit %d, out \"%s\", err \"%s\"", cases[i].name, captured.exit_code,
                     captured.out, captured.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_gets_its_flags_and_the_settings_or_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
