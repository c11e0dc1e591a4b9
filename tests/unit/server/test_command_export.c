#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "tests/unit/net/script.h"
#include "tests/unit/server/captured.h"

#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n"
#define END(more) "# {\"_end\":{\"rows\":1,\"partial\":false,\"next\":" more "}}\n"

static struct captured captured;

static void test_pages_of_one_moment_make_one_text(void **state)
{
    static const char *const answers[] = {
        HEAD "\r\n{\"items\":[\"a\",\"b c\"],\"next\":null}",
        HEAD "Weir-As-Of: 2026-01-01T00:00:00.5Z\r\n\r\n" END("\"zz\""),
        HEAD "\r\na v=1 1\n" END("\"x+y\""),
        HEAD "\r\na v=2 2\n" END("null"),
        HEAD "\r\nb\\ c v=3 3\n" END("null"),
        NULL,
    };
    struct script script;

    (void)state;
    script_begin(&script, answers);

    const char *const line[] = {"export", "--url", script.url, "--start=5", NULL};

    captured_run(command_export, line, &captured);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
    assert_string_equal(captured.out, "a v=1 1\na v=2 2\nb\\ c v=3 3\n");
    assert_non_null(strstr(script.seen[2], "measurement=a&start=5&strict=true&format=line_protocol&"
                                           "as_of=2026-01-01T00%3A00%3A00.5Z&limit=1000000 HTTP"));
    assert_non_null(strstr(script.seen[3], "&cursor=x%2By HTTP"));
    assert_non_null(strstr(script.seen[4], "measurement=b%20c&start=5&strict=true"));
    assert_non_null(strstr(script.seen[4], "as_of=2026-01-01T00%3A00%3A00.5Z"));
    script_end(&script);
}

/* What another member has and did not tell is in no list: the export would be short, and look
 * whole. */
static void test_a_list_that_may_be_short_is_none(void **state)
{
    static const char *const answers[] = {
        HEAD "Weir-Partial: true\r\n\r\n{\"items\":[\"a\"],\"next\":null}",
        HEAD "Weir-Partial: true\r\n\r\n{\"items\":[\"a\"],\"next\":null}",
        HEAD "Weir-As-Of: 2026-01-01T00:00:00Z\r\n\r\n" END("null"),
        HEAD "\r\na v=1 1\n" END("null"),
        NULL,
    };
    struct script script;

    (void)state;
    script_begin(&script, answers);

    const char *const line[] = {"export", "--url", script.url, NULL};
    const char *const less[] = {"export", "--url", script.url, "--allow-partial", NULL};

    captured_run(command_export, line, &captured);
    assert_int_not_equal(captured.exit_code, COMMAND_DONE);
    if (strstr(captured.err, "--allow-partial exports what there is") == NULL)
        fail_msg("%s", captured.err);
    assert_string_equal(captured.out, "");
    captured_run(command_export, less, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.out, "a v=1 1\n");
    assert_non_null(strstr(captured.err, "measurements may be missing"));
    script_end(&script);
}

/* An empty file that nobody wondered about would be found when it is needed. */
static void test_a_name_that_nobody_knows_is_told_once(void **state)
{
    static const char *const answers[] = {
        HEAD "Weir-As-Of: 2026-01-01T00:00:00Z\r\nWeir-Warning: no measurement \"m\"\r\n\r\n" END(
            "null"),
        HEAD "Weir-Warning: no measurement \"m\"\r\n\r\n" END("\"zz\""),
        HEAD "Weir-Warning: no measurement \"m\"\r\n\r\n" END("null"),
        NULL,
    };
    static const char *const of_all[] = {
        HEAD "\r\n{\"items\":[\"m\"],\"next\":null}",
        HEAD "Weir-As-Of: 2026-01-01T00:00:00Z\r\n\r\n" END("null"),
        HEAD "Weir-Warning: no tag \"host\" in \"m\"\r\n\r\n" END("null"),
        NULL,
    };
    struct script script;

    (void)state;
    script_begin(&script, answers);

    const char *const line[] = {"export", "--url", script.url, "--measurement=m", NULL};

    captured_run(command_export, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.err, "weir: warning: no measurement \"m\"\n"
                                      "weir: 1 measurement as of 2026-01-01T00:00:00Z, 0 bytes\n");
    script_end(&script);
    script_begin(&script, of_all);

    const char *const all[] = {"export", "--url", script.url, "--match=host=a", NULL};

    captured_run(command_export, all, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_null(strstr(captured.err, "warning"));
    script_end(&script);
}

static void test_an_answer_that_is_not_whole_leaves_no_file(void **state)
{
    static const char *const cuts[] = {
        HEAD "\r\na v=1 1\n",
        HEAD "Content-Length: 500\r\n\r\na v=1 1\n" END("null"),
        HEAD "Content-Length: 500\r\n\r\na v=1 1\n# {\"_error\":{\"detail\":\"disk gone\"}}\n",
    };
    static const char *const told[] = {"does not say that it is whole", "cut off", "disk gone"};
    char directory[] = "/tmp/weir-export-XXXXXX", path[64];

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/a.lp", directory);
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        const char *const answers[] = {HEAD "Weir-As-Of: 2026-01-01T00:00:00Z\r\n\r\n", cuts[i],
                                       NULL};
        struct script script;

        script_begin(&script, answers);

        const char *const line[] = {"export", "--url", script.url, "--measurement=a",
                                    "--out",  path,    NULL};

        captured_run(command_export, line, &captured);
        if (captured.exit_code != COMMAND_FAILED || !strstr(captured.err, told[i]) ||
            !strstr(captured.err, "measurement a: "))
            fail_msg("%zu: %d, %s", i, captured.exit_code, captured.err);
        assert_string_equal(captured.out, "");
        script_end(&script);
    }
    assert_int_equal(rmdir(directory), 0); /* it is empty */
}

static void test_wrong_flags(void **state)
{
    static const struct {
        const char *flag, *told;
    } cases[] = {
        {"--format=csv",    "--format csv is for one measurement"},
        {"--format=json",   "--format json is not known"         },
        {"--page-rows=0",   "--page-rows 0: want"                },
        {"--page-rows=all", "--page-rows all: want"              },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const line[] = {"export", "--url=http://127.0.0.1:1", cases[i].flag, NULL};

        captured_run(command_export, line, &captured);
        if (captured.exit_code != COMMAND_USAGE || !strstr(captured.err, cases[i].told))
            fail_msg("%s: %d, %s", cases[i].flag, captured.exit_code, captured.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_of_one_moment_make_one_text),
        cmocka_unit_test(test_a_list_that_may_be_short_is_none),
        cmocka_unit_test(test_a_name_that_nobody_knows_is_told_once),
        cmocka_unit_test(test_an_answer_that_is_not_whole_leaves_no_file),
        cmocka_unit_test(test_wrong_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
