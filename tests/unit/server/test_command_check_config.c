#include "base/bytes.h"
#include "server/commands.h"
#include "tests/unit/server/captured.h"
#include "tests/unit/server/own_file.h"

static struct captured captured;
static void test_the_effective_configuration_goes_to_stdout_and_the_verdict_to_stderr(void **state)
{
    static const char *const line[] = {"check-config", "--print-effective", "--data=here", NULL};

    (void)state;
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.out, "data: \"here\"    "));
    assert_non_null(strstr(captured.out, "# --data\n"));
    assert_non_null(strstr(captured.out, "\nlimits:\n  body_bytes_max: "));
    assert_non_null(strstr(captured.err, "the configuration is good"));
}

static void test_a_mistake_in_the_tenants_file_is_found_too(void **state)
{
    const char *const line[] = {"check-config", "--tenants", path, NULL};

    (void)state;
    own_file_write("tenants:\n  acme:\n    retension: 1d\n");
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "line 3: unknown key \"retension\""));
    own_file_write("tenants:\n  acme:\n    retention: 1d\n");
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.out, "");
}

static void test_a_mistake_in_the_secret_of_members_is_found_too(void **state)
{
    const char *const line[] = {"check-config",
                                "--registry",
                                "/tmp/weir-none",
                                "--peer-listen",
                                "127.0.0.1:0",
                                "--peer-secret-file",
                                path,
                                NULL};
    const char *const alone[] = {"check-config", "--peer-listen", "127.0.0.1:0", NULL};

    (void)state;
    own_file_write("canary\n");
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "has a secret of 6 bytes"));
    assert_null(strstr(captured.err, "canary"));
    own_file_write("canary-of-the-cluster-0123456789\n");
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    captured_run(command_check_config, alone, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "members of a registry: name one"));
}

static void test_a_mistake_in_the_key_of_secrets_is_found_too(void **state)
{
    const char *const line[] = {"check-config", "--secrets-key-file", path, NULL};

    (void)state;
    own_file_write("canary\n");
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "secrets_key_file: "));
    assert_non_null(strstr(captured.err, "has a secret of 6 bytes"));
    assert_null(strstr(captured.err, "canary"));
    own_file_write("canary-of-the-key-0123456789abcde\n");
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_effective_configuration_goes_to_stdout_and_the_verdict_to_stderr),
        cmocka_unit_test(test_a_mistake_in_the_tenants_file_is_found_too),
        cmocka_unit_test(test_a_mistake_in_the_secret_of_members_is_found_too),
        cmocka_unit_test(test_a_mistake_in_the_key_of_secrets_is_found_too),
    };

    return cmocka_run_group_tests(tests, own_file_make, own_file_remove);
}
