#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/app.h"
#include "server/commands.h"
#include "tests/unit/server/captured.h"
#include "tests/unit/server/serving.h"

/* Without a server: LMDB wants an index opened once in a process.  Backups of a server that works
 * are in tests/backup. */

static struct captured captured;
static char answer[64 * 1024];

struct ground {
    char directory[64], data[80], backup[80], part[90];
};

static void serve(const char *data, const char *const *requests, size_t count)
{
    struct settings settings = {.data = data, .listen = "127.0.0.1:0", .drain_ms = 2000};
    struct server *server;
    struct error err = {0};

    limits_init(&settings.limits);
    assert_int_equal(server_start(&settings, &server, &err), OK);
    for (size_t i = 0; i < count; i++)
        assert_in_range(ask(server_address(server), requests[i], answer, sizeof(answer)), 200, 204);
    server_stop(server);
}

/* A row in a pack and one in the wal. */
static void ground_init(struct ground *ground)
{
    static const char *const requests[] = {
        POST_5("/v1/points", "m f=1"),
        "POST /v1/admin/flush HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        POST_5("/v1/points", "m f=2"),
    };

    snprintf(ground->directory, sizeof(ground->directory), "/tmp/weir-backup-XXXXXX");
    directory_make(ground->directory);
    snprintf(ground->data, sizeof(ground->data), "%s/data", ground->directory);
    snprintf(ground->backup, sizeof(ground->backup), "%s/backup", ground->directory);
    snprintf(ground->part, sizeof(ground->part), "%s.part", ground->backup);
    serve(ground->data, requests, COUNT_OF(requests));
}

static void ground_release(struct ground *ground)
{
    directory_remove(ground->directory);
}

static void test_what_is_in_the_wal_is_in_it(void **state)
{
    struct ground ground;

    (void)state;
    ground_init(&ground);
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
    ground_init(&ground);
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
    ground_init(&ground);
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
    assert_int_not_equal(access(ground.part, F_OK), 0);
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
