#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/interrupt.h"
#include "server/output.h"

static void test_a_file_appears_once_it_is_whole(void **state)
{
    char directory[] = "/tmp/weir-output-XXXXXX", path[64], part[80], text[8] = "";
    struct output *output;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/a", directory);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    assert_int_equal(output_open(path, &output, NULL), OK);
    assert_int_equal(output_write(output, BYTES("abc"), NULL), OK);
    assert_int_equal(output_bytes(output), 3);
    assert_int_equal(access(part, F_OK), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    output_close(output); /* not finished: nothing is left */
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_equal(output_open(path, &output, NULL), OK);
    assert_int_equal(output_write(output, BYTES("abc"), NULL), OK);
    assert_int_equal(output_finish(output, NULL), OK);
    output_close(output);
    assert_int_not_equal(access(part, F_OK), 0);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    assert_string_equal(text, "abc");
    fclose(file);
    (void)unlink(path);
    (void)rmdir(directory);
}

/* No file takes its place, neither whole nor in part. */
static void test_a_device_and_a_pipe_stay_what_they_are(void **state)
{
    char directory[] = "/tmp/weir-output-XXXXXX", path[64];
    char *full = realpath("/dev/full", NULL);
    struct output *output;
    struct error err = {0};
    struct stat there;
    char text[4] = "";
    int reader;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/pipe", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(output_open(path, &output, NULL), OK);
    assert_int_equal(output_write(output, BYTES("abc"), NULL), OK);
    assert_int_equal(output_finish(output, NULL), OK);
    output_close(output);
    assert_int_equal(read(reader, text, sizeof(text)), 3);
    assert_int_equal(stat(path, &there), 0);
    assert_true(S_ISFIFO(there.st_mode));
    close(reader);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/device", directory);
    assert_non_null(full);
    assert_int_equal(symlink(full, path), 0);
    assert_int_equal(output_open(path, &output, NULL), OK);
    assert_int_equal(output_write(output, BYTES("abc"), &err), E_DISK_FULL);
    output_close(output);
    assert_int_equal(lstat(path, &there), 0);
    assert_true(S_ISLNK(there.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(output_open(directory, &output, &err), E_EXISTS);
    assert_non_null(strstr(err.text, "is a directory"));
    assert_int_equal(rmdir(directory), 0);
    free(full);
}

static void test_no_place_is_told(void **state)
{
    struct output *output;
    struct error err = {0};

    (void)state;
    assert_int_equal(output_open("/tmp/weir-no-such-directory/a", &output, &err), E_IO);
    assert_non_null(strstr(err.text, "create /tmp/weir-no-such-directory/a.part"));
    assert_null(output);
    assert_int_equal(output_open("/dev/full/a", &output, &err), E_IO);
}

/* In a child, whose stdout is the pipe or the full device. */
static int write_to(int fd)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        struct output *output;
        struct error err = {0};

        dup2(fd, STDOUT_FILENO);
        interrupt_watch();
        if (output_open(NULL, &output, NULL))
            _exit(9);
        _exit(output_write(output, BYTES("abc"), &err) == E_DISK_FULL ? 3 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_a_reader_that_left_ends_it_and_a_full_disk_is_told(void **state)
{
    int ends[2], status;
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    status = write_to(ends[1]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    close(ends[1]);
    assert_non_null(full);
    status = write_to(fileno(full));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_appears_once_it_is_whole),
        cmocka_unit_test(test_a_device_and_a_pipe_stay_what_they_are),
        cmocka_unit_test(test_no_place_is_told),
        cmocka_unit_test(test_a_reader_that_left_ends_it_and_a_full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
