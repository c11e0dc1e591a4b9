#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "server/staging.h"
#include "tests/unit/server/serving.h"

struct ground {
    char directory[64], path[96], part[104];
};

static int setup(void **state)
{
    struct ground *ground = calloc(1, sizeof(*ground));

    if (ground == NULL)
        return -1;
    snprintf(ground->directory, sizeof(ground->directory), "/tmp/weir-staging-XXXXXX");
    if (mkdtemp(ground->directory) == NULL)
        return -1;
    snprintf(ground->path, sizeof(ground->path), "%s/b", ground->directory);
    snprintf(ground->part, sizeof(ground->part), "%s.part", ground->path);
    *state = ground;
    return 0;
}

static int teardown(void **state)
{
    struct ground *ground = *state;

    directory_remove(ground->directory);
    free(ground);
    return 0;
}

static bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void put_file(struct fs *fs, const char *name)
{
    struct file *file;

    assert_int_equal(fs_open(fs, name, FS_CREATE, &file, NULL), OK);
    fs_close(file);
}

static void test_it_has_its_name_once_it_is_finished(void **state)
{
    const struct ground *ground = *state;
    struct staging *staging;
    char slashed[104], file[120];

    snprintf(slashed, sizeof(slashed), "%s//", ground->path);
    assert_int_equal(staging_open(slashed, false, &staging, NULL), OK);
    assert_string_equal(staging_path(staging), ground->part);
    put_file(staging_fs(staging), "backup.json");
    assert_false(there(ground->path));
    assert_int_equal(staging_finish(staging, NULL), OK);
    staging_close(staging);
    snprintf(file, sizeof(file), "%s/backup.json", ground->path);
    assert_true(there(file));
    assert_false(there(ground->part));
}

static void test_what_is_not_finished_leaves_nothing(void **state)
{
    const struct ground *ground = *state;
    struct staging *staging;

    assert_int_equal(staging_open(ground->path, false, &staging, NULL), OK);
    assert_int_equal(fs_make_dir(staging_fs(staging), "packs", NULL), OK);
    assert_int_equal(fs_make_dir(staging_fs(staging), "packs/acme", NULL), OK);
    put_file(staging_fs(staging), "packs/acme/1.pack");
    staging_close(staging);
    assert_false(there(ground->path));
    assert_false(there(ground->part));
    staging_close(NULL);
}

static void test_a_taken_name_is_refused(void **state)
{
    const struct ground *ground = *state;
    struct staging *staging;
    struct error err = {0};
    struct fs *fs;

    assert_int_equal(mkdir(ground->path, 0700), 0);
    assert_int_equal(staging_open(ground->path, false, &staging, &err), E_EXISTS);
    assert_null(staging);
    assert_int_equal(staging_open(ground->path, true, &staging, &err), OK);
    assert_int_equal(staging_finish(staging, NULL), OK); /* takes the place of the empty one */
    staging_close(staging);
    assert_int_equal(fs_posix_open(ground->path, &fs, NULL), OK);
    put_file(fs, "a");
    fs_posix_close(fs);
    assert_int_equal(staging_open(ground->path, true, &staging, &err), E_EXISTS);
    assert_non_null(strstr(err.text, "is no empty directory"));
    assert_int_equal(staging_open("/proc", true, &staging, &err), E_EXISTS);
    assert_int_equal(staging_open("/tmp/weir-no-such-parent/b", false, &staging, &err), E_IO);
    assert_non_null(strstr(err.text, "make directory /tmp/weir-no-such-parent/b.part"));
}

/* A child that is killed while it has the directory: its lock is gone, its files are not. */
static void test_one_at_a_time_and_leftovers_are_taken_over(void **state)
{
    const struct ground *ground = *state;
    struct staging *staging, *other;
    struct error err = {0};
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (staging_open(ground->path, false, &staging, NULL) != OK ||
            fs_make_dir(staging_fs(staging), "packs", NULL) != OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(staging_open(ground->path, false, &other, &err), E_BUSY);
    assert_non_null(strstr(err.text, "another backup or restore is at work there"));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(there(ground->part));
    assert_int_equal(staging_open(ground->path, false, &staging, NULL), OK);
    assert_int_equal(fs_list(staging_fs(staging), "packs", NULL, NULL, NULL), E_NOT_FOUND);
    staging_close(staging);
    assert_false(there(ground->part));
    close(ready[0]);
    close(ready[1]);
}

static void test_what_somebody_else_put_there_stays(void **state)
{
    const struct ground *ground = *state;
    struct staging *staging;
    struct error err = {0};
    char file[120];
    struct fs *fs;

    assert_int_equal(fs_posix_open(ground->part, &fs, NULL), OK);
    put_file(fs, "letters");
    fs_posix_close(fs);
    assert_int_equal(staging_open(ground->path, false, &staging, &err), E_EXISTS);
    assert_non_null(strstr(err.text, "b.part/letters"));
    snprintf(file, sizeof(file), "%s/letters", ground->part);
    assert_true(there(file));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_has_its_name_once_it_is_finished, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_finished_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_taken_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_at_a_time_and_leftovers_are_taken_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_somebody_else_put_there_stays, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
