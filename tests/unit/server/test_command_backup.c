#include "tests/unit/server/filled.h"

#include "server/commands.h"
#include "tests/unit/server/captured.h"

/* Without a server; backups of one that works are in tests/backup. */

static struct captured captured;

/* A row in a pack and one in the wal. */
static const char *const pack_and_wal[] = {
    POST_5("/v1/points", "m f=1"),
    FLUSH,
    POST_5("/v1/points", "m f=2"),
};

static void test_what_is_in_the_wal_is_in_it(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, pack_and_wal, COUNT_OF(pack_and_wal));
    const char *const line[] = {"backup", "--data", ground.data, "--to", ground.backup, NULL};

    captured_run(command_backup, line, &captured);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
    assert_non_null(strstr(captured.err, "2 rows in 2 packs"));
    assert_string_equal(captured.out, "");
    captured_run(command_backup, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "exists: give a name that is free"));
    ground_release(&ground);
}

static void test_what_is_left_out_is_told(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground, pack_and_wal, COUNT_OF(pack_and_wal));
    const char *const line[] = {"backup",      "--data",     ground.data, "--to",
                                ground.backup, "--no-flush", "--json",    NULL};

    captured_run(command_backup, line, &captured);
    assert_int_equal(captured.exit_code, 3);
    assert_non_null(strstr(captured.err, "left out"));
    assert_non_null(strstr(captured.out, "\"rows\": 1,"));
    assert_non_null(strstr(captured.out, "\"flushed\": false"));
    assert_non_null(strstr(captured.out, "\"hot\":false"));
    assert_ptr_equal(strchr(captured.out, '\n'), captured.out + strlen(captured.out) - 1);
    ground_release(&ground);
}

static void test_the_command_line_is_checked(void **state)
{
    static const char *const help[] = {"backup", "--help", NULL};
    static const char *const no_to[] = {"backup", "--data", "x", NULL};
    static const char *const near[] = {"backup", "--too", "x", NULL};
    static const char *const nowhere[] = {
        "backup", "--data", "/tmp/weir-no-such-data", "--to", "/tmp/weir-no-such-backup", NULL};

    (void)state;
    captured_run(command_backup, help, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_ptr_equal(strstr(captured.out, "usage: weir backup "), captured.out);
    assert_non_null(strstr(captured.out, "--token-file"));
    captured_run(command_backup, no_to, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(captured.err, "--to DIRECTORY is missing"));
    captured_run(command_backup, near, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(captured.err, "--to"));
    captured_run(command_backup, nowhere, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "is no data directory"));
    assert_int_not_equal(access("/tmp/weir-no-such-data", F_OK), 0);
}

/* Damage found on the way. */
static void test_a_failure_leaves_nothing(void **state)
{
    struct ground ground;
    char path[120];
    FILE *file;

    (void)state;
    ground_init(&ground, pack_and_wal, COUNT_OF(pack_and_wal));
    const char *const line[] = {"backup", "--data", ground.data, "--to", ground.backup, NULL};

    snprintf(path, sizeof(path), "%s/index/data.mdb", ground.data);
    file = fopen(path, "r+");
    assert_non_null(file);
    for (int i = 0; i < 8192; i++)
        fputc(0xff, file);
    fclose(file);
    captured_run(command_backup, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "index"));
    assert_int_not_equal(access(ground.backup, F_OK), 0);
    snprintf(path, sizeof(path), "%s.part", ground.backup);
    assert_int_not_equal(access(path, F_OK), 0);
    ground_release(&ground);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_in_the_wal_is_in_it),
        cmocka_unit_test(test_what_is_left_out_is_told),
        cmocka_unit_test(test_the_command_line_is_checked),
        cmocka_unit_test(test_a_failure_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
