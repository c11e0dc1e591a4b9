#include "tests/unit/server/filled.h"

#include "discovery/registry_files.h"
#include "server/commands.h"
#include "tests/unit/server/registry_room.h"

static struct captured captured;

/* A backup of one row. */
static void backup_make(struct ground *ground)
{
    static const char *const requests[] = {POST_5("/v1/points", "m f=1")};
    const char *const line[] = {"backup", "--data", ground->data, "--to", ground->backup, NULL};

    ground_init(ground, requests, COUNT_OF(requests));
    captured_run(command_backup, line, &captured);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
}

static void test_what_was_saved_is_served_again(void **state)
{
    static const char *const question[] = {GET("/v1/query?measurement=m")};
    struct ground ground;

    (void)state;
    backup_make(&ground);
    const char *const line[] = {"restore", "--from", ground.backup, "--data", ground.fresh, NULL};
    const char *const json[] = {"restore",    "--from", ground.backup, "--data",
                                ground.fresh, "--json", "--quiet",     NULL};
    const char *const verify[] = {"verify", "--data", ground.fresh, NULL};

    captured_run(command_restore, line, &captured);
    if (captured.exit_code != COMMAND_DONE)
        fail_msg("%s", captured.err);
    assert_non_null(strstr(captured.err, "1 rows in 1 packs, 1 series, verified"));
    captured_run(command_verify, verify, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    serve(ground.fresh, question, 1);
    assert_non_null(strstr(answer, ",1.0]]}]"));
    captured_run(command_restore, json, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "is no empty directory"));
    directory_remove(ground.fresh);
    captured_run(command_restore, json, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_string_equal(captured.err, "");
    assert_non_null(strstr(captured.out, "\"rows\":1,\"series\":1,"));
    ground_release(&ground);
}

static void test_damage_leaves_nothing(void **state)
{
    struct ground ground;
    char path[120];
    FILE *file;

    (void)state;
    backup_make(&ground);
    const char *const line[] = {"restore", "--from", ground.backup, "--data", ground.fresh, NULL};

    snprintf(path, sizeof(path), "%s/index/data.mdb", ground.backup);
    file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    fputc(0x5a, file);
    fclose(file);
    captured_run(command_restore, line, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "index/data.mdb is damaged"));
    assert_int_not_equal(access(ground.fresh, F_OK), 0);
    snprintf(path, sizeof(path), "%s.part", ground.fresh);
    assert_int_not_equal(access(path, F_OK), 0);
    ground_release(&ground);
}

static void test_the_command_line_is_checked(void **state)
{
    static const char *const no_from[] = {"restore", "--data", "x", NULL};
    static const char *const both[] = {"restore", "--from", "x", "--tenant",
                                       "acme",    "--data", "x", NULL};
    static const char *const no_file[] = {
        "restore", "--tenants", "/tmp/weir-no-such-file", "--data", "/tmp/weir-no-such-data", NULL};
    static const char *const bad_hex[] = {
        "restore", "--tenants", "/tmp/weir-no-such-file", "--incarnation", "17", "--data",
        "x",       NULL};
    static const char *const help[] = {"restore", "--help", NULL};
    static const char *const nowhere[] = {
        "restore", "--from", "/tmp/weir-no-such-backup", "--data", "/tmp/weir-no-such-data", NULL};
    static const char *const other[] = {
        "restore", "--from", "/usr", "--data", "/tmp/weir-no-such-data", NULL};

    (void)state;
    captured_run(command_restore, no_from, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(captured.err, "--from BACKUP is missing"));
    captured_run(command_restore, both, &captured);
    assert_int_equal(captured.exit_code, COMMAND_USAGE);
    assert_non_null(strstr(captured.err, "--tenant and --incarnation are of shards"));
    captured_run(command_restore, no_file, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "/tmp/weir-no-such-file: no such file"));
    captured_run(command_restore, bad_hex, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "is not 32 hexadecimal digits"));
    captured_run(command_restore, help, &captured);
    assert_int_equal(captured.exit_code, COMMAND_DONE);
    assert_non_null(strstr(captured.out, "--data DIR"));
    assert_null(strstr(captured.out, "--limit-"));
    captured_run(command_restore, nowhere, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "there is no backup"));
    captured_run(command_restore, other, &captured);
    assert_int_equal(captured.exit_code, COMMAND_FAILED);
    assert_non_null(strstr(captured.err, "/usr is no backup: it has no backup.json"));
    assert_int_not_equal(access("/tmp/weir-no-such-data", F_OK), 0);
}

/* Its tenant would be left out, and nobody would know. */
static void test_a_registry_with_a_record_that_is_not_right_is_refused(void **state)
{
    const struct registry_rules rules = {.fs = NULL};
    struct registry *registry = NULL;
    char fresh[80];
    uint64_t version;

    (void)state;
    ROOM(tenant, "add", "acme");
    assert_int_equal(registry_files_open(room_place, &rules, &registry, NULL), OK);
    assert_int_equal(registry_put(registry, REGISTRY_TENANTS, BYTES("bolt"), 0,
                                  BYTES("{\"shards\":[\"none\"]}"), &version, NULL),
                     OK);
    registry_close(registry);
    snprintf(fresh, sizeof(fresh), "%s/fresh", room_root);
    ROOM(restore, "--data", fresh);
    room_said(COMMAND_FAILED, "tenants would be left out");
    room_said(COMMAND_FAILED, "their records are not right: bolt");
    assert_int_not_equal(access(fresh, F_OK), 0);
    ROOM(restore, "--data", fresh, "--tenant", "acme");
    room_said(COMMAND_FAILED, "gives tenant acme no shard");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_saved_is_served_again),
        cmocka_unit_test(test_damage_leaves_nothing),
        cmocka_unit_test(test_the_command_line_is_checked),
        cmocka_unit_test_setup_teardown(test_a_registry_with_a_record_that_is_not_right_is_refused,
                                        room_open, room_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
