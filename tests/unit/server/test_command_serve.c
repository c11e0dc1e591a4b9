#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "server/commands.h"
#include "tests/unit/server/captured.h"
#include "tests/unit/server/serving.h"

static struct captured captured;
static char answer[64 * 1024];

/* The server in a process of its own; its address once it has written it. */
static pid_t serve(const char *data, char *port_file, size_t size, char address[64])
{
    pid_t pid;

    snprintf(port_file, size, "%s/port", data);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *line[] = {"serve",       "--data",      data,      "--listen",
                              "127.0.0.1:0", "--port-file", port_file, NULL};

        (void)!freopen("/dev/null", "w", stderr);
        _exit(command_serve((int)COUNT_OF(line) - 1, (char **)line));
    }
    address[0] = '\0';
    for (int i = 0; i < 10000 && address[0] == '\0'; i++) {
        FILE *file = fopen(port_file, "r");

        if (file == NULL || fgets(address, 64, file) == NULL || strchr(address, '\n') == NULL)
            address[0] = '\0';
        if (file != NULL)
            fclose(file);
        poll(NULL, 0, 2);
    }
    assert_int_not_equal(address[0], '\0');
    return pid;
}

static int exit_code_of(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void test_it_serves_until_sigterm_and_outlives_sighup(void **state)
{
    char data[] = "/tmp/weir-serve-XXXXXX", port_file[64], address[64];
    pid_t pid;

    (void)state;
    directory_make(data);
    pid = serve(data, port_file, sizeof(port_file), address);
    assert_int_equal(ask(address, POST_5("/v1/points", "m f=1"), answer, sizeof(answer)), 204);
    assert_int_equal(kill(pid, SIGHUP), 0);
    assert_int_equal(ask(address, GET("/healthz"), answer, sizeof(answer)), 200);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(exit_code_of(pid), COMMAND_DONE);
    directory_remove(data);
}

static void test_a_wrong_flag_is_a_usage_error(void **state)
{
    static const char *const line[] = {"serve", "--dada", "x", NULL};

    (void)state;
    captured_run(command_serve, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(captured.err, "--data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_serves_until_sigterm_and_outlives_sighup),
        cmocka_unit_test(test_a_wrong_flag_is_a_usage_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
