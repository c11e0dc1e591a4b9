#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

static struct captured captured;
static char path[] = "/tmp/weir-value-XXXXXX";

static int setup(void **state)
{
    int file = mkstemp(path);

    (void)state;
    close(file);
    return file < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void value_write(const char *text, size_t size)
{
    int file = open(path, O_WRONLY | O_TRUNC);

    assert_true(file >= 0);
    assert_int_equal(write(file, text, size), size);
    close(file);
}

static void expect_nothing_of_the_value(void)
{
    assert_null(strstr(captured.out, "canary"));
    assert_null(strstr(captured.err, "canary"));
}

static void test_a_value_goes_from_a_file_to_the_server(void **state)
{
    static const char *const answers[] = {HEAD "{\"name\":\"key\",\"hosts\":[\"a\"]}", NULL};
    const char *line[] = {"secret", "set",          "key", "--host",        "a.example", "--url",
                          NULL,     "--value-file", path,  "--host=b:8443", NULL};
    struct script script;

    (void)state;
    value_write("canary \"1\"\n", 11);
    script_begin(&script, answers);
    line[6] = script.url;
    captured_run(command_secret, line, &captured);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
    assert_non_null(strstr(script.seen[0], "PUT /v1/secrets/key HTTP"));
    assert_non_null(strstr(script.seen[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(script.seen[0], "\r\n\r\n{\"value\":\"canary \\\"1\\\"\",\"hosts\":["
                                           "\"a.example\",\"b:8443\"]}"));
    assert_non_null(strstr(captured.err, "the secret key is kept"));
    expect_nothing_of_the_value();
    script_end(&script);
}

static void test_a_value_has_a_size_and_its_file_readers(void **state)
{
    static const char *const answers[] = {HEAD "{}", NULL};
    static const struct {
        size_t size;
        int mode, exit_code;
        const char *err;
    } cases[] = {
        {0,    0600, COMMAND_FAILED, "a value has 1 to 4096 bytes"},
        {1,    0600, COMMAND_DONE,   "is kept"                    },
        {4097, 0600, COMMAND_FAILED, "a value has 1 to 4096 bytes"},
        {4099, 0600, COMMAND_FAILED, "larger than 4098 bytes"     },
        {1,    0604, COMMAND_FAILED, "chmod o-rwx"                },
    };
    static char text[5000];

    (void)state;
    memset(text, 'v', sizeof(text));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *line[] = {"secret", "set",          "key", "--host=a", "--url",
                              NULL,     "--value-file", path,  NULL};
        struct script script;

        value_write(text, cases[i].size);
        assert_int_equal(chmod(path, (mode_t)cases[i].mode), 0);
        script_begin(&script, answers);
        line[5] = script.url;
        captured_run(command_secret, line, &captured);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.err, cases[i].err))
            fail_msg("%zu: %d %s", cases[i].size, captured.exit_code, captured.err);
        script_end(&script);
    }
    assert_int_equal(chmod(path, 0600), 0);
}

static void test_secrets_are_listed_as_a_table_or_as_json(void **state)
{
    static const char list[] =
        HEAD "{\"secrets\":[{\"name\":\"key\",\"hosts\":[\"a.example\",\"b:1\"]},"
             "{\"name\":\"k\",\"hosts\":[\"c\"]}]}";
    static const struct {
        const char *answer, *flag;
        int exit_code;
        const char *out, *err;
    } cases[] = {
        {list,                                                     NULL,     0, "name  hosts",                     ""                               },
        {list,                                                     NULL,     0, "key   a.example, b:1\n",          ""                               },
        {list,                                                     "--json", 0, "{\"secrets\":[{\"name\":\"key\"", ""                               },
        {HEAD "{\"secrets\":[]}",                                  NULL,     0, "name",                            ""                               },
        {HEAD "{\"secrets\":[{\"name\":1}]}",                      NULL,     1, "",                                "no list of secrets"             },
        {HEAD "no JSON",                                           NULL,     1, "",                                "weir: "                         },
        {"HTTP/1.1 403 F\r\nConnection: close\r\n\r\n"
         "{\"code\":\"forbidden\",\"detail\":\"admin\"}", NULL,     1, "",                                "refused: admin (forbidden, 403)"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const answers[] = {cases[i].answer, NULL};
        const char *line[] = {"secret", "list", "--url", NULL, cases[i].flag, NULL};
        struct script script;

        script_begin(&script, answers);
        line[3] = script.url;
        captured_run(command_secret, line, &captured);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.out, cases[i].out) ||
            !strstr(captured.err, cases[i].err) || !strstr(script.seen[0], "GET /v1/secrets HTTP"))
            fail_msg("%zu: %d\n%s\n%s", i, captured.exit_code, captured.out, captured.err);
        script_end(&script);
    }
}

static void test_a_secret_is_deleted(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
                                          NULL};
    const char *line[] = {"secret", "delete", "key", "--url", NULL, NULL};
    struct script script;

    (void)state;
    script_begin(&script, answers);
    line[4] = script.url;
    captured_run(command_secret, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(script.seen[0], "DELETE /v1/secrets/key HTTP"));
    assert_non_null(strstr(captured.err, "is deleted"));
    script_end(&script);
}

static void test_a_line_that_is_wrong_is_told(void **state)
{
    static const struct {
        const char *words[4];
        int exit_code;
        const char *err;
    } cases[] = {
        {{NULL},                           COMMAND_USAGE,  "usage: weir secret set"           },
        {{"sett", "key"},                  COMMAND_USAGE,  "did you mean \"set\"?"            },
        {{"set", "--host=a"},              COMMAND_USAGE,  "which secret?"                    },
        {{"set", "a", "b", "--host=a"},    COMMAND_USAGE,  "which secret?"                    },
        {{"set", "key"},                   COMMAND_USAGE,  "weir secret set: --host is needed"},
        {{"set", "key", "--value=canary"}, COMMAND_USAGE,  "--value"                          },
        {{"set", "KEY", "--host=a"},       COMMAND_FAILED, "the name of a secret"             },
        {{"list", "key"},                  COMMAND_USAGE,  "no name belongs to it"            },
        {{"delete"},                       COMMAND_USAGE,  "which secret?"                    },
        {{"delete", "../points"},          COMMAND_FAILED, "the name of a secret"             },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *line[7] = {"secret"};
        size_t count = 1;

        for (size_t w = 0; w < 4 && cases[i].words[w]; w++)
            line[count++] = cases[i].words[w];
        if (count > 1)
            line[count] = "--url=http://127.0.0.1:1";
        captured_run(command_secret, line, &captured);
        if (captured.exit_code != cases[i].exit_code || !strstr(captured.err, cases[i].err))
            fail_msg("%zu: %d %s", i, captured.exit_code, captured.err);
    }
}

static void test_help_tells_the_verbs_and_their_flags(void **state)
{
    static const char *const all[] = {"secret", "--help", NULL}, *const set[] = {"secret", "set",
                                                                                 "--help", NULL};

    (void)state;
    captured_run(command_secret, all, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.out, "weir secret delete NAME"));
    captured_run(command_secret, set, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.out, "--value-file FILE"));
    assert_non_null(strstr(captured.out, "--host HOST"));
    assert_non_null(strstr(captured.out, "--token-file FILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_goes_from_a_file_to_the_server),
        cmocka_unit_test(test_a_value_has_a_size_and_its_file_readers),
        cmocka_unit_test(test_secrets_are_listed_as_a_table_or_as_json),
        cmocka_unit_test(test_a_secret_is_deleted),
        cmocka_unit_test(test_a_line_that_is_wrong_is_told),
        cmocka_unit_test(test_help_tells_the_verbs_and_their_flags),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
