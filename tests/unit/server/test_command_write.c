#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

static struct captured captured;

static void test_a_wrong_command_line_tries_nothing(void **state)
{
    static const struct {
        bool import;
        const char *line[5], *told;
    } cases[] = {
        {false, {"write", "--format", "xml", "a"},         "weir write: --format xml is not known"},
        {false, {"write", "--on-error", "stop", "a"},      "--on-error stop: want fail or skip"   },
        {false, {"write", "--batch-bytes", "1", "a"},      "--batch-bytes: "                      },
        {false, {"write", "--batch-bytes", "65MiB", "a"},  "--batch-bytes: "                      },
        {false, {"write", "--option", "measurement", "a"}, "--option measurement: want KEY=VALUE" },
        {false, {"write", "--option", "a&b=c", "a"},       "a key is of a-z and _"                },
        {false, {"write", "--resume", "x", "a"},           "unknown flag --resume"                },
        {true,  {"import"},                                "weir import: name the files"          },
        {true,  {"import", "--resume", "/dev/null", "a"},  "/dev/null"                            },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        captured_run(cases[i].import ? command_import : command_write, cases[i].line, &captured);
        if (captured.exit_code != COMMAND_USAGE || !strstr(captured.err, cases[i].told))
            fail_msg("%zu: %d, %s", i, captured.exit_code, captured.err);
    }
}

/* The keys of one run over the file. */
static void run_once(int (*command)(int, char **), const char *path, const char *option,
                     char key[64])
{
    static const char *const answers[] = {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
                                          NULL};
    struct script script;
    const char *at;

    script_begin(&script, answers);

    const char *const line[] = {"write", "--url", script.url, "--json", option, path, NULL};

    captured_run(command, line, &captured);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
    assert_string_equal(captured.out, "{\"done\":true,\"files\":1,\"requests\":1,\"bytes\":8,"
                                      "\"lines\":1,\"refused\":0}\n");
    assert_non_null(strstr(captured.err, "weir: 1 lines (8 B) of 1 file"));
    assert_non_null(strstr(script.seen[0], "POST /v1/points?"));
    at = strstr(script.seen[0], "Idempotency-Key: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at + 17, "%63s", key), 1);
    script_end(&script);
}

static void test_keys_of_an_import_come_again_and_those_of_a_write_do_not(void **state)
{
    char path[] = "/tmp/weir-write-XXXXXX", keys[5][64];
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "a v=1 1\n", 8), 8);
    close(fd);
    run_once(command_import, path, "--precision=ns", keys[0]);
    run_once(command_import, path, "--precision=ns", keys[1]);
    run_once(command_import, path, "--precision=ms", keys[2]);
    run_once(command_write, path, "--precision=ns", keys[3]);
    run_once(command_write, path, "--precision=ns", keys[4]);
    assert_string_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[1], keys[2]);
    assert_string_not_equal(keys[3], keys[4]);
    (void)unlink(path);
}

static void test_a_file_that_is_not_there_fails(void **state)
{
    static const char *const line[] = {"write", "/tmp/weir-none", NULL};

    (void)state;
    captured_run(command_write, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_string_equal(captured.err, "weir: /tmp/weir-none: there is no file /tmp/weir-none\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wrong_command_line_tries_nothing),
        cmocka_unit_test(test_keys_of_an_import_come_again_and_those_of_a_write_do_not),
        cmocka_unit_test(test_a_file_that_is_not_there_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
