#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "server/commands.h"
#include "tests/unit/server/captured.h"

static struct captured captured;
static char path[64];

static int setup(void **state)
{
    int descriptor;

    (void)state;
    snprintf(path, sizeof(path), "%s", "/tmp/weir-check-XXXXXX");
    descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

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
    FILE *file = fopen(path, "w");

    (void)state;
    assert_non_null(file);
    fputs("tenants:\n  acme:\n    retension: 1d\n", file);
    fclose(file);
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "line 3: unknown key \"retension\""));
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("tenants:\n  acme:\n    retention: 1d\n", file);
    fclose(file);
    captured_run(command_check_config, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_effective_configuration_goes_to_stdout_and_the_verdict_to_stderr),
        cmocka_unit_test(test_a_mistake_in_the_tenants_file_is_found_too),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
